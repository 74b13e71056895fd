/* Results of streams in journals: what is read back of whole records, and that others are refused. In memory and in files. */
#include "plan/journal_items.h"

#include <stdlib.h>

#include "furrow/journal.h"
#include "furrow/rng.h"
#include "shim/test.h"
#include "unit/journal_bytes.h"
#include "unit/journal_scene.h"

static const furrow__journal_key STREAM = {
    .kind = FURROW__JOURNAL_STREAM, .number = 3, .seed = 7, .label = "s", .label_length = 1};
static const furrow__journal_key MAP = {.kind = FURROW__JOURNAL_MAP, .number = 4, .count = 100, .result_size = 8};

static furrow__journal_reading judge(const journal_bytes *journal, furrow__journal_index *index) {
  unsigned char *copy = malloc(journal->size); /* of just that size, for a sanitizer */
  memcpy(copy, journal->bytes, journal->size);
  furrow__journal_reading reading = furrow__journal_read(journal_bytes_source(copy, journal->size), index);
  free(copy);
  return reading;
}

/* ---- whole ones ---- */

enum { SAMPLE_RECORDS = 6 };

static journal_bytes sample(size_t begins[SAMPLE_RECORDS + 1]) {
  static const uint64_t first[] = {4, 5, 9, 100}, second[] = {0, 1, 2, 3, 6}, third[] = {7};
  journal_bytes journal = journal_bytes_make();
  begins[0] = journal_bytes_run(&journal);
  begins[1] = journal_bytes_begin(&journal, &STREAM);
  begins[2] = journal_bytes_items(&journal, &STREAM, first, 4);
  begins[3] = journal_bytes_items(&journal, &STREAM, second, 5);
  begins[4] = journal_bytes_run(&journal);
  begins[5] = journal_bytes_items(&journal, &STREAM, third, 1);
  begins[6] = journal.size;
  return journal;
}

TEST(journal_items, are_found_by_their_first_and_last) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  furrow__journal_index index;
  ASSERT_EQ((int)judge(&journal, &index).state, FURROW__READ_WHOLE);
  EXPECT_EQ(index.records, SAMPLE_RECORDS);
  const furrow__journal_operation *stream = furrow__journal_find(&index, 3);
  furrow__journal_entry *records;
  furrow__span *spans;
  uint64_t count;
  EXPECT_EQ(stream->key.kind, FURROW__JOURNAL_STREAM);
  EXPECT_EQ(stream->results, 10u);
  ASSERT_TRUE(furrow__journal_items_of(stream, &records, &count));
  const furrow__journal_entry wanted[] = {{0, 5, begins[3], 6}, {4, 4, begins[2], 100}, {7, 1, begins[5], 7}};
  ASSERT_EQ(count, 3u);
  EXPECT_BYTES_EQ(records, wanted, sizeof wanted);
  free(records);
  ASSERT_TRUE(furrow__journal_finished_of(stream, &spans, &count));
  EXPECT_EQ(count, 0u);
  furrow__journal_index_clear(&index);
  journal_bytes_free(&journal);
}

/* As for the other records: whoever changes these bytes changes the version too. */
TEST(journal_items, have_the_bytes_that_they_always_had) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  expect_golden_journal(&journal, "stream.fj");
  journal_bytes_free(&journal);
}

TEST(journal_items, are_torn_at_any_byte_and_miss_every_flipped_bit) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  furrow__journal_index index;
  for (size_t size = begins[2] + 1; size < begins[3]; size++) {
    const journal_bytes torn = {journal.bytes, size, size};
    furrow__journal_reading reading = judge(&torn, &index);
    ASSERT_EQ((int)reading.state, FURROW__READ_TORN);
    ASSERT_EQ(reading.offset, begins[2]);
    furrow__journal_index_clear(&index);
  }
  for (size_t bit = 8 * begins[2]; bit < 8 * begins[3]; bit++) {
    journal.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    ASSERT_EQ((int)judge(&journal, &index).state, FURROW__READ_DAMAGED);
    journal.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    furrow__journal_index_clear(&index);
  }
  journal_bytes_free(&journal);
}

/* Each byte in turn can't be read. */
typedef struct failing {
  const unsigned char *bytes;
  uint64_t bad;
} failing;

static const unsigned char *failing_view(void *context, uint64_t offset, size_t want) {
  const failing *source = context;
  return source->bad >= offset && source->bad < offset + want ? NULL : source->bytes + offset;
}

