/* Streams that are called wrongly, or beside something else; and what surrounds the tasks: workers, threads, progress,
 * metrics. */
#include "mpi/common/streams.h"

static const sizes WORD = {8, false};

static furrow_stream_answer give_ten(furrow_stream_state *state, const void **item, size_t *size) {
  *item = NULL;
  *size = 0;
  return state->index < 10 ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

static furrow_stream_answer count_result(furrow_stream_state *state, const void *result, size_t size) {
  (void)result;
  (void)size;
  if (state->data) ++*(uint64_t *)state->data;
  return FURROW_STREAM_NEXT;
}

/* ---- wrong arguments ---- */

/* The same on all ranks, by the last rank or by rank 0; afterwards a stream works. */
static void expect_refused(furrow_status status, furrow_status wanted, int culprit, const char *words) {
  uint64_t taken = 0;
  EXPECT_STATUS(wanted, status);
  if (culprit >= 0) EXPECT_EQ(furrow_pool_error(test_pool())->rank, culprit);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, words);
  expect_same_error(test_pool());
  EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, &taken, NULL));
  if (is_root()) EXPECT_EQ(taken, 10);
}

TEST(stream_calls, refuse_a_null_function) {
  for (int culprit = 0; culprit < test_size(); culprit++) {
    furrow_stream_fn *fn = test_rank() == culprit ? NULL : do_nothing;
    expect_refused(furrow_stream(test_pool(), fn, NULL, give_ten, count_result, NULL, NULL), FURROW_E_ARG, culprit,
                   "fn is NULL");
  }
}

TEST(stream_calls, refuse_a_null_source_on_rank_0_alone) {
  expect_refused(furrow_stream(test_pool(), do_nothing, NULL, is_root() ? NULL : give_ten, count_result, NULL, NULL),
                 FURROW_E_ARG, 0, "source is NULL");
  EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, is_root() ? give_ten : NULL, NULL, NULL, NULL));
}

TEST(stream_calls, refuse_options_that_were_not_initialised) {
  for (int culprit = 0; culprit < test_size();
       culprit += culprit == last_rank() || last_rank() == 0 ? 1 : last_rank()) {
    furrow_options options = FURROW_OPTIONS_INIT;
    if (test_rank() == culprit) options.size = 3;
    expect_refused(furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, NULL, &options), FURROW_E_ARG,
                   culprit, "options.size is 3");
  }
}

TEST(stream_calls, refuse_numbers_of_threads_that_are_none) {
  static const int threads[] = {0, -1, FURROW_THREADS_MOST + 1};
  for (int i = 0; i < 3; i++) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.threads = threads[i];
    expect_refused(furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, NULL, &options), FURROW_E_ARG,
                   -1, "threads");
  }
}

TEST(stream_calls, refuse_progress_without_a_function) {
  static const furrow_progress NO_REPORT = {NULL, NULL, 0};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.progress = &NO_REPORT;
  expect_refused(furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, NULL, &options), FURROW_E_ARG, -1,
                 "options.progress");
}

TEST(stream_calls, ignore_what_means_nothing_to_them) {
  uint8_t done[10];
  uint64_t taken = 0;
  furrow_options options = FURROW_OPTIONS_INIT;
  memset(done, 0xee, sizeof done);
  options.done = done;
  options.leaf = 3;
  options.schedule = FURROW_SCHEDULE_STATIC;
  EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, &taken, &options));
  EXPECT_TRUE(bytes_are_all(done, sizeof done, 0xee));
  if (is_root()) EXPECT_EQ(taken, 10);
}

TEST(stream_calls, need_a_pool) {
  EXPECT_EQ(furrow_stream(NULL, do_nothing, NULL, give_ten, count_result, NULL, NULL), FURROW_E_ARG);
}

TEST(stream_calls, need_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  for (int round = 0; round < 2; round++) {
    EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, furrow_stream(pool, do_nothing, NULL, give_ten, NULL, NULL, NULL));
    EXPECT_CONTAINS(furrow_pool_error(pool)->message, "streams need shared memory");
    expect_same_error(pool);
    expect_works(pool);
  }
  furrow_pool_destroy(&pool);
}

TEST(stream_calls, serve_pools_of_one_rank_side_by_side) {
  furrow_pool *alone = NULL;
  EXPECT_OK_ON(alone, furrow_pool_create(MPI_COMM_SELF, NULL, &alone));
  uint64_t taken = 0;
  for (int round = 0; round < 20; round++)
    EXPECT_OK_ON(alone, furrow_stream(alone, do_nothing, NULL, give_ten, count_result, &taken, NULL));
  EXPECT_EQ(taken, 200);
  furrow_pool_destroy(&alone);
}

