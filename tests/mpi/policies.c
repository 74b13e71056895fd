/* What a failed task costs: stop, go on without it, or try again; and what is told of it. Tasks fail here by what they return. */
#include "mpi/common/faults.h"

/* What a task of these tests is told. */
typedef struct plan {
  failing which;
  uint32_t until;         /* tasks of `which` fail at attempts below it; UINT32_MAX: always */
  bool by_return;         /* else by furrow_fail() */
  size_t size, item_size; /* of a result and an item */
  counter *counts;        /* NULL, or MOST for each task: how often it began; then the rank of each attempt, plus 1 */
} plan;

enum { ATTEMPTS = 4, MOST = ATTEMPTS + 1, CODE = -7 };

static int fail_as_planned(furrow_task *task, const plan *p) {
  if (p->counts) {
    counter *mine = p->counts + MOST * task->index;
    if (mine[0]++ != task->attempt || task->attempt >= ATTEMPTS) return furrow_fail(task, "attempts are miscounted");
    mine[1 + task->attempt] = (uint64_t)task->rank + 1;
  }
  if (!fails(p->which, task->index) || task->attempt >= p->until) return 0;
  return p->by_return ? CODE : furrow_fail(task, "matrix %d is singular", (int)task->index);
}

/* The result is written before the task fails, and is zero bytes before each attempt. */
static int map_task(furrow_task *task, const void *item, void *result) {
  const plan *p = task->user;
  if (p->item_size > 0 && !bytes_are(item, p->item_size, task->index, 5)) return furrow_fail(task, "a wrong item");
  if (!bytes_are_all(result, p->size, 0)) return furrow_fail(task, "the result is not zero at first");
  fill_bytes(result, p->size, task->index, 1);
  return fail_as_planned(task, p);
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  answer_add(accumulator, task->index);
  return fail_as_planned(task, task->user);
}

static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};

static furrow_options going_on(uint64_t chunk, uint64_t leaf) {
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, chunk);
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.leaf = leaf;
  return options;
}

/* Failed tasks leave the caller's bytes alone. */
static void expect_results(const unsigned char *results, const plan *p, uint64_t count) {
  for (uint64_t i = 0; results && i < count; i++) {
    const unsigned char *result = results + i * p->size;
    bool failed = fails(p->which, i) && p->until == UINT32_MAX;
    if (failed ? bytes_are_all(result, p->size, 0xee) : bytes_are(result, p->size, i, 1)) continue;
    TEST_FAIL("result %d of %d is wrong", (int)i, (int)count);
    return;
  }
}

/* The status, the pool's error and its failures, on every rank. */
static void expect_told(furrow_status status, const plan *p, uint64_t count) {
  failing which = p->until == UINT32_MAX ? p->which : NONE;
  uint64_t failed = failing_count(which, count);
  const furrow_error *error = furrow_pool_error(test_pool());
  char text[64];
  EXPECT_STATUS(failed ? FURROW_E_TASK : FURROW_OK, status);
  expect_failing_tasks(test_pool(), which, count);
  if (failed == 0) return;
  EXPECT_EQ(error->task, which.first);
  snprintf(text, sizeof text, p->by_return ? "returned -7" : "matrix %d is singular", (int)which.first);
  EXPECT_CONTAINS(error->message, text);
  snprintf(text, sizeof text, "%d tasks failed", (int)failed);
  if (failed > 1) EXPECT_CONTAINS(error->message, text);
  expect_same_error(test_pool());
}

static void expect_map(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("map of %d, %d of them failing, results of %d, items of %d bytes, chunk %d", (int)count,
             (int)failing_count(p.which, count), (int)p.size, (int)p.item_size, (int)options.chunk);
  unsigned char *results = root_array(count, p.size), *items = root_array(count, p.item_size);
  uint8_t *done = root_array(count, 1);
  for (uint64_t i = 0; items && i < count; i++) fill_bytes(items + i * p.item_size, p.item_size, i, 5);
  options.done = done;
  expect_told(furrow_map(test_pool(), map_task, &p, items, p.item_size, count, results, p.size, &options), &p, count);
  expect_results(results, &p, count);
  expect_done(done, p.until == UINT32_MAX ? p.which : NONE, count);
  free(results);
  free(items);
  free(done);
}

