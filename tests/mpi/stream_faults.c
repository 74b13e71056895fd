/* Tasks of a stream that fail: what stops, what goes on, what is tried again, and what the sink learns. */
#include <math.h>

#include "mpi/common/streams.h"

static const sizes WORD = {8, false}, MIXED = {70000, true};

static furrow_options failing_options(furrow_on_error on_error, uint32_t retries, bool unordered) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.on_error = on_error;
  options.retries = retries;
  options.unordered = unordered;
  return options;
}

static flow failing_flow(uint64_t count, failing which, uint32_t until) {
  flow f = flow_of(count, WORD, MIXED);
  f.which = which;
  f.until = until;
  return f;
}

/* ---- fail fast ---- */

static void expect_stop(flow f, furrow_options options) {
  EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, options));
  const furrow_error *error = furrow_pool_error(test_pool());
  char words[64];
  EXPECT_TRUE(fails(f.which, error->task));
  EXPECT_TRUE(error->rank >= 0 && error->rank < test_size());
  snprintf(words, sizeof words, "item %d is rotten", (int)error->task);
  EXPECT_CONTAINS(error->message, words);
  expect_same_error(test_pool());
  EXPECT_EQ(f.failed, 0); /* the sink hears of results only */
  if (is_root() && !options.unordered) EXPECT_LE(f.taken, f.which.first);
  flow_free(&f);
  expect_works(test_pool());
}

/* The source would never end: the failure ends it. */
TEST(stream_faults, fail_fast_stops_an_endless_stream) {
  static const failing which[] = {{0, 1, 1}, {1, 1, 1}, {100, 1, 1}, {6000, 1, 1}, {0, 1, 1 << 30}, {50, 3, 1 << 30}};
  for (int w = 0; w < 6; w++)
    for (int unordered = 0; unordered < 2; unordered++) {
      TEST_PHASE("tasks from %d on fail", (int)which[w].first);
      expect_stop(failing_flow(UINT64_MAX, which[w], UINT32_MAX),
                  failing_options(FURROW_ON_ERROR_FAIL_FAST, 0, unordered));
    }
}

TEST(stream_faults, fail_fast_holds_for_the_last_task) {
  expect_stop(failing_flow(100, (failing){99, 1, 1}, UINT32_MAX), failing_options(FURROW_ON_ERROR_FAIL_FAST, 0, false));
  expect_stop(failing_flow(1, (failing){0, 1, 1}, UINT32_MAX), failing_options(FURROW_ON_ERROR_FAIL_FAST, 0, false));
}

TEST(stream_faults, fail_fast_does_not_wait_for_a_slow_source) {
  flow f = failing_flow(UINT64_MAX, (failing){0, 1, 1}, UINT32_MAX);
  f.give_nap = 0.01;
  EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, failing_options(FURROW_ON_ERROR_FAIL_FAST, 0, false)));
  if (is_root()) EXPECT_LE(f.given, 500); /* in 5 s, which is soon on a busy machine */
  flow_free(&f);
}

static int return_minus_7(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  return task->index == 3 ? -7 : 0;
}

static furrow_stream_answer give_one_by_one(furrow_stream_state *state, const void **item, size_t *size) {
  *item = NULL;
  *size = 0;
  return state->index < 10 ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

TEST(stream_faults, tell_what_a_task_returned) {
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), return_minus_7, NULL, give_one_by_one, NULL, NULL, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 3);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "returned -7");
  expect_same_error(test_pool());
}

/* ---- continue ---- */

static void expect_going_on(flow f, furrow_options options) {
  uint64_t wanted = f.until > options.retries ? failing_count(f.which, f.count) : 0;
  TEST_PHASE("%d of %d fail, %d retries, %s", (int)wanted, (int)f.count, (int)options.retries,
             options.unordered ? "unordered" : "ordered");
  EXPECT_STATUS(wanted ? FURROW_E_TASK : FURROW_OK, flow_run(test_pool(), &f, options));
  expect_had_all(&f, f.count);
  if (is_root()) EXPECT_EQ(f.failed, wanted);
  if (wanted) EXPECT_TRUE(fails(f.which, furrow_pool_error(test_pool())->task));
  if (wanted) EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "is rotten");
  if (wanted) expect_same_error(test_pool());
  flow_free(&f);
}

static const failing WHICH[] = {{0, 0, 0}, {0, 1, 1}, {6, 1, 1}, {1, 3, 1000000}, {0, 1, 1000000}, {17, 1, 9}};
enum { WHICHES = sizeof WHICH / sizeof *WHICH };

