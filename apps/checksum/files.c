/* What the command line names, file by file: the source, on rank 0. Trees are walked as files are asked for, so what is
 * held is the names of one folder on each level. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"

bool record_set(record_buffer *buffer, const char *name, size_t *size) {
  size_t length = strlen(name) + 1;
  *size = sizeof(record) + length;
  if (*size > buffer->room) {
    record *grown = realloc(buffer->record, 2 * *size);
    if (!grown) return false;
    buffer->record = grown;
    buffer->room = 2 * *size;
  }
  memset(buffer->record, 0, sizeof(record));
  memcpy(buffer->record->name, name, length);
  return true;
}

void job_clear(work *job) {
  walk_clear(&job->walk);
  hasher_destroy(&job->own);
  if (job->list && job->list != stdin) fclose(job->list);
  free(job->item.record);
  free(job->line);
}

furrow_stream_answer hash_standard_input(furrow_stream_state *state, size_t size, const void **item,
                                         size_t *item_size) {
  work *job = state->data;
  record *file = job->item.record;
  if (!job->own) job->own = hasher_create(job->wanted);
  if (!job->own) return furrow_stream_fail(state, "%s", strerror(ENOMEM));
  file->error = hash_descriptor(job->own, STDIN_FILENO, file->digest);
  file->hashed = file->error == 0;
  *item = file;
  *item_size = size;
  return FURROW_STREAM_NEXT;
}

static furrow_stream_answer give(furrow_stream_state *state, const char *name, const void **item, size_t *size) {
  work *job = state->data;
  if (!record_set(&job->item, name, size)) return furrow_stream_fail(state, "%s", strerror(ENOMEM));
  *item = job->item.record;
  return FURROW_STREAM_NEXT;
}

/* "folder/" is told as "folder", as others tell it. */
static void complain_of_folder(work *job, int error) {
  size_t length = job->walk.path ? strlen(job->walk.path) : 0;
  if (length > 1 && job->walk.path[length - 1] == '/') job->walk.path[length - 1] = '\0';
  complain(job, job->walk.path ? job->walk.path : "?", strerror(error));
}

static bool is_folder(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

furrow_stream_answer next_file(furrow_stream_state *state, const void **item, size_t *size) {
  work *job = state->data;
  for (;;) {
    while (job->walk.depth > 0) {
      const char *path = walk_next(&job->walk);
      if (path) return give(state, path, item, size);
      if (errno == ENOMEM) return furrow_stream_fail(state, "%s", strerror(ENOMEM));
      if (errno != 0) complain_of_folder(job, errno);
    }
    if (job->next == job->count) return FURROW_STREAM_END;
    const char *word = job->words[job->next++];
    if (job->wanted->recursive && is_folder(word)) {
      if (!walk_begin(&job->walk, word)) complain_of_folder(job, errno);
      continue;
    }
    furrow_stream_answer answer = give(state, word, item, size);
    if (answer != FURROW_STREAM_NEXT || strcmp(word, "-") != 0) return answer;
    return hash_standard_input(state, *size, item, size);
  }
}
