#include "journal/index.h"

#include <stdlib.h>
#include <string.h>

const char FURROW__NO_MEMORY[] = "out of memory";

/* Make room for one more element of `size` bytes. */
static bool make_room(void **array, uint64_t count, uint64_t *room, size_t size) {
  if (count < *room) return true;
  uint64_t more = *room ? 2 * *room : 8;
  void *grown = realloc(*array, more * size);
  if (!grown) return false;
  *array = grown;
  *room = more;
  return true;
}

/* ---- runs and operations ---- */

static const char *add_run(furrow__journal_index *index, const furrow__record *record, const unsigned char *payload) {
  furrow__journal_run run;
  const char *wrong = furrow__journal_run_decode(payload, record->length, &run);
  if (wrong) return wrong;
  if (!make_room((void **)&index->runs, index->run_count, &index->run_room, sizeof run)) return FURROW__NO_MEMORY;
  size_t length = (size_t)run.host_length + run.version_length + run.arguments_length;
  char *texts = malloc(length + 1);
  if (!texts) return FURROW__NO_MEMORY;
  memcpy(texts, run.host, length);
  texts[length] = '\0';
  run.host = texts;
  run.version = run.host + run.host_length;
  run.arguments = run.version + run.version_length;
  index->runs[index->run_count++] = run;
  return NULL;
}

