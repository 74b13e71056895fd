/* Ranks that call differently, or wrongly, all hear of it: one status, and who did what. Each wrong is done on rank 0 and on
 * the last rank; afterwards the pool works. */
#include <inttypes.h>

#include "mpi/common/tools.h"

enum { COUNT = 50 };

static uint64_t results[COUNT];

typedef struct call {
  furrow_map_fn *fn;
  size_t item_size, result_size;
  uint64_t count;
  void *items, *results;
  furrow_options options;
} call;

static call good_call(void) {
  static uint64_t items[COUNT];
  return (call){store_index, 8, 8, COUNT, items, results, FURROW_OPTIONS_INIT};
}

static furrow_status run(furrow_pool *pool, const call *c) {
  return furrow_map(pool, c->fn, NULL, c->items, c->item_size, c->count, c->results, c->result_size, &c->options);
}

/* Every rank hears of what `culprit` did, in these words; -1: nobody in particular. */
static void expect_told(furrow_pool *pool, furrow_status status, int culprit, const char *words) {
  const furrow_error *error = furrow_pool_error(pool);
  EXPECT_EQ(error->status, status);
  if (culprit >= 0) EXPECT_EQ(error->rank, culprit);
  EXPECT_NE(error->host[0], '\0');
  EXPECT_EQ(error->task, FURROW_NO_TASK);
  EXPECT_CONTAINS(error->message, words);
  expect_same_error(pool);
  expect_works(pool);
}

typedef void spoil(call *c);

static void expect_refused_by(furrow_pool *pool, spoil *how, int culprit, const char *words) {
  call mine = good_call();
  if (test_rank() == culprit) how(&mine);
  TEST_PHASE("rank %d: %s", culprit, words);
  EXPECT_STATUS_ON(pool, FURROW_E_ARG, run(pool, &mine));
  expect_told(pool, FURROW_E_ARG, culprit, words);
}

/* With a node queue and without. */
static void expect_refused(spoil *how, const char *words) {
  furrow_pool *bare = make_pool_without_board();
  furrow_pool *pools[] = {test_pool(), bare};
  for (int i = 0; i < 2; i++) {
    expect_refused_by(pools[i], how, 0, words);
    expect_refused_by(pools[i], how, last_rank(), words);
  }
  furrow_pool_destroy(&bare);
}

/* ---- wrong by itself ---- */

static void spoil_fn(call *c) {
  c->fn = NULL;
}

static void spoil_options_size(call *c) {
  c->options.size = 3;
}

static void spoil_options_too_large(call *c) {
  c->options.size = sizeof c->options + 8;
}

static void spoil_schedule(call *c) {
  c->options.schedule = (furrow_schedule)77;
}

static const furrow_progress NO_REPORT = {NULL, NULL, 0};

static void spoil_progress(call *c) {
  c->options.progress = &NO_REPORT;
}

TEST(meeting, refuses_a_null_function) {
  expect_refused(spoil_fn, "fn is NULL");
}

TEST(meeting, refuses_options_that_were_not_initialised) {
  expect_refused(spoil_options_size, "options.size is 3");
  expect_refused(spoil_options_too_large, "options.size is");
}

TEST(meeting, refuses_a_schedule_that_does_not_exist) {
  expect_refused(spoil_schedule, "schedule is 77");
}

TEST(meeting, refuses_progress_without_a_function) {
  expect_refused(spoil_progress, "options.progress");
}

TEST(meeting, follows_rank_0s_options) {
  furrow_pool *pool = make_pool(NULL);
  call c = good_call();
  furrow_metrics metrics;
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    c.options.schedule = is_root() ? SCHEDULES[s] : SCHEDULES[SCHEDULE_COUNT - s];
    c.options.chunk = (uint64_t)test_rank();
    EXPECT_STATUS_ON(pool, FURROW_OK, run(pool, &c));
  }
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  if (is_root()) EXPECT_EQ(metrics.dynamic, 1);
  furrow_pool_destroy(&pool);
}

static void spoil_items(call *c) {
  c->items = NULL;
}

static void spoil_results(call *c) {
  c->results = NULL;
}

static void spoil_by_overlap(call *c) {
  c->items = (char *)c->results + 8;
}

static void spoil_by_the_same_array(call *c) {
  c->items = c->results;
}

