/* Journals in memory: what is read back from whole, torn and spoilt ones, and what may go on from them. */
#include <stdlib.h>

#include "furrow/rng.h"
#include "shim/test.h"
#include "unit/journal_bytes.h"
#include "unit/journal_scene.h"

static const furrow__journal_key MAP = {.kind = FURROW__JOURNAL_MAP,
                                        .number = 0,
                                        .count = 100,
                                        .result_size = 8,
                                        .seed = 5,
                                        .label = "a",
                                        .label_length = 1};
static const furrow__journal_key REDUCTION = {
    .kind = FURROW__JOURNAL_MAP_REDUCE, .number = 1, .count = 99, .result_size = 12, .leaf = 10};

static furrow__journal_reading read_bytes(const void *bytes, size_t size, furrow__journal_index *index) {
  /* in memory of just that size, so that a sanitizer sees what reaches beyond it */
  unsigned char *copy = malloc(size ? size : 1);
  if (size) memcpy(copy, bytes, size);
  furrow__journal_reading reading = furrow__journal_read(journal_bytes_source(copy, size), index);
  free(copy);
  return reading;
}

static furrow__journal_reading judge(const void *bytes, size_t size) {
  furrow__journal_index index;
  furrow__journal_reading reading = read_bytes(bytes, size, &index);
  furrow__journal_index_clear(&index);
  return reading;
}

/* Two runs, two operations, five results; where each record begins, and the end. */
enum { SAMPLE_RECORDS = 9 };

static journal_bytes sample(size_t begins[SAMPLE_RECORDS + 1]) {
  journal_bytes journal = journal_bytes_make();
  int n = 0;
  begins[n++] = journal_bytes_run(&journal);
  begins[n++] = journal_bytes_begin(&journal, &MAP);
  begins[n++] = journal_bytes_results(&journal, &MAP, 10, 5);
  begins[n++] = journal_bytes_results(&journal, &MAP, 0, 10);
  begins[n++] = journal_bytes_run(&journal);
  begins[n++] = journal_bytes_begin(&journal, &REDUCTION);
  begins[n++] = journal_bytes_node(&journal, &REDUCTION, 3, 0);
  begins[n++] = journal_bytes_node(&journal, &REDUCTION, 1, 1);
  begins[n++] = journal_bytes_results(&journal, &MAP, 50, 1);
  begins[n] = journal.size;
  return journal;
}

/* ---- whole ones ---- */

TEST(journal, reads_what_was_written) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  furrow__journal_index index;
  furrow__journal_reading reading = read_bytes(journal.bytes, journal.size, &index);
  ASSERT_EQ((int)reading.state, FURROW__READ_WHOLE);
  EXPECT_EQ(reading.offset, journal.size);
  EXPECT_EQ(index.records, SAMPLE_RECORDS);
  ASSERT_EQ(index.run_count, 2u);
  EXPECT_EQ(index.runs[1].time, 1700000000000000000u);
  EXPECT_EQ(index.runs[1].process, 4711u);
  EXPECT_BYTES_EQ(index.runs[1].host, "node01", 6);
  EXPECT_BYTES_EQ(index.runs[1].version, "0.1.0", 5);
  EXPECT_EQ(index.runs[1].arguments_length, 10u);
  ASSERT_EQ(index.operation_count, 2u);
  const furrow__journal_operation *map = furrow__journal_find(&index, 0), *reduction = furrow__journal_find(&index, 1);
  EXPECT_EQ_STR(map->key.label, "a");
  EXPECT_EQ(map->key.seed, 5u);
  EXPECT_EQ(map->entry_count, 3u);
  EXPECT_EQ(map->entries[1].offset, begins[3]);
  EXPECT_EQ(map->bytes, 128u);
  EXPECT_EQ(reduction->key.leaf, 10u);
  EXPECT_EQ(reduction->entry_count, 2u);
  EXPECT_TRUE(furrow__journal_find(&index, 2) == NULL);
  furrow__journal_index_clear(&index);
  journal_bytes_free(&journal);
}

