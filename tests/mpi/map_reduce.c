/* One answer, bit for bit: that of the documented tree, which each test computes by itself from the documentation. */
#include "mpi/common/tools.h"

/* x -> a x + b modulo 2^64. Composing them is associative, does not commute, and forgets nothing. */
typedef struct affine {
  uint64_t a, b;
} affine;

static affine affine_of(uint64_t i) {
  return (affine){2 * (i * 0x9e3779b97f4a7c15u) + 1, i * 0xd1b54a32d192ed03u + 7};
}

/* First `f`, then `g`. */
static affine then(affine f, affine g) {
  return (affine){g.a * f.a, g.a * f.b + g.b};
}

static void affine_init(void *accumulator, void *user) {
  (void)user;
  *(affine *)accumulator = (affine){1, 0};
}

static int affine_fold(furrow_task *task, const void *item, void *accumulator) {
  const affine *f = item;
  *(affine *)accumulator = then(*(affine *)accumulator, f ? *f : affine_of(task->index));
  return 0;
}

static void affine_merge(void *accumulator, const void *later, void *user) {
  (void)user;
  *(affine *)accumulator = then(*(affine *)accumulator, *(const affine *)later);
}

static const furrow_reducer AFFINE = {0, sizeof(affine), affine_init, affine_fold, affine_merge};

/* All one after the other. */
static affine compose(uint64_t count) {
  affine all = {1, 0};
  for (uint64_t i = 0; i < count; i++) all = then(all, affine_of(i));
  return all;
}

/* ---- sums that round ---- */

static double term(uint64_t i) {
  return 1.0 / (double)(i + 1) * (i % 3 == 0 ? 1e9 : 1);
}

static int sum_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(double *)accumulator += term(task->index);
  return 0;
}

static void sum_merge(void *accumulator, const void *later, void *user) {
  (void)user;
  *(double *)accumulator += *(const double *)later;
}

static const furrow_reducer SUM = {sizeof(furrow_reducer), sizeof(double), NULL, sum_fold, sum_merge};

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* Leaves of consecutive tasks; then neighbours merge, level by level, and one that is left over rises. */
static double sum_by_tree(uint64_t count, uint64_t leaf) {
  uint64_t most = min(count, min(UINT64_C(1) << 22, max(UINT64_C(1) << 14, (UINT64_C(1) << 36) / sizeof(double))));
  if (leaf == 0) leaf = max(1, (count + most - 1) / max(1, most));
  uint64_t leaves = (count + leaf - 1) / leaf;
  double *level = calloc(leaves + 1, sizeof *level);
  for (uint64_t i = 0; i < count; i++) level[i / leaf] += term(i);
  for (; leaves > 1; leaves = (leaves + 1) / 2)
    for (uint64_t i = 0; i < leaves; i += 2) level[i / 2] = i + 1 < leaves ? level[i] + level[i + 1] : level[i];
  double sum = level[0];
  free(level);
  return sum;
}

static void expect_sum(uint64_t count, furrow_options options) {
  double wanted = sum_by_tree(count, options.leaf), got = -1;
  TEST_PHASE("%d tasks, leaf %d, chunk %d, schedule %d", (int)count, (int)options.leaf, (int)options.chunk,
             (int)options.schedule);
  EXPECT_OK(furrow_map_reduce(test_pool(), &SUM, NULL, NULL, 0, count, &got, &options));
  if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
}

TEST(map_reduce, gives_the_bits_of_the_documented_tree) {
  static const uint64_t counts[] = {0, 1, 2, 3, 7, 64, 1000, 16385, 100001};
  static const uint64_t chunks[] = {0, 1, 3, 1000};
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
    for (int k = 0; k < 4; k++)
      for (int s = 0; s < SCHEDULE_COUNT; s++) expect_sum(counts[c], options_of(SCHEDULES[s], chunks[k]));
}

TEST(map_reduce, gives_the_bits_that_it_always_gave) {
  double got = 0;
  EXPECT_OK(furrow_map_reduce(test_pool(), &SUM, NULL, NULL, 0, 5000000, &got, NULL));
  if (is_root()) EXPECT_EQ(got, 0x1.5adddcb96edd8p+32);
}

