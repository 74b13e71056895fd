/* Threads of each rank's own number: the same bits whoever is there, absent workers neither begin nor hold anything up, and numbers
 * that can't be are refused on all ranks. */
#include "mpi/common/streams.h"

/* Who has how many of `threads`; the same table on every rank. */
typedef enum spread { ROOT_NONE, ROOT_ONLY, LAST_ONLY, EVERY_OTHER, RISING, ONE_EACH, ALL_SAID, SPREADS } spread;

static int own_of(spread s, int rank, int threads) {
  switch (s) {
    case ROOT_NONE:
      return rank == 0 ? 0 : FURROW_THREADS_ALL;
    case ROOT_ONLY:
      return rank == 0 ? threads : 0;
    case LAST_ONLY:
      return rank == last_rank() ? 1 : 0;
    case EVERY_OTHER:
      return rank % 2 ? threads : 0;
    case RISING:
      return rank % (threads + 1);
    case ONE_EACH:
      return 1;
    default:
      return threads;
  }
}

static int workers_of(spread s, int rank, int threads) {
  int own = own_of(s, rank, threads);
  return own == FURROW_THREADS_ALL ? threads : own;
}

static int all_workers(spread s, int threads) {
  int all = 0;
  for (int r = 0; r < test_size(); r++) all += workers_of(s, r, threads);
  return all;
}

static int ranks_with_workers(spread s, int threads) {
  int ranks = 0;
  for (int r = 0; r < test_size(); r++) ranks += workers_of(s, r, threads) > 0;
  return ranks;
}

static furrow_options with(spread s, int threads) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = threads;
  options.own_threads = own_of(s, test_rank(), threads);
  return options;
}

/* What all tasks and workers saw; `begun` by worker. */
typedef struct watch {
  counter *begun, *ended, *ran;
  int workers; /* in numbers */
} watch;

static int begin_worker(void *user, int worker, void **local) {
  watch *w = user;
  w->begun[worker]++;
  *local = &w->begun[worker];
  return 0;
}

static void end_worker(void *user, int worker, void *local) {
  watch *w = user;
  if (local == &w->begun[worker]) w->ended[worker]++;
}

static watch watch_make(int threads) {
  size_t n = (size_t)test_size() * (size_t)threads;
  return (watch){counters_make(n), counters_make(n), counters_make(n), (int)n};
}

static void watch_free(watch *w) {
  counters_free(w->begun, (size_t)w->workers);
  counters_free(w->ended, (size_t)w->workers);
  counters_free(w->ran, (size_t)w->workers);
}

/* Workers that are there have begun once, and ended; those that are not have done nothing. */
static void expect_present(const watch *w, spread s, const furrow_options *options) {
  int threads = options->threads;
  meet_asleep();
  for (int i = 0; i < w->workers && is_root(); i++) {
    bool there = i % threads < workers_of(s, i / threads, threads);
    if (there && options->isolate == FURROW_ISOLATE_ON) continue; /* each child begins, if there is work */
    EXPECT_EQ(w->begun[i], there);
    EXPECT_EQ(w->ended[i], there);
    if (!there) EXPECT_EQ(w->ran[i], 0);
  }
}

static void note(const furrow_task *task) {
  watch *w = task->user;
  if (w) w->ran[task->worker]++;
}

/* ---- maps and reductions ---- */

static int map_task(furrow_task *task, const void *item, void *result) {
  note(task);
  if (item && *(const uint64_t *)item != 3 * task->index) return furrow_fail(task, "a wrong item");
  *(uint64_t *)result = furrow_rng_u64(furrow_task_rng(task));
  return 0;
}

static void expect_map(spread s, furrow_options options, uint64_t count, bool has_items) {
  watch w = watch_make(options.threads);
  uint64_t *results = root_array(count, 8), *items = has_items ? root_array(count, 8) : NULL;
  for (uint64_t i = 0; items && i < count; i++) items[i] = 3 * i;
  options.seed = 5;
  options.series = 0;
  options.worker_begin = begin_worker;
  options.worker_end = end_worker;
  EXPECT_OK(furrow_map(test_pool(), map_task, &w, items, has_items ? 8 : 0, count, results, 8, &options));
  expect_present(&w, s, &options);
  for (uint64_t i = 0; results && i < count; i++) {
    furrow_rng rng = furrow_rng_make(5, 0, i);
    if (results[i] == furrow_rng_u64(&rng)) continue;
    TEST_FAIL("result %d of %d is wrong", (int)i, (int)count);
    break;
  }
  watch_free(&w);
  free(results);
  free(items);
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  note(task);
  answer_add(accumulator, task->index);
  return 0;
}