TEST(stream_faults, continue_costs_a_failed_task_its_result) {
  static const uint64_t counts[] = {1, 10, 700};
  for (int c = 0; c < 3; c++)
    for (int w = 0; w < WHICHES; w++)
      for (int unordered = 0; unordered < 2; unordered++)
        expect_going_on(failing_flow(counts[c], WHICH[w], UINT32_MAX),
                        failing_options(FURROW_ON_ERROR_CONTINUE, 0, unordered));
}

TEST(stream_faults, continue_holds_in_a_small_window) {
  for (uint64_t window = 1; window < 4; window++) {
    furrow_options options = failing_options(FURROW_ON_ERROR_CONTINUE, 1, window == 2);
    options.window = window;
    options.window_bytes = 1000;
    expect_going_on(failing_flow(200, (failing){1, 3, 1000}, UINT32_MAX), options);
  }
}

typedef struct told {
  uint64_t failures;
  char message[64];
  furrow_failure_kind kind;
  int code;
} told;

static furrow_stream_answer hear(furrow_stream_state *state, const void *result, size_t size) {
  told *t = state->data;
  if (!state->failure) return FURROW_STREAM_NEXT;
  EXPECT_TRUE(result == NULL && size == 0);
  t->failures++;
  t->kind = state->failure->kind;
  t->code = state->failure->code;
  snprintf(t->message, sizeof t->message, "%s", state->failure->message);
  EXPECT_EQ(state->failure->task, 3);
  return FURROW_STREAM_NEXT;
}

TEST(stream_faults, tell_the_sink_why) {
  told t = {0};
  furrow_options options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, false);
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), return_minus_7, NULL, give_one_by_one, hear, &t, &options));
  if (!is_root()) return;
  EXPECT_EQ(t.failures, 1);
  EXPECT_EQ(t.kind, FURROW_FAILURE_RETURNED);
  EXPECT_EQ(t.code, -7);
  EXPECT_CONTAINS(t.message, "returned -7");
}

TEST(stream_faults, continue_needs_no_sink) {
  furrow_options options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, false);
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), return_minus_7, NULL, give_one_by_one, NULL, NULL, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 3);
  expect_same_error(test_pool());
}

/* A sink that has seen enough: what failed before it stays a failure, nothing after it counts. */
TEST(stream_faults, of_tasks_before_the_sink_ends_count) {
  flow f = failing_flow(UINT64_MAX, (failing){4, 1, 1}, UINT32_MAX);
  f.end_after = 100;
  EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, failing_options(FURROW_ON_ERROR_CONTINUE, 0, false)));
  if (is_root()) EXPECT_EQ(f.failed, 1);
  flow_free(&f);
}

TEST(stream_faults, max_failures_stops_an_endless_stream) {
  for (int unordered = 0; unordered < 2; unordered++) {
    flow f = failing_flow(UINT64_MAX, (failing){3, 2, UINT64_MAX}, UINT32_MAX);
    furrow_options options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, unordered);
    options.max_failures = 5;
    EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, options));
    expect_same_error(test_pool());
    flow_free(&f);
  }
  furrow_options options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, false);
  options.max_failures = 5;
  expect_going_on(failing_flow(300, (failing){10, 20, 5}, UINT32_MAX), options);
}

/* ---- retries ---- */

TEST(stream_faults, retries_make_up_for_tasks_that_succeed_later) {
  for (int w = 1; w < WHICHES; w++)
    for (uint32_t until = 1; until <= 3; until++) {
      flow f = failing_flow(400, WHICH[w], until);
      furrow_options options = failing_options(FURROW_ON_ERROR_FAIL_FAST, 3, w % 2);
      TEST_PHASE("tasks from %d on fail up to attempt %d", (int)WHICH[w].first, (int)until);
      EXPECT_OK(flow_run(test_pool(), &f, options));
      expect_had_all(&f, 400);
      if (is_root()) EXPECT_EQ(f.failed, 0);
      flow_free(&f);
    }
}

