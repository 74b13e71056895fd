/* A task that fails ends its operation on every rank, with one status and one reason; the pool lives on. */
#include "mpi/common/tools.h"

enum { COUNT = 500 };

typedef enum whose { FIRST, LAST, MIDDLE, ALL, RANK_0S, EVERY_TENTH, WHOSE_COUNT } whose;

typedef struct plan {
  whose whose;
  bool by_return; /* else by furrow_fail() */
} plan;

static bool is_to_fail(const furrow_task *task, whose which) {
  switch (which) {
    case FIRST:
      return task->index == 0;
    case LAST:
      return task->index == COUNT - 1;
    case MIDDLE:
      return task->index == COUNT / 2;
    case RANK_0S:
      return task->rank == 0;
    case EVERY_TENTH:
      return task->index % 10 == 0;
    default:
      return true;
  }
}

static int fail_as_planned(furrow_task *task, const plan *planned) {
  if (!is_to_fail(task, planned->whose)) return 0;
  if (planned->by_return) return -7;
  return furrow_fail(task, "matrix %d is singular", (int)task->index);
}

static int map_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  return fail_as_planned(task, task->user);
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += 1;
  return fail_as_planned(task, task->user);
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static void expect_reason(const plan *planned) {
  const furrow_error *error = furrow_pool_error(test_pool());
  char text[64];
  EXPECT_EQ(error->status, FURROW_E_TASK);
  EXPECT_LT(error->task, COUNT);
  EXPECT_GE(error->rank, 0);
  EXPECT_LT(error->rank, test_size());
  EXPECT_NE(error->host[0], '\0');
  if (planned->by_return)
    snprintf(text, sizeof text, "returned -7");
  else
    snprintf(text, sizeof text, "matrix %d is singular", (int)error->task);
  EXPECT_CONTAINS(error->message, text);
  furrow_task culprit = {.index = error->task, .rank = error->rank};
  EXPECT_TRUE(is_to_fail(&culprit, planned->whose));
  expect_same_error(test_pool());
}

static void expect_failure(plan planned, const furrow_options *options, bool reduction) {
  static const furrow_reducer COUNTING = {0, sizeof(uint64_t), NULL, fold_task, add};
  uint64_t results[COUNT], sum;
  TEST_PHASE("failing: %d, schedule %d, reduction: %d", (int)planned.whose, (int)options->schedule, reduction);
  if (reduction)
    EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &COUNTING, &planned, NULL, 0, COUNT, &sum, options));
  else
    EXPECT_STATUS(FURROW_E_TASK,
                  furrow_map(test_pool(), map_task, &planned, NULL, 0, COUNT, results, sizeof *results, options));
  expect_reason(&planned);
  expect_works(test_pool());
}

static void expect_failures(bool reduction) {
  static const uint64_t chunks[] = {0, 1, 1000};
  for (int w = 0; w < WHOSE_COUNT; w++)
    for (int s = 0; s < SCHEDULE_COUNT; s++)
      for (int c = 0; c < 3; c++) {
        if (w == RANK_0S && SCHEDULES[s] != FURROW_SCHEDULE_STATIC) continue; /* it may get no task */
        furrow_options options = options_of(SCHEDULES[s], chunks[c]);
        options.leaf = 10;
        expect_failure((plan){(whose)w, c == 1}, &options, reduction);
      }
}

TEST(failure, of_a_task_in_a_map_reaches_every_rank) {
  expect_failures(false);
}

TEST(failure, of_a_task_in_a_reduction_reaches_every_rank) {
  expect_failures(true);
}

static int fail_with_large_data(furrow_task *task, const void *item, void *result) {
  (void)item;
  memset(result, 1, 100000);
  return task->index == 100 ? furrow_fail(task, "in the midst of it") : 0;
}

/* Results are on their way when it happens, and items were asked for. */
TEST(failure, strands_nobody_while_data_moves) {
  enum { TASKS = 200, SIZE = 100000 };
  char *items = is_root() ? calloc(TASKS, SIZE) : NULL, *results = is_root() ? calloc(TASKS, SIZE) : NULL;
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_STATUS(FURROW_E_TASK,
                  furrow_map(test_pool(), fail_with_large_data, NULL, items, SIZE, TASKS, results, SIZE, &options));
    EXPECT_EQ(furrow_pool_error(test_pool())->task, 100);
    expect_same_error(test_pool());
    expect_works(test_pool());
  }
  free(items);
  free(results);
}