static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};

static void expect_reduction(spread s, furrow_options options, uint64_t count) {
  watch w = watch_make(options.threads);
  answer got = {0};
  options.worker_begin = begin_worker;
  options.worker_end = end_worker;
  options.leaf = 7;
  EXPECT_OK(furrow_map_reduce(test_pool(), &ANSWER, &w, NULL, 0, count, &got, &options));
  expect_answer(&got, count, options.leaf, NONE);
  expect_present(&w, s, &options);
  watch_free(&w);
}

static void expect_both(spread s, furrow_options options) {
  static const uint64_t counts[] = {0, 1, 30, 20000};
  for (int c = 0; c < 4 && !test_failed(); c++) {
    TEST_PHASE("spread %d, threads %d, %d tasks, chunk %d, on_error %d", (int)s, options.threads, (int)counts[c],
               (int)options.chunk, (int)options.on_error);
    expect_map(s, options, counts[c], c % 2);
    expect_reduction(s, options, counts[c]);
  }
}

TEST(own_threads, give_the_same_bits) {
  for (int s = 0; s < SPREADS; s++)
    for (int i = 0; i < 4; i++) {
      furrow_options options = with((spread)s, i % 2 ? 3 : 1);
      if (all_workers((spread)s, options.threads) == 0) continue;
      options.on_error = i / 2 ? FURROW_ON_ERROR_CONTINUE : FURROW_ON_ERROR_FAIL_FAST;
      options.chunk = s % 2 ? 0 : 3;
      expect_both((spread)s, options);
    }
}

/* Large results go through rings; few tasks are dealt to who is there, and to nobody else. */
TEST(own_threads, move_large_items_and_results) {
  enum { SIZE = 300000, COUNT = 23 };
  for (int s = 0; s < SPREADS; s++) {
    furrow_options options = with((spread)s, 2);
    if (all_workers((spread)s, 2) == 0) continue;
    flow f = flow_of(COUNT, (sizes){SIZE, true}, (sizes){SIZE, true});
    TEST_PHASE("spread %d", s);
    expect_flow(f, options);
  }
}

/* All who are there have something to do. */
static int nap_and_note(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  note(task);
  nap(0.01);
  return 0;
}

TEST(own_threads, use_all_who_are_there) {
  if (!nodes_are_served()) TEST_SKIP("a node's first rank serves others between its tasks only");
  for (int s = 0; s < SPREADS; s++) {
    furrow_options options = with((spread)s, 3);
    int all = all_workers((spread)s, 3);
    if (all == 0) continue;
    watch w = watch_make(3);
    TEST_PHASE("spread %d", s);
    EXPECT_OK(furrow_map(test_pool(), nap_and_note, &w, NULL, 0, (uint64_t)(20 * all), NULL, 0, &options));
    meet_asleep();
    for (int i = 0; i < w.workers && is_root(); i++)
      if (i % 3 < workers_of((spread)s, i / 3, 3)) EXPECT_GE(w.ran[i], 1);
    watch_free(&w);
  }
}

/* Who has no worker waits asleep. */
TEST(own_threads, without_a_worker_a_rank_sleeps) {
  furrow_options options = with(LAST_ONLY, 1);
  double cpu = cpu_now();
  EXPECT_OK(furrow_map(test_pool(), nap_and_note, NULL, NULL, 0, 100, NULL, 0, &options));
  if (test_rank() != last_rank()) EXPECT_LT(cpu_now() - cpu, 0.5 * slowness());
}

/* ---- streams ---- */

static const sizes WORD = {8, false};

TEST(own_threads, run_streams) {
  for (int s = 0; s < SPREADS; s++)
    for (int i = 0; i < 4; i++) {
      int threads = i & 1 ? 3 : 1;
      furrow_options options = with((spread)s, threads);
      if (all_workers((spread)s, threads) == 0) continue;
      options.unordered = i & 2;
      options.window = s % 2 ? 3 : 0;
      TEST_PHASE("spread %d, %d", s, i);
      expect_flow(flow_of(700, WORD, (sizes){100, true}), options);
    }
}

