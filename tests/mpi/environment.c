/* FURROW_ variables, as rank 0 has them when a pool is made. */
#include "mpi/common/tools.h"

static furrow_pool *make_pool_under(const char *name, const char *value) {
  setenv(name, value, 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv(name);
  return pool;
}

static furrow_metrics metrics_of(furrow_pool *pool) {
  furrow_metrics metrics;
  memset(&metrics, 0, sizeof metrics);
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  return metrics;
}

TEST(environment, chooses_the_schedule_unless_the_options_do) {
  furrow_options dynamic = options_of(FURROW_SCHEDULE_DYNAMIC, 0);
  furrow_pool *pool = make_pool_under("FURROW_SCHEDULE", "static");
  expect_works(pool);
  furrow_metrics metrics = metrics_of(pool);
  if (is_root()) EXPECT_EQ(metrics.dynamic, 0);
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, 1, (uint64_t[1]){0}, 8, &dynamic));
  metrics = metrics_of(pool);
  if (is_root()) EXPECT_EQ(metrics.dynamic, 1);
  if (is_root()) EXPECT_EQ(metrics.operations, 2);
  furrow_pool_destroy(&pool);
}

TEST(environment, chooses_the_chunk) {
  furrow_pool *pool = make_pool_under("FURROW_CHUNK", "10");
  furrow_options dynamic = options_of(FURROW_SCHEDULE_DYNAMIC, 0);
  uint64_t results[1000];
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, 1000, results, 8, &dynamic));
  furrow_metrics metrics = metrics_of(pool);
  if (is_root()) EXPECT_GE(metrics.sum.claims, 100);
  if (test_size() == 1) EXPECT_EQ(metrics.sum.claims, 100); /* where nobody steals */
  furrow_pool_destroy(&pool);
}

static int draw(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = furrow_rng_u64(furrow_task_rng(task));
  return 0;
}

TEST(environment, chooses_the_seed) {
  furrow_pool *pool = make_pool_under("FURROW_SEED", "12345678901234567890");
  uint64_t result = 0;
  EXPECT_OK_ON(pool, furrow_map(pool, draw, NULL, NULL, 0, 1, &result, 8, NULL));
  furrow_rng rng = furrow_rng_make(UINT64_C(12345678901234567890), 0, 0);
  if (is_root()) EXPECT_EQ(result, furrow_rng_u64(&rng));
  furrow_pool_destroy(&pool);
}

/* How many tasks were folded into the accumulator before it was merged. */
static int count_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)task;
  (void)item;
  ++((uint64_t *)accumulator)[0];
  return 0;
}

static void keep_most(void *accumulator, const void *later, void *user) {
  (void)user;
  uint64_t *most = accumulator;
  if (*(const uint64_t *)later > *most) *most = *(const uint64_t *)later;
}

TEST(environment, chooses_the_leaf) {
  static const furrow_reducer LARGEST_LEAF = {0, 8, NULL, count_fold, keep_most};
  furrow_pool *pool = make_pool_under("FURROW_LEAF", "25");
  uint64_t largest = 0;
  EXPECT_OK_ON(pool, furrow_map_reduce(pool, &LARGEST_LEAF, NULL, NULL, 0, 110, &largest, NULL));
  if (is_root()) EXPECT_EQ(largest, 25);
  furrow_pool_destroy(&pool);
}

TEST(environment, limits_the_shared_memory) {
  furrow_pool *pool = make_pool_under("FURROW_SHARED_MEMORY", "0");
  expect_works(pool);
  furrow_metrics metrics = metrics_of(pool);
  if (is_root()) EXPECT_EQ(metrics.shared_memory, 0);
  if (is_root()) EXPECT_EQ(metrics.dynamic, 0);
  if (is_root()) EXPECT_NE(metrics.note[0], '\0');
  furrow_pool_destroy(&pool);
  pool = make_pool_under("FURROW_SHARED_MEMORY", "2M");
  metrics = metrics_of(pool);
  if (is_root()) EXPECT_GT(metrics.shared_memory, 0);
  if (is_root()) EXPECT_LE(metrics.shared_memory, 2 << 20);
  furrow_pool_destroy(&pool);
}