TEST(stream_faults, retries_that_are_used_up_fail_the_task) {
  enum { COUNT = 200 };
  for (int unordered = 0; unordered < 2; unordered++) {
    expect_going_on(failing_flow(COUNT, (failing){5, 10, COUNT}, UINT32_MAX),
                    failing_options(FURROW_ON_ERROR_CONTINUE, 2, unordered));
    expect_going_on(failing_flow(COUNT, (failing){5, 10, COUNT}, 2),
                    failing_options(FURROW_ON_ERROR_CONTINUE, 2, unordered));
    expect_stop(failing_flow(COUNT, (failing){5, 10, COUNT}, UINT32_MAX),
                failing_options(FURROW_ON_ERROR_FAIL_FAST, 2, unordered));
  }
}

TEST(stream_faults, retries_run_a_task_so_often) {
  enum { COUNT = 120 };
  flow f = failing_flow(COUNT, (failing){5, 10, COUNT}, UINT32_MAX);
  f.ran = counters_make(f.counters = COUNT);
  EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, failing_options(FURROW_ON_ERROR_CONTINUE, 2, false)));
  meet_asleep();
  for (uint64_t i = 0; i < COUNT; i++) ASSERT_EQ(f.ran[i], i % 10 == 5 ? 3 : 1);
  counters_free(f.ran, COUNT);
  flow_free(&f);
}

static int fail_on_rank_0(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  nap(0.0005);
  return task->rank == 0 ? furrow_fail(task, "rank 0 is broken") : 0;
}

TEST(stream_faults, retries_go_to_another_rank) {
  furrow_options options = failing_options(FURROW_ON_ERROR_FAIL_FAST, 1, false);
  furrow_status wanted = test_size() == 1 ? FURROW_E_TASK : FURROW_OK;
  EXPECT_STATUS(wanted, furrow_stream(test_pool(), fail_on_rank_0, NULL, give_one_by_one, NULL, NULL, &options));
}

/* The times at which the attempts of task 0 began. */
static int note_time(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  if (task->index > 0) return 0;
  ((counter *)task->user)[task->attempt] = (uint64_t)(now() * 1e9);
  return task->attempt < 3;
}

TEST(stream_faults, retries_wait_twice_as_long_each_time) {
  counter *times = counters_make(4);
  furrow_options options = failing_options(FURROW_ON_ERROR_FAIL_FAST, 3, false);
  for (effort e = {0}; try_again(&e);) {
    options.retry_delay = 0.1 * e.stretch;
    double cpu = cpu_now();
    EXPECT_OK(furrow_stream(test_pool(), note_time, times, give_one_by_one, NULL, NULL, &options));
    in_time(&e, cpu_now() - cpu, 0.2 * e.stretch * slowness()); /* of 0.7 s, asleep */
    meet_asleep();
    for (int i = 0; i < 3; i++) {
      double gap = 1e-9 * (double)(times[i + 1] - times[i]), wanted = options.retry_delay * (1 << i);
      EXPECT_GE(gap, 0.99 * wanted);
      in_time(&e, gap, wanted + 0.15 * e.stretch * slowness());
    }
  }
  counters_free(times, 4);
}

/* ---- options that are refused ---- */

static void expect_refused(furrow_options options, const char *word) {
  EXPECT_STATUS(FURROW_E_ARG, furrow_stream(test_pool(), return_minus_7, NULL, give_one_by_one, NULL, NULL, &options));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, word);
  expect_same_error(test_pool());
}

TEST(stream_faults, refuse_options_that_are_none) {
  furrow_options options = failing_options((furrow_on_error)17, 0, false);
  expect_refused(options, "on_error");
  options = failing_options(FURROW_ON_ERROR_CONTINUE, 2, false);
  options.retry_delay = NAN;
  expect_refused(options, "retry_delay");
  options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, false);
  options.task_timeout = -1;
  expect_refused(options, "task_timeout");
  options.isolate = FURROW_ISOLATE_OFF;
  options.task_timeout = 1;
  expect_refused(options, "task_timeout");
  options = failing_options(FURROW_ON_ERROR_CONTINUE, 0, false);
  options.isolate = (furrow_isolate)-3;
  expect_refused(options, "isolate");
}

/* ---- wrong uses of furrow_task_write() ---- */

static int write_null(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  return furrow_task_write(task, NULL, 8);
}

static int write_in_a_map(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return furrow_task_write(task, "lost", 4);
}

TEST(stream_faults, a_result_that_can_not_be_written_fails_its_task) {
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), write_null, NULL, give_one_by_one, NULL, NULL, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "data is NULL");
  expect_same_error(test_pool());
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), write_in_a_map, NULL, NULL, 0, 5, NULL, 0, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "no task of a stream");
  expect_same_error(test_pool());
}
