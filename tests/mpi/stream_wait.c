/* A source that has no item now and says for how long: it is asked again then, or once the sink has had a result, and meanwhile
 * its thread sleeps. */
#include <math.h>
#include <signal.h>

#include "mpi/common/streams.h"

/* What a source says, and what it saw of it. */
typedef struct waiting {
  uint64_t items;     /* to be given, then the end */
  uint64_t asks_each; /* how often it says "later" before each item, and before the end */
  double wait;        /* each time */
  double task_nap;
  bool fails, stops;                                       /* each task fails; the source raises the stop signal */
  uint64_t asked, laters, given, taken, taken_before, bad; /* on rank 0, as all that follows */
  double last, shortest, longest;                          /* seconds between "later" and the next call */
  bool said;
} waiting;

static void note_ask(waiting *w) {
  double passed = now() - w->last;
  w->asked++;
  if (!w->said) return;
  w->said = false;
  if (passed > w->longest) w->longest = passed;
  if (w->taken == w->taken_before && passed < w->shortest) w->shortest = passed;
}

static furrow_stream_answer say_later(furrow_stream_state *state, waiting *w) {
  if (w->stops) raise(SIGUSR1);
  w->laters++;
  w->said = true;
  w->taken_before = w->taken;
  w->last = now();
  state->wait = w->wait;
  return FURROW_STREAM_LATER;
}

static furrow_stream_answer give_slowly(furrow_stream_state *state, const void **item, size_t *size) {
  waiting *w = state->data;
  note_ask(w);
  w->bad += state->wait != 0;
  if (w->laters < (w->given + 1) * w->asks_each) return say_later(state, w);
  if (w->given == w->items) return FURROW_STREAM_END;
  w->given++;
  *item = &w->wait;
  *size = sizeof w->wait;
  return FURROW_STREAM_NEXT;
}

static int nap_or_fail(furrow_task *task, const void *item, size_t size) {
  const waiting *w = task->user;
  (void)item;
  (void)size;
  if (w->task_nap > 0) nap(w->task_nap);
  return w->fails ? furrow_fail(task, "it was to fail") : 0;
}

static furrow_stream_answer take_one(furrow_stream_state *state, const void *result, size_t size) {
  waiting *w = state->data;
  (void)result;
  (void)size;
  w->taken++;
  w->bad += state->wait != 0;
  return FURROW_STREAM_NEXT;
}

static furrow_status run_with(waiting *w, const furrow_options *options) {
  w->shortest = 1e9;
  return furrow_stream(test_pool(), nap_or_fail, w, give_slowly, take_one, w, options);
}

static void expect_all(waiting *w) {
  EXPECT_OK(run_with(w, NULL));
  if (!is_root()) return;
  EXPECT_EQ(w->taken, w->items);
  EXPECT_EQ(w->bad, 0);
}

/* Also with nothing under way: before the first item, and after the last. */
TEST(stream_wait, asks_again_after_the_time) {
  waiting w = {.items = 5, .asks_each = 4, .wait = 0.02};
  expect_all(&w);
  if (!is_root()) return;
  EXPECT_GE(w.shortest, 0.0199);
  EXPECT_LT(w.longest, 1 * slowness());
  EXPECT_LE(w.asked, 5 * 5 + 5 + 10); /* no more often than it said, but for results */
}

enum { LARGE = 3000000, LITTLE = 5 << 19 };

/* An item that comes when the time is over, and that no store can hold. */
static furrow_stream_answer give_large_ones(furrow_stream_state *state, const void **item, size_t *size) {
  static const char bytes[LARGE];
  furrow_stream_answer said = give_slowly(state, item, size);
  if (said != FURROW_STREAM_NEXT) return said;
  *item = bytes;
  *size = LARGE;
  return said;
}

TEST(stream_wait, items_that_are_too_large_for_the_store_come_after_it) {
  furrow_pool_options little = FURROW_POOL_OPTIONS_INIT;
  little.shared_memory = LITTLE;
  furrow_pool *pool = make_pool(&little);
  waiting w = {.items = 5, .asks_each = 2, .wait = 0.02, .shortest = 1e9};
  EXPECT_OK_ON(pool, furrow_stream(pool, nap_or_fail, &w, give_large_ones, take_one, &w, NULL));
  if (is_root()) EXPECT_EQ(w.taken, w.items);
  furrow_pool_destroy(&pool);
}