TEST(journal, keeps_what_user_points_to) {
  furrow__journal_key key = REDUCTION, back;
  unsigned char payload[FURROW__KEY_MOST];
  key.label = "b";
  key.label_length = 1;
  size_t plain = furrow__journal_key_encode(&key, payload);
  key.user_size = 40;
  key.user = (furrow__hash128){41, 42};
  size_t length = furrow__journal_key_encode(&key, payload);
  EXPECT_EQ(length, plain + FURROW__KEY_USER);
  ASSERT_TRUE(furrow__journal_key_decode(payload, length, key.number, &back) == NULL);
  EXPECT_EQ(back.kind, key.kind);
  EXPECT_EQ(back.user_size, 40u);
  EXPECT_TRUE(furrow__hash128_equal(back.user, key.user));
  ASSERT_EQ(back.label_length, 1u);
  EXPECT_EQ(back.label[0], 'b');
  ASSERT_TRUE(furrow__journal_key_decode(payload, length - 1, key.number, &back) == NULL);
  EXPECT_EQ(back.label_length, 0u);
  EXPECT_TRUE(furrow__journal_key_decode(payload, length - 2, key.number, &back) != NULL);
}

TEST(journal, may_be_empty) {
  journal_bytes journal = journal_bytes_make();
  EXPECT_EQ((int)judge("", 0).state, FURROW__READ_WHOLE);
  EXPECT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_WHOLE);
  journal_bytes_free(&journal);
}

TEST(journal, finds_operations_in_any_order) {
  const uint64_t MANY = 500;
  journal_bytes journal = journal_bytes_make();
  for (uint64_t i = 0; i < MANY; i++) {
    furrow__journal_key key = MAP;
    key.number = i * 7919 % MANY * 3;
    key.seed = key.number;
    journal_bytes_begin(&journal, &key);
  }
  furrow__journal_index index;
  ASSERT_EQ((int)read_bytes(journal.bytes, journal.size, &index).state, FURROW__READ_WHOLE);
  for (uint64_t number = 0; number < 3 * MANY; number++) {
    const furrow__journal_operation *found = furrow__journal_find(&index, number);
    ASSERT_EQ(found != NULL, number % 3 == 0);
    if (found) ASSERT_EQ(found->key.seed, number);
  }
  furrow__journal_index_clear(&index);
  journal_bytes_free(&journal);
}

/* A journal of an earlier furrow must be read by a later one: whoever changes these bytes changes the version too. */
TEST(journal, has_the_bytes_that_it_always_had) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  expect_golden_journal(&journal, "journal.fj");
  journal_bytes_free(&journal);
}

/* ---- torn ones ---- */

TEST(journal, is_torn_at_any_byte) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  int whole = 0;
  for (size_t size = FURROW__JOURNAL_HEAD; size <= journal.size; size++) {
    while (whole < SAMPLE_RECORDS && begins[whole + 1] <= size) whole++;
    furrow__journal_index index;
    furrow__journal_reading reading = read_bytes(journal.bytes, size, &index);
    bool ends = size == begins[whole];
    ASSERT_EQ((int)reading.state, ends ? FURROW__READ_WHOLE : FURROW__READ_TORN);
    ASSERT_EQ(reading.offset, begins[whole]);
    ASSERT_EQ(index.records, whole);
    furrow__journal_index_clear(&index);
  }
  journal_bytes_free(&journal);
}

TEST(journal, has_a_torn_tail_of_any_bytes) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  size_t whole = journal.size;
  unsigned char tail[300];
  for (int i = 0; i < 300; i++) {
    journal.size = whole;
    for (size_t k = 0; k < sizeof tail; k++) tail[k] = (unsigned char)(i == 0 ? 0 : furrow_rng_u64(&rng));
    journal_bytes_put(&journal, tail, 1 + (size_t)i);
    furrow__journal_reading reading = judge(journal.bytes, journal.size);
    ASSERT_EQ((int)reading.state, FURROW__READ_TORN);
    ASSERT_EQ(reading.offset, whole);
  }
  journal_bytes_free(&journal);
}

