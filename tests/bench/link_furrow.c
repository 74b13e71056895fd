/* Large items down or large results up, between rank 0 and one other node: down|up SIZE COUNT REPS FILE.
 *
 * Rank 0's worker is held in one task, asleep, until the other ranks have run COUNT tasks; so all of those cross the
 * link, and nothing else does. It learns of them by a word in FILE, which all ranks map: these hosts are one machine,
 * and a message would cross the link that is measured. */
#include <fcntl.h>
#include <furrow.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { REPS_MAX = 32, PATIENCE_S = 60 };

typedef struct job {
  _Atomic uint64_t *done; /* tasks that other ranks have run */
  bool down;
  size_t size;
  uint64_t count;
} job;

static _Atomic uint64_t *map_word(const char *path) {
  int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(uint64_t)) != 0) bench_fail("can't make the file");
  void *word = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (word == MAP_FAILED) bench_fail("can't map the file");
  close(file);
  return word;
}

static int hold(furrow_task *task, const job *j) {
  const struct timespec wait = {0, 200000};
  double start = bench_now();
  while (atomic_load(j->done) < j->count) {
    nanosleep(&wait, NULL);
    if (bench_now() - start > PATIENCE_S)
      return furrow_fail(task, "the others ran only %llu tasks in %d s", (unsigned long long)atomic_load(j->done),
                         PATIENCE_S);
  }
  return 0;
}

/* A result says which task it is, at both ends of its bytes. The zeros between are the library's: a task that wrote
 * them itself would only take time that is not the link's. */
static int carry(furrow_task *task, const void *item, void *result) {
  const job *j = task->user;
  uint64_t stamp = task->index + 1;
  if (j->down) memcpy(&stamp, item, sizeof stamp);
  memcpy(result, &stamp, sizeof stamp);
  if (!j->down) memcpy((char *)result + j->size - sizeof stamp, &stamp, sizeof stamp);
  if (task->rank == 0) return hold(task, j);
  atomic_fetch_add(j->done, 1);
  return 0;
}

static void stamp_items(char *items, const job *j) {
  for (uint64_t i = 0; i < j->count + 1; i++) memcpy(items + i * j->size, &(uint64_t){i + 1}, sizeof(uint64_t));
}

static void check_results(const char *results, const job *j) {
  size_t size = j->down ? sizeof(uint64_t) : j->size;
  for (uint64_t i = 0; i < j->count + 1; i++) {
    const char *front = results + i * size, *back = front + size - sizeof(uint64_t);
    uint64_t stamps[2];
    memcpy(&stamps[0], front, sizeof(uint64_t));
    memcpy(&stamps[1], back, sizeof(uint64_t));
    if (stamps[0] != i + 1 || stamps[1] != i + 1) bench_fail("a result is wrong");
  }
}

/* The word is 0 before anyone can enter the operation: only rank 0 sets it, and its arrival begins it. */
static furrow_status pass(furrow_pool *pool, job *j, const char *items, char *results, double *seconds) {
  if (furrow_is_root(pool)) atomic_store(j->done, 0);
  double start = bench_now();
  furrow_status status = furrow_map(pool, carry, j, items, j->down ? j->size : 0, j->count + 1, results,
                                    j->down ? sizeof(uint64_t) : j->size, NULL);
  *seconds = bench_now() - start;
  if (status == FURROW_OK && results) check_results(results, j);
  return status;
}

static furrow_status measure(furrow_pool *pool, job *j, uint64_t reps) {
  char *items = NULL, *results = NULL;
  double seconds[REPS_MAX];
  if (furrow_is_root(pool)) {
    items = j->down ? bench_alloc((j->count + 1) * j->size) : NULL;
    results = bench_alloc((j->count + 1) * (j->down ? sizeof(uint64_t) : j->size));
    if (items) stamp_items(items, j);
  }
  job warm = *j;
  warm.count = j->count < 10 ? j->count : 10;
  furrow_status status = pass(pool, &warm, items, results, &seconds[0]);
  for (uint64_t i = 0; i < reps && status == FURROW_OK; i++) status = pass(pool, j, items, results, &seconds[i]);
  if (status == FURROW_OK && results) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, reps);
    bench_line_hex("check", j->count);
    bench_line_end();
  }
  free(items);
  free(results);
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  job j = {.down = strcmp(bench_word(argc, argv, 1), "down") == 0};
  uint64_t reps = bench_number(argc, argv, 4);
  j.size = bench_number(argc, argv, 2);
  j.count = bench_number(argc, argv, 3);
  j.done = map_word(bench_word(argc, argv, 5));
  if (j.size < sizeof(uint64_t) || j.count < 1 || reps < 1 || reps > REPS_MAX)
    bench_fail("less than 8 bytes, no tasks, or not 1 to 32 repetitions");
  if (furrow_pool_size(pool) < 2) bench_fail("who should run the tasks while rank 0 is held?");

  if (status == FURROW_OK) status = measure(pool, &j, reps);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  munmap(j.done, sizeof(uint64_t));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
