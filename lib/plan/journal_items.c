/* Every length is compared with what is left before it is used. */
#include "plan/journal_items.h"

#include <string.h>

const char FURROW__NOT_READ[] = "it can't be read";

furrow__item_walk furrow__item_walk_start(const furrow__record *record) {
  return (furrow__item_walk){.length = record->length};
}

static const char *check_index(const furrow__item_walk *walk, const furrow__record *record, uint64_t index) {
  if (walk->seen == record->count) return "it has more results than it says";
  if (walk->seen == 0 && index != record->first) return "it begins with another item than it says";
  if (walk->seen > 0 && index <= walk->item.index) return "its items are out of order, or one stands in it twice";
  return NULL;
}

const char *furrow__item_walk_next(furrow__item_walk *walk, const furrow__record *record, const unsigned char *head) {
  furrow__item_head item;
  memcpy(&item, head, sizeof item);
  _Static_assert(sizeof item == FURROW__ITEM_HEAD, "a head has no gaps");
  uint64_t left = walk->length - walk->at - FURROW__ITEM_HEAD;
  const char *wrong = check_index(walk, record, item.index);
  if (wrong) return wrong;
  if (item.size > left || (-item.size & 7) > left - item.size) return "a result in it is longer than it is";
  walk->item = item;
  walk->at += furrow__item_size(item.size);
  walk->seen++;
  return walk->at == walk->length && walk->seen != record->count ? "it has fewer results than it says" : NULL;
}

const char *furrow__item_walk_room(const furrow__item_walk *walk) {
  return walk->length - walk->at < FURROW__ITEM_HEAD ? "it ends within a result's head" : NULL;
}

const char *furrow__items_check(const furrow__journal_source *source, const furrow__record *record,
                                const furrow__journal_key *key, uint64_t *last) {
  if (key->kind != FURROW__JOURNAL_STREAM) return "it does not belong to an operation of this kind";
  if (record->count == 0 || record->length == 0) return "it has no results";
  furrow__item_walk walk = furrow__item_walk_start(record);
  while (furrow__item_walk_has_next(&walk)) {
    const char *wrong = furrow__item_walk_room(&walk);
    if (wrong) return wrong;
    uint64_t at = record->offset + FURROW__RECORD_HEAD + walk.at;
    const unsigned char *head = source->view(source->context, at, FURROW__ITEM_HEAD);
    if (!head) return FURROW__NOT_READ;
    wrong = furrow__item_walk_next(&walk, record, head);
    if (wrong) return wrong;
  }
  *last = walk.item.index;
  return NULL;
}