/* Were each of them looked at with its payload, this would take hours. */
TEST(journal, has_a_torn_tail_of_magic_words) {
  journal_bytes journal = journal_bytes_make();
  const uint32_t magic = FURROW__RECORD_MAGIC;
  for (int i = 0; i < 1 << 20; i++) journal_bytes_put(&journal, &magic, sizeof magic);
  furrow__journal_reading reading = judge(journal.bytes, journal.size);
  EXPECT_EQ((int)reading.state, FURROW__READ_TORN);
  EXPECT_EQ(reading.offset, FURROW__JOURNAL_HEAD);
  journal_bytes_free(&journal);
}

/* A result may hold the bytes of a journal, and may be torn. */
TEST(journal, is_not_taken_in_by_a_journal_in_a_torn_result) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes inner = sample(begins), journal = journal_bytes_make();
  furrow__journal_key key = MAP;
  key.count = 1;
  key.result_size = inner.size + 100;
  journal_bytes_begin(&journal, &key);
  size_t whole = journal.size;
  unsigned char *result = calloc(key.result_size, 1);
  memcpy(result + 4, inner.bytes, inner.size);
  const furrow__record record = {.kind = FURROW__RECORD_RESULTS, .count = 1};
  journal_bytes_add(&journal, record, result, key.result_size);
  EXPECT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_WHOLE);
  for (size_t size = whole + 1; size < journal.size; size++)
    EXPECT_EQ((int)judge(journal.bytes, size).state, FURROW__READ_TORN);
  journal.bytes[journal.size - 20] ^= 1; /* its payload does not check */
  EXPECT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_TORN);
  free(result);
  journal_bytes_free(&journal);
  journal_bytes_free(&inner);
}

/* ---- damaged ones ---- */

TEST(journal, notices_every_flipped_bit) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  for (size_t bit = 0; bit < 8 * journal.size; bit++) {
    size_t at = bit / 8;
    int in = 0;
    while (begins[in + 1] <= at) in++;
    journal.bytes[at] ^= (unsigned char)(1 << bit % 8);
    furrow__journal_reading reading = judge(journal.bytes, journal.size);
    journal.bytes[at] ^= (unsigned char)(1 << bit % 8);
    if (at < FURROW__JOURNAL_HEAD) {
      ASSERT_EQ((int)reading.state, FURROW__READ_FOREIGN);
    } else {
      ASSERT_EQ((int)reading.state, in == SAMPLE_RECORDS - 1 ? FURROW__READ_TORN : FURROW__READ_DAMAGED);
      ASSERT_EQ(reading.offset, begins[in]);
      ASSERT_TRUE(reading.reason != NULL);
    }
  }
  journal_bytes_free(&journal);
}

static furrow__journal_reading without(const journal_bytes *journal, size_t at, size_t count) {
  unsigned char *copy = malloc(journal->size);
  memcpy(copy, journal->bytes, at);
  memcpy(copy + at, journal->bytes + at + count, journal->size - at - count);
  furrow__journal_reading reading = judge(copy, journal->size - count);
  free(copy);
  return reading;
}

static furrow__journal_reading with(const journal_bytes *journal, size_t at, size_t count) {
  unsigned char *copy = calloc(journal->size + count, 1);
  memcpy(copy, journal->bytes, at);
  memcpy(copy + at + count, journal->bytes + at, journal->size - at);
  furrow__journal_reading reading = judge(copy, journal->size + count);
  free(copy);
  return reading;
}

/* Nothing is cut off as if it were a torn tail as long as one whole record is left behind. */
TEST(journal, notices_bytes_that_were_lost_or_added) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  size_t last = begins[SAMPLE_RECORDS - 1];
  for (size_t at = FURROW__JOURNAL_HEAD; at < last; at++)
    for (size_t count = 1; at + count <= last; count = count < 10 ? count + 1 : 2 * count) {
      ASSERT_EQ((int)without(&journal, at, count).state, FURROW__READ_DAMAGED);
      ASSERT_EQ((int)with(&journal, at, count).state, FURROW__READ_DAMAGED);
    }
  EXPECT_CONTAINS(without(&journal, begins[2], begins[3] - begins[2]).reason, "bytes before it were lost or added");
  journal_bytes_free(&journal);
}

