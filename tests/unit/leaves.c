/* The leaf rule against its words in 128-bit arithmetic, and blocks and units that tile [0, count) exactly, up to counts
   near 2^64 and a million ranks. */
#include "plan/leaves.h"

#include "furrow/rng.h"
#include "shim/test.h"

__extension__ typedef unsigned __int128 wide;

static const uint64_t EDGES[] = {0,
                                 1,
                                 2,
                                 3,
                                 63,
                                 64,
                                 65,
                                 1000,
                                 (1 << 14) - 1,
                                 1 << 14,
                                 (1 << 14) + 1,
                                 (1 << 22) - 1,
                                 1 << 22,
                                 (1 << 22) + 1,
                                 (UINT64_C(1) << 31) - 1,
                                 UINT64_C(1) << 31,
                                 (UINT64_C(1) << 31) + 1,
                                 (UINT64_C(1) << 32) - 1,
                                 UINT64_C(1) << 32,
                                 (UINT64_C(1) << 53) + 1,
                                 INT64_MAX,
                                 (UINT64_C(1) << 63) + 1,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
enum { EDGE_COUNT = sizeof EDGES / sizeof *EDGES, RANDOM_CASES = 20000 };

/* A number of a random magnitude: each number of bits is as likely. */
static uint64_t any_u64(furrow_rng *rng) {
  uint64_t bits = furrow_rng_below(rng, 65);
  return bits ? furrow_rng_u64(rng) >> (64 - bits) : 0;
}

static wide wide_min(wide a, wide b) {
  return a < b ? a : b;
}

static wide wide_max(wide a, wide b) {
  return a > b ? a : b;
}

/* Whole, without gap or overlap, none empty. */
static void expect_tiling(const furrow__units *units, uint64_t tasks) {
  ASSERT_EQ(units->tasks, tasks);
  ASSERT_GE(units->size, 1u);
  ASSERT_LE(units->count, UINT64_C(1) << 31);
  ASSERT_EQ(units->count == 0, tasks == 0);
  if (tasks == 0) return;
  ASSERT_TRUE((wide)units->count * units->size >= tasks);
  ASSERT_TRUE((wide)(units->count - 1) * units->size < tasks);
}

/* At most 2^22 leaves, and no more than make 2^36 bytes of accumulators, but up to 2^14 always. */
static void expect_rule(uint64_t tasks, uint64_t accumulator) {
  furrow__units units = furrow__units_of_leaves(tasks, accumulator, 0);
  expect_tiling(&units, tasks);
  wide most = wide_max(1 << 14, ((wide)1 << 36) / wide_max(1, accumulator));
  most = wide_min(wide_min(most, 1 << 22), tasks);
  ASSERT_TRUE(units.count <= most);
  if (units.size > 1) ASSERT_TRUE((wide)(units.size - 1) * most < tasks); /* smaller leaves would be too many */
}

TEST(leaves, follow_the_rule) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (int i = 0; i < EDGE_COUNT && !test_failed(); i++)
    for (int j = 0; j < EDGE_COUNT; j++) expect_rule(EDGES[i], EDGES[j]);
  for (int i = 0; i < RANDOM_CASES && !test_failed(); i++) expect_rule(any_u64(&rng), any_u64(&rng));
  for (uint64_t tasks = 0; tasks < 3000 && !test_failed(); tasks++) expect_rule(tasks, 8);
}

TEST(leaves, known_cases) {
  EXPECT_EQ(furrow__units_of_leaves(0, 8, 0).count, 0u);
  EXPECT_EQ(furrow__units_of_leaves(1000, 8, 0).count, 1000u);
  EXPECT_EQ(furrow__units_of_leaves(1 << 22, 8, 0).count, 1u << 22);
  EXPECT_EQ(furrow__units_of_leaves((1 << 22) + 1, 8, 0).size, 2u);
  EXPECT_EQ(furrow__units_of_leaves(UINT64_C(1) << 32, 8, 0).size, 1u << 10);
  EXPECT_EQ(furrow__units_of_leaves(1 << 20, 1 << 20, 0).count, 1u << 16); /* 2^36 bytes in all */
  EXPECT_EQ(furrow__units_of_leaves(1 << 20, 1 << 30, 0).count, 1u << 14); /* but 2^14 always */
  EXPECT_EQ(furrow__units_of_leaves(1 << 20, 0, 0).count, 1u << 20);
  EXPECT_EQ(furrow__units_of_leaves(UINT64_MAX, 8, 0).size, UINT64_C(1) << 42);
  EXPECT_EQ(furrow__units_of_leaves(UINT64_MAX, 8, 0).count, 1u << 22);
}

