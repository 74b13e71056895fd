#include "unit/journal_bytes.h"

#include <stdlib.h>
#include <string.h>

void journal_bytes_put(journal_bytes *journal, const void *bytes, size_t size) {
  if (journal->size + size > journal->room) {
    journal->room = 2 * (journal->size + size);
    journal->bytes = realloc(journal->bytes, journal->room);
    if (!journal->bytes) abort();
  }
  if (size) memcpy(journal->bytes + journal->size, bytes, size);
  journal->size += size;
}

journal_bytes journal_bytes_make(void) {
  journal_bytes journal = {NULL, 0, 0};
  unsigned char head[FURROW__JOURNAL_HEAD];
  furrow__journal_head(head);
  journal_bytes_put(&journal, head, sizeof head);
  return journal;
}

void journal_bytes_free(journal_bytes *journal) {
  free(journal->bytes);
  *journal = (journal_bytes){NULL, 0, 0};
}

size_t journal_bytes_add(journal_bytes *journal, furrow__record record, const void *payload, size_t length) {
  unsigned char head[FURROW__RECORD_HEAD];
  record.offset = journal->size;
  record.length = length;
  record.payload_sum = furrow__hash64(payload, length);
  furrow__record_encode(&record, head);
  journal_bytes_put(journal, head, sizeof head);
  journal_bytes_put(journal, payload, length);
  journal_bytes_put(journal, "\0\0\0\0\0\0\0", -length & 7);
  return record.offset;
}

size_t journal_bytes_run(journal_bytes *journal) {
  unsigned char payload[FURROW__RUN_MOST];
  const furrow__journal_run run = {1700000000000000000,
                                   4711,
                                   "node01",
                                   "0.1.0",
                                   "prog\0-n\0"
                                   "7",
                                   6,
                                   5,
                                   10};
  size_t length = furrow__journal_run_encode(&run, payload);
  return journal_bytes_add(journal, (furrow__record){.kind = FURROW__RECORD_RUN}, payload, length);
}

size_t journal_bytes_begin(journal_bytes *journal, const furrow__journal_key *key) {
  unsigned char payload[FURROW__KEY_MOST];
  size_t length = furrow__journal_key_encode(key, payload);
  const furrow__record record = {.kind = FURROW__RECORD_OPERATION, .operation = key->number};
  return journal_bytes_add(journal, record, payload, length);
}

/* `count` values of `size` bytes each. */
static size_t add_values(journal_bytes *journal, furrow__record record, uint64_t value, uint64_t count, size_t size) {
  unsigned char *payload = calloc(count * size + 1, 1);
  for (uint64_t i = 0; i < count; i++, value++)
    memcpy(payload + i * size, &value, size < sizeof value ? size : sizeof value);
  size_t at = journal_bytes_add(journal, record, payload, count * size);
  free(payload);
  return at;
}

size_t journal_bytes_results(journal_bytes *journal, const furrow__journal_key *key, uint64_t first, uint64_t count) {
  const furrow__record record = {
      .kind = FURROW__RECORD_RESULTS, .operation = key->number, .first = first, .count = count};
  return add_values(journal, record, 1000 + first, count, key->result_size);
}

size_t journal_bytes_node(journal_bytes *journal, const furrow__journal_key *key, uint64_t index, uint64_t level) {
  const furrow__record record = {.kind = FURROW__RECORD_NODE, .operation = key->number, .first = index, .count = level};
  return add_values(journal, record, 100 * level + index, 1, key->result_size);
}

void journal_bytes_item(journal_bytes *payload, uint64_t index, const void *result, size_t size) {
  const furrow__item_head head = {index, furrow__hash64(&index, sizeof index), size};
  journal_bytes_put(payload, &head, sizeof head);
  journal_bytes_put(payload, result, size);
  journal_bytes_put(payload, "\0\0\0\0\0\0\0", -size & 7);
}

size_t journal_bytes_items(journal_bytes *journal, const furrow__journal_key *key, const uint64_t *items,
                           uint64_t count) {
  journal_bytes payload = {NULL, 0, 0};
  unsigned char result[21];
  for (uint64_t i = 0; i < count; i++) {
    memset(result, (int)(unsigned char)items[i], sizeof result);
    journal_bytes_item(&payload, items[i], result, items[i] % 21);
  }
  const furrow__record record = {
      .kind = FURROW__RECORD_ITEMS, .operation = key->number, .first = items[0], .count = count};
  size_t at = journal_bytes_add(journal, record, payload.bytes, payload.size);
  journal_bytes_free(&payload);
  return at;
}

static const unsigned char *view(void *bytes, uint64_t offset, size_t want) {
  (void)want;
  return (const unsigned char *)bytes + offset;
}

furrow__journal_source journal_bytes_source(const void *bytes, size_t size) {
  return (furrow__journal_source){size, view, (void *)bytes};
}