static void expect_reduction(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("reduction of %d, %d of them failing, leaf %d, chunk %d", (int)count, (int)failing_count(p.which, count),
             (int)options.leaf, (int)options.chunk);
  answer got = {0};
  uint8_t *done = root_array(count, 1);
  options.done = done;
  expect_told(furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, count, &got, &options), &p, count);
  expect_answer(&got, count, options.leaf, p.until == UINT32_MAX ? p.which : NONE);
  expect_done(done, p.until == UINT32_MAX ? p.which : NONE, count);
  free(done);
}

static const failing WHICH[] = {{0, 0, 0}, {0, 1, 1}, {6, 1, 1}, {1, 3, 1000000}, {0, 1, 1000000}, {17, 1, 9}};
enum { WHICHES = sizeof WHICH / sizeof *WHICH };

/* ---- continue ---- */

TEST(policies, continue_runs_all_other_tasks_of_a_map) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, 2, ranks - 1, ranks + 1, 7, 1000};
  for (int c = 0; c < 7; c++)
    for (int w = 0; w < WHICHES; w++)
      for (uint64_t chunk = 0; chunk < 3; chunk++)
        expect_map((plan){WHICH[w], UINT32_MAX, w % 2 == 0, 8, 0, NULL}, counts[c], going_on(chunk * chunk, 0));
}

TEST(policies, continue_holds_for_results_and_items_of_any_size) {
  static const size_t sizes[][2] = {{0, 0}, {0, 24}, {1, 0}, {1000, 3000}, {1 << 20, 8}, {8, 200000}, {5000000, 1}};
  for (int s = 0; s < 7; s++)
    for (int w = 1; w < WHICHES; w++) {
      uint64_t count = sizes[s][0] + sizes[s][1] > 100000 ? 9 : 500;
      expect_map((plan){WHICH[w], UINT32_MAX, false, sizes[s][0], sizes[s][1], NULL}, count, going_on(0, 0));
    }
}

TEST(policies, continue_leaves_failed_tasks_out_of_a_reduction) {
  static const uint64_t leaves[] = {0, 1, 10, 100000}, counts[] = {0, 1, 9, 10, 11, 99, 100, 101, 3000};
  for (int c = 0; c < 9; c++)
    for (int l = 0; l < 4; l++)
      for (int w = 0; w < WHICHES; w++)
        expect_reduction((plan){.which = WHICH[w], .until = UINT32_MAX}, counts[c],
                         going_on((uint64_t)(w % 2), leaves[l]));
}

/* More tasks than the rule would make leaves of. */
TEST(policies, continue_holds_where_the_rule_makes_long_leaves) {
  static const failing few = {5000000, 3, 4};
  answer got = {0};
  plan p = {.which = few, .until = UINT32_MAX};
  furrow_options options = going_on(0, 0);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, 5000100, &got, &options));
  expect_answer(&got, 5000100, 0, few);
  if (is_root()) EXPECT_EQ(furrow_pool_failure_count(test_pool()), 4);
}

TEST(policies, tell_each_of_many_failures) {
  enum { COUNT = 20000 };
  expect_map((plan){{1, 2, COUNT}, UINT32_MAX, false, 8, 0, NULL}, COUNT, going_on(0, 0));
  for (uint64_t i = 0; is_root() && i < COUNT / 2 && !test_failed(); i++) {
    const furrow_failure *failure = furrow_pool_failure(test_pool(), i);
    char text[64];
    snprintf(text, sizeof text, "matrix %d is singular", (int)(2 * i + 1));
    ASSERT_EQ_STR(failure->message, text);
    ASSERT_EQ(failure->kind, FURROW_FAILURE_RETURNED);
    ASSERT_EQ(failure->attempt, 0);
  }
}

TEST(policies, tell_what_a_task_returned) {
  plan p = {{3, 1, 1}, UINT32_MAX, true, 0, 0, NULL};
  furrow_options options = going_on(0, 0);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), map_task, &p, NULL, 0, 10, NULL, 0, &options));
  if (!is_root()) return;
  ASSERT_EQ(furrow_pool_failure_count(test_pool()), 1);
  EXPECT_EQ(furrow_pool_failure(test_pool(), 0)->code, CODE);
  EXPECT_CONTAINS(furrow_pool_failure(test_pool(), 0)->message, "returned -7");
  EXPECT_EQ_STR(furrow_failure_name(furrow_pool_failure(test_pool(), 0)->kind), "returned");
}

static int fail_at_length(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return furrow_fail(task, "it began so: %0*d", 3 * FURROW_MESSAGE_SIZE, 1);
}

