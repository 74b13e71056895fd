/* When a failing operation stops all the same, and what options of failure are refused. */
#include <math.h>

#include "mpi/common/faults.h"

enum { COUNT = 5000 };

static counter *ran; /* how many tasks */
static double task_time = 0.0001;

static int fail_some(furrow_task *task, const void *item, void *result) {
  const failing *which = task->user;
  (void)item;
  ran[0]++;
  *(uint64_t *)result = task->index;
  nap(task_time);
  return fails(*which, task->index) ? furrow_fail(task, "on purpose") : 0;
}

/* Runs COUNT tasks; what `done` says is so. */
static furrow_status run(failing which, furrow_options options, uint64_t *tasks) {
  static uint64_t results[COUNT];
  uint8_t *done = root_array(COUNT, 1);
  memset(results, 0xee, sizeof results);
  options.done = done;
  options.chunk = 1;
  ran = counters_make(1);
  furrow_status status = furrow_map(test_pool(), fail_some, &which, NULL, 0, COUNT, results, 8, &options);
  for (uint64_t i = 0; is_root() && i < COUNT; i++) {
    if (done[i] > 1 || (done[i] == 1 && (results[i] != i || fails(which, i)))) {
      TEST_FAIL("done[%d] is %d, results[%d] is %d", (int)i, done[i], (int)i, (int)results[i]);
      break;
    }
  }
  meet_asleep();
  *tasks = ran[0];
  counters_free(ran, 1);
  free(done);
  return status;
}

TEST(policies, max_failures_stops_when_more_have_failed) {
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t tasks = 0;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.max_failures = 5;
  EXPECT_OK(run(NONE, options, &tasks));
  EXPECT_EQ(tasks, COUNT);
  EXPECT_STATUS(FURROW_E_TASK, run((failing){10, 100, 5}, options, &tasks));
  EXPECT_EQ(tasks, COUNT);
  expect_failing_tasks(test_pool(), (failing){10, 100, 5}, COUNT);
  task_time = 0.01; /* on a busy machine others run many short ones before rank 0 hears of the first */
  EXPECT_STATUS(FURROW_E_TASK, run((failing){0, 1, COUNT}, options, &tasks));
  task_time = 0.0001;
  EXPECT_LT(tasks, COUNT / 2);
  if (is_root()) EXPECT_GE(furrow_pool_failure_count(test_pool()), 6);
  expect_same_error(test_pool());
}

TEST(policies, max_failures_counts_tasks_and_not_attempts) {
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t tasks = 0;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.max_failures = 4;
  options.retries = 3;
  EXPECT_STATUS(FURROW_E_TASK, run((failing){0, 1000, 4}, options, &tasks));
  EXPECT_EQ(tasks, COUNT + 4 * 3);
  expect_failing_tasks(test_pool(), (failing){0, 1000, 4}, COUNT);
}

TEST(policies, fail_fast_says_what_is_done) {
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t tasks = 0;
  EXPECT_STATUS(FURROW_E_TASK, run((failing){COUNT / 2, 7, COUNT}, options, &tasks));
  EXPECT_LE(tasks, COUNT);
  EXPECT_OK(run(NONE, options, &tasks));
}

TEST(policies, done_is_all_ones_after_a_success) {
  uint64_t results[100], items[100] = {0};
  uint8_t *done = root_array(100, 1);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.done = done;
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    options.schedule = SCHEDULES[s];
    if (done) memset(done, 0xee, 100);
    EXPECT_OK(furrow_map(test_pool(), store_index, NULL, items, 8, 100, results, 8, &options));
    expect_done(done, NONE, 100);
  }
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, 0, NULL, 8, &options));
  free(done);
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

TEST(policies, may_be_given_to_furrow_reduce) {
  uint64_t items[1000], sum = 0;
  uint8_t *done = root_array(1000, 1);
  furrow_options options = FURROW_OPTIONS_INIT;
  for (uint64_t i = 0; i < 1000; i++) items[i] = i;
  options.done = done;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.retries = 3;
  options.leaf = 7;
  EXPECT_OK(furrow_reduce(test_pool(), add, NULL, items, 8, 1000, &sum, &options));
  if (is_root()) EXPECT_EQ(sum, 499500);
  expect_done(done, NONE, 1000);
  free(done);
}

static void expect_refused(furrow_options options, const char *word) {
  uint64_t results[10];
  uint8_t *done = root_array(10, 1);
  options.done = done;
  EXPECT_STATUS(FURROW_E_ARG, furrow_map(test_pool(), store_index, NULL, NULL, 0, 10, results, 8, &options));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, word);
  expect_same_error(test_pool());
  if (done) EXPECT_TRUE(bytes_are_all(done, 10, 0xee));
  free(done);
}

TEST(policies, refuse_times_that_are_none) {
  static const double times[] = {-1, -1e-9, NAN, -INFINITY};
  for (int i = 0; i < 4; i++) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.retry_delay = times[i];
    expect_refused(options, "retry_delay");
    options = (furrow_options)FURROW_OPTIONS_INIT;
    options.task_timeout = times[i];
    expect_refused(options, "task_timeout");
    options = (furrow_options)FURROW_OPTIONS_INIT;
    options.stop_grace = times[i];
    expect_refused(options, "stop_grace");
  }
}

TEST(policies, refuse_values_that_are_none) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.on_error = (furrow_on_error)17;
  expect_refused(options, "on_error");
  options = (furrow_options)FURROW_OPTIONS_INIT;
  options.isolate = (furrow_isolate)-3;
  expect_refused(options, "isolate");
}

TEST(policies, refuse_limits_without_isolation) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_OFF;
  options.task_timeout = 1;
  expect_refused(options, "task_timeout");
  options.task_timeout = 0;
  options.memory_limit = 1 << 30;
  expect_refused(options, "memory_limit");
  options.memory_limit = 0;
  options.tasks_per_child = 10;
  expect_refused(options, "tasks_per_child");
}

TEST(policies, need_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t results[10];
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, furrow_map(pool, store_index, NULL, NULL, 0, 10, results, 8, &options));
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "shared memory");
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

TEST(policies, come_from_the_environment_too) {
  uint64_t results[10];
  failing which = {4, 1, 1};
  setenv("FURROW_ON_ERROR", "continue", 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_ON_ERROR");
  ran = counters_make(1);
  EXPECT_STATUS_ON(pool, FURROW_E_TASK, furrow_map(pool, fail_some, &which, NULL, 0, 10, results, 8, NULL));
  meet_asleep();
  EXPECT_EQ(ran[0], 10);
  expect_failing_tasks(pool, which, 10);
  counters_free(ran, 1);
  furrow_pool_destroy(&pool);
}
