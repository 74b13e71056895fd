/* A command's output as lines that are sent as they come. Knows parts of outcomes; does not know pipes or processes.
 *
 * The part's head, the tag and the lines stand one after the other, so that what is sent is one part: 64 KiB at most. */
#include "pieces.h"

#include <stdlib.h>
#include <string.h>

enum { PART_SIZE = 1 << 16, TAG_MOST = 1 << 15 };

struct pieces {
  size_t head; /* bytes before the lines */
  size_t used; /* bytes of lines */
  bool error;
  _Alignas(outcome_part) char part[PART_SIZE];
};

pieces *pieces_make(bool error) {
  pieces *made = malloc(sizeof *made);
  if (!made) return NULL;
  made->error = error;
  pieces_begin(made, 0, NULL);
  return made;
}

void pieces_free(pieces *of) {
  free(of);
}

void pieces_begin(pieces *of, uint64_t sequence, const char *tag) {
  outcome_part *part = (outcome_part *)of->part;
  size_t length = tag ? strlen(tag) : 0;
  if (length > TAG_MOST) length = TAG_MOST;
  *part = (outcome_part){.sequence = sequence, .error = of->error, .tag = tag ? (uint32_t)length + 1 : 0};
  if (tag) {
    memcpy(part->texts, tag, length);
    part->texts[length] = '\0';
  }
  of->head = offsetof(outcome_part, texts) + part->tag;
  of->used = 0;
}

char *pieces_room(pieces *of, size_t *room) {
  *room = PART_SIZE - of->head - of->used;
  return of->part + of->head + of->used;
}

/* The first `size` bytes of the lines; the others move to the front. */
static bool send_first(pieces *of, furrow_task *task, size_t size) {
  if (size == 0) return true;
  char *lines = of->part + of->head;
  if (furrow_task_send(task, of->part, of->head + size) != 0) return false;
  memmove(lines, lines + size, of->used - size);
  of->used -= size;
  return true;
}

bool pieces_add(pieces *of, furrow_task *task, size_t size) {
  char *lines = of->part + of->head;
  const char *last = memrchr(lines + of->used, '\n', size); /* there is none before */
  of->used += size;
  size_t whole = last ? (size_t)(last + 1 - lines) : 0;
  if (whole == 0 && of->head + of->used == PART_SIZE) whole = of->used;
  return send_first(of, task, whole);
}

bool pieces_end(pieces *of, furrow_task *task) {
  return send_first(of, task, of->used);
}