TEST(policies, cut_messages_that_are_too_long) {
  furrow_options options = going_on(0, 0);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_at_length, NULL, NULL, 0, 300, NULL, 0, &options));
  EXPECT_LT(strlen(furrow_pool_error(test_pool())->message), FURROW_MESSAGE_SIZE);
  expect_failing_tasks(test_pool(), (failing){0, 1, 300}, 300);
  for (uint64_t i = 0; i < furrow_pool_failure_count(test_pool()); i++) {
    const char *message = furrow_pool_failure(test_pool(), i)->message;
    EXPECT_CONTAINS(message, "it began so: 000");
    EXPECT_LE(strlen(message), 3 * FURROW_MESSAGE_SIZE + 20);
  }
}

TEST(policies, forget_failures_with_the_next_operation) {
  expect_map((plan){{0, 1, 5}, UINT32_MAX, false, 8, 0, NULL}, 50, going_on(0, 0));
  expect_map((plan){NONE, 0, false, 8, 0, NULL}, 50, going_on(0, 0));
  EXPECT_EQ(furrow_pool_failure_count(test_pool()), 0);
  EXPECT_EQ(furrow_pool_error(test_pool())->status, FURROW_OK);
  EXPECT_EQ(furrow_pool_failure_count(NULL), 0);
  EXPECT_TRUE(furrow_pool_failure(NULL, 0) == NULL);
}

static int begin_badly(void *user, int worker, void **local) {
  (void)worker;
  (void)local;
  return user ? 5 : 0;
}

TEST(policies, do_not_forgive_a_worker_that_can_not_begin) {
  furrow_options options = going_on(0, 0);
  options.retries = 2;
  options.worker_begin = begin_badly;
  plan p = {.until = 0};
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), map_task, &p, NULL, 0, 100, NULL, 0, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, FURROW_NO_TASK);
  expect_same_error(test_pool());
}

/* ---- retries ---- */

TEST(policies, retries_make_up_for_tasks_that_succeed_later) {
  static const uint64_t counts[] = {1, 2, 7, 300};
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 0);
  options.retries = 3;
  for (int c = 0; c < 4; c++)
    for (int w = 1; w < WHICHES; w++)
      for (uint32_t until = 1; until <= 3; until++) {
        options.chunk = until - 1;
        options.leaf = (uint64_t)(w % 3) * 5;
        expect_map((plan){WHICH[w], until, w == 2, 8, 16, NULL}, counts[c], options);
        expect_reduction((plan){.which = WHICH[w], .until = until}, counts[c], options);
      }
}

TEST(policies, retries_move_large_items_and_results_again) {
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 0);
  options.retries = 2;
  expect_map((plan){{0, 2, 100}, 2, false, 300000, 200001, NULL}, 20, options);
  expect_map((plan){{1, 2, 100}, 1, false, 5000000, 8, NULL}, 7, options);
}

/* Each attempt runs on another rank than the one before, and runs once. */
TEST(policies, retries_go_to_another_rank) {
  enum { COUNT = 200 };
  counter *counts = counters_make((size_t)MOST * COUNT);
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 0);
  options.retries = ATTEMPTS - 1;
  expect_map((plan){{0, 3, COUNT}, ATTEMPTS - 1, false, 8, 0, counts}, COUNT, options);
  for (uint64_t i = 0; is_root() && i < COUNT; i++) {
    const counter *mine = counts + MOST * i;
    ASSERT_EQ(mine[0], i % 3 == 0 ? ATTEMPTS : 1);
    for (uint64_t k = 1; k < mine[0]; k++)
      if (test_size() > 1) ASSERT_NE(mine[k], mine[k + 1]);
  }
  counters_free(counts, (size_t)MOST * COUNT);
}