TEST(meeting, refuses_arrays_that_are_missing_on_rank_0) {
  expect_refused_by(test_pool(), spoil_items, 0, "items is NULL");
  expect_refused_by(test_pool(), spoil_results, 0, "results is NULL");
}

TEST(meeting, refuses_items_and_results_that_overlap) {
  expect_refused_by(test_pool(), spoil_by_overlap, 0, "overlap");
  expect_refused_by(test_pool(), spoil_by_the_same_array, 0, "overlap");
}

TEST(meeting, takes_arrays_that_only_touch) {
  uint64_t both[2 * COUNT];
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, both, 8, COUNT, both + COUNT, 8, NULL));
}

TEST(meeting, refuses_sizes_that_no_memory_can_have) {
  call c = good_call();
  c.count = UINT64_MAX / 4;
  EXPECT_STATUS(FURROW_E_ARG, run(test_pool(), &c));
  expect_told(test_pool(), FURROW_E_ARG, 0, "exceed the address space");
  c.item_size = 0;
  EXPECT_STATUS(FURROW_E_ARG, run(test_pool(), &c));
  expect_told(test_pool(), FURROW_E_ARG, 0, "exceed the address space");
}

TEST(meeting, hears_the_lowest_rank_if_all_are_wrong) {
  call c = good_call();
  c.fn = NULL;
  EXPECT_STATUS(FURROW_E_ARG, run(test_pool(), &c));
  expect_told(test_pool(), FURROW_E_ARG, 0, "fn is NULL");
}

/* ---- wrong beside the others ---- */

static void spoil_count(call *c) {
  c->count = 49;
}

static void spoil_item_size(call *c) {
  c->item_size = 4;
}

static void spoil_result_size(call *c) {
  c->result_size = 0;
}

/* The message is about the rank that differs from rank 0; where rank 0 differs from all, that is rank 1. */
static void expect_difference(spoil *how, const char *field, uint64_t usual, uint64_t odd) {
  furrow_pool *bare = make_pool_without_board();
  furrow_pool *pools[] = {test_pool(), bare};
  const int culprits[] = {0, last_rank()};
  for (int i = 0; i < 4 && test_size() > 1; i++) {
    int culprit = culprits[i / 2];
    char words[128];
    call mine = good_call();
    if (test_rank() == culprit) how(&mine);
    if (culprit == 0)
      snprintf(words, sizeof words, "%s is %" PRIu64 " here and %" PRIu64 " on rank 0", field, usual, odd);
    else
      snprintf(words, sizeof words, "%s is %" PRIu64 " here and %" PRIu64 " on rank 0", field, odd, usual);
    EXPECT_STATUS_ON(pools[i % 2], FURROW_E_ARG, run(pools[i % 2], &mine));
    expect_told(pools[i % 2], FURROW_E_ARG, culprit == 0 ? 1 : culprit, words);
  }
  furrow_pool_destroy(&bare);
}

TEST(meeting, names_the_rank_and_both_values_where_arguments_differ) {
  expect_difference(spoil_count, "count", COUNT, 49);
  expect_difference(spoil_item_size, "item_size", 8, 4);
  expect_difference(spoil_result_size, "result_size", 8, 0);
}

TEST(meeting, names_the_sizes_of_reductions_shares_and_broadcasts_too) {
  if (test_size() == 1) return;
  bool odd = test_rank() == last_rank();
  char data[16] = "";
  furrow_share *share = NULL;
  EXPECT_STATUS(FURROW_E_ARG, furrow_bcast(test_pool(), data, odd ? 7 : 16));
  expect_told(test_pool(), FURROW_E_ARG, last_rank(), "size is 7 here and 16 on rank 0");
  EXPECT_STATUS(FURROW_E_ARG, furrow_share_create(test_pool(), data, odd ? 7 : 16, &share));
  EXPECT_EQ(share, NULL);
  expect_told(test_pool(), FURROW_E_ARG, last_rank(), "size is 7 here and 16 on rank 0");
}

/* ---- reducers ---- */

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)task;
  (void)item;
  (void)accumulator;
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)accumulator;
  (void)later;
  (void)user;
}

static void expect_reducer_refused(const furrow_reducer *reducer, const char *words) {
  static const furrow_reducer good = {0, 8, NULL, fold, merge};
  for (int culprit = 0; culprit<test_size(); culprit += test_size()> 1 ? last_rank() : 1) {
    uint64_t result = 0;
    const furrow_reducer *mine = test_rank() == culprit ? reducer : &good;
    EXPECT_STATUS(FURROW_E_ARG, furrow_map_reduce(test_pool(), mine, NULL, NULL, 0, COUNT, &result, NULL));
    expect_told(test_pool(), FURROW_E_ARG, culprit, words);
  }
}

