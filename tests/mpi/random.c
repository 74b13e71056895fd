/* Random numbers belong to the task: its seed, series and index alone decide, on any number of ranks. */
#include "mpi/common/tools.h"

enum { COUNT = 2000 };

typedef struct draws {
  uint64_t first, second;
  double normal;
} draws;

static draws draw(furrow_rng *rng) {
  draws all;
  all.first = furrow_rng_u64(rng);
  all.second = furrow_rng_below(rng, 1000);
  all.normal = furrow_rng_normal(rng);
  return all;
}

static int draw_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  draws *mine = result;
  *mine = draw(furrow_task_rng(task));
  return 0;
}

static void expect_draws(furrow_pool *pool, const furrow_options *options, uint64_t seed, uint64_t series) {
  draws results[COUNT];
  EXPECT_OK_ON(pool, furrow_map(pool, draw_task, NULL, NULL, 0, COUNT, results, sizeof *results, options));
  for (uint64_t i = 0; is_root() && i < COUNT; i++) {
    furrow_rng rng = furrow_rng_make(seed, series, i);
    draws wanted = draw(&rng);
    EXPECT_BYTES_EQ(&results[i], &wanted, sizeof wanted);
  }
}

TEST(random, numbers_depend_on_seed_series_and_task_alone) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], (uint64_t)s);
    options.seed = 42;
    options.series = 7;
    expect_draws(test_pool(), &options, 42, 7);
  }
}

TEST(random, series_is_the_number_of_the_operation) {
  furrow_pool *pool = make_pool(NULL);
  expect_draws(pool, NULL, 0, 0);
  expect_draws(pool, NULL, 0, 1);
  furrow_options fixed = options_of(FURROW_SCHEDULE_STATIC, 0);
  fixed.series = 0;
  expect_draws(pool, &fixed, 0, 0);
  expect_draws(pool, NULL, 0, 3);
  furrow_pool_destroy(&pool);
}

TEST(random, seed_is_the_pools_unless_the_operation_has_its_own) {
  furrow_pool_options pool_options = FURROW_POOL_OPTIONS_INIT;
  pool_options.seed = 99;
  furrow_pool *pool = make_pool(&pool_options);
  furrow_options own = FURROW_OPTIONS_INIT;
  own.seed = 5;
  expect_draws(pool, NULL, 99, 0);
  expect_draws(pool, &own, 5, 1);
  furrow_pool_destroy(&pool);
}

TEST(random, rank_0s_seed_and_series_count) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.seed = is_root() ? 3 : 4;
  options.series = is_root() ? 10 : 11;
  expect_draws(test_pool(), &options, 3, 10);
}

static int draw_twice(furrow_task *task, const void *item, void *result) {
  (void)item;
  furrow_rng *rng = furrow_task_rng(task);
  draws *mine = result;
  mine->first = furrow_rng_u64(rng);
  mine->second = furrow_rng_u64(furrow_task_rng(task)); /* goes on where it was */
  return 0;
}

TEST(random, generator_is_the_same_one_throughout_a_task) {
  draws results[COUNT];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.series = 2;
  EXPECT_OK(furrow_map(test_pool(), draw_twice, NULL, NULL, 0, COUNT, results, sizeof *results, &options));
  for (uint64_t i = 0; is_root() && i < COUNT; i++) {
    furrow_rng rng = furrow_rng_make(0, 2, i);
    EXPECT_EQ(results[i].first, furrow_rng_u64(&rng));
    EXPECT_EQ(results[i].second, furrow_rng_u64(&rng));
  }
}
