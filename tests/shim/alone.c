/* Unit tests: one process, no MPI. */
#include "shim/test.h"

void shim_world_begin(int *argc, char **argv) {
  (void)argc, (void)argv;
}

int shim_world_end(int status) {
  return status == 0 && shim_leaks() ? 1 : status;
}

int shim_world_rank(void) {
  return 0;
}

const char *shim_world_who(void) {
  return "";
}

void shim_world_agree(void *data, size_t size) {
  (void)data, (void)size;
}

void shim_world_check(void) {}

void shim_world_error(void *pool, char *text, size_t size) {
  (void)pool, (void)size;
  text[0] = '\0';
}

void shim_world_gather(shim_see *see, void *user, bool *failed, bool *skipped) {
  shim_record record = shim_record_get();
  see(user, "", record.notes, record.size);
  *failed = record.failed;
  *skipped = record.skipped;
}

furrow_pool *test_pool(void) {
  return NULL;
}