TEST(meeting, refuses_a_reducer_that_lacks_something) {
  expect_reducer_refused(NULL, "reducer is NULL");
  expect_reducer_refused(&(furrow_reducer){0, 8, NULL, NULL, merge}, "fold is NULL");
  expect_reducer_refused(&(furrow_reducer){0, 8, NULL, fold, NULL}, "merge is NULL");
  expect_reducer_refused(&(furrow_reducer){0, 0, NULL, fold, merge}, "accumulator_size is 0");
  expect_reducer_refused(&(furrow_reducer){5, 8, NULL, fold, merge}, "reducer.size is 5");
}

TEST(meeting, refuses_a_reduction_without_a_result) {
  static const furrow_reducer good = {0, 8, NULL, fold, merge};
  EXPECT_STATUS(FURROW_E_ARG, furrow_map_reduce(test_pool(), &good, NULL, NULL, 0, COUNT, NULL, NULL));
  expect_told(test_pool(), FURROW_E_ARG, 0, "result is NULL");
  EXPECT_STATUS(FURROW_E_ARG, furrow_reduce(test_pool(), NULL, NULL, results, 8, COUNT, results, NULL));
  expect_told(test_pool(), FURROW_E_ARG, 0, "merge is NULL");
}

/* ---- different operations ---- */

typedef enum operation { MAP, MAP_REDUCE, REDUCE, BCAST, AGREE, SHARE, METRICS, OPERATIONS } operation;

static const char *const NAMES[] = {"furrow_map",   "furrow_map_reduce",   "furrow_reduce",     "furrow_bcast",
                                    "furrow_agree", "furrow_share_create", "furrow_metrics_get"};

static furrow_status call_operation(furrow_pool *pool, operation which) {
  static const furrow_reducer good = {0, 8, NULL, fold, merge};
  static uint64_t word, items[COUNT];
  static furrow_metrics metrics;
  call c = good_call();
  furrow_share *share = NULL;
  furrow_status status;
  switch (which) {
    case MAP:
      return run(pool, &c);
    case MAP_REDUCE:
      return furrow_map_reduce(pool, &good, NULL, NULL, 0, COUNT, &word, NULL);
    case REDUCE:
      return furrow_reduce(pool, merge, NULL, items, 8, COUNT, &word, NULL);
    case BCAST:
      return furrow_bcast(pool, &word, 8);
    case AGREE:
      return furrow_agree(pool, FURROW_OK, NULL);
    case SHARE:
      status = furrow_share_create(pool, items, 8, &share);
      furrow_share_destroy(&share);
      return status;
    default:
      return furrow_metrics_get(pool, &metrics, NULL);
  }
}

TEST(meeting, tells_ranks_of_different_operations_which_they_were) {
  if (test_size() == 1) return;
  furrow_pool *bare = make_pool_without_board();
  for (int i = 0; i < OPERATIONS; i++)
    for (int j = 0; j < OPERATIONS; j++) {
      furrow_pool *pool = (i + j) % 2 ? bare : test_pool();
      if (i == j) continue;
      TEST_PHASE("%s beside %s", NAMES[j], NAMES[i]);
      operation mine = (operation)(test_rank() == last_rank() ? j : i);
      EXPECT_STATUS_ON(pool, FURROW_E_MISMATCH, call_operation(pool, mine));
      EXPECT_CONTAINS(furrow_pool_error(pool)->message, NAMES[i]);
      expect_told(pool, FURROW_E_MISMATCH, last_rank(), NAMES[j]);
    }
  furrow_pool_destroy(&bare);
}

TEST(meeting, in_different_operations_weighs_more_than_a_wrong_argument) {
  if (test_size() == 1) return;
  call c = good_call();
  c.fn = NULL;
  EXPECT_STATUS(FURROW_E_MISMATCH, is_root() ? run(test_pool(), &c) : furrow_agree(test_pool(), FURROW_E_TASK, "no"));
}