/* ---- beside other operations ---- */

TEST(stream_calls, meet_only_each_other) {
  if (test_size() == 1) return;
  uint64_t results[10], taken = 0;
  for (int culprit = 0; culprit < test_size(); culprit += last_rank()) {
    furrow_status status = test_rank() == culprit
                               ? furrow_map(test_pool(), store_index, NULL, NULL, 0, 10, results, 8, NULL)
                               : furrow_stream(test_pool(), do_nothing, NULL, give_ten, count_result, &taken, NULL);
    EXPECT_STATUS(FURROW_E_MISMATCH, status);
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "furrow_map");
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "furrow_stream");
    expect_same_error(test_pool());
  }
  EXPECT_EQ(taken, 0);
}

/* ---- in each other ---- */

static int stream_inside(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  furrow_status status = furrow_stream(test_pool(), do_nothing, NULL, give_ten, NULL, NULL, NULL);
  return status == FURROW_E_ARG ? 0 : furrow_fail(task, "a stream inside of a task returned %d", (int)status);
}

static int stream_inside_of_a_map(furrow_task *task, const void *item, void *result) {
  (void)result;
  return stream_inside(task, item, 0);
}

TEST(stream_calls, are_refused_inside_of_tasks) {
  uint64_t taken = 0;
  EXPECT_OK(furrow_stream(test_pool(), stream_inside, NULL, give_ten, count_result, &taken, NULL));
  if (is_root()) EXPECT_EQ(taken, 10);
  EXPECT_OK(furrow_map(test_pool(), stream_inside_of_a_map, NULL, NULL, 0, 10, NULL, 0, NULL));
}

static furrow_stream_answer map_in_source(furrow_stream_state *state, const void **item, size_t *size) {
  uint64_t results[4];
  EXPECT_EQ(furrow_map(test_pool(), store_index, NULL, NULL, 0, 4, results, 8, NULL), FURROW_E_ARG);
  return give_ten(state, item, size);
}

static furrow_stream_answer stream_in_sink(furrow_stream_state *state, const void *result, size_t size) {
  EXPECT_EQ(furrow_stream(test_pool(), do_nothing, NULL, give_ten, NULL, NULL, NULL), FURROW_E_ARG);
  return count_result(state, result, size);
}

TEST(stream_calls, let_source_and_sink_call_no_operation_of_the_pool) {
  uint64_t taken = 0;
  EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, map_in_source, stream_in_sink, &taken, NULL));
  if (is_root()) EXPECT_EQ(taken, 10);
}

/* ---- workers ---- */

enum { BEGINS, ENDS, WRONG, AT_ONCE, MOST_AT_ONCE, TALLIES };

static counter *tallies;
static int threads_now, failing_worker;

static int begin(void *user, int worker, void **local) {
  (void)user;
  tallies[BEGINS]++;
  tallies[WRONG] += worker / threads_now != test_rank();
  if (worker == failing_worker) return 5;
  *local = malloc(sizeof(int));
  *(int *)*local = worker;
  return 0;
}

static void end(void *user, int worker, void *local) {
  (void)user;
  tallies[ENDS]++;
  tallies[WRONG] += *(int *)local != worker;
  free(local);
}

/* Local of the task is its worker's own, and the worker is this rank's. */
static void watch_worker(furrow_task *task, const flow *f) {
  (void)f;
  tallies[WRONG] += !task->local || *(int *)task->local != task->worker || task->worker / threads_now != test_rank();
}

static void expect_workers(int threads) {
  enum { COUNT = 400 };
  furrow_options options = FURROW_OPTIONS_INIT;
  flow f = flow_of(COUNT, WORD, (sizes){3000, true});
  TEST_PHASE("%d threads", threads);
  options.threads = threads_now = threads;
  options.worker_begin = begin;
  options.worker_end = end;
  f.before = watch_worker;
  f.task_nap = 0.0005;
  counters_clear(tallies, TALLIES);
  expect_flow(f, options);
  meet_asleep();
  EXPECT_GE(tallies[BEGINS], 1);
  EXPECT_LE(tallies[BEGINS], (uint64_t)(threads * test_size()));
  EXPECT_EQ(tallies[BEGINS], tallies[ENDS]);
  EXPECT_EQ(tallies[WRONG], 0);
}

TEST(stream_calls, begin_and_end_each_worker_once) {
  tallies = counters_make(TALLIES);
  failing_worker = -1;
  expect_workers(1);
  expect_workers(2);
  expect_workers(5);
  counters_free(tallies, TALLIES);
}