static void init_partly(void *accumulator, void *user) {
  (void)user;
  ((uint64_t *)accumulator)[1] = 1;
}

static int fold_partly(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  uint64_t *words = accumulator;
  words[0] += task->index; /* which init left to be zero */
  return words[1] == 1 ? 0 : furrow_fail(task, "init was not called");
}

static void merge_partly(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

TEST(map_reduce, init_starts_from_zero_bytes) {
  static const furrow_reducer PARTLY = {0, 24, init_partly, fold_partly, merge_partly};
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    uint64_t got[3] = {9, 9, 9};
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_map_reduce(test_pool(), &PARTLY, NULL, NULL, 0, 1000, got, &options));
    if (is_root()) EXPECT_TRUE(got[0] == 499500 && got[1] == 1 && got[2] == 0);
  }
}

TEST(map_reduce, follows_the_leaf_option) {
  static const uint64_t counts[] = {1, 99, 100, 101, 199, 200, 201, 20000};
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
    for (int s = 0; s < SCHEDULE_COUNT; s++) {
      furrow_options options = options_of(SCHEDULES[s], 0);
      options.leaf = 100;
      expect_sum(counts[c], options);
      options.leaf = 1;
      expect_sum(counts[c], options);
      options.leaf = 1000000;
      expect_sum(counts[c], options);
    }
}

TEST(map_reduce, keeps_the_order_of_an_operator_that_does_not_commute) {
  static const uint64_t counts[] = {1, 2, 9, 5000, 70000};
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
    for (int s = 0; s < SCHEDULE_COUNT; s++)
      for (uint64_t chunk = 0; chunk < 3; chunk++) {
        affine got = {0, 0}, wanted = compose(counts[c]);
        furrow_options options = options_of(SCHEDULES[s], chunk);
        EXPECT_OK(furrow_map_reduce(test_pool(), &AFFINE, NULL, NULL, 0, counts[c], &got, &options));
        if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
      }
}

TEST(map_reduce, folds_items_in_their_order) {
  static const uint64_t counts[] = {5, 5000, 300000}; /* copied as a whole, and in pieces */
  for (int c = 0; c < 3; c++) {
    affine *items = is_root() ? malloc(counts[c] * sizeof *items) : NULL;
    for (uint64_t i = 0; items && i < counts[c]; i++) items[i] = affine_of(i);
    for (int s = 0; s < SCHEDULE_COUNT; s++) {
      affine got = {0, 0}, wanted = compose(counts[c]);
      furrow_options options = options_of(SCHEDULES[s], 0);
      options.leaf = s == 1 ? 7 : 0;
      EXPECT_OK(furrow_map_reduce(test_pool(), &AFFINE, NULL, items, sizeof *items, counts[c], &got, &options));
      if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
    }
    free(items);
  }
}

static int uneven_fold(furrow_task *task, const void *item, void *accumulator) {
  uint64_t dice = task->index * 0x9e3779b97f4a7c15u >> 54;
  if (dice == 0) nap(0.001);
  return affine_fold(task, item, accumulator);
}

/* Leaves are stolen, and given back, all the time; the tree does not care. */
TEST(map_reduce, keeps_the_order_of_uneven_tasks) {
  enum { COUNT = 10000 };
  static const furrow_reducer UNEVEN = {0, sizeof(affine), affine_init, uneven_fold, affine_merge};
  affine *items = malloc(COUNT * sizeof *items), wanted = compose(COUNT);
  for (uint64_t i = 0; i < COUNT; i++) items[i] = affine_of(i);
  for (uint64_t chunk = 0; chunk < 2; chunk++)
    for (int own = 0; own < 2; own++) {
      affine got = {0, 0};
      furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, chunk);
      options.leaf = own ? 0 : 5;
      EXPECT_OK(furrow_map_reduce(test_pool(), &UNEVEN, NULL, own ? items : NULL, own ? sizeof *items : 0, COUNT, &got,
                                  &options));
      if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
    }
  free(items);
}

