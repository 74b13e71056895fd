/* Results of a stream in a record of a journal: each with its item's hash, by which the next run sees that its source gives
   the same items. Knows the payload of an ITEMS record; does not know who reads it.

   A payload is one result behind the other, in ascending order of their items, so that an item stands in it once:

     u64 index of the item, u64 XXH3-64 of its bytes, u64 size of the result; the result; any bytes up to a multiple of 8

   `first` of the record is the index of the first one, `count` how many there are. */
#ifndef FURROW_PLAN_JOURNAL_ITEMS_H
#define FURROW_PLAN_JOURNAL_ITEMS_H

#include "plan/journal.h"

enum { FURROW__ITEM_HEAD = 24 };

/* What stands before a result. */
typedef struct furrow__item_head {
  uint64_t index, hash, size;
} furrow__item_head;

/* A result with what stands before it, and behind it. At most UINT64_MAX - 31 bytes of it. */
static inline uint64_t furrow__item_size(uint64_t size) {
  return FURROW__ITEM_HEAD + ((size + 7) & ~UINT64_C(7));
}

/* Goes from result to result. */
typedef struct furrow__item_walk {
  uint64_t at, length;    /* in the payload: where the next one begins; the end */
  uint64_t seen;          /* results */
  furrow__item_head item; /* the last one */
} furrow__item_walk;

furrow__item_walk furrow__item_walk_start(const furrow__record *record);

static inline bool furrow__item_walk_has_next(const furrow__item_walk *walk) {
  return walk->at < walk->length;
}

/* Before there is a next one: NULL if its head is inside of the payload, or what is wrong. */
const char *furrow__item_walk_room(const furrow__item_walk *walk);

/* Go to the next result, whose head that is; its bytes are behind. Returns NULL, or what is wrong with it. */
const char *furrow__item_walk_next(furrow__item_walk *walk, const furrow__record *record, const unsigned char *head);

/* Look at all of a record that checks; `*last` is its highest index. Returns NULL, or what is wrong with it, or
   FURROW__NOT_READ. */
const char *furrow__items_check(const furrow__journal_source *source, const furrow__record *record,
                                const furrow__journal_key *key, uint64_t *last);

extern const char FURROW__NOT_READ[];

#endif