TEST(journal_items, may_be_unreadable) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  furrow__journal_index index;
  for (uint64_t bad = begins[2]; bad < begins[3]; bad++) {
    failing source = {journal.bytes, bad};
    const furrow__journal_source unreadable = {journal.size, failing_view, &source};
    furrow__journal_reading reading = furrow__journal_read(unreadable, &index);
    ASSERT_EQ((int)reading.state, FURROW__READ_FAILED);
    ASSERT_EQ(index.records, 2u);
    furrow__journal_index_clear(&index);
  }
  /* When the record had been read before, and its results are looked at. */
  uint64_t last;
  failing source = {journal.bytes, begins[2] + FURROW__RECORD_HEAD};
  const furrow__journal_source unreadable = {journal.size, failing_view, &source};
  const furrow__record record = {FURROW__RECORD_ITEMS, begins[2], 100, 3, 4, 4, 0};
  EXPECT_TRUE(furrow__items_check(&unreadable, &record, &STREAM, &last) == FURROW__NOT_READ);
  journal_bytes_free(&journal);
}

/* ---- records that check and make no sense ---- */

/* A payload, under a head that says so many from that one on. */
static const char *with_payload(const furrow__journal_key *key, uint64_t first, uint64_t count, const void *payload,
                                size_t length) {
  journal_bytes journal = journal_bytes_make();
  furrow__journal_index index;
  journal_bytes_begin(&journal, &STREAM);
  journal_bytes_begin(&journal, &MAP);
  size_t at = journal_bytes_add(&journal, (furrow__record){FURROW__RECORD_ITEMS, 0, 0, key->number, first, count, 0},
                                payload, length);
  furrow__journal_reading reading = judge(&journal, &index);
  EXPECT_EQ(reading.offset, reading.state == FURROW__READ_WHOLE ? journal.size : at);
  furrow__journal_index_clear(&index);
  journal_bytes_free(&journal);
  return reading.reason ? reading.reason : "";
}

/* Items with results of `size` bytes, of which the last says that it has `claimed`. */
static const char *with_items(const uint64_t *items, int count, uint64_t says, size_t size, uint64_t claimed) {
  journal_bytes payload = {NULL, 0, 0};
  unsigned char result[100] = {0};
  size_t last = 0;
  for (int i = 0; i < count; i++) {
    last = payload.size;
    journal_bytes_item(&payload, items[i], result, size);
  }
  memcpy(payload.bytes + last + 16, &claimed, sizeof claimed);
  const char *reason = with_payload(&STREAM, items[0], says, payload.bytes, payload.size);
  journal_bytes_free(&payload);
  return reason;
}

TEST(journal_items, are_refused_where_they_make_no_sense) {
  const uint64_t good[] = {5, 6, 90}, twice[] = {5, 6, 6}, back[] = {5, 90, 6}, high[] = {0, UINT64_MAX};
  EXPECT_EQ_STR(with_items(good, 3, 3, 13, 13), "");
  EXPECT_EQ_STR(with_items(good, 3, 3, 13, 16), "");
  EXPECT_EQ_STR(with_items(good, 3, 3, 0, 0), "");
  EXPECT_EQ_STR(with_items(high, 2, 2, 8, 8), "");
  EXPECT_CONTAINS(with_items(twice, 3, 3, 13, 13), "twice");
  EXPECT_CONTAINS(with_items(back, 3, 3, 13, 13), "out of order");
  EXPECT_CONTAINS(with_items(good, 3, 2, 13, 13), "more results");
  EXPECT_CONTAINS(with_items(good, 3, 4, 13, 13), "fewer results");
  EXPECT_CONTAINS(with_items(good, 3, UINT64_MAX, 13, 13), "fewer results");
  EXPECT_CONTAINS(with_items(good, 3, 0, 13, 13), "no results");
  EXPECT_CONTAINS(with_payload(&STREAM, 0, 1, "", 0), "no results");
  EXPECT_CONTAINS(with_payload(&MAP, 5, 1, "", 0), "of this kind");
  static const unsigned char zeros[100];
  EXPECT_CONTAINS(with_payload(&STREAM, 5, 1, zeros, 24), "begins with another item");
  EXPECT_CONTAINS(with_payload(&STREAM, 0, 1, zeros, 23), "within a result's head");
  EXPECT_CONTAINS(with_payload(&STREAM, 0, 1, zeros, 40), "within a result's head"); /* behind a whole one */
}