TEST(map_reduce, of_no_tasks_is_what_init_makes) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    affine got = {5, 5};
    double sum = 5;
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_map_reduce(test_pool(), &AFFINE, NULL, NULL, sizeof got, 0, &got, &options));
    EXPECT_OK(furrow_map_reduce(test_pool(), &SUM, NULL, NULL, 0, 0, &sum, &options));
    if (is_root()) EXPECT_TRUE(got.a == 1 && got.b == 0);
    if (is_root()) EXPECT_EQ(sum, 0.0);
  }
}

/* ---- large accumulators: many affine maps side by side ---- */

typedef struct wide {
  size_t n;
} wide;

static void wide_init(void *accumulator, void *user) {
  affine *all = accumulator;
  for (size_t j = 0; j < ((wide *)user)->n; j++) all[j] = (affine){1, 0};
}

static int wide_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  affine *all = accumulator, mine = affine_of(task->index);
  for (size_t j = 0; j < ((wide *)task->user)->n; j++) all[j] = then(all[j], (affine){mine.a, mine.b + j});
  return 0;
}

static void wide_merge(void *accumulator, const void *later, void *user) {
  affine *all = accumulator;
  const affine *more = later;
  for (size_t j = 0; j < ((wide *)user)->n; j++) all[j] = then(all[j], more[j]);
}

static void expect_wide(size_t bytes, uint64_t count, uint64_t leaf, furrow_schedule schedule) {
  wide user = {bytes / sizeof(affine)};
  furrow_reducer reducer = {0, bytes, wide_init, wide_fold, wide_merge};
  furrow_options options = options_of(schedule, 0);
  options.leaf = leaf;
  affine *got = is_root() ? malloc(bytes) : NULL;
  EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, &user, NULL, 0, count, got, &options));
  for (size_t j = 0; got && j < user.n; j += 1 + user.n / 50) {
    affine wanted = {1, 0};
    for (uint64_t i = 0; i < count; i++) wanted = then(wanted, (affine){affine_of(i).a, affine_of(i).b + j});
    EXPECT_BYTES_EQ(&got[j], &wanted, sizeof wanted);
  }
  free(got);
}

TEST(map_reduce, merges_large_accumulators) {
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    expect_wide(1 << 20, 303, 1, SCHEDULES[s]);
    expect_wide(3 << 20, 61, 2, SCHEDULES[s]);
    expect_wide(100000, 300, 3, SCHEDULES[s]);
    expect_wide(48, 20000, 0, SCHEDULES[s]);
  }
}

typedef struct block {
  uint64_t index;
  char rest[199992];
} block;

static int block_fold(furrow_task *task, const void *item, void *accumulator) {
  const block *mine = item;
  if (mine->index != task->index || mine->rest[sizeof mine->rest - 1] != (char)task->index)
    return furrow_fail(task, "not its item");
  *(uint64_t *)accumulator = *(uint64_t *)accumulator * 3 + mine->index;
  return 0;
}

static void never_merge(void *accumulator, const void *later, void *user) {
  (void)accumulator;
  (void)later;
  (void)user;
  TEST_FAIL("one leaf has nothing to merge");
}

TEST(map_reduce, folds_items_larger_than_a_piece) {
  enum { COUNT = 30 };
  furrow_reducer reducer = {0, 8, NULL, block_fold, never_merge};
  block *items = is_root() ? calloc(COUNT, sizeof *items) : NULL;
  uint64_t wanted = 0;
  for (uint64_t i = 0; i < COUNT; i++) wanted = wanted * 3 + i;
  for (uint64_t i = 0; items && i < COUNT; i++) {
    items[i].index = i;
    items[i].rest[sizeof items->rest - 1] = (char)i;
  }
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    uint64_t got = 0;
    furrow_options options = options_of(SCHEDULES[s], 0);
    options.leaf = COUNT;
    EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, NULL, items, sizeof *items, COUNT, &got, &options));
    if (is_root()) EXPECT_EQ(got, wanted);
  }
  free(items);
}