static void expect_finalize_refused(furrow_pool *pool, int culprit) {
  furrow_pool *before = pool;
  call c = good_call();
  for (int round = 0; round < 3; round++) {
    EXPECT_STATUS_ON(pool, FURROW_E_MISMATCH, test_rank() == culprit ? furrow_finalize(&pool) : run(pool, &c));
    EXPECT_EQ(pool, before);
    EXPECT_CONTAINS(furrow_pool_error(pool)->message, "furrow_finalize");
    expect_told(pool, FURROW_E_MISMATCH, -1, "furrow_map");
  }
}

TEST(meeting, finalize_on_one_rank_while_others_map_is_refused_on_all) {
  if (test_size() == 1) return;
  furrow_pool *pools[] = {make_pool(NULL), make_pool_without_board()};
  for (int i = 0; i < 2; i++) {
    expect_finalize_refused(pools[i], 0);
    expect_finalize_refused(pools[i], last_rank());
    EXPECT_OK(furrow_finalize(&pools[i])); /* MPI stays: the pool did not initialise it */
    EXPECT_EQ(pools[i], NULL);
  }
}

static void expect_destroy_waits(furrow_pool *pool, int culprit) {
  call c = good_call();
  for (int round = 0; round < 3 && test_rank() != culprit; round++) {
    EXPECT_STATUS_ON(pool, FURROW_E_MISMATCH, run(pool, &c));
    EXPECT_CONTAINS(furrow_pool_error(pool)->message, "furrow_pool_destroy");
    EXPECT_CONTAINS(furrow_pool_error(pool)->message, "furrow_map");
  }
  furrow_pool_destroy(&pool);
  EXPECT_EQ(pool, NULL);
}

TEST(meeting, destroy_on_one_rank_waits_until_the_others_destroy_too) {
  if (test_size() == 1) return;
  expect_destroy_waits(make_pool(NULL), 0);
  expect_destroy_waits(make_pool(NULL), last_rank());
  expect_destroy_waits(make_pool_without_board(), 0);
  expect_destroy_waits(make_pool_without_board(), last_rank());
}

TEST(meeting, destroy_waits_for_those_who_finalize) {
  if (test_size() == 1) return;
  furrow_pool *pool = make_pool(NULL);
  if (!is_root()) EXPECT_EQ(furrow_finalize(&pool), FURROW_E_MISMATCH);
  furrow_pool_destroy(&pool);
}

TEST(meeting, of_three_kinds_of_calls_names_the_first_that_differs) {
  if (test_size() < 3) return;
  operation mine = is_root() ? AGREE : test_rank() == 1 ? MAP : METRICS;
  EXPECT_STATUS(FURROW_E_MISMATCH, call_operation(test_pool(), mine));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "furrow_map");
  expect_told(test_pool(), FURROW_E_MISMATCH, 1, "furrow_agree");
}

/* Ranks come in any order, many times over: nobody overtakes anybody. */
TEST(meeting, survives_many_short_operations) {
  for (int i = 0; i < 300; i++) {
    uint64_t mine[3] = {9, 9, 9};
    EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, 3, mine, 8, NULL));
    if (is_root()) ASSERT_TRUE(mine[0] == 0 && mine[1] == 1 && mine[2] == 2);
    EXPECT_OK(furrow_agree(test_pool(), FURROW_OK, NULL));
  }
}

/* ---- without a pool ---- */

TEST(meeting, of_no_pool_is_an_error_without_a_meeting) {
  furrow_metrics metrics;
  furrow_share *share = NULL;
  EXPECT_STATUS(FURROW_E_ARG, furrow_map(NULL, store_index, NULL, NULL, 0, 1, results, 8, NULL));
  EXPECT_STATUS(FURROW_E_ARG, furrow_map_reduce(NULL, NULL, NULL, NULL, 0, 1, results, NULL));
  EXPECT_STATUS(FURROW_E_ARG, furrow_reduce(NULL, merge, NULL, NULL, 8, 0, results, NULL));
  EXPECT_STATUS(FURROW_E_ARG, furrow_bcast(NULL, results, 8));
  EXPECT_STATUS(FURROW_E_ARG, furrow_agree(NULL, FURROW_OK, NULL));
  EXPECT_STATUS(FURROW_E_ARG, furrow_share_create(NULL, results, 8, &share));
  EXPECT_STATUS(FURROW_E_ARG, furrow_metrics_get(NULL, &metrics, NULL));
  EXPECT_EQ(furrow_pool_error(NULL)->status, FURROW_E_ARG);
}