/* ---- failures ---- */

/* On another rank, if there is one that has workers. */
typedef struct places {
  counter *ranks; /* 1 + the rank where the task failed first, then where it was tried again */
} places;

static int fail_at_first(furrow_task *task, const void *item, void *result) {
  const places *p = task->user;
  (void)item;
  (void)result;
  p->ranks[2 * task->index + (task->attempt > 0)] = (uint64_t)task->rank + 1;
  return task->attempt == 0 ? furrow_fail(task, "once") : 0;
}

TEST(own_threads, retries_go_to_ranks_with_workers) {
  enum { COUNT = 40, NOTES = 2 * COUNT };
  for (int s = 0; s < SPREADS; s++)
    for (int threads = 1; threads < 4; threads += 2)
      for (int isolated = 0; isolated < 2; isolated++) {
        furrow_options options = with((spread)s, threads);
        if (all_workers((spread)s, threads) == 0) continue;
        places p = {counters_make(NOTES)};
        options.retries = 1;
        options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
        TEST_PHASE("spread %d, threads %d, isolated %d", s, threads, isolated);
        EXPECT_OK(furrow_map(test_pool(), fail_at_first, &p, NULL, 0, COUNT, NULL, 0, &options));
        meet_asleep();
        bool others = ranks_with_workers((spread)s, threads) > 1;
        for (size_t i = 0; i < COUNT && is_root(); i++) {
          EXPECT_GT(p.ranks[2 * i], 0);
          EXPECT_GT(p.ranks[2 * i + 1], 0);
          EXPECT_EQ(p.ranks[2 * i] != p.ranks[2 * i + 1], others);
        }
        counters_free(p.ranks, NOTES);
      }
}

static int fail_some(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return task->index % 7 == 3 ? furrow_fail(task, "it was to fail") : 0;
}

TEST(own_threads, failures_are_everybodys) {
  static const failing which = {3, 7, UINT64_MAX};
  for (int s = 0; s < SPREADS; s++)
    for (int isolated = 0; isolated < 2; isolated++) {
      furrow_options options = with((spread)s, 2);
      if (all_workers((spread)s, 2) == 0) continue;
      options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
      EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_some, NULL, NULL, 0, 500, NULL, 0, &options));
      expect_same_error(test_pool());
      options.on_error = FURROW_ON_ERROR_CONTINUE;
      EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_some, NULL, NULL, 0, 500, NULL, 0, &options));
      expect_failing_tasks(test_pool(), which, 500);
    }
}

static int refuse(void *user, int worker, void **local) {
  (void)user;
  *local = NULL;
  return worker >= 0 ? 7 : 0;
}

TEST(own_threads, a_worker_that_can_not_begin_ends_it) {
  for (int s = 0; s < SPREADS; s++) {
    furrow_options options = with((spread)s, 2);
    if (all_workers((spread)s, 2) == 0) continue;
    options.worker_begin = refuse;
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_some, NULL, NULL, 0, 500, NULL, 0, &options));
    expect_same_error(test_pool());
    expect_works(test_pool());
  }
}

/* ---- isolation ---- */

static int fold_isolated(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  if (task->index == 11) abort();
  answer_add(accumulator, task->index);
  return 0;
}

TEST(own_threads, hold_for_children) {
  static const furrow_reducer reducer = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_isolated,
                                         answer_merge};
  static const failing which = {11, 1, 1};
  for (int s = 0; s < SPREADS; s++)
    for (int threads = 1; threads < 3; threads++) {
      furrow_options options = with((spread)s, threads);
      answer got = {0};
      if (all_workers((spread)s, threads) == 0) continue;
      options.isolate = FURROW_ISOLATE_ON;
      options.on_error = FURROW_ON_ERROR_CONTINUE;
      options.leaf = 5;
      TEST_PHASE("spread %d, threads %d", s, threads);
      EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &reducer, NULL, NULL, 0, 300, &got, &options));
      expect_answer(&got, 300, 5, which);
      expect_flow(flow_of(100, WORD, WORD), options);
      expect_map((spread)s, options, 30, true);
    }
}

/* ---- a journal ---- */