/* A worker keeps some 2 log2(leaves) accumulators, not one a leaf. */
TEST(map_reduce, memory_does_not_grow_with_the_leaves) {
  struct rusage before, after;
  wide user = {65536 / sizeof(affine)};
  furrow_reducer reducer = {0, 65536, wide_init, wide_fold, wide_merge};
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 0);
  affine *got = malloc(65536);
  options.leaf = 1;
  getrusage(RUSAGE_SELF, &before);
  EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, &user, NULL, 0, 4000, got, &options)); /* 262 MB of accumulators */
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, INT64_C(64) * 1024); /* KiB; a maximum so far, so it can only be less */
  free(got);
}

/* ---- reduce ---- */

TEST(reduce, merges_an_array_in_its_order) {
  static const uint64_t counts[] = {1, 2, 1000, 100000};
  for (int c = 0; c < 4; c++) {
    affine *items = is_root() ? malloc(counts[c] * sizeof *items) : NULL;
    for (uint64_t i = 0; items && i < counts[c]; i++) items[i] = affine_of(i);
    for (int s = 0; s < SCHEDULE_COUNT; s++) {
      affine got = {0, 0}, wanted = compose(counts[c]);
      furrow_options options = options_of(SCHEDULES[s], 0);
      EXPECT_OK(furrow_reduce(test_pool(), affine_merge, NULL, items, sizeof *items, counts[c], &got, &options));
      if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
    }
    free(items);
  }
}

TEST(reduce, of_doubles_gives_the_bits_of_the_documented_tree) {
  enum { COUNT = 50000 };
  double *items = is_root() ? malloc(COUNT * sizeof *items) : NULL;
  for (uint64_t i = 0; items && i < COUNT; i++) items[i] = term(i);
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    double got = 0, wanted = sum_by_tree(COUNT, 64);
    furrow_options options = options_of(SCHEDULES[s], 0);
    options.leaf = 64;
    EXPECT_OK(furrow_reduce(test_pool(), sum_merge, NULL, items, sizeof *items, COUNT, &got, &options));
    if (is_root()) EXPECT_BYTES_EQ(&got, &wanted, sizeof got);
  }
  free(items);
}

TEST(reduce, of_nothing_is_zero_bytes) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    affine got = {3, 3};
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_reduce(test_pool(), affine_merge, NULL, NULL, sizeof got, 0, &got, &options));
    if (is_root()) EXPECT_TRUE(got.a == 0 && got.b == 0);
  }
}

TEST(reduce, leaves_the_items_as_they_were) {
  enum { COUNT = 3000 };
  affine *items = is_root() ? malloc(COUNT * sizeof *items) : NULL, got;
  for (uint64_t i = 0; items && i < COUNT; i++) items[i] = affine_of(i);
  EXPECT_OK(furrow_reduce(test_pool(), affine_merge, NULL, items, sizeof *items, COUNT, &got, NULL));
  for (uint64_t i = 0; items && i < COUNT; i++) EXPECT_EQ(items[i].b, affine_of(i).b);
  free(items);
}

/* ---- moments ---- */

static int moments_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  furrow_moments_add(accumulator, furrow_rng_normal(furrow_task_rng(task)));
  return 0;
}

static void moments_merge(void *accumulator, const void *later, void *user) {
  (void)user;
  furrow_moments_merge(accumulator, later);
}

TEST(map_reduce, of_moments_needs_no_init_and_is_the_same_under_every_schedule) {
  furrow_reducer reducer = {0, sizeof(furrow_moments), NULL, moments_fold, moments_merge};
  furrow_moments got[SCHEDULE_COUNT];
  memset(got, 0, sizeof got);
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    options.series = 5;
    EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, NULL, NULL, 0, 40000, &got[s], &options));
    EXPECT_BYTES_EQ(&got[s], &got[0], sizeof got[s]);
  }
  if (is_root()) EXPECT_EQ(got[0].n, 40000);
  if (is_root()) EXPECT_NEAR(got[0].mean, 0, 0.02);
  if (is_root()) EXPECT_NEAR(furrow_moments_stddev(&got[0]), 1, 0.02);
}
