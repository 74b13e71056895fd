/* What is special about several nodes: how many messages, who waits for whom, what is given back. On one node the same must
 * hold without any. */
#include "mpi/common/tools.h"
#include "shim/pmpi.h"

typedef struct tally {
  uint64_t lots, recalls, calls; /* of this rank; the first two on rank 0 */
} tally;

static tally tally_of(furrow_pool *pool) {
  furrow_metrics metrics;
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, is_root() ? &metrics : NULL, NULL));
  return (tally){is_root() ? metrics.lots : 0, is_root() ? metrics.recalls : 0, pmpi_calls()};
}

static tally difference(tally now, tally before) {
  return (tally){now.lots - before.lots, now.recalls - before.recalls, now.calls - before.calls};
}

static int work_a_little(furrow_task *task, const void *item, void *result) {
  (void)item;
  for (double start = now(); now() - start < 50e-6;) continue;
  if (result) *(uint64_t *)result = task->index;
  return 0;
}

/* Calls of one map, without those of the two gathers of metrics around it. */
static tally map_and_count(furrow_pool *pool, uint64_t count, size_t item_size, size_t result_size) {
  char *items = is_root() ? calloc(count, item_size + 1) : NULL;
  uint64_t *results = is_root() ? calloc(count, result_size + 8) : NULL;
  tally idle = tally_of(pool);
  idle = difference(tally_of(pool), idle);
  tally before = tally_of(pool);
  EXPECT_OK_ON(pool, furrow_map(pool, work_a_little, NULL, items, item_size, count, results, result_size, NULL));
  tally spent = difference(tally_of(pool), before);
  spent.calls -= idle.calls;
  for (uint64_t i = 0; results && result_size && i < count; i++) EXPECT_EQ(results[i], i);
  free(items);
  free(results);
  return spent;
}

/* Each lot is a question, an answer, and the receiving of it; a node's beginning and end are a few more. Whatever the
 * number of tasks and of ranks a node, rank 0 sees nodes. */
static void expect_few(const tally *spent, uint64_t for_data) {
  uint64_t nodes = (uint64_t)place_in(test_comm()).nodes, lots = spent->lots + spent->recalls;
  PMPI_Bcast(&lots, 1, MPI_UINT64_T, 0, test_comm());
  EXPECT_LE(lots, 40 * nodes);
  EXPECT_LE(spent->calls, 10 + 6 * lots + 12 * nodes + for_data);
}

TEST(nodes, send_few_messages_for_a_map_of_indices) {
  for (uint64_t count = 100; count <= 10000; count *= 10) {
    tally spent = map_and_count(test_pool(), count, 0, 0);
    expect_few(&spent, 0);
  }
}

/* All of it fits into what goes unasked with a lot, or is one parcel for each lot and each 50 ms. */
TEST(nodes, send_few_messages_for_small_items_and_results) {
  double start = now();
  tally spent = map_and_count(test_pool(), 4000, 8, 8);
  uint64_t nodes = (uint64_t)place_in(test_comm()).nodes, lots = spent.lots;
  PMPI_Bcast(&lots, 1, MPI_UINT64_T, 0, test_comm());
  expect_few(&spent, 8 * lots + 4 * nodes * (uint64_t)(1 + (now() - start) / 0.05));
}

typedef struct resting {
  double stretch;
  bool rested;
} resting;

static int long_on_rank_0(furrow_task *task, const void *item, void *result) {
  resting *r = task->user;
  (void)item;
  nap(task->rank == 0 && !r->rested ? 1.0 * r->stretch : 0.001);
  r->rested = true;
  *(uint64_t *)result = task->index;
  return 0;
}

/* Rank 0 sleeps through a second; all others are done with the rest long before. Items and results of some size, so that
 * they must be served meanwhile. */
TEST(nodes, never_wait_for_a_task_of_rank_0) {
  enum { EACH = 400, SIZE = 4096 };
  uint64_t count = EACH * (uint64_t)test_size();
  char *items = is_root() ? calloc(count, SIZE) : NULL, *results = is_root() ? calloc(count, SIZE) : NULL;
  bool helped = test_size() > 1 && nodes_are_served();
  for (effort e = {0}; try_again(&e);) {
    resting r = {e.stretch, false};
    double start = now();
    EXPECT_OK(furrow_map(test_pool(), long_on_rank_0, &r, items, SIZE, count, results, SIZE, NULL));
    if (helped) in_time(&e, now() - start, (1.0 + 0.4 * slowness()) * e.stretch);
  }
  for (uint64_t i = 0; results && i < count; i++) EXPECT_EQ(*(uint64_t *)(void *)(results + i * SIZE), i);
  free(items);
  free(results);
}

typedef struct long_one {
  uint64_t which;
  double seconds;
} long_one;

static int long_first(furrow_task *task, const void *item, void *result) {
  const long_one *one = task->user;
  (void)item;
  (void)result;
  nap(task->index == one->which ? one->seconds : 0.001);
  return 0;
}

/* Whichever task is long: what stands behind it is given to others. */
TEST(nodes, give_back_what_stands_behind_a_long_task) {
  uint64_t count = 100 * (uint64_t)test_size();
  bool helped = test_size() > 1 && nodes_are_served();
  for (uint64_t which = 0; which < count; which += count / 5)
    for (effort e = {0}; try_again(&e);) {
      long_one one = {which, helped ? 0.5 * e.stretch : 0.1};
      double start = now();
      EXPECT_OK(furrow_map(test_pool(), long_first, &one, NULL, 0, count, NULL, 0, NULL));
      if (helped) in_time(&e, now() - start, (0.5 + 0.3 * slowness()) * e.stretch);
    }
}

