/* Looking: since items are asked for in ascending order, and stand so in each record, a record is read when its first item is
   asked for, gives one result after the other, and is let go behind its last. So in memory are only those that have begun and
   not ended. As many records overlap at an item as there were results under way beside it, in all runs.

   Hashes: one is noted before its item goes to a worker, and read when that one's result has come, which the worker's
   own releases and acquires put in order, across processes; so the words themselves need no order. */
#include "run/replay.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store.h"
#include "plan/packed.h"

enum { KEEP_BUFFER = 1 << 20 }; /* bytes; a larger one is given back */

/* A record of which the first results have been given. */
typedef struct opened {
  const furrow__journal_entry *entry;
  furrow__record record;
  unsigned char *payload;
  furrow__item_walk walk; /* its item is the one to be given next */
  uint64_t begins;        /* where that one's head stands */
} opened;

struct furrow__replay {
  furrow__journal *journal;
  const furrow__journal_entry *entries; /* by their first items */
  uint64_t entry_count, next;           /* the first one that has not been opened */
  opened *open;
  uint64_t open_count, open_room;
  unsigned char *spent; /* the payload in which the last result lies, if its record has ended */
  _Atomic uint64_t hashes[FURROW__NUMBERS];
  /* Of who keeps: */
  unsigned char *buffer;
  size_t room, used;
  uint64_t first, last, count; /* of what is in it */
};

furrow__replay *furrow__replay_start(furrow__journal *journal) {
  furrow__replay *replay = calloc(1, sizeof *replay);
  if (!replay) return NULL;
  replay->journal = journal;
  replay->entry_count = furrow__journal_items(journal, &replay->entries);
  return replay;
}

void furrow__replay_free(furrow__replay *replay) {
  if (!replay) return;
  for (uint64_t i = 0; i < replay->open_count; i++) free(replay->open[i].payload);
  free(replay->open);
  free(replay->spent);
  free(replay->buffer);
  free(replay);
}

/* ---- what earlier runs have ---- */

/* To the next result; the record has one, and has been found right before. */
static furrow_status step(const furrow__replay *replay, opened *one, char *message) {
  const char *wrong = furrow__item_walk_room(&one->walk);
  one->begins = one->walk.at;
  if (!wrong) wrong = furrow__item_walk_next(&one->walk, &one->record, one->payload + one->begins);
  return wrong ? furrow__journal_distrust(replay->journal, one->entry, wrong, message) : FURROW_OK;
}

static furrow_status open_next(furrow__replay *replay, char *message) {
  if (replay->open_count == replay->open_room) {
    uint64_t room = replay->open_room ? 2 * replay->open_room : 8;
    opened *more = realloc(replay->open, room * sizeof *more);
    if (!more) {
      snprintf(message, FURROW_MESSAGE_SIZE, "no memory for the journal's results");
      return FURROW_E_NOMEM;
    }
    replay->open = more;
    replay->open_room = room;
  }
  opened one = {.entry = &replay->entries[replay->next]};
  furrow_status status = furrow__journal_load_items(replay->journal, one.entry, &one.record, &one.payload, message);
  if (status != FURROW_OK) return status;
  one.walk = furrow__item_walk_start(&one.record);
  replay->next++;
  replay->open[replay->open_count++] = one;
  return step(replay, &replay->open[replay->open_count - 1], message);
}

static furrow_status open_those_of(furrow__replay *replay, uint64_t index, char *message) {
  furrow_status status = FURROW_OK;
  while (status == FURROW_OK && replay->next < replay->entry_count && replay->entries[replay->next].first <= index)
    status = open_next(replay, message);
  return status;
}

/* The result is in memory until the next call, and so is its record. */
static furrow_status go_on(furrow__replay *replay, uint64_t i, char *message) {
  opened *one = &replay->open[i];
  if (furrow__item_walk_has_next(&one->walk)) return step(replay, one, message);
  replay->spent = one->payload;
  *one = replay->open[--replay->open_count];
  return FURROW_OK;
}

furrow_status furrow__replay_look(furrow__replay *replay, uint64_t index, const void *item, size_t size,
                                  const char **result, size_t *result_size, char *message) {
  *result = NULL;
  free(replay->spent);
  replay->spent = NULL;
  furrow_status status = open_those_of(replay, index, message);
  for (uint64_t i = replay->open_count; i-- > 0 && status == FURROW_OK;) {
    const opened *one = &replay->open[i];
    const furrow__item_head head = one->walk.item;
    if (head.index > index) continue;
    if (head.index < index || *result)
      return furrow__journal_distrust(replay->journal, one->entry, "an item in it stands in another record, too",
                                      message);
    if (head.hash != furrow__hash64(item, size)) {
      snprintf(message, FURROW_MESSAGE_SIZE, "it is not the one whose result is in the journal %s",
               furrow__journal_name(replay->journal));
      return FURROW_E_ARG;
    }
    *result = (const char *)one->payload + one->begins + FURROW__ITEM_HEAD;
    *result_size = (size_t)head.size;
    status = go_on(replay, i, message);
  }
  return status;
}

/* ---- what this run has ---- */

void furrow__replay_note(furrow__replay *replay, uint32_t number, const void *item, size_t size) {
  atomic_store_explicit(&replay->hashes[number], furrow__hash64(item, size), memory_order_relaxed);
}

static void append(furrow__replay *replay) {
  if (replay->count == 0) return;
  furrow_status status =
      furrow__journal_append_items(replay->journal, replay->first, replay->count, replay->buffer, replay->used);
  (void)status; /* the journal remembers it */
  replay->used = 0;
  replay->count = 0;
}

static bool have_buffer(furrow__replay *replay, size_t size) {
  if (size <= replay->room) return true;
  free(replay->buffer);
  replay->buffer = malloc(size);
  replay->room = replay->buffer ? size : 0;
  return replay->buffer != NULL;
}

static void put(furrow__replay *replay, const furrow__packed *one, const char *bytes) {
  uint64_t hash = atomic_load_explicit(&replay->hashes[one->number], memory_order_relaxed);
  const furrow__item_head head = {one->index, hash, one->size};
  unsigned char *to = replay->buffer + replay->used;
  size_t size = (size_t)furrow__item_size(one->size);
  memset(to + size - 8, 0, 8); /* its last bytes may be no result's; a head is longer */
  memcpy(to, &head, sizeof head);
  memcpy(to + sizeof head, bytes, one->size);
  if (replay->count == 0) replay->first = one->index;
  replay->last = one->index;
  replay->used += size;
  replay->count++;
}

/* Mostly in ascending order already; where it is not, another record begins. */
bool furrow__replay_keep(furrow__replay *replay, const char *packed, size_t length) {
  _Static_assert(FURROW__PACKED_HEAD >= (int)FURROW__ITEM_HEAD, "a result takes no more room than it does packed");
  if (!have_buffer(replay, length)) return false;
  for (size_t at = 0; at < length;) {
    furrow__packed one;
    memcpy(&one, packed + at, sizeof one); /* what comes from other nodes is not aligned */
    if (replay->count > 0 && one.index <= replay->last) append(replay);
    put(replay, &one, packed + at + FURROW__PACKED_HEAD);
    at += furrow__packed_size(one.size);
  }
  append(replay);
  if (replay->room > KEEP_BUFFER) {
    free(replay->buffer);
    replay->buffer = NULL;
    replay->room = 0;
  }
  return true;
}
