/* Beyond 2^31 tasks, and items beyond the 64 MiB that move at once. A program of its own, on two ranks, since it takes long.
 * ranks: 2 */
#include "mpi/common/tools.h"

static const uint64_t MANY = (UINT64_C(1) << 32) + 6; /* the last unit, of three tasks, has one */

static uint64_t tasks_here, sum_here;

static int count_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  tasks_here++;
  sum_here += task->index;
  return 0;
}

/* 0 + 1 + ... modulo 2^64: one of the two factors is even. */
static uint64_t sum_below(uint64_t n) {
  return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

static void expect_each_task_once(furrow_schedule schedule, uint64_t count) {
  furrow_options options = options_of(schedule, 0);
  if (slowness() > 1) TEST_SKIP("it would take minutes under this checker");
  tasks_here = sum_here = 0;
  EXPECT_OK(furrow_map(test_pool(), count_task, NULL, NULL, 0, count, NULL, 0, &options));
  EXPECT_EQ(sum_over_ranks(tasks_here), count);
  EXPECT_EQ(sum_over_ranks(sum_here), sum_below(count));
  EXPECT_GT(tasks_here, 0);
}

TEST_TIMEOUT(huge, map_of_more_than_2_to_the_32_tasks, 300) {
  expect_each_task_once(FURROW_SCHEDULE_DYNAMIC, MANY);
}

TEST_TIMEOUT(huge, static_map_of_more_than_2_to_the_31_tasks, 300) {
  expect_each_task_once(FURROW_SCHEDULE_STATIC, (UINT64_C(1) << 31) + 3);
}

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  uint64_t *sums = accumulator;
  sums[0]++;
  sums[1] += task->index;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  uint64_t *sums = accumulator;
  const uint64_t *more = later;
  sums[0] += more[0];
  sums[1] += more[1];
}

TEST_TIMEOUT(huge, map_reduce_of_more_than_2_to_the_31_tasks, 300) {
  static const furrow_reducer SUMS = {0, 16, NULL, fold, add};
  uint64_t sums[2] = {0, 0};
  if (slowness() > 1) TEST_SKIP("it would take minutes under this checker");
  EXPECT_OK(furrow_map_reduce(test_pool(), &SUMS, NULL, NULL, 0, MANY / 2 + 1, sums, NULL));
  if (is_root()) EXPECT_EQ(sums[0], MANY / 2 + 1);
  if (is_root()) EXPECT_EQ(sums[1], sum_below(MANY / 2 + 1));
}

/* Rank 1 begins in the middle, and fails at once. */
static int fail_beyond(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return task->index > MANY ? furrow_fail(task, "%llu", (unsigned long long)task->index) : 0;
}

TEST(huge, failing_task_beyond_2_to_the_32_is_named) {
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 1);
  char wanted[32];
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_beyond, NULL, NULL, 0, 2 * MANY + 20, NULL, 0, &options));
  EXPECT_GT(furrow_pool_error(test_pool())->task, MANY);
  snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)furrow_pool_error(test_pool())->task);
  EXPECT_EQ_STR(furrow_pool_error(test_pool())->message, wanted);
}

/* ---- one item and one result of 70 MB ---- */

enum { LARGE = 70 * 1000 * 1000 };

static unsigned char byte_of(uint64_t task, size_t i) {
  return (unsigned char)(task * 91 + i * 7 + (i >> 16));
}

static int check_large(furrow_task *task, const void *item, void *result) {
  const unsigned char *in = item;
  unsigned char *out = result;
  for (size_t i = 0; i < LARGE; i++) {
    if (in[i] != byte_of(task->index, i)) return furrow_fail(task, "byte %zu of the item is wrong", i);
    if (out[i] != 0) return furrow_fail(task, "byte %zu of the result is not zero", i);
    out[i] = (unsigned char)~in[i];
  }
  return 0;
}

static void expect_large_items(uint64_t count, furrow_schedule schedule) {
  unsigned char *items = is_root() ? malloc(count * LARGE) : NULL, *results = is_root() ? malloc(count * LARGE) : NULL;
  furrow_options options = options_of(schedule, 1);
  if (results) memset(results, 1, count * LARGE);
  for (uint64_t t = 0; items && t < count; t++)
    for (size_t i = 0; i < LARGE; i++) items[t * LARGE + i] = byte_of(t, i);
  EXPECT_OK(furrow_map(test_pool(), check_large, NULL, items, LARGE, count, results, LARGE, &options));
  uint64_t wrong = 0;
  for (uint64_t t = 0; results && t < count; t++)
    for (size_t i = 0; i < LARGE; i++) wrong += results[t * LARGE + i] != (unsigned char)~byte_of(t, i);
  EXPECT_EQ(wrong, 0);
  free(items);
  free(results);
}

TEST(huge, items_and_results_move_under_every_schedule) {
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    expect_large_items(1, SCHEDULES[s]);
    expect_large_items(3, SCHEDULES[s]);
  }
}

TEST(huge, bcast_and_share_move_in_pieces) {
  unsigned char *data = malloc(LARGE);
  furrow_share *share = NULL;
  for (size_t i = 0; i < LARGE; i++) data[i] = (unsigned char)(is_root() ? byte_of(3, i) : 0);
  EXPECT_OK(furrow_share_create(test_pool(), data, LARGE, &share));
  EXPECT_OK(furrow_bcast(test_pool(), data, LARGE));
  uint64_t wrong = 0;
  for (size_t i = 0; i < LARGE; i++) wrong += data[i] != byte_of(3, i);
  EXPECT_EQ(wrong, 0);
  EXPECT_BYTES_EQ(furrow_share_data(share), data, LARGE);
  furrow_share_destroy(&share);
  free(data);
}

/* ---- an accumulator beyond 64 MiB ---- */

static int fold_large(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  uint64_t *all = accumulator;
  for (size_t i = 0; i < LARGE / 8; i++) all[i] += task->index + i;
  return 0;
}

static void add_large(void *accumulator, const void *later, void *user) {
  (void)user;
  uint64_t *all = accumulator;
  const uint64_t *more = later;
  for (size_t i = 0; i < LARGE / 8; i++) all[i] += more[i];
}

TEST(huge, accumulators_move_in_pieces) {
  static const furrow_reducer WIDE = {0, LARGE, NULL, fold_large, add_large};
  uint64_t *result = malloc(LARGE), wrong = 0;
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 1);
    EXPECT_OK(furrow_map_reduce(test_pool(), &WIDE, NULL, NULL, 0, 6, result, &options));
    for (size_t i = 0; is_root() && i < LARGE / 8; i++) wrong += result[i] != 15 + 6 * i;
    EXPECT_EQ(wrong, 0);
  }
  free(result);
}
