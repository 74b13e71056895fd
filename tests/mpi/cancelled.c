/* Tasks that look whether anybody still waits for them: true, soon and everywhere, once the operation has failed or been stopped,
 * or a stream's sink has seen enough; and in no other case. What they return then is nobody's failure. */
#include <pthread.h>
#include <signal.h>

#include "mpi/common/streams.h"

/* What a task does, and what all of them saw, on memory that children share. */
typedef struct plan {
  uint64_t failing; /* tasks below it fail at once */
  bool aside;       /* it looks from another thread */
  bool signals;     /* a task on the rank `hears` sends it the stop signal */
  int hears;
  bool isolated;
  counter *seen; /* [TOLD]: tasks that were told so; [LIMIT]: those that waited in vain; [BEGUN]; [SENT]: signals */
} plan;

enum { TOLD, LIMIT, BEGUN, SENT, SEEN };

static const double LONG = 300; /* seconds until a task gives up waiting */

static bool wait_to_be_told(const furrow_task *task) {
  double start = now();
  while (!furrow_task_is_cancelled(task)) {
    if (now() - start > LONG) return false;
    nap(0.001);
  }
  return true;
}

static void *wait_aside(void *argument) {
  const furrow_task *task = argument;
  return wait_to_be_told(task) ? argument : NULL;
}

static bool was_told(furrow_task *task, const plan *p) {
  pthread_t thread;
  void *told = NULL;
  if (!p->aside || pthread_create(&thread, NULL, wait_aside, task) != 0) return wait_to_be_told(task);
  pthread_join(thread, &told);
  return told != NULL;
}

static int fail_or_wait(furrow_task *task) {
  const plan *p = task->user;
  p->seen[BEGUN]++;
  if (task->index < p->failing) {
    nap(0.05);
    return furrow_fail(task, "it was to fail");
  }
  if (p->signals && test_rank() == p->hears && p->seen[SENT]++ == 0) kill(p->isolated ? getppid() : getpid(), SIGUSR1);
  p->seen[was_told(task, p) ? TOLD : LIMIT]++;
  return furrow_fail(task, "nobody wants it");
}

static int map_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return fail_or_wait(task);
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  (void)accumulator;
  return fail_or_wait(task);
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)accumulator;
  (void)later;
  (void)user;
}

static const furrow_reducer REDUCER = {0, 8, NULL, fold_task, merge};

static void expect_soon(const plan *p, double start) {
  EXPECT_LT(now() - start, soon());
  meet_asleep();
  EXPECT_EQ(p->seen[LIMIT], 0);
}

/* One task for each worker: some fail, all others wait to be told. */
static void expect_failure_tells(plan p, const furrow_options *options, bool reduction) {
  uint64_t result = 0, count = (uint64_t)test_size() * (uint64_t)options->threads;
  uint64_t *results = root_array(count, 8);
  p.seen = counters_make(SEEN);
  double start = now();
  TEST_PHASE("schedule %d, threads %d, on_error %d, reduction %d", (int)options->schedule, options->threads,
             (int)options->on_error, reduction);
  if (reduction)
    EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &REDUCER, &p, NULL, 0, count, &result, options));
  else
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), map_task, &p, NULL, 0, count, results, 8, options));
  expect_same_error(test_pool());
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "it was to fail");
  expect_soon(&p, start);
  if (is_root()) EXPECT_EQ(p.seen[BEGUN] - p.seen[TOLD], p.failing < count ? p.failing : count);
  if (is_root() && options->on_error) EXPECT_EQ(furrow_pool_failure_count(test_pool()), options->max_failures + 1);
  counters_free(p.seen, SEEN);
  free(results);
}

/* Where no thread carries what goes between nodes, their first ranks hear of it only between two tasks. */
#define NEEDS_SERVED_NODES() \
  if (!nodes_are_served()) TEST_SKIP("tasks of a node's first rank hear nothing of other nodes here")

TEST(cancelled, a_failure_tells_all) {
  NEEDS_SERVED_NODES();
  for (int schedule = 0; schedule < SCHEDULE_COUNT; schedule++)
    for (int reduction = 0; reduction < 2; reduction++) {
      furrow_options options = options_of(SCHEDULES[schedule], 1);
      options.leaf = 1;
      if (options.schedule == FURROW_SCHEDULE_STATIC && place_in(test_comm()).nodes > 1)
        continue; /* there each node learns at the end of the round */
      expect_failure_tells((plan){.failing = 1}, &options, reduction);
      options.threads = 3;
      expect_failure_tells((plan){.failing = 1, .aside = true}, &options, reduction);
    }
}

TEST(cancelled, too_many_failures_tell_all) {
  NEEDS_SERVED_NODES();
  for (int reduction = 0; reduction < 2; reduction++) {
    furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 1);
    options.leaf = 1;
    options.threads = 3;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.max_failures = 1;
    expect_failure_tells((plan){.failing = 2}, &options, reduction);
  }
}

/* ---- streams ---- */

typedef struct river {
  uint64_t given, taken;
  furrow_stream_answer answer; /* of the sink, to the first result */
} river;

static furrow_stream_answer give_on(furrow_stream_state *state, const void **item, size_t *size) {
  river *r = state->data;
  r->given++;
  *item = NULL;
  *size = 0;
  return FURROW_STREAM_NEXT;
}

static furrow_stream_answer take_first(furrow_stream_state *state, const void *result, size_t size) {
  river *r = state->data;
  (void)result;
  (void)size;
  r->taken++;
  return r->answer;
}