/* The magic word of the valid record lies across the end of what the search looks at in one piece. */
TEST(journal, finds_a_valid_record_anywhere) {
  static const unsigned char nothing[FURROW__JOURNAL_VIEW + 64];
  for (size_t gap = FURROW__JOURNAL_VIEW - 8; gap < FURROW__JOURNAL_VIEW + 8; gap++) {
    size_t begins[SAMPLE_RECORDS + 1];
    journal_bytes journal = journal_bytes_make(), other = sample(begins);
    journal_bytes_put(&journal, nothing, gap);
    EXPECT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_TORN);
    journal_bytes_put(&journal, other.bytes + begins[0], begins[1] - begins[0]);
    furrow__journal_reading reading = judge(journal.bytes, journal.size);
    EXPECT_EQ((int)reading.state, FURROW__READ_DAMAGED);
    EXPECT_EQ(reading.offset, FURROW__JOURNAL_HEAD);
    journal_bytes_free(&journal);
    journal_bytes_free(&other);
  }
}

TEST(journal, refuses_other_files) {
  bool torn;
  journal_bytes journal = journal_bytes_make();
  unsigned char *head = journal.bytes;
  EXPECT_CONTAINS(judge("#include <stdio.h>\nint main(void);\n", 36).reason, "no furrow journal");
  EXPECT_CONTAINS(judge("f\n", 2).reason, "no furrow journal");
  for (size_t size = 1; size < FURROW__JOURNAL_HEAD; size++) {
    ASSERT_TRUE(furrow__journal_head_check(head, size, &torn) == NULL && torn);
    ASSERT_EQ((int)judge(head, size).state, FURROW__READ_TORN);
    ASSERT_EQ(judge(head, size).offset, 0u);
  }
  const unsigned char order[4] = {head[23], head[22], head[21], head[20]};
  memcpy(head + 20, order, 4);
  EXPECT_CONTAINS(judge(head, 32).reason, "byte order");
  furrow__journal_head(head);
  head[16] = 2;
  EXPECT_CONTAINS(judge(head, 32).reason, "another version");
  EXPECT_CONTAINS(judge(head, 24).reason, "another version");
  journal_bytes_free(&journal);
}

/* ---- records that check and make no sense ---- */

static const char *with_record(furrow__record record, size_t length) {
  static const unsigned char zeros[4096];
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &MAP);
  journal_bytes_begin(&journal, &REDUCTION);
  size_t at = journal_bytes_add(&journal, record, zeros, length);
  furrow__journal_reading reading = judge(journal.bytes, journal.size);
  EXPECT_EQ(reading.offset, reading.state == FURROW__READ_WHOLE ? journal.size : at);
  journal_bytes_free(&journal);
  EXPECT_TRUE(reading.state == FURROW__READ_WHOLE || reading.state == FURROW__READ_DAMAGED);
  return reading.reason ? reading.reason : "";
}

static const char *with_results(uint64_t operation, uint64_t first, uint64_t count, size_t length) {
  return with_record((furrow__record){FURROW__RECORD_RESULTS, 0, 0, operation, first, count, 0}, length);
}

static const char *with_node(uint64_t operation, uint64_t index, uint64_t level, size_t length) {
  return with_record((furrow__record){FURROW__RECORD_NODE, 0, 0, operation, index, level, 0}, length);
}

