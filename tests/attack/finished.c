/* finished JOURNAL: the tasks that a journal holds, a line `OPERATION FIRST END` for each record. Knows the journal's format; the
 * file is small here and in one piece. A file that is not there, or ends within its head, holds nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/journal_items.h"

enum { OPERATIONS = 64 };

static unsigned char *bytes;

static const unsigned char *view(void *context, uint64_t offset, size_t want) {
  (void)context;
  (void)want;
  return bytes + offset;
}

static int complain(const char *what) {
  fprintf(stderr, "finished: %s\n", what);
  return 1;
}

static uint64_t read_all(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file && errno == ENOENT) exit(0);
  if (!file || fseek(file, 0, SEEK_END) != 0) exit(complain(path));
  long size = ftell(file);
  rewind(file);
  bytes = malloc((size_t)size + 1);
  if (size < 0 || !bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) exit(complain(path));
  fclose(file);
  return (uint64_t)size;
}

/* A line for each result of a stream. */
static const char *tell_items(const furrow__record *record, const furrow__journal_key *key) {
  const furrow__journal_source source = {UINT64_MAX, view, NULL};
  uint64_t last;
  const char *wrong = furrow__items_check(&source, record, key, &last);
  furrow__item_walk walk = furrow__item_walk_start(record);
  while (!wrong && furrow__item_walk_has_next(&walk)) {
    wrong = furrow__item_walk_next(&walk, record, bytes + record->offset + FURROW__RECORD_HEAD + walk.at);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", record->operation, walk.item.index, walk.item.index + 1);
  }
  return wrong;
}

/* A line for a record of results; operations are kept for those that follow. */
static const char *tell(const furrow__record *record, furrow__journal_key keys[OPERATIONS]) {
  const unsigned char *payload = bytes + record->offset + FURROW__RECORD_HEAD;
  furrow__span span = {0, 0};
  if (record->kind == FURROW__RECORD_RUN) return NULL;
  if (record->operation >= OPERATIONS) return "too many operations";
  furrow__journal_key *key = &keys[record->operation];
  if (!furrow__record_matches(record, payload)) return "a checksum is wrong";
  if (record->kind == FURROW__RECORD_OPERATION)
    return furrow__journal_key_decode(payload, record->length, record->operation, key);
  if (record->kind == FURROW__RECORD_ITEMS) return tell_items(record, key);
  const char *wrong = furrow__record_span(record, key, &span);
  if (wrong) return wrong;
  if (record->kind == FURROW__RECORD_NODE) span = furrow__journal_tasks(key, span);
  printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", record->operation, span.begin, span.end);
  return NULL;
}

int main(int argc, char **argv) {
  static furrow__journal_key keys[OPERATIONS];
  bool torn = false;
  if (argc != 2) return complain("usage: finished JOURNAL");
  uint64_t size = read_all(argv[1]);
  size_t head = size < FURROW__JOURNAL_HEAD ? (size_t)size : FURROW__JOURNAL_HEAD;
  const char *wrong = furrow__journal_head_check(bytes, head, &torn);
  if (wrong && torn) return 0;
  furrow__scan scan = furrow__scan_start((furrow__journal_source){size, view, NULL});
  furrow__scan_state state = FURROW__SCAN_RECORD;
  while (!wrong && (state = furrow__scan_next(&scan)) == FURROW__SCAN_RECORD) wrong = tell(&scan.record, keys);
  if (!wrong && state != FURROW__SCAN_END && state != FURROW__SCAN_TORN) wrong = scan.reason;
  return wrong ? complain(wrong) : 0;
}
