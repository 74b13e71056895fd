/* What records mean for their operation, and whether another run may go on from it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/journal.h"

/* ---- spans ---- */

uint64_t furrow__journal_leaves(const furrow__journal_key *key) {
  if (key->leaf == 0) return 0;
  return key->count / key->leaf + (key->count % key->leaf != 0);
}

/* A level of 64 or more has one node, of all leaves. */
bool furrow__journal_node_span(uint64_t leaves, uint64_t index, uint64_t level, furrow__span *span) {
  if (level > 64) return false;
  uint64_t last = leaves == 0 || level == 64 ? 0 : (leaves - 1) >> level;
  if (leaves == 0 || index > last) return false;
  span->begin = level == 64 ? 0 : index << level;
  span->end = index == last ? leaves : (index + 1) << level;
  return true;
}

/* What a stream has is not told by spans. */
static bool belongs(const furrow__record *record, const furrow__journal_key *key) {
  if (key->leaf) return record->kind == FURROW__RECORD_NODE;
  return key->kind == FURROW__JOURNAL_MAP && record->kind == FURROW__RECORD_RESULTS;
}

const char *furrow__record_span(const furrow__record *record, const furrow__journal_key *key, furrow__span *span) {
  if (!belongs(record, key)) return "it does not belong to an operation of this kind";
  if (record->kind == FURROW__RECORD_NODE) {
    if (!furrow__journal_node_span(furrow__journal_leaves(key), record->first, record->count, span))
      return "it is of leaves that do not exist";
    return record->length == key->result_size ? NULL : "it is no accumulator: its length is wrong";
  }
  if (record->first > key->count || record->count > key->count - record->first || record->count == 0)
    return "it is of tasks that do not exist";
  *span = (furrow__span){record->first, record->first + record->count};
  uint64_t length;
  if (__builtin_mul_overflow(record->count, key->result_size, &length) || length != record->length)
    return "its results have another length";
  return NULL;
}

furrow__span furrow__journal_tasks(const furrow__journal_key *key, furrow__span leaves) {
  bool last = leaves.end == furrow__journal_leaves(key);
  return (furrow__span){leaves.begin * key->leaf, last ? key->count : leaves.end * key->leaf};
}

static int by_begin(const void *a, const void *b) {
  const furrow__span *left = a, *right = b;
  return (left->begin > right->begin) - (left->begin < right->begin);
}

uint64_t furrow__spans_join(furrow__span *spans, uint64_t count) {
  if (count == 0) return 0;
  qsort(spans, count, sizeof *spans, by_begin);
  uint64_t last = 0;
  for (uint64_t i = 1; i < count; i++) {
    if (spans[i].begin > spans[last].end)
      spans[++last] = spans[i];
    else if (spans[i].end > spans[last].end)
      spans[last].end = spans[i].end;
  }
  return last + 1;
}

/* ---- keys ---- */

const char *furrow__journal_op_name(uint64_t kind) {
  switch (kind) {
    case FURROW__JOURNAL_MAP:
      return "furrow_map";
    case FURROW__JOURNAL_MAP_REDUCE:
      return "furrow_map_reduce";
    case FURROW__JOURNAL_REDUCE:
      return "furrow_reduce";
    case FURROW__JOURNAL_STREAM:
      return "furrow_stream";
    default:
      return "unknown operation";
  }
}

static bool label_differs(const furrow__journal_key *there, const furrow__journal_key *here) {
  return there->label_length != here->label_length ||
         (here->label_length > 0 && memcmp(there->label, here->label, here->label_length) != 0);
}

/* A label for a message: cut, quoted. */
typedef struct quoted {
  char text[64];
} quoted;

enum { QUOTED = 36, ALIKE = 8 }; /* bytes of a label that are quoted; of these in front of the first that differs */

/* From where two labels are quoted: so that what differs is seen. Not from the midst of a character. */
static uint64_t quote_from(const furrow__journal_key *there, const furrow__journal_key *here) {
  uint64_t same = 0;
  while (same < there->label_length && same < here->label_length && there->label[same] == here->label[same]) same++;
  if (same < QUOTED - ALIKE) return 0;
  uint64_t from = same - ALIKE;
  while (from > 0 && ((unsigned char)here->label[from] & 0xc0) == 0x80) from--;
  return from;
}

static quoted quote(const furrow__journal_key *key, uint64_t from) {
  quoted label;
  uint64_t left = key->label_length - from;
  if (key->label_length == 0)
    snprintf(label.text, sizeof label.text, "no label");
  else
    snprintf(label.text, sizeof label.text, "the label '%s%.*s%s'", from ? "..." : "",
             left < QUOTED ? (int)left : QUOTED, key->label + from, left > QUOTED ? "..." : "");
  return label;
}

bool furrow__journal_key_differs(const furrow__journal_key *there, const furrow__journal_key *here, char *text,
                                 size_t size) {
  const char *name = furrow__journal_op_name(here->kind);
  const char *result = here->kind == FURROW__JOURNAL_MAP ? "results" : "accumulators";
  int begun = snprintf(text, size, "operation %" PRIu64, here->number);
  text += begun;
  size -= (size_t)begun;
#define DIFFER(field, format, ...)                                        \
  if (there->field != here->field) {                                      \
    snprintf(text, size, format, __VA_ARGS__, there->field, here->field); \
    return true;                                                          \
  }
  if (there->kind != here->kind) {
    snprintf(text, size, " was a %s there, this one is a %s", furrow__journal_op_name(there->kind), name);
    return true;
  }
  DIFFER(count, " was a %s of %" PRIu64 " tasks there, this one is of %" PRIu64, name)
  DIFFER(item_size, "%s had items of %" PRIu64 " bytes there, this one has %" PRIu64, "")
  DIFFER(result_size, " had %s of %" PRIu64 " bytes there, this one has %" PRIu64, result)
  DIFFER(leaf, "%s had leaves of %" PRIu64 " tasks there, this one has %" PRIu64, "")
  DIFFER(seed, "%s had seed %" PRIu64 " there, this one has %" PRIu64, "")
  DIFFER(series, "%s had series %" PRIu64 " there, this one has %" PRIu64, "")
#undef DIFFER
  if (label_differs(there, here)) {
    uint64_t from = quote_from(there, here);
    snprintf(text, size, " had %s there, this one has %s", quote(there, from).text, quote(here, from).text);
    return true;
  }
  if (!furrow__hash128_equal(there->items, here->items)) {
    snprintf(text, size, ": its items differ");
    return true;
  }
  if (there->user_size != here->user_size) {
    snprintf(text, size, " had user_size %" PRIu64 " there, this one has %" PRIu64, there->user_size, here->user_size);
    return true;
  }
  if (!furrow__hash128_equal(there->user, here->user)) {
    snprintf(text, size, ": what its user points to differs");
    return true;
  }
  if (here->label_length > 0 || furrow__hash128_equal(there->program, here->program)) return false;
  snprintf(text, size, ": the program or its arguments differ; a label in the options would allow it");
  return true;
}