static void expect_refused(const char *name, const char *value, const char *allowed) {
  furrow_pool *pool = NULL;
  char words[128];
  snprintf(words, sizeof words, "%s=\"%s\"", name, value);
  setenv(name, value, 1);
  EXPECT_EQ(furrow_pool_create(test_comm(), NULL, &pool), FURROW_E_ARG);
  unsetenv(name);
  ASSERT_NE(pool, NULL);
  EXPECT_EQ(furrow_pool_error(pool)->rank, 0);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, words);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, allowed);
  expect_same_error(pool);
  uint64_t result = 0; /* a pool that could not be made carries its error */
  EXPECT_EQ(furrow_map(pool, store_index, NULL, NULL, 0, 1, &result, 8, NULL), FURROW_E_ARG);
  EXPECT_EQ(furrow_agree(pool, FURROW_OK, NULL), FURROW_E_ARG);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, words);
  EXPECT_EQ(furrow_pool_rank(pool), test_rank());
  EXPECT_EQ(furrow_pool_size(pool), test_size());
  furrow_pool_destroy(&pool);
  EXPECT_EQ(pool, NULL);
}

TEST(environment, is_refused_on_every_rank_if_a_value_is_bad) {
  expect_refused("FURROW_SCHEDULE", "fast", "auto, static or dynamic");
  expect_refused("FURROW_CHUNK", "-1", "whole number");
  expect_refused("FURROW_CHUNK", "1.5", "whole number");
  expect_refused("FURROW_SEED", "18446744073709551616", "whole number");
  expect_refused("FURROW_SEED", " 1", "whole number");
  expect_refused("FURROW_LEAF", "many", "whole number");
  expect_refused("FURROW_SHARED_MEMORY", "64MB", "64M");
  expect_refused("FURROW_PROGRESS", "yes", "off");
  expect_refused("FURROW_METRICS", "2", "0 or 1");
}

TEST(environment, counts_as_unset_where_it_is_empty) {
  furrow_pool *pool = make_pool_under("FURROW_SCHEDULE", "");
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

TEST(environment, is_rank_0s) {
  if (!is_root()) setenv("FURROW_SCHEDULE", "nonsense", 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_SCHEDULE");
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

/* What this rank writes to stderr until end_capture(). */
static int begin_capture(FILE **file) {
  fflush(stderr);
  int kept = dup(STDERR_FILENO);
  *file = tmpfile();
  dup2(fileno(*file), STDERR_FILENO);
  return kept;
}

static void end_capture(FILE *file, int kept, char *text, size_t size) {
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  rewind(file);
  text[fread(text, 1, size - 1, file)] = '\0';
  fclose(file);
}

TEST(environment, prints_the_metrics_when_a_pool_is_destroyed_if_asked) {
  char text[8192];
  FILE *file = NULL;
  furrow_pool *pool = make_pool_under("FURROW_METRICS", "1");
  expect_works(pool);
  int kept = begin_capture(&file);
  furrow_pool_destroy(&pool);
  end_capture(file, kept, text, sizeof text);
  if (is_root()) EXPECT_CONTAINS(text, "furrow: 1 operations");
  if (!is_root()) EXPECT_EQ_STR(text, "");
}

static int fail(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return furrow_fail(task, "on purpose");
}

TEST(environment, apart_a_pool_prints_nothing) {
  char text[8192];
  FILE *file = NULL;
  int kept = begin_capture(&file);
  furrow_pool *pool = make_pool(NULL);
  expect_works(pool);
  EXPECT_STATUS_ON(pool, FURROW_E_TASK, furrow_map(pool, fail, NULL, NULL, 0, 10, NULL, 0, NULL));
  EXPECT_STATUS_ON(pool, FURROW_E_ARG, furrow_map(pool, NULL, NULL, NULL, 0, 10, NULL, 0, NULL));
  furrow_pool_destroy(&pool);
  end_capture(file, kept, text, sizeof text);
  EXPECT_EQ_STR(text, "");
}
