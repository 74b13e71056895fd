/* A queue of the commands that have been handed out and not yet printed, oldest first, each with the records that wait. Memory is
 * bounded: large records, and those beyond a budget, stand in one file. Knows no outcome and prints nothing. */
#include "order.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "spill.h"

#define MEMORY_MOST ((size_t)16 << 20)
#define RECORD_MOST ((size_t)256 << 10)
#define SPILL_MOST  ((off_t)4 << 30)

typedef struct record {
  struct record *next;
  size_t size;
  off_t at; /* in the file; -1: it is here */
  alignas(16) char bytes[];
} record;

typedef struct entry {
  uint64_t sequence;
  bool finished;
  record *first, *last;
} entry;

struct order {
  entry *entries; /* a ring: room is a power of two */
  size_t room, head, count;
  size_t memory; /* bytes of records in memory */
  spill file;
  record *shown; /* what order_next() has given last */
  void *bytes;   /* of it, if it was in the file */
};

order *order_open(void) {
  order *in = calloc(1, sizeof *in);
  if (!in) return NULL;
  in->room = 1024;
  in->entries = malloc(in->room * sizeof *in->entries);
  if (in->entries) return in;
  free(in);
  return NULL;
}

static entry *entry_at(const order *in, size_t i) {
  return &in->entries[(in->head + i) & (in->room - 1)];
}

/* ---- the queue --------------------------------------------------------------------------------------------------------- */

static bool grow(order *in) {
  entry *entries = malloc(2 * in->room * sizeof *entries);
  if (!entries) return false;
  for (size_t i = 0; i < in->count; i++) entries[i] = *entry_at(in, i);
  free(in->entries);
  in->entries = entries;
  in->room *= 2;
  in->head = 0;
  return true;
}

bool order_expect(order *in, uint64_t sequence) {
  if (in->count == in->room && !grow(in)) return false;
  in->count++;
  *entry_at(in, in->count - 1) = (entry){.sequence = sequence};
  return true;
}

bool order_is_full(const order *in) {
  return in->count >= ORDER_MOST || in->file.live >= SPILL_MOST;
}

bool order_is_next(const order *in, uint64_t sequence) {
  return in->count > 0 && entry_at(in, 0)->sequence == sequence;
}

/* Sequences grow along the queue. */
static entry *find(const order *in, uint64_t sequence) {
  size_t low = 0, high = in->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (entry_at(in, middle)->sequence < sequence)
      low = middle + 1;
    else
      high = middle;
  }
  return low < in->count && entry_at(in, low)->sequence == sequence ? entry_at(in, low) : NULL;
}

void order_finish(order *in, uint64_t sequence) {
  entry *found = find(in, sequence);
  if (found) found->finished = true;
}

/* ---- records ----------------------------------------------------------------------------------------------------------- */

static record *keep(order *in, const void *bytes, size_t size) {
  bool here = size <= RECORD_MOST && in->memory + size <= MEMORY_MOST;
  record *made = malloc(sizeof *made + (here ? size : 0));
  if (!made) return NULL;
  *made = (record){.size = size, .at = -1};
  if (here) {
    memcpy(made->bytes, bytes, size);
    in->memory += size;
  } else if (!spill_put(&in->file, bytes, size, &made->at)) {
    free(made);
    return NULL;
  }
  return made;
}

bool order_hold(order *in, uint64_t sequence, const void *bytes, size_t size) {
  entry *of = find(in, sequence);
  errno = EINVAL;
  if (!of || size == 0) return false;
  record *made = keep(in, bytes, size);
  if (!made) return false;
  if (of->last)
    of->last->next = made;
  else
    of->first = made;
  of->last = made;
  return true;
}

static void drop(order *in, record *old, void *mapped) {
  if (!old) return;
  if (old->at < 0) in->memory -= old->size;
  if (mapped) spill_drop(&in->file, mapped, old->at, old->size);
  free(old);
}

/* ---- their turn -------------------------------------------------------------------------------------------------------- */

/* The first record of the first command that has one, if all before have finished. */
static record *take(order *in, bool last) {
  for (; in->count > 0; in->head = (in->head + 1) & (in->room - 1), in->count--) {
    entry *of = entry_at(in, 0);
    record *first = of->first;
    if (first) {
      of->first = first->next;
      if (!of->first) of->last = NULL;
      return first;
    }
    if (!of->finished && !last) return NULL;
  }
  return NULL;
}

order_answer order_next(order *in, bool last, const void **bytes, size_t *size) {
  drop(in, in->shown, in->bytes);
  in->bytes = NULL;
  in->shown = take(in, last);
  if (!in->shown) return ORDER_NONE;
  if (in->shown->at >= 0) {
    in->bytes = spill_look(&in->file, in->shown->at, in->shown->size);
    if (!in->bytes) return ORDER_FAILED;
  }
  *bytes = in->bytes ? in->bytes : in->shown->bytes;
  *size = in->shown->size;
  return ORDER_RECORD;
}

void order_close(order *in) {
  if (!in) return;
  drop(in, in->shown, in->bytes);
  for (size_t i = 0; i < in->count; i++)
    for (record *old = entry_at(in, i)->first, *next; old; old = next) {
      next = old->next;
      free(old);
    }
  free(in->entries);
  spill_close(&in->file);
  free(in);
}