typedef struct pace {
  double nap, spent; /* of each task; on all so far, which on a busy machine is more */
  uint64_t tasks;
} pace;

static int slow_node(furrow_task *task, const void *item, void *result) {
  pace *own = task->user;
  double start = now();
  (void)item;
  nap(own->nap);
  own->spent += now() - start;
  own->tasks++;
  *(int *)result = task->rank;
  return 0;
}

/* The last node takes three times as long for each task: it gets fewer. */
TEST(nodes, that_are_slower_do_less) {
  enum { COUNT = 1000 };
  static int who[COUNT];
  place here = place_in(test_comm());
  for (effort e = {0}; try_again(&e);) {
    pace mine = {.nap = (here.nodes > 1 && here.node == here.nodes - 1 ? 0.003 : 0.001) * e.stretch};
    double start = now();
    EXPECT_OK(furrow_map(test_pool(), slow_node, &mine, NULL, 0, COUNT, who, sizeof *who, NULL));
    double took = now() - start, ranks = test_size(), speed = 0;
    double own = mine.tasks > 0 ? (double)mine.tasks / mine.spent : 1 / mine.nap;
    PMPI_Allreduce(&own, &speed, 1, MPI_DOUBLE, MPI_SUM, test_comm());
    if (is_root() && slowness() == 1) in_time(&e, took, 1.3 * COUNT / speed * (1 + 0.1 * ranks));
  }
}

static int echo(furrow_task *task, const void *item, void *result) {
  memcpy(result, item, *(const size_t *)task->user);
  return 0;
}

/* Sizes around those of parcels, bundles, slots and blocks. */
TEST(nodes, carry_items_and_results_of_any_size) {
  static const size_t SIZES[] = {1, 8, 100, 4096, 32767, 32768, 131072, 131073, 262144, 1000000, 9000001};
  for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES && !test_failed(); k++) {
    size_t size = SIZES[k];
    uint64_t count = 1 + 3000000 / size;
    unsigned char *items = is_root() ? malloc(count * size) : NULL, *results = is_root() ? calloc(count, size) : NULL;
    for (size_t i = 0; items && i < count * size; i++) items[i] = (unsigned char)(i * 2654435761u >> 13);
    TEST_PHASE("size %zu", size);
    for (int s = 0; s < SCHEDULE_COUNT; s++) {
      furrow_options options = options_of(SCHEDULES[s], 0);
      EXPECT_OK(furrow_map(test_pool(), echo, &size, items, size, count, results, size, &options));
      if (items && results) EXPECT_TRUE(memcmp(items, results, count * size) == 0);
      if (results) memset(results, 0, count * size);
    }
    free(items);
    free(results);
  }
}

static int nap_a_little(furrow_task *task, const void *item, void *result) {
  (void)task;
  (void)item;
  (void)result;
  nap(0.02);
  return 0;
}

/* Large items, one by one, for longer than a node may be silent: nothing else goes between nodes meanwhile. */
TEST(nodes, are_not_lost_while_they_only_fetch_items) {
  enum { SIZE = 300000 };
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.node_timeout = 1;
  furrow_pool *pool = make_pool(&options);
  uint64_t count = (uint64_t)(furrow_pool_nodes(pool) > 1 ? 80 : 5) * (uint64_t)test_size();
  char *items = is_root() ? calloc(count, SIZE) : NULL;
  EXPECT_OK_ON(pool, furrow_map(pool, nap_a_little, NULL, items, SIZE, count, NULL, 0, NULL));
  free(items);
  furrow_pool_destroy(&pool);
}

static void report_slowly(const furrow_progress_report *report, void *user) {
  const double *seconds = user;
  (void)report;
  nap(*seconds);
}

/* What the user's function does is nobody's silence. */
TEST(nodes, are_not_lost_while_a_report_takes_long) {
  furrow_pool_options pool_options = FURROW_POOL_OPTIONS_INIT;
  pool_options.node_timeout = 0.8;
  furrow_pool *pool = make_pool(&pool_options);
  double seconds = furrow_pool_nodes(pool) > 1 ? 1.2 : 0.2;
  furrow_progress progress = {report_slowly, &seconds, 0.05};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.progress = &progress;
  EXPECT_OK_ON(pool, furrow_map(pool, nap_a_little, NULL, NULL, 0, 20 * (uint64_t)test_size(), NULL, 0, &options));
  furrow_pool_destroy(&pool);
}

/* Operations of all kinds, one behind the other, so that a node may be an operation ahead. */
TEST(nodes, go_through_many_short_operations) {
  for (uint64_t i = 0; i < 200 && !test_failed(); i++) {
    uint64_t results[16], word = is_root() ? i : 0;
    EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, i % 17, results, 8, NULL));
    for (uint64_t k = 0; is_root() && k < i % 17; k++) EXPECT_EQ(results[k], k);
    if (i % 5 == 0) EXPECT_OK(furrow_bcast(test_pool(), &word, sizeof word));
    if (i % 5 == 0) EXPECT_EQ(word, i);
  }
}