TEST(leaves, an_option_overrides_the_rule) {
  furrow_rng rng = furrow_rng_make(2, 0, 0);
  EXPECT_EQ(furrow__units_of_leaves(100, 8, 7).count, 15u);
  EXPECT_EQ(furrow__units_of_leaves(100, 8, 100).count, 1u);
  EXPECT_EQ(furrow__units_of_leaves(100, 8, UINT64_MAX).count, 1u);
  for (int i = 0; i < RANDOM_CASES && !test_failed(); i++) {
    uint64_t tasks = any_u64(&rng), leaf = any_u64(&rng) | 1;
    furrow__units units = furrow__units_of_leaves(tasks, any_u64(&rng), leaf);
    expect_tiling(&units, tasks);
    if ((wide)leaf << 31 >= tasks) EXPECT_EQ(units.size, leaf); /* else 2^31 units would not do */
  }
}

TEST(leaves, a_map_is_claimed_by_single_tasks_as_long_as_they_can_be_counted) {
  furrow_rng rng = furrow_rng_make(3, 0, 0);
  for (int i = 0; i < EDGE_COUNT + RANDOM_CASES && !test_failed(); i++) {
    uint64_t tasks = i < EDGE_COUNT ? EDGES[i] : any_u64(&rng);
    furrow__units units = furrow__units_of_map(tasks);
    expect_tiling(&units, tasks);
    if (tasks <= UINT64_C(1) << 31) EXPECT_EQ(units.size, 1u);
    if (units.size > 1) EXPECT_TRUE((wide)(units.size - 1) << 31 < tasks);
  }
}

/* The span of some units is that of their tasks, the last unit perhaps shorter. */
static void expect_span(const furrow__units *units, uint64_t begin, uint64_t end) {
  furrow__span span = furrow__units_span(units, begin, end);
  ASSERT_TRUE(span.begin == wide_min((wide)begin * units->size, units->tasks));
  ASSERT_TRUE(span.end == wide_min((wide)end * units->size, units->tasks));
}

TEST(leaves, spans_of_units) {
  furrow_rng rng = furrow_rng_make(4, 0, 0);
  for (uint64_t tasks = 0; tasks <= 40; tasks++)
    for (uint64_t leaf = 1; leaf <= 42 && !test_failed(); leaf++) {
      furrow__units units = furrow__units_of_leaves(tasks, 8, leaf);
      for (uint64_t begin = 0; begin <= units.count; begin++)
        for (uint64_t end = begin; end <= units.count + 1; end++) expect_span(&units, begin, end);
    }
  for (int i = 0; i < RANDOM_CASES && !test_failed(); i++) {
    furrow__units units = furrow__units_of_leaves(any_u64(&rng), any_u64(&rng), any_u64(&rng));
    uint64_t begin = furrow_rng_below(&rng, units.count + 1);
    uint64_t end = begin + furrow_rng_below(&rng, units.count + 1 - begin);
    expect_span(&units, begin, end);
    expect_span(&units, begin, units.count);
  }
}

/* Every block begins where the one before ends, and none is longer by more than one task. */
static void expect_blocks(uint64_t count, uint64_t of) {
  uint64_t end = 0, least = count / of;
  for (uint64_t i = 0; i < of; i++) {
    furrow__span block = furrow__block(count, i, of);
    if (block.begin != end || block.end - block.begin - least > (count % of != 0)) {
      TEST_FAIL("block %llu of %llu of [0, %llu) is [%llu, %llu)", (unsigned long long)i, (unsigned long long)of,
                (unsigned long long)count, (unsigned long long)block.begin, (unsigned long long)block.end);
      return;
    }
    end = block.end;
  }
  EXPECT_EQ(end, count);
}

TEST(leaves, blocks_partition_everything) {
  furrow_rng rng = furrow_rng_make(5, 0, 0);
  for (uint64_t count = 0; count <= 100; count++)
    for (uint64_t of = 1; of <= 110 && !test_failed(); of++) expect_blocks(count, of);
  for (int i = 0; i < EDGE_COUNT && !test_failed(); i++) expect_blocks(EDGES[i], 1000003); /* a million ranks */
  for (int i = 0; i < 200 && !test_failed(); i++) expect_blocks(any_u64(&rng), 1 + furrow_rng_below(&rng, 20000));
}