static int fail_somewhere(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  uint64_t dice = task->index * 0x9e3779b97f4a7c15u >> 54;
  if (dice == 0) nap(0.001);
  return task->index == *(uint64_t *)task->user ? furrow_fail(task, "here") : 0;
}

/* At any moment: while others steal, rest, or wait for work that is given back. */
TEST(failure, is_heard_at_any_moment) {
  for (uint64_t i = 0; i < 60; i++) {
    uint64_t victim = i * 7919 % 3000;
    furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, i % 3);
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_somewhere, &victim, NULL, 0, 3000, NULL, 0, &options));
    EXPECT_EQ(furrow_pool_error(test_pool())->task, victim);
    expect_works(test_pool());
  }
}

static int fail_yet_return_0(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->index != 3) return 0;
  (void)furrow_fail(task, "the first reason");
  (void)furrow_fail(task, "another");
  return 0;
}

static int tasks_after;

static int count_tasks_after(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  tasks_after += task->index > 0;
  if (task->index == 0) (void)furrow_fail(task, "on purpose");
  return 0;
}

TEST(failure, ends_the_claim_it_happens_in) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 50);
    tasks_after = 0;
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), count_tasks_after, NULL, NULL, 0, 50, NULL, 0, &options));
    if (SCHEDULES[s] == FURROW_SCHEDULE_STATIC && is_root()) EXPECT_EQ(tasks_after, 0);
    if (test_size() == 1) EXPECT_EQ(tasks_after, 0);
  }
}

TEST(failure, holds_whatever_the_function_returns_and_keeps_its_first_reason) {
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_yet_return_0, NULL, NULL, 0, 10, NULL, 0, NULL));
  EXPECT_EQ_STR(furrow_pool_error(test_pool())->message, "the first reason");
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 3);
}

static int fail_at_length(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return furrow_fail(task, "%0*d", 2 * FURROW_MESSAGE_SIZE, 1);
}

TEST(failure, message_is_cut_where_it_is_too_long) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_at_length, NULL, NULL, 0, 10, NULL, 0, &options));
    size_t length = strlen(furrow_pool_error(test_pool())->message);
    EXPECT_GT(length, FURROW_MESSAGE_SIZE / 2);
    EXPECT_LT(length, FURROW_MESSAGE_SIZE);
  }
}

TEST(failure, prints_as_one_line) {
  plan planned = {MIDDLE, false};
  char text[1024] = "", wanted[1024];
  EXPECT_STATUS(FURROW_E_TASK,
                furrow_map(test_pool(), map_task, &planned, NULL, 0, COUNT, (uint64_t[COUNT]){0}, 8, NULL));
  const furrow_error *error = furrow_pool_error(test_pool());
  FILE *stream = fmemopen(text, sizeof text, "w");
  furrow_error_print(stream, error);
  fclose(stream);
  snprintf(wanted, sizeof wanted, "furrow: task %d failed on rank %d (%s): matrix %d is singular\n", COUNT / 2,
           error->rank, error->host, COUNT / 2);
  EXPECT_EQ_STR(text, wanted);
}

/* Fail fast: nobody starts a task much later. */
static int fail_at_once_or_nap(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->index == 0) return furrow_fail(task, "at once");
  nap(0.05);
  return 0;
}

TEST(failure, stops_the_other_ranks_early) {
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 1);
  double start = now();
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_at_once_or_nap, NULL, NULL, 0, 40000, NULL, 0, &options));
  EXPECT_LT(now() - start, soon()); /* all of it would take at least 250 s, at 8 ranks */
}

/* A claim of the user's size may be long. */
TEST(failure, stops_the_other_ranks_inside_their_claims) {
  enum { CLAIM = 5000 };
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, CLAIM);
  uint64_t count = CLAIM * (uint64_t)test_size();
  double start = now();
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), fail_at_once_or_nap, NULL, NULL, 0, count, NULL, 0, &options));
  EXPECT_LT(now() - start, soon()); /* a claim takes 250 s */
}