/* Where an operation of that number stands, or belongs. */
static uint64_t place_of(const furrow__journal_index *index, uint64_t number) {
  uint64_t begin = 0, end = index->operation_count;
  while (begin < end) {
    uint64_t middle = begin + (end - begin) / 2;
    if (index->operations[middle].key.number < number)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

furrow__journal_operation *furrow__journal_find(const furrow__journal_index *index, uint64_t number) {
  uint64_t place = place_of(index, number);
  if (place == index->operation_count || index->operations[place].key.number != number) return NULL;
  return &index->operations[place];
}

static const char *add_operation(furrow__journal_index *index, const furrow__record *record,
                                 const unsigned char *payload) {
  furrow__journal_operation operation = {.entries = NULL};
  const char *wrong = furrow__journal_key_decode(payload, record->length, record->operation, &operation.key);
  if (wrong) return wrong;
  if (furrow__journal_find(index, record->operation)) return "it begins an operation that had begun before";
  if (!make_room((void **)&index->operations, index->operation_count, &index->operation_room, sizeof operation))
    return FURROW__NO_MEMORY;
  char *label = malloc((size_t)operation.key.label_length + 1);
  if (!label) return FURROW__NO_MEMORY;
  memcpy(label, operation.key.label, operation.key.label_length);
  label[operation.key.label_length] = '\0';
  operation.key.label = label;
  uint64_t place = place_of(index, record->operation);
  furrow__journal_operation *at = index->operations + place;
  memmove(at + 1, at, (index->operation_count - place) * sizeof *at);
  *at = operation;
  index->operation_count++;
  return NULL;
}

static const char *add_entry(furrow__journal_index *index, const furrow__record *record,
                             const furrow__journal_source *source) {
  furrow__journal_operation *operation = furrow__journal_find(index, record->operation);
  if (!operation) return "its operation has not begun";
  furrow__span span;
  uint64_t last = 0;
  bool items = record->kind == FURROW__RECORD_ITEMS;
  const char *wrong = items ? furrow__items_check(source, record, &operation->key, &last)
                            : furrow__record_span(record, &operation->key, &span);
  if (wrong) return wrong;
  if (!make_room((void **)&operation->entries, operation->entry_count, &operation->entry_room,
                 sizeof *operation->entries))
    return FURROW__NO_MEMORY;
  operation->entries[operation->entry_count++] =
      (furrow__journal_entry){record->first, record->count, record->offset, last};
  operation->bytes += record->length;
  if (items) operation->results += record->count;
  return NULL;
}

const char *furrow__journal_index_add(furrow__journal_index *index, const furrow__record *record,
                                      const unsigned char *payload, const furrow__journal_source *source) {
  const char *wrong = record->kind == FURROW__RECORD_RUN         ? add_run(index, record, payload)
                      : record->kind == FURROW__RECORD_OPERATION ? add_operation(index, record, payload)
                                                                 : add_entry(index, record, source);
  if (!wrong) index->records++;
  return wrong;
}

void furrow__journal_index_clear(furrow__journal_index *index) {
  for (uint64_t i = 0; i < index->run_count; i++) free((char *)index->runs[i].host);
  for (uint64_t i = 0; i < index->operation_count; i++) {
    free((char *)index->operations[i].key.label);
    free(index->operations[i].entries);
  }
  free(index->runs);
  free(index->operations);
  *index = (furrow__journal_index){.runs = NULL};
}

/* ---- reading all ---- */

static furrow__journal_reading ended(int state, uint64_t offset, const char *reason) {
  furrow__journal_reading reading = {.offset = offset, .reason = reason};
  reading.state = state;
  return reading;
}

/* The payload of a RUN or an OPERATION; those that are too long to be one are not looked at. */
static const unsigned char *small_payload(const furrow__journal_source *source, const furrow__record *record) {
  static const unsigned char nothing[1];
  if (record->length == 0 || record->length > FURROW__JOURNAL_VIEW) return nothing;
  return source->view(source->context, record->offset + FURROW__RECORD_HEAD, (size_t)record->length);
}

static furrow__journal_reading read_records(furrow__journal_source source, furrow__journal_index *index) {
  furrow__scan scan = furrow__scan_start(source);
  furrow__scan_state state;
  while ((state = furrow__scan_next(&scan)) == FURROW__SCAN_RECORD) {
    const unsigned char *payload = NULL;
    if (scan.record.kind == FURROW__RECORD_RUN || scan.record.kind == FURROW__RECORD_OPERATION) {
      payload = small_payload(&source, &scan.record);
      if (!payload) return ended(FURROW__READ_FAILED, scan.record.offset, NULL);
    }
    const char *wrong = furrow__journal_index_add(index, &scan.record, payload, &source);
    if (wrong == FURROW__NOT_READ) return ended(FURROW__READ_FAILED, scan.record.offset, NULL);
    if (wrong == FURROW__NO_MEMORY) return ended(FURROW__READ_NO_MEMORY, scan.record.offset, wrong);
    if (wrong) return ended(FURROW__READ_DAMAGED, scan.record.offset, wrong);
  }
  switch (state) {
    case FURROW__SCAN_TORN:
      return ended(FURROW__READ_TORN, scan.offset, scan.reason);
    case FURROW__SCAN_DAMAGED:
      return ended(FURROW__READ_DAMAGED, scan.offset, scan.reason);
    case FURROW__SCAN_FAILED:
      return ended(FURROW__READ_FAILED, scan.offset, NULL);
    default:
      return ended(FURROW__READ_WHOLE, scan.offset, NULL);
  }
}

furrow__journal_reading furrow__journal_read(furrow__journal_source source, furrow__journal_index *index) {
  *index = (furrow__journal_index){.runs = NULL};
  if (source.size == 0) return ended(FURROW__READ_WHOLE, 0, NULL);
  size_t size = source.size < FURROW__JOURNAL_HEAD ? (size_t)source.size : FURROW__JOURNAL_HEAD;
  const unsigned char *head = source.view(source.context, 0, size);
  if (!head) return ended(FURROW__READ_FAILED, 0, NULL);
  bool torn;
  const char *foreign = furrow__journal_head_check(head, size, &torn);
  if (foreign) return ended(FURROW__READ_FOREIGN, 0, foreign);
  if (torn) return ended(FURROW__READ_TORN, 0, "its head is not whole");
  return read_records(source, index);
}

/* ---- what is finished ---- */

static furrow__span span_of(const furrow__journal_operation *operation, const furrow__journal_entry *entry) {
  furrow__span span = {entry->first, entry->first + entry->count};
  if (operation->key.leaf)
    (void)furrow__journal_node_span(furrow__journal_leaves(&operation->key), entry->first, entry->count, &span);
  return span;
}

bool furrow__journal_finished_of(const furrow__journal_operation *operation, furrow__span **spans, uint64_t *count) {
  *count = 0;
  *spans = NULL;
  if (operation->entry_count == 0 || operation->key.kind == FURROW__JOURNAL_STREAM) return true;
  *spans = malloc(operation->entry_count * sizeof **spans);
  if (!*spans) return false;
  for (uint64_t i = 0; i < operation->entry_count; i++) (*spans)[i] = span_of(operation, &operation->entries[i]);
  *count = furrow__spans_join(*spans, operation->entry_count);
  return true;
}

/* By the first leaf, and the largest first. Levels are compared as they stand: of two nodes that begin with the same
   leaf, the higher one covers the lower one. */
static int by_leaf(const void *a, const void *b) {
  const furrow__journal_entry *left = a, *right = b;
  uint64_t first = left->count < 64 ? left->first << left->count : 0;
  uint64_t other = right->count < 64 ? right->first << right->count : 0;
  if (first != other) return first < other ? -1 : 1;
  return (left->count < right->count) - (left->count > right->count);
}

bool furrow__journal_largest_nodes(const furrow__journal_operation *operation, furrow__journal_entry **nodes,
                                   uint64_t *count) {
  *count = 0;
  *nodes = NULL;
  if (operation->entry_count == 0) return true;
  *nodes = malloc(operation->entry_count * sizeof **nodes);
  if (!*nodes) return false;
  memcpy(*nodes, operation->entries, operation->entry_count * sizeof **nodes);
  qsort(*nodes, operation->entry_count, sizeof **nodes, by_leaf);
  uint64_t covered = 0; /* leaves before this one are; two nodes of a tree are apart, or one is inside of the other */
  for (uint64_t i = 0; i < operation->entry_count; i++) {
    furrow__span span = span_of(operation, &(*nodes)[i]);
    if (span.begin < covered) continue;
    covered = span.end;
    (*nodes)[(*count)++] = (*nodes)[i];
  }
  return true;
}

static int by_first(const void *a, const void *b) {
  const furrow__journal_entry *left = a, *right = b;
  return (left->first > right->first) - (left->first < right->first);
}

bool furrow__journal_items_of(const furrow__journal_operation *operation, furrow__journal_entry **records,
                              uint64_t *count) {
  *count = 0;
  *records = NULL;
  if (operation->entry_count == 0) return true;
  *records = malloc(operation->entry_count * sizeof **records);
  if (!*records) return false;
  memcpy(*records, operation->entries, operation->entry_count * sizeof **records);
  qsort(*records, operation->entry_count, sizeof **records, by_first);
  *count = operation->entry_count;
  return true;
}