static int first_or_wait(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  if (task->index > 0) return fail_or_wait(task);
  nap(0.05);
  return 0;
}

static void expect_sink_tells(furrow_stream_answer says, furrow_options options) {
  plan p = {.seen = counters_make(SEEN)};
  river r = {.answer = says};
  double start = now();
  furrow_status wanted = says == FURROW_STREAM_END ? FURROW_OK : FURROW_E_IO;
  TEST_PHASE("the sink answers %d, on_error %d, retries %d, threads %d", (int)says, (int)options.on_error,
             (int)options.retries, options.threads);
  EXPECT_STATUS(wanted, furrow_stream(test_pool(), first_or_wait, &p, give_on, take_first, &r, &options));
  expect_soon(&p, start);
  EXPECT_EQ(furrow_pool_failure_count(test_pool()), 0);
  if (is_root()) EXPECT_EQ(r.taken, 1);
  EXPECT_EQ(p.seen[BEGUN], p.seen[TOLD]);
  counters_free(p.seen, SEEN);
}

TEST(cancelled, a_sink_that_ends_or_fails_tells_all) {
  NEEDS_SERVED_NODES();
  for (int i = 0; i < 8; i++) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.unordered = true;
    if (i & 1) options.on_error = FURROW_ON_ERROR_CONTINUE;
    if (i & 2) options.retries = 3;
    if (i & 4) options.threads = 3;
    expect_sink_tells(FURROW_STREAM_END, options);
    expect_sink_tells(FURROW_STREAM_FAILED, options);
  }
}

/* In children: they are told, or ended, whichever is first. */
TEST(cancelled, a_sink_that_ends_ends_children) {
  NEEDS_SERVED_NODES();
  furrow_options options = FURROW_OPTIONS_INIT;
  plan p = {.seen = counters_make(SEEN)};
  river r = {.answer = FURROW_STREAM_END};
  options.unordered = true;
  options.isolate = FURROW_ISOLATE_ON;
  double start = now();
  EXPECT_OK(furrow_stream(test_pool(), first_or_wait, &p, give_on, take_first, &r, &options));
  expect_soon(&p, start);
  EXPECT_EQ(furrow_pool_failure_count(test_pool()), 0);
  counters_free(p.seen, SEEN);
}

/* ---- the stop signal ---- */

static void expect_stop_tells(plan p, int threads) {
  folder path;
  char journal[128];
  folder_make(path);
  snprintf(journal, sizeof journal, "%s/journal", path);
  uint64_t count = (uint64_t)test_size() * (uint64_t)threads, *results = root_array(count, 8);
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 1);
  options.journal = journal;
  options.threads = threads;
  options.isolate = p.isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
  p.signals = true;
  p.seen = counters_make(SEEN);
  double start = now();
  EXPECT_STATUS(FURROW_E_INTERRUPTED, furrow_map(test_pool(), map_task, &p, NULL, 0, count, results, 8, &options));
  expect_same_error(test_pool());
  EXPECT_EQ(furrow_pool_failure_count(test_pool()), 0);
  expect_soon(&p, start);
  EXPECT_GE(p.seen[TOLD], 1);
  counters_free(p.seen, SEEN);
  free(results);
  folder_remove(path);
}

/* Only one rank hears it: rank 0, or the last. Children have their grace. */
TEST(cancelled, the_stop_signal_tells_all) {
  NEEDS_SERVED_NODES();
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  sigaction(SIGUSR1, &ignore, &before);
  for (int threads = 1; threads < 4; threads += 2)
    for (int last = 0; last < 2; last++) {
      int hears = last ? last_rank() : 0;
      expect_stop_tells((plan){.hears = hears}, threads);
      expect_stop_tells((plan){.hears = hears, .aside = true}, threads);
      expect_stop_tells((plan){.hears = hears, .isolated = true}, threads);
    }
  sigaction(SIGUSR1, &before, NULL);
}

/* ---- and in no other case ---- */

static int look(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint8_t *)result = furrow_task_is_cancelled(task);
  if (task->user && task->index % 10 == 0) return furrow_fail(task, "it was to fail");
  return 0;
}

static void expect_not_cancelled(furrow_pool *pool, const furrow_options *options, bool some_fail) {
  enum { COUNT = 3000 };
  uint8_t results[COUNT];
  memset(results, 0, sizeof results);
  EXPECT_STATUS_ON(pool, some_fail ? FURROW_E_TASK : FURROW_OK,
                   furrow_map(pool, look, some_fail ? &results : NULL, NULL, 0, COUNT, results, 1, options));
  EXPECT_TRUE(bytes_are_all(results, COUNT, 0));
}

TEST(cancelled, nothing_else_does) {
  for (int i = 0; i < 2 * SCHEDULE_COUNT; i++) {
    furrow_options options = options_of(SCHEDULES[i / 2], 0);
    if (i % 2) options.threads = 3;
    expect_not_cancelled(test_pool(), &options, false);
    options.isolate = FURROW_ISOLATE_ON;
    expect_not_cancelled(test_pool(), &options, false);
    options.isolate = FURROW_ISOLATE_OFF;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    expect_not_cancelled(test_pool(), &options, true);
  }
}

TEST(cancelled, is_false_without_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  furrow_options options = FURROW_OPTIONS_INIT;
  expect_not_cancelled(pool, &options, false);
  furrow_pool_destroy(&pool);
}