TEST(failure, is_forgotten_by_the_next_operation) {
  plan planned = {ALL, false};
  uint64_t results[COUNT];
  EXPECT_STATUS(FURROW_E_TASK,
                furrow_map(test_pool(), map_task, &planned, NULL, 0, COUNT, results, sizeof *results, NULL));
  EXPECT_OK(furrow_agree(test_pool(), FURROW_OK, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->status, FURROW_OK);
}

/* ---- worker_begin and worker_end ---- */

static int begins, ends, failing_rank, tasks_seen;

static int begin(void *user, int worker, void **local) {
  if (worker != test_rank() || user != &begins) TEST_FAIL("worker %d, user %p", worker, user);
  begins++;
  *local = &ends;
  return test_rank() == failing_rank ? 5 : 0;
}

static void end(void *user, int worker, void *local) {
  if (worker != test_rank() || user != &begins || local != &ends) TEST_FAIL("worker %d, local %p", worker, local);
  ends++;
}

static int see_local(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  tasks_seen++;
  if (begins != 1 || ends != 0) return furrow_fail(task, "%d begins, %d ends before it", begins, ends);
  return task->local == &ends ? 0 : furrow_fail(task, "local is %p", task->local);
}

static int see_local_and_fail(furrow_task *task, const void *item, void *result) {
  return see_local(task, item, result) || furrow_fail(task, "on purpose");
}

static furrow_status run_with_worker(furrow_map_fn *fn, furrow_schedule schedule, uint64_t count, int failing) {
  furrow_options options = options_of(schedule, 1);
  options.worker_begin = begin;
  options.worker_end = end;
  begins = ends = tasks_seen = 0;
  failing_rank = failing;
  return furrow_map(test_pool(), fn, &begins, NULL, 0, count, NULL, 0, &options);
}

TEST(worker, begins_once_and_ends_once_an_operation) {
  static const uint64_t counts[] = {0, 1, 500};
  for (int s = 0; s < SCHEDULE_COUNT; s++)
    for (int c = 0; c < 3; c++) {
      EXPECT_OK(run_with_worker(see_local, SCHEDULES[s], counts[c], -1));
      EXPECT_LE(begins, 1);
      EXPECT_EQ(begins, ends);
      if (tasks_seen > 0) EXPECT_EQ(begins, 1);
    }
}

TEST(worker, ends_after_a_task_has_failed) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    EXPECT_STATUS(FURROW_E_TASK, run_with_worker(see_local_and_fail, SCHEDULES[s], 500, -1));
    EXPECT_EQ(begins, ends);
  }
}

TEST(worker, begin_that_fails_on_one_rank_fails_the_operation_on_all) {
  for (int s = 0; s < SCHEDULE_COUNT; s++)
    for (int rank = 0; rank < test_size(); rank++) {
      EXPECT_STATUS(FURROW_E_TASK, run_with_worker(see_local, SCHEDULES[s], 500, rank));
      EXPECT_EQ(furrow_pool_error(test_pool())->rank, rank);
      EXPECT_EQ(furrow_pool_error(test_pool())->task, FURROW_NO_TASK);
      EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "worker_begin returned 5");
      expect_same_error(test_pool());
      EXPECT_EQ(ends, test_rank() == rank ? 0 : begins);
      expect_works(test_pool());
    }
}

TEST(worker, begin_that_fails_is_noticed_also_where_there_are_no_tasks) {
  for (int s = 0; s < SCHEDULE_COUNT; s++)
    EXPECT_STATUS(FURROW_E_TASK, run_with_worker(see_local, SCHEDULES[s], 0, last_rank()));
}

static int fold_local(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  ++*(uint64_t *)accumulator;
  return task->local == &ends ? 0 : furrow_fail(task, "local is %p", task->local);
}

TEST(worker, begins_and_ends_in_a_reduction_too) {
  static const furrow_reducer COUNTING = {0, sizeof(uint64_t), NULL, fold_local, add};
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    uint64_t sum = 0;
    options.worker_begin = begin;
    options.worker_end = end;
    begins = ends = 0;
    failing_rank = -1;
    EXPECT_OK(furrow_map_reduce(test_pool(), &COUNTING, &begins, NULL, 0, 1000, &sum, &options));
    if (is_root()) EXPECT_EQ(sum, 1000);
    EXPECT_EQ(begins, ends);
    EXPECT_LE(begins, 1);
  }
}