TEST(stream_calls, end_where_a_worker_can_not_begin) {
  tallies = counters_make(TALLIES);
  threads_now = 1;
  for (failing_worker = 0; failing_worker < test_size(); failing_worker++) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.worker_begin = begin;
    options.worker_end = end;
    flow f = flow_of(UINT64_MAX, WORD, WORD);
    EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, options));
    EXPECT_EQ(furrow_pool_error(test_pool())->rank, failing_worker);
    EXPECT_EQ(furrow_pool_error(test_pool())->task, FURROW_NO_TASK);
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "worker_begin");
    expect_same_error(test_pool());
    flow_free(&f);
    expect_works(test_pool());
  }
  counters_free(tallies, TALLIES);
}

/* ---- threads ---- */

static _Atomic int at_once, most_at_once;
static double task_time;

static void count_at_once(furrow_task *task, const flow *f) {
  int here = ++at_once, most = most_at_once;
  (void)f;
  while (here > most && !atomic_compare_exchange_weak(&most_at_once, &most, here)) continue;
  nap(task_time);
  at_once--;
  (void)task;
}

static void run_at_once(effort *e, bool unordered) {
  enum { THREADS = 8, ROUNDS = 10 };
  furrow_options options = FURROW_OPTIONS_INIT;
  flow f = flow_of((uint64_t)test_size() * ROUNDS * THREADS, WORD, (sizes){3000, true});
  options.threads = THREADS;
  options.unordered = unordered;
  f.before = count_at_once;
  most_at_once = 0;
  task_time = 0.02 * e->stretch;
  double start = now();
  expect_flow(f, options);
  double elapsed = now() - start;
  EXPECT_GT(most_at_once, 1);
  EXPECT_LE(most_at_once, THREADS);
  EXPECT_GE(elapsed, ROUNDS * task_time);
  in_time(e, elapsed, 3 * ROUNDS * task_time * slowness()); /* one at a time: 8 times as long */
}

TEST(stream_calls, run_so_many_tasks_at_a_time_in_a_rank) {
  for (int unordered = 0; unordered < 2; unordered++)
    for (effort e = {0}; try_again(&e);) run_at_once(&e, unordered);
}

TEST(stream_calls, hold_with_threads_whatever_fails) {
  for (int threads = 2; threads < 5; threads++) {
    furrow_options options = FURROW_OPTIONS_INIT;
    flow f = flow_of(500, (sizes){2000, true}, (sizes){70000, true});
    f.which = (failing){3, 7, 1000};
    f.until = UINT32_MAX;
    options.threads = threads;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.retries = 1;
    EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, options));
    expect_had_all(&f, 500);
    if (is_root()) EXPECT_EQ(f.failed, failing_count(f.which, 500));
    flow_free(&f);
  }
}

/* ---- what a user sees of it ---- */

typedef struct heard {
  uint64_t calls, last_calls, done;
  bool backwards, after_last, off_label;
} heard;

static void hear(const furrow_progress_report *report, void *user) {
  heard *h = user;
  h->backwards |= report->done < h->done;
  h->after_last |= h->last_calls > 0;
  h->off_label |= !report->label || strcmp(report->label, "streaming") != 0;
  h->calls++;
  h->last_calls += report->last;
  h->done = report->done;
}

TEST(stream_calls, tell_progress_on_rank_0) {
  const uint64_t count = 100 * (uint64_t)test_size();
  heard h = {0};
  furrow_progress progress = {hear, &h, 0.02};
  furrow_options options = FURROW_OPTIONS_INIT;
  flow f = flow_of(count, WORD, WORD);
  options.progress = &progress;
  options.label = "streaming";
  f.task_nap = 0.002;
  expect_flow(f, options);
  EXPECT_FALSE(h.backwards);
  EXPECT_FALSE(h.after_last);
  EXPECT_FALSE(h.off_label);
  EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
  EXPECT_EQ(h.done, is_root() ? count : 0);
  if (is_root()) EXPECT_GE(h.calls, 3);
}

TEST(stream_calls, count_in_the_metrics) {
  enum { COUNT = 1000 };
  furrow_pool *pool = make_pool(NULL);
  furrow_metrics all;
  for (int round = 1; round < 4; round++) {
    flow f = flow_of(COUNT, WORD, WORD);
    EXPECT_OK_ON(pool, flow_run(pool, &f, (furrow_options)FURROW_OPTIONS_INIT));
    flow_free(&f);
    EXPECT_OK_ON(pool, furrow_metrics_get(pool, &all, NULL));
    if (!is_root()) continue;
    EXPECT_EQ(all.operations, round);
    EXPECT_EQ(all.dynamic, round);
    EXPECT_EQ(all.sum.tasks, (uint64_t)round * COUNT);
    EXPECT_GT(all.sum.busy, 0.0);
  }
  furrow_pool_destroy(&pool);
}
