#include "run/failures.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

struct furrow__text_chunk {
  furrow__text_chunk *next;
  size_t used;
  char text[CHUNK];
};

/* A copy that lives as long as the list; NULL: no memory. */
static const char *keep_text(furrow__failures *failures, const char *text, const char *last) {
  if (last && strcmp(text, last) == 0) return last;
  size_t size = strlen(text) + 1;
  furrow__text_chunk *chunk = failures->texts;
  if (!chunk || CHUNK - chunk->used < size) {
    chunk = malloc(sizeof *chunk);
    if (!chunk) return NULL;
    chunk->next = failures->texts;
    chunk->used = 0;
    failures->texts = chunk;
  }
  char *kept = memcpy(chunk->text + chunk->used, text, size);
  chunk->used += size;
  return kept;
}

static bool have_room(furrow__failures *failures) {
  if (failures->count < failures->capacity) return true;
  uint64_t more = failures->capacity ? 2 * failures->capacity : 64;
  furrow_failure *list = realloc(failures->list, more * sizeof *list);
  if (!list) return false;
  failures->list = list;
  failures->capacity = more;
  return true;
}

furrow_failure furrow__failure_of(const furrow__failed *failed) {
  return (furrow_failure){.task = failed->task,
                          .attempt = failed->attempt,
                          .rank = failed->rank,
                          .host = failed->host,
                          .kind = (furrow_failure_kind)failed->kind,
                          .code = failed->code,
                          .message = failed->message};
}

bool furrow__failures_add(furrow__failures *failures, const furrow__failed *failed) {
  failures->total++;
  if (failures->count == FURROW_FAILURES_KEPT) return true;
  if (!have_room(failures)) return false;
  failures->host = keep_text(failures, failed->host, failures->host);
  failures->message = keep_text(failures, failed->message, failures->message);
  if (!failures->host || !failures->message) return false;
  furrow_failure *added = &failures->list[failures->count++];
  *added = furrow__failure_of(failed);
  added->host = failures->host;
  added->message = failures->message;
  return true;
}

static int compare(const void *a, const void *b) {
  uint64_t left = ((const furrow_failure *)a)->task, right = ((const furrow_failure *)b)->task;
  return (left > right) - (left < right);
}

void furrow__failures_sort(furrow__failures *failures) {
  if (failures->count > 1) qsort(failures->list, failures->count, sizeof *failures->list, compare);
}

void furrow__failures_clear(furrow__failures *failures) {
  while (failures->texts) {
    furrow__text_chunk *next = failures->texts->next;
    free(failures->texts);
    failures->texts = next;
  }
  free(failures->list);
  *failures = (furrow__failures){0};
}