TEST(journal_items, survive_huge_lengths) {
  const uint64_t good[] = {5, 6, 90};
  const uint64_t lengths[] = {17,        100, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX - 31, UINT64_MAX - 7,
                              UINT64_MAX};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    EXPECT_CONTAINS(with_items(good, 3, 3, 16, lengths[i]), "longer than it is");
  EXPECT_CONTAINS(with_items(good, 3, 3, 16, 8), "within a result's head"); /* what is left is no head */
}

TEST(journal_items, belong_to_streams_and_nothing_else_does) {
  journal_bytes journal = journal_bytes_make();
  furrow__journal_index index;
  furrow__span span;
  const furrow__record results = {FURROW__RECORD_RESULTS, 0, 0, 3, 0, 0, 0},
                       node = {FURROW__RECORD_NODE, 0, 0, 3, 0, 0, 0};
  const furrow__record items = {FURROW__RECORD_ITEMS, 0, 8, 4, 0, 1, 0};
  EXPECT_CONTAINS(furrow__record_span(&results, &STREAM, &span), "of this kind");
  EXPECT_CONTAINS(furrow__record_span(&node, &STREAM, &span), "of this kind");
  EXPECT_CONTAINS(furrow__record_span(&items, &MAP, &span), "of this kind");
  furrow__journal_key keys[4] = {STREAM, STREAM, STREAM, STREAM};
  keys[0].count = keys[1].item_size = keys[2].result_size = keys[3].leaf = 1;
  for (int i = 0; i < 4; i++) {
    journal_bytes spoilt = journal_bytes_make();
    journal_bytes_begin(&spoilt, &keys[i]);
    EXPECT_CONTAINS(judge(&spoilt, &index).reason, i < 3 ? "claims to know its items" : "leaf makes no sense");
    furrow__journal_index_clear(&index);
    journal_bytes_free(&spoilt);
  }
  journal_bytes_free(&journal);
}

/* ---- in files ---- */

/* One result of `size` bytes. */
static furrow_status give_item(furrow__journal *journal, uint64_t index, size_t size) {
  journal_bytes payload = {NULL, 0, 0};
  unsigned char *result = malloc(size + 1);
  memset(result, (int)(unsigned char)index, size);
  journal_bytes_item(&payload, index, result, size);
  furrow_status status = furrow__journal_append_items(journal, index, 1, payload.bytes, payload.size);
  journal_bytes_free(&payload);
  free(result);
  return status;
}

static size_t size_of_item(uint64_t index) {
  return index % 7 == 3 ? (size_t)(index << 17) : (size_t)index; /* up to 4 MB */
}

enum { ITEMS = 40 };

/* All that were there when it was opened; more are appended meanwhile. */
static void expect_loads(scene *s, uint64_t count) {
  const furrow__journal_entry *records;
  ASSERT_EQ(furrow__journal_items(s->journal, &records), count);
  for (uint64_t i = 0; i < count; i++) {
    furrow__record record;
    unsigned char *payload;
    ASSERT_EQ(records[i].first, i);
    EXPECT_EQ(records[i].last, i);
    ASSERT_STATUS(FURROW_OK, give_item(s->journal, count + i, size_of_item(count + i)));
    ASSERT_STATUS(FURROW_OK, furrow__journal_load_items(s->journal, &records[i], &record, &payload, s->message));
    EXPECT_EQ(record.length, furrow__item_size(size_of_item(i)));
    for (size_t k = 0; k < size_of_item(i); k += 1000) EXPECT_EQ(payload[FURROW__ITEM_HEAD + k], i);
    free(payload);
  }
}

TEST(journal_items, let_a_stream_go_on) {
  scene s = scene_make();
  furrow_journal *reader;
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  EXPECT_STATUS(FURROW_E_ARG, give_item(s.journal, 0, 8));
  ASSERT_TRUE(scene_begins(&s, &STREAM));
  EXPECT_STATUS(FURROW_E_ARG, give_tasks(s.journal, 0, 1));
  for (uint64_t i = ITEMS; i-- > 0;) ASSERT_STATUS(FURROW_OK, give_item(s.journal, i, size_of_item(i)));
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &STREAM));
  expect_loads(&s, ITEMS);
  scene_close(&s);
  ASSERT_STATUS(FURROW_OK, furrow_journal_open(s.path, &reader));
  const furrow_journal_operation *stream = furrow_journal_get_operation(reader, 1);
  EXPECT_EQ_STR(stream->function, "furrow_stream");
  EXPECT_EQ(stream->finished, (uint64_t)2 * ITEMS);
  EXPECT_EQ(stream->count, 0u);
  EXPECT_EQ(stream->records, (uint64_t)2 * ITEMS);
  furrow_journal_close(&reader);
  scene_end(&s);
}