TEST(journal, refuses_records_that_make_no_sense) {
  EXPECT_EQ_STR(with_results(0, 99, 1, 8), "");
  EXPECT_CONTAINS(with_results(0, 99, 2, 16), "tasks that do not exist");
  EXPECT_CONTAINS(with_results(0, 100, 0, 0), "tasks that do not exist");
  EXPECT_CONTAINS(with_results(0, UINT64_MAX, 2, 16), "tasks that do not exist");
  EXPECT_CONTAINS(with_results(0, 1, UINT64_MAX, 8), "tasks that do not exist");
  EXPECT_CONTAINS(with_results(0, 0, 2, 15), "another length");
  EXPECT_CONTAINS(with_results(0, 0, 2, 0), "another length");
  EXPECT_CONTAINS(with_results(1, 0, 1, 12), "of this kind");
  EXPECT_CONTAINS(with_results(2, 0, 1, 8), "not begun");
  EXPECT_EQ_STR(with_node(1, 9, 0, 12), "");
  EXPECT_EQ_STR(with_node(1, 0, 64, 12), "");
  EXPECT_CONTAINS(with_node(1, 10, 0, 12), "leaves that do not exist");
  EXPECT_CONTAINS(with_node(1, 1, 4, 12), "leaves that do not exist");
  EXPECT_CONTAINS(with_node(1, 0, 65, 12), "leaves that do not exist");
  EXPECT_CONTAINS(with_node(1, 0, UINT64_MAX, 12), "leaves that do not exist");
  EXPECT_CONTAINS(with_node(1, 0, 0, 11), "length is wrong");
  EXPECT_CONTAINS(with_node(0, 0, 0, 8), "of this kind");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = 0}, 0), "unknown kind");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = 6}, 40), "unknown kind");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = FURROW__RECORD_RUN}, 31), "lengths are wrong");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = FURROW__RECORD_RUN}, 33), "lengths are wrong");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = FURROW__RECORD_OPERATION, .operation = 7}, 87),
                  "length is wrong");
  EXPECT_CONTAINS(with_record((furrow__record){.kind = FURROW__RECORD_OPERATION, .operation = 7}, 88), "unknown kind");
}

TEST(journal, refuses_an_operation_that_begins_twice) {
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &MAP);
  size_t at = journal_bytes_begin(&journal, &MAP);
  furrow__journal_reading reading = judge(journal.bytes, journal.size);
  EXPECT_EQ((int)reading.state, FURROW__READ_DAMAGED);
  EXPECT_EQ(reading.offset, at);
  EXPECT_CONTAINS(reading.reason, "begun before");
  journal_bytes_free(&journal);
}

/* Heads that check and claim more than there is. */
TEST(journal, survives_huge_lengths) {
  const uint64_t lengths[] = {1,         9, 1000, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX - 71, UINT64_MAX - 7,
                              UINT64_MAX};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (uint32_t kind = 0; kind < 7; kind++) {
      journal_bytes journal = journal_bytes_make();
      furrow__record record = {.kind = kind, .offset = journal.size, .length = lengths[i]};
      unsigned char head[FURROW__RECORD_HEAD];
      furrow__record_encode(&record, head);
      journal_bytes_put(&journal, head, sizeof head);
      ASSERT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_TORN);
      journal_bytes_put(&journal, "\0\0\0\0\0\0\0", 7);
      ASSERT_EQ((int)judge(journal.bytes, journal.size).state, FURROW__READ_TORN);
      journal_bytes_free(&journal);
    }
}

TEST(journal, survives_sizes_whose_product_wraps) {
  furrow__journal_key key = MAP;
  key.count = UINT64_MAX;
  key.result_size = UINT64_C(1) << 33;
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &key);
  journal_bytes_add(&journal, (furrow__record){.kind = FURROW__RECORD_RESULTS, .count = UINT64_C(1) << 31}, "", 0);
  EXPECT_CONTAINS(judge(journal.bytes, journal.size).reason, "another length");
  journal_bytes_free(&journal);
}

/* ---- a source that fails ---- */

typedef struct failing {
  const unsigned char *bytes;
  uint64_t bad;
} failing;

static const unsigned char *failing_view(void *context, uint64_t offset, size_t want) {
  failing *source = context;
  return source->bad >= offset && source->bad < offset + want ? NULL : source->bytes + offset;
}

TEST(journal, tells_bytes_that_cannot_be_read) {
  size_t begins[SAMPLE_RECORDS + 1];
  journal_bytes journal = sample(begins);
  for (uint64_t bad = 0; bad < journal.size; bad++) {
    failing source = {journal.bytes, bad};
    furrow__journal_index index;
    furrow__journal_reading reading =
        furrow__journal_read((furrow__journal_source){journal.size, failing_view, &source}, &index);
    furrow__journal_index_clear(&index);
    ASSERT_EQ((int)reading.state, FURROW__READ_FAILED);
  }
  journal_bytes_free(&journal);
}
