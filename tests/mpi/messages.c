/* How many MPI calls an operation makes. */
#include "mpi/common/tools.h"
#include "shim/pmpi.h"

enum { COUNT = 20000 };

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static const furrow_reducer SUM = {0, 8, NULL, fold, add};

TEST(messages, dynamic_operations_inside_a_node_send_none) {
  if (place_in(test_comm()).nodes > 1) return; /* nodes.c counts them there */
  uint64_t *items = calloc(COUNT, 8), *results = calloc(COUNT, 8), sum = 0, calls = pmpi_calls();
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 1);
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, items, 8, COUNT, results, 8, &options));
  EXPECT_OK(furrow_map_reduce(test_pool(), &SUM, NULL, NULL, 0, COUNT, &sum, &options));
  EXPECT_OK(furrow_agree(test_pool(), FURROW_OK, NULL));
  EXPECT_EQ(pmpi_calls(), calls);
  free(items);
  free(results);
}

static uint64_t calls_of_a_static_map(furrow_pool *pool, uint64_t count) {
  uint64_t *items = calloc(count, 8), *results = calloc(count, 8), calls = pmpi_calls();
  furrow_options options = options_of(FURROW_SCHEDULE_STATIC, 1);
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, items, 8, count, results, 8, &options));
  calls = pmpi_calls() - calls;
  free(items);
  free(results);
  return calls;
}

TEST(messages, static_maps_need_a_few_calls_whatever_their_count) {
  furrow_pool *bare = make_pool_without_board();
  EXPECT_LE(calls_of_a_static_map(test_pool(), 10), 6);
  EXPECT_LE(calls_of_a_static_map(test_pool(), 100000), 6);
  EXPECT_LE(calls_of_a_static_map(bare, 10), 7); /* the meeting too */
  EXPECT_LE(calls_of_a_static_map(bare, 100000), 7);
  furrow_pool_destroy(&bare);
}

TEST(messages, one_rank_alone_sends_none) {
  if (test_size() > 1) return;
  uint64_t calls = pmpi_calls(), sum = 0, results[100];
  furrow_options options = options_of(FURROW_SCHEDULE_STATIC, 0);
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, 100, results, 8, NULL));
  EXPECT_OK(furrow_map_reduce(test_pool(), &SUM, NULL, NULL, 0, 100, &sum, NULL));
  EXPECT_EQ(pmpi_calls(), calls);
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, 100, results, 8, &options));
  EXPECT_LE(pmpi_calls() - calls, 2);
}