TEST(own_threads, go_on_from_a_journal) {
  for (int s = 0; s < SPREADS; s++) {
    folder path;
    char journal[128];
    answer got = {0};
    furrow_options options = with((spread)s, 2);
    if (all_workers((spread)s, 2) == 0) continue;
    folder_make(path);
    snprintf(journal, sizeof journal, "%s/journal", path);
    options.journal = journal;
    options.leaf = 3;
    for (int run = 0; run < 2; run++) {
      furrow_pool *pool = make_pool(NULL);
      if (run == 1) options.own_threads = own_of(ROOT_ONLY, test_rank(), 2);
      EXPECT_OK_ON(pool, furrow_map_reduce(pool, &ANSWER, NULL, NULL, 0, 1000, &got, &options));
      expect_answer(&got, 1000, 3, NONE);
      furrow_pool_destroy(&pool);
    }
    folder_remove(path);
  }
}

/* ---- what can't be ---- */

static void expect_refused(const furrow_options *options, int culprit, const char *words) {
  uint64_t result = 0;
  EXPECT_STATUS(FURROW_E_ARG, furrow_map(test_pool(), fail_some, NULL, NULL, 0, 100, NULL, 0, options));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, culprit);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, words);
  expect_same_error(test_pool());
  EXPECT_STATUS(FURROW_E_ARG, furrow_map_reduce(test_pool(), &ANSWER, NULL, NULL, 0, 100, &result, options));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, culprit);
  expect_same_error(test_pool());
  expect_works(test_pool());
}

TEST(own_threads, that_can_not_be_are_refused) {
  static const int wrong[] = {-2, -1000, 3, 5000};
  for (int culprit = 0; culprit < test_size(); culprit++)
    for (int i = 0; i < 4; i++) {
      furrow_options options = FURROW_OPTIONS_INIT;
      options.threads = 2;
      if (test_rank() == culprit) options.own_threads = wrong[i];
      expect_refused(&options, culprit, "options.own_threads is");
    }
}

/* Rank 0's threads count, also where a rank brings others. */
TEST(own_threads, are_bound_by_those_of_rank_0) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = is_root() ? 1 : 4;
  if (test_rank() == last_rank()) options.own_threads = 2;
  expect_refused(&options, last_rank(), "options.own_threads is 2 here, but options.threads is 1 on rank 0");
}

TEST(own_threads, of_0_everywhere_are_refused) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.own_threads = 0;
  expect_refused(&options, 0, "0 on every rank");
  furrow_stream_answer (*none)(furrow_stream_state *, const void **, size_t *) = flow_give;
  flow f = flow_of(10, WORD, WORD);
  EXPECT_STATUS(FURROW_E_ARG, furrow_stream(test_pool(), flow_task, &f, none, NULL, &f, &options));
  EXPECT_EQ(f.gives, 0);
}

TEST(own_threads, are_refused_for_a_static_schedule) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = FURROW_SCHEDULE_STATIC;
  if (test_rank() == last_rank()) options.own_threads = 1;
  expect_refused(&options, last_rank(), "static");
}

TEST(own_threads, need_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  furrow_options options = FURROW_OPTIONS_INIT;
  if (test_rank() == last_rank()) options.own_threads = 1;
  EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, furrow_map(pool, fail_some, NULL, NULL, 0, 10, NULL, 0, &options));
  expect_same_error(pool);
  furrow_pool_destroy(&pool);
}

/* ---- under furrow_lead ---- */

static furrow_status run_led(furrow_pool *pool, void *argument) {
  uint64_t *results = argument;
  furrow_options options = FURROW_OPTIONS_INIT;
  options.own_threads = test_size() > 1 ? 0 : 1;
  return furrow_map(pool, store_index, NULL, NULL, 0, 100, results, 8, &options);
}

/* Rank 0's are its own: the others have all. */
TEST(own_threads, are_rank_0s_alone_under_lead) {
  furrow_pool *pool = make_pool(NULL);
  furrow_rank_metrics ranks[64];
  furrow_metrics all;
  uint64_t results[100] = {0};
  EXPECT_OK_ON(pool, furrow_lead(pool, run_led, results));
  for (uint64_t i = 0; i < 100 && is_root(); i++) EXPECT_EQ(results[i], i);
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &all, ranks));
  if (is_root() && test_size() > 1) EXPECT_EQ(ranks[0].tasks, 0);
  furrow_pool_destroy(&pool);
}