TEST(policies, retries_that_are_used_up_fail_the_task) {
  enum { COUNT = 100 };
  counter *counts = counters_make((size_t)MOST * COUNT);
  furrow_options options = going_on(0, 10);
  options.retries = 2;
  expect_map((plan){{5, 10, COUNT}, UINT32_MAX, false, 8, 0, counts}, COUNT, options);
  for (uint64_t i = 0; is_root() && i < COUNT; i++) EXPECT_EQ(counts[MOST * i], i % 10 == 5 ? 3 : 1);
  for (uint64_t i = 0; i < furrow_pool_failure_count(test_pool()); i++)
    EXPECT_EQ(furrow_pool_failure(test_pool(), i)->attempt, 2);
  counters_free(counts, (size_t)MOST * COUNT);
  expect_reduction((plan){{5, 10, COUNT}, UINT32_MAX, false, 0, 0, NULL}, COUNT, options);
  expect_reduction((plan){{11, 1, 3}, UINT32_MAX, false, 0, 0, NULL}, COUNT, options);

  options.on_error = FURROW_ON_ERROR_FAIL_FAST;
  plan p = {{5, 10, COUNT}, UINT32_MAX, false, 0, 0, NULL};
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), map_task, &p, NULL, 0, COUNT, NULL, 0, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->task % 10, 5);
  expect_same_error(test_pool());
}

static int fail_on_rank_0(furrow_task *task, const void *item, void *result) {
  (void)item;
  nap(0.0005);
  *(uint64_t *)result = task->index;
  return task->rank == 0 ? furrow_fail(task, "rank 0 is broken") : 0;
}

TEST(policies, retries_make_up_for_a_rank_on_which_everything_fails) {
  enum { COUNT = 200 };
  uint64_t results[COUNT] = {0};
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 1);
  options.retries = 1;
  furrow_status wanted = test_size() == 1 ? FURROW_E_TASK : FURROW_OK;
  EXPECT_STATUS(wanted, furrow_map(test_pool(), fail_on_rank_0, NULL, NULL, 0, COUNT, results, 8, &options));
  for (uint64_t i = 0; is_root() && test_size() > 1 && i < COUNT; i++) EXPECT_EQ(results[i], i);
}

/* The times at which the attempts of task 0 began. */
static int note_time(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->index > 0) return 0;
  ((counter *)task->user)[task->attempt] = (uint64_t)(now() * 1e9);
  return task->attempt < 3;
}

TEST(policies, retries_wait_twice_as_long_each_time) {
  counter *times = counters_make(4);
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 0);
  options.retries = 3;
  for (effort e = {0}; try_again(&e);) {
    options.retry_delay = 0.1 * e.stretch;
    double cpu = cpu_now();
    EXPECT_OK(furrow_map(test_pool(), note_time, times, NULL, 0, 100, NULL, 0, &options));
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

static int draw(furrow_task *task, const void *item, void *result) {
  (void)item;
  double *numbers = result;
  for (int i = 0; i < 4; i++) numbers[i] = furrow_rng_uniform(furrow_task_rng(task));
  return fail_as_planned(task, task->user);
}

TEST(policies, retries_draw_the_same_random_numbers) {
  enum { COUNT = 500 };
  static double calm[COUNT][4], failed[COUNT][4];
  plan p = {.which = NONE};
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, 0);
  options.series = 77;
  options.retries = 2;
  EXPECT_OK(furrow_map(test_pool(), draw, &p, NULL, 0, COUNT, calm, sizeof *calm, &options));
  p = (plan){.which = {0, 2, COUNT}, .until = 2};
  EXPECT_OK(furrow_map(test_pool(), draw, &p, NULL, 0, COUNT, failed, sizeof *failed, &options));
  if (is_root()) EXPECT_BYTES_EQ(calm, failed, sizeof calm);
}

static void be_uneven(uint64_t index) {
  uint64_t dice = index * 0x9e3779b97f4a7c15u >> 54;
  if (dice == 0) nap(0.001);
  if (dice % 64 != 1) return;
  for (double start = now(); now() - start < 1e-4;) continue;
}

static int map_unevenly(furrow_task *task, const void *item, void *result) {
  be_uneven(task->index + task->attempt);
  return map_task(task, item, result);
}

/* Shares are stolen and given back while failures come in and retries go out. */
TEST(policies, hold_while_work_moves) {
  enum { COUNT = 4000 };
  static uint64_t results[COUNT];
  for (int round = 0; round < 10; round++) {
    plan p = {{(uint64_t)round, (uint64_t)round * 5 + 2, COUNT}, round % 2 ? 1 : UINT32_MAX, false, 8, 0, NULL};
    furrow_options options = going_on((uint64_t)(round % 3), 7);
    options.retries = 1;
    memset(results, 0xee, sizeof results);
    expect_told(furrow_map(test_pool(), map_unevenly, &p, NULL, 0, COUNT, results, 8, &options), &p, COUNT);
    expect_results(is_root() ? (unsigned char *)results : NULL, &p, COUNT);
    expect_reduction(p, COUNT, options);
  }
}
