/* Journals in memory: made record by record, then spoilt. */
#ifndef TESTS_UNIT_JOURNAL_BYTES_H
#define TESTS_UNIT_JOURNAL_BYTES_H

#include "journal/index.h"

typedef struct journal_bytes {
  unsigned char *bytes;
  size_t size, room;
} journal_bytes;

/* With its head, and nothing else. */
journal_bytes journal_bytes_make(void);
void journal_bytes_free(journal_bytes *journal);

/* Append any bytes. */
void journal_bytes_put(journal_bytes *journal, const void *bytes, size_t size);

/* Append a record; its length, offset and checksums are set here. Returns where it begins. */
size_t journal_bytes_add(journal_bytes *journal, furrow__record record, const void *payload, size_t length);

/* Append one of each kind. The results of task i are the bytes of 1000 + i. */
size_t journal_bytes_run(journal_bytes *journal);
size_t journal_bytes_begin(journal_bytes *journal, const furrow__journal_key *key);
size_t journal_bytes_results(journal_bytes *journal, const furrow__journal_key *key, uint64_t first, uint64_t count);
size_t journal_bytes_node(journal_bytes *journal, const furrow__journal_key *key, uint64_t index, uint64_t level);

/* Results of a stream. That of item i is i % 21 bytes of the value i; the item is the number i. */
size_t journal_bytes_items(journal_bytes *journal, const furrow__journal_key *key, const uint64_t *items,
                           uint64_t count);

/* Append one result to a payload. */
void journal_bytes_item(journal_bytes *payload, uint64_t index, const void *result, size_t size);

furrow__journal_source journal_bytes_source(const void *bytes, size_t size);

#endif