static int64_t switches_of_this_thread(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

static double cpu_of_this_thread(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* While it waits it looks after MPI, ten times a second in the end; and where there are no threads after other nodes. */
TEST(stream_wait, sleeps_meanwhile) {
  waiting w = {.asks_each = 1, .wait = 2};
  bool served = nodes_are_served();
  double cpu = cpu_of_this_thread();
  int64_t switches = switches_of_this_thread();
  expect_all(&w);
  if (!is_root()) return;
  EXPECT_EQ(w.asked, 2);
  EXPECT_GE(w.shortest, 1.999);
  EXPECT_LT(cpu_of_this_thread() - cpu, 0.2 * slowness());
  EXPECT_LT(switches_of_this_thread() - switches, served ? 300 : 3000);
}

/* Not a call for each turn of its thread. */
TEST(stream_wait, takes_the_shortest_times_for_somewhat_longer) {
  waiting w = {.asks_each = 200, .wait = 1e-300};
  double start = now();
  expect_all(&w);
  if (is_root()) EXPECT_GE(now() - start, 200 * 50e-6);
}

/* The first item comes without waiting; then its result is what the source is asked after. */
TEST(stream_wait, a_result_asks_at_once) {
  static const double waits[] = {300, 1e300, INFINITY};
  for (int i = 0; i < 3; i++) {
    waiting w = {.items = 1, .asks_each = 1, .laters = 1, .wait = waits[i], .task_nap = 0.1};
    double start = now();
    expect_all(&w);
    EXPECT_LT(now() - start, soon());
    if (is_root()) EXPECT_EQ(w.laters, 2);
  }
}

TEST(stream_wait, times_that_are_none_are_refused) {
  static const double waits[] = {-1, -1e-300, -INFINITY, NAN};
  for (int i = 0; i < 4; i++)
    for (uint64_t items = 0; items < 2; items++) {
      waiting w = {.items = items, .wait = waits[i], .asks_each = 1};
      w.laters = items;
      EXPECT_STATUS(FURROW_E_ARG, run_with(&w, NULL));
      EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, items ? "source, item 1: state->wait is" : "item 0");
      EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
      expect_same_error(test_pool());
      expect_works(test_pool());
    }
}

/* Nothing is under way, but the time has been said once: later without one is as wrong as ever. */
TEST(stream_wait, a_time_holds_once) {
  waiting w = {.asks_each = 1, .wait = 0.01};
  expect_all(&w);
  w = (waiting){.asks_each = 1, .wait = 0};
  EXPECT_STATUS(FURROW_E_ARG, run_with(&w, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "nothing is under way");
}

/* ---- what ends it before its time ---- */

TEST(stream_wait, a_failed_task_ends_it) {
  waiting w = {.items = 2, .asks_each = 1, .wait = 300, .fails = true, .task_nap = 0.05};
  double start = now();
  w.laters = 1;
  EXPECT_STATUS(FURROW_E_TASK, run_with(&w, NULL));
  EXPECT_LT(now() - start, soon());
  expect_same_error(test_pool());
}

TEST(stream_wait, the_stop_signal_ends_it) {
  folder path;
  char journal[128];
  folder_make(path);
  snprintf(journal, sizeof journal, "%s/journal", path);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.journal = journal;
  waiting w = {.asks_each = 1, .wait = 300, .stops = true};
  double start = now();
  EXPECT_STATUS(FURROW_E_INTERRUPTED, run_with(&w, &options));
  EXPECT_LT(now() - start, soon());
  expect_same_error(test_pool());
  folder_remove(path);
}

/* Retries that are due while the source waits are run. */
static int fail_at_first(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  return task->attempt == 0 ? furrow_fail(task, "once") : 0;
}

TEST(stream_wait, retries_go_on_meanwhile) {
  waiting w = {.items = 4, .asks_each = 1, .wait = 0.3, .shortest = 1e9};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.retries = 1;
  options.retry_delay = 0.01;
  EXPECT_OK(furrow_stream(test_pool(), fail_at_first, &w, give_slowly, take_one, &w, &options));
  if (is_root()) EXPECT_EQ(w.taken, 4);
  EXPECT_EQ(furrow_pool_failure_count(test_pool()), 0);
}
