/* Any bytes as a journal (libFuzzer; tests/unit/fuzz.c runs the corpus without it). The first byte says whether the
   rest is taken as it is, or gets a head and checksums that are right, so that what stands behind those is reached as
   well. What is read must hold together; whatever does not ends the program. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "journal/index.h"

static const unsigned char *view(void *bytes, uint64_t offset, size_t want) {
  (void)want;
  return (const unsigned char *)bytes + offset;
}

static uint64_t word(const unsigned char *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

/* Records keep their kind, length, operation, first and count. One that is too long ends it. */
static void repair(unsigned char *bytes, size_t size) {
  if (size < FURROW__JOURNAL_HEAD) return;
  furrow__journal_head(bytes);
  for (uint64_t at = FURROW__JOURNAL_HEAD; size - at >= FURROW__RECORD_HEAD;) {
    furrow__record record = {
        .kind = bytes[at + 4] & 7u,
        .offset = at,
        .length = word(bytes + at + 16),
        .operation = word(bytes + at + 24),
        .first = word(bytes + at + 32),
        .count = word(bytes + at + 40),
    };
    uint64_t left = size - at - FURROW__RECORD_HEAD;
    bool fits = record.length <= left && furrow__record_size(record.length) - FURROW__RECORD_HEAD <= left;
    unsigned char *payload = bytes + at + FURROW__RECORD_HEAD;
    if (fits) {
      record.payload_sum = furrow__hash64(payload, record.length);
      memset(payload + record.length, 0, (size_t)(-record.length & 7));
    }
    furrow__record_encode(&record, bytes + at);
    if (!fits) return;
    at += furrow__record_size(record.length);
  }
}

/* ---- what must hold ---- */

static uint64_t check_spans(const furrow__journal_operation *operation) {
  uint64_t limit = operation->key.leaf ? furrow__journal_leaves(&operation->key) : operation->key.count;
  uint64_t count, sum = 0, tasks = 0, end = 0;
  furrow__span *spans;
  MUST(furrow__journal_finished_of(operation, &spans, &count));
  MUST((count > 0) == (operation->entry_count > 0));
  for (uint64_t i = 0; i < count; i++) {
    MUST(spans[i].begin < spans[i].end && spans[i].end <= limit && (i == 0 || spans[i].begin > end));
    furrow__span run = operation->key.leaf ? furrow__journal_tasks(&operation->key, spans[i]) : spans[i];
    MUST(run.begin < run.end && run.end <= operation->key.count);
    tasks += run.end - run.begin;
    sum += spans[i].end - spans[i].begin;
    end = spans[i].end;
  }
  MUST(tasks <= operation->key.count);
  free(spans);
  return sum;
}

static void check_nodes(const furrow__journal_operation *operation, uint64_t finished) {
  uint64_t count, sum = 0, end = 0, leaves = furrow__journal_leaves(&operation->key);
  furrow__journal_entry *nodes;
  MUST(furrow__journal_largest_nodes(operation, &nodes, &count));
  for (uint64_t i = 0; i < count; i++) {
    furrow__span span;
    MUST(furrow__journal_node_span(leaves, nodes[i].first, nodes[i].count, &span));
    MUST(span.begin >= end && span.begin < span.end);
    sum += span.end - span.begin;
    end = span.end;
  }
  MUST(sum == finished);
  free(nodes);
}

/* Each record's results are walked again, as the next run does. */
static void check_items(const furrow__journal_operation *operation, const unsigned char *bytes) {
  uint64_t count, results = 0;
  furrow__journal_entry *records;
  MUST(furrow__journal_items_of(operation, &records, &count) && count == operation->entry_count);
  for (uint64_t i = 0; i < count; i++) {
    furrow__record record;
    MUST(furrow__record_decode(bytes + records[i].offset, &record) && records[i].first <= records[i].last);
    MUST(i == 0 || records[i - 1].first <= records[i].first);
    const unsigned char *payload = bytes + records[i].offset + FURROW__RECORD_HEAD;
    furrow__item_walk walk = furrow__item_walk_start(&record);
    while (furrow__item_walk_has_next(&walk)) {
      MUST(!furrow__item_walk_room(&walk));
      const unsigned char *head = payload + walk.at;
      MUST(!furrow__item_walk_next(&walk, &record, head));
      (void)furrow__hash64(head + FURROW__ITEM_HEAD, walk.item.size);
    }
    MUST(walk.item.index == records[i].last && walk.seen == records[i].count);
    results += walk.seen;
  }
  MUST(results == operation->results);
  free(records);
}

static void check_keys(const furrow__journal_index *index, uint64_t i) {
  char text[100];
  const furrow__journal_key *key = &index->operations[i].key;
  MUST(!furrow__journal_key_differs(key, key, text, sizeof text));
  MUST(furrow__journal_find(index, key->number) == &index->operations[i]);
  if (i > 0) (void)furrow__journal_key_differs(&index->operations[i - 1].key, key, text, sizeof text);
}

static void check_index(const furrow__journal_index *index, const unsigned char *bytes) {
  uint64_t records = index->run_count + index->operation_count;
  for (uint64_t i = 0; i < index->operation_count; i++) {
    const furrow__journal_operation *operation = &index->operations[i];
    records += operation->entry_count;
    check_keys(index, i);
    if (operation->key.kind == FURROW__JOURNAL_STREAM) {
      check_items(operation, bytes);
      continue;
    }
    uint64_t finished = check_spans(operation);
    if (operation->key.leaf) check_nodes(operation, finished);
  }
  for (uint64_t i = 0; i < index->run_count; i++) {
    const furrow__journal_run *run = &index->runs[i];
    (void)furrow__hash64(run->host, (size_t)run->host_length + run->version_length + run->arguments_length);
  }
  MUST(records == index->records);
}

/* What was read up to `offset` is whole without the rest. */
static void check_part(const unsigned char *bytes, uint64_t offset, uint64_t records) {
  furrow__journal_index index;
  furrow__journal_reading reading = furrow__journal_read((furrow__journal_source){offset, view, (void *)bytes}, &index);
  MUST(reading.state == FURROW__READ_WHOLE && reading.offset == offset && index.records == records);
  furrow__journal_index_clear(&index);
}

int FUZZER(journal)(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  unsigned char *bytes = malloc(size); /* of just that size, for the sanitizer */
  if (!bytes) return 0;
  memcpy(bytes, data + 1, --size);
  if (data[0] & 1) repair(bytes, size);
  furrow__journal_index index;
  furrow__journal_reading reading = furrow__journal_read((furrow__journal_source){size, view, bytes}, &index);
  MUST(reading.state <= FURROW__READ_FOREIGN && reading.offset <= size);
  MUST((reading.state == FURROW__READ_WHOLE) == (reading.reason == NULL));
  MUST(reading.state != FURROW__READ_WHOLE || reading.offset == size);
  check_index(&index, bytes);
  if (reading.state != FURROW__READ_FOREIGN) check_part(bytes, reading.offset, index.records);
  furrow__journal_index_clear(&index);
  free(bytes);
  return 0;
}
