/* A program on rank 0, and the other ranks with it: every operation, with the bits that it has without; calls that are
 * special in it; how it ends. */
#include "mpi/common/lead.h"

/* ---- one rank runs it, all return what it returns ---- */

static furrow_status count_and_return(furrow_pool *pool, void *argument) {
  (void)pool;
  return (furrow_status)(*(int *)argument)++;
}

TEST(lead, runs_the_program_once_and_returns_its_status_everywhere) {
  for (int status = FURROW_OK; status <= FURROW_E_MPI; status++) {
    int argument = status;
    EXPECT_STATUS((furrow_status)status, lead(test_pool(), count_and_return, &argument));
    EXPECT_EQ(argument, status + (is_root() ? 1 : 0));
    expect_told(test_pool(), (furrow_status)status, "");
  }
}

TEST(lead, refuses_what_is_no_status) {
  int argument = 77;
  EXPECT_STATUS(FURROW_E_ARG, lead(test_pool(), count_and_return, &argument));
  expect_told(test_pool(), FURROW_E_ARG, "the program returned 77, which is no furrow_status");
}

static furrow_status give_a_reason(furrow_pool *pool, void *argument) {
  (void)argument;
  return furrow_agree(pool, FURROW_E_IO, "the disk is full");
}

TEST(lead, tells_every_rank_the_reason) {
  EXPECT_STATUS(FURROW_E_IO, lead(test_pool(), give_a_reason, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
  expect_told(test_pool(), FURROW_E_IO, "the disk is full");
}

static furrow_status fail_and_go_on(furrow_pool *pool, void *argument) {
  furrow_status status = furrow_agree(pool, FURROW_E_IO, "the disk is full");
  if (status != FURROW_E_IO) return FURROW_E_NOMEM;
  return *(furrow_status *)argument;
}

TEST(lead, has_no_error_of_an_operation_that_does_not_matter) {
  furrow_status status = FURROW_OK;
  EXPECT_OK(lead(test_pool(), fail_and_go_on, &status));
  EXPECT_EQ(furrow_pool_error(test_pool())->status, FURROW_OK);
  status = FURROW_E_TASK;
  EXPECT_STATUS(FURROW_E_TASK, lead(test_pool(), fail_and_go_on, &status));
  EXPECT_EQ_STR(furrow_pool_error(test_pool())->message, "");
  expect_same_error(test_pool());
}

static int fail_at_7(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return task->index == 7 ? furrow_fail(task, "seven") : 0;
}

static furrow_status map_to_7(furrow_pool *pool, void *argument) {
  (void)argument;
  return furrow_map(pool, fail_at_7, NULL, NULL, 0, 100, NULL, 0, NULL);
}

TEST(lead, fails_with_the_task_that_fails) {
  EXPECT_STATUS(FURROW_E_TASK, lead(test_pool(), map_to_7, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 7);
  expect_told(test_pool(), FURROW_E_TASK, "seven");
}

/* ---- every operation, and its bits ---- */

enum { COUNT = 3000 };

typedef struct answers {
  uint64_t squares[COUNT];
  double sum, product[2], shared[COUNT];
  uint64_t operations;
} answers;

typedef struct knob {
  double factor;
  uint64_t salt;
} knob;

static int square_and_draw(furrow_task *task, const void *item, void *result) {
  const knob *k = task->user;
  *(uint64_t *)result = *(const uint64_t *)item * task->index + k->salt + furrow_rng_u64(furrow_task_rng(task));
  return 0;
}

static void start_sum(void *accumulator, void *user) {
  *(double *)accumulator = ((const knob *)user)->factor;
}

static int add_draw(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(double *)accumulator += ((const knob *)task->user)->factor * furrow_rng_uniform(furrow_task_rng(task));
  return 0;
}

static void add_sum(void *accumulator, const void *later, void *user) {
  *(double *)accumulator += *(const double *)later * ((const knob *)user)->factor;
}

static const furrow_reducer SUM = {sizeof(furrow_reducer), sizeof(double), start_sum, add_draw, add_sum};

/* Composition of the maps x -> a x + b, which does not commute. */
static void compose(void *accumulator, const void *later, void *user) {
  double *a = accumulator;
  const double *b = later;
  (void)user;
  a[1] = a[1] * b[0] + b[1];
  a[0] *= b[0];
}

/* Works with and without a leader: what matters on one rank only is NULL elsewhere or does no harm. */
static furrow_status do_everything(furrow_pool *pool, void *argument) {
  static uint64_t items[COUNT];
  static double table[COUNT], maps[COUNT][2];
  answers *a = argument;
  knob k = {1.0000001, 77};
  furrow_options options = FURROW_OPTIONS_INIT;
  furrow_share *share = NULL;
  furrow_metrics metrics;
  options.user_size = sizeof k;
  for (int i = 0; i < COUNT; i++) {
    items[i] = (uint64_t)i + 5;
    table[i] = 1.0 / (1 + i);
    maps[i][0] = 1 + 1e-4 * i;
    maps[i][1] = 0.5;
  }
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    options.schedule = SCHEDULES[s];
    TRY(furrow_map(pool, square_and_draw, &k, items, sizeof *items, COUNT, a->squares, sizeof *a->squares, &options));
    TRY(furrow_map_reduce(pool, &SUM, &k, NULL, 0, COUNT, &a->sum, &options));
    TRY(furrow_reduce(pool, compose, NULL, maps, sizeof *maps, COUNT, a->product, NULL));
  }
  TRY(furrow_share_create(pool, table, sizeof table, &share));
  TRY(furrow_map(pool, read_table, share, NULL, 0, COUNT, a->shared, sizeof *a->shared, NULL));
  furrow_share_destroy(&share);
  TRY(furrow_metrics_get(pool, &metrics, NULL));
  if (furrow_is_root(pool)) a->operations = metrics.operations;
  return FURROW_OK;
}

static void expect_same_answers(furrow_pool *plain, furrow_pool *led) {
  static answers one, other;
  memset(&one, 0, sizeof one);
  memset(&other, 0, sizeof other);
  EXPECT_OK_ON(plain, do_everything(plain, &one));
  EXPECT_OK_ON(led, lead(led, do_everything, &other));
  if (!is_root()) memset(&one, 0, sizeof one);
  EXPECT_BYTES_EQ(&one, &other, sizeof one);
  if (is_root()) EXPECT_GE(other.operations, 3 * SCHEDULE_COUNT + 1);
}

TEST(lead, gives_the_same_bits_as_without) {
  furrow_pool *plain = make_pool(NULL), *led = make_pool(NULL);
  for (int i = 0; i < 3; i++) expect_same_answers(plain, led);
  furrow_pool_destroy(&plain);
  furrow_pool_destroy(&led);
}

TEST(lead, works_without_shared_memory) {
  furrow_pool *plain = make_pool_without_board(), *led = make_pool_without_board();
  expect_same_answers(plain, led);
  furrow_pool_destroy(&plain);
  furrow_pool_destroy(&led);
}

static furrow_status map_often(furrow_pool *pool, void *argument) {
  uint64_t results[3], *sum = argument;
  for (int i = 0; i < 300; i++) {
    TRY(furrow_map(pool, store_index, NULL, NULL, 0, 3, results, sizeof *results, NULL));
    *sum += results[2];
  }
  return FURROW_OK;
}

TEST(lead, runs_many_operations) {
  uint64_t sum = 0;
  EXPECT_OK(lead(test_pool(), map_often, &sum));
  EXPECT_EQ(sum, is_root() ? 600 : 0);
}

static furrow_status take_a_nap(furrow_pool *pool, void *argument) {
  (void)pool;
  nap(*(double *)argument);
  return FURROW_OK;
}

TEST(lead, lets_the_others_sleep) {
  for (effort e = {0}; try_again(&e);) {
    double before = cpu_now(), seconds = 0.6 * e.stretch;
    EXPECT_OK(lead(test_pool(), take_a_nap, &seconds));
    in_time(&e, cpu_now() - before, seconds / 6 * slowness());
  }
}

/* ---- calls that are special in a program ---- */

static furrow_status talk_to_nobody(furrow_pool *pool, void *argument) {
  int word = 5;
  (void)argument;
  TRY(furrow_bcast(pool, &word, sizeof word));
  TRY(furrow_agree(pool, FURROW_OK, NULL));
  if (furrow_bcast(pool, NULL, 4) != FURROW_E_ARG) return FURROW_E_IO;
  if (furrow_gather(pool, &word, sizeof word, &word) != FURROW_E_ARG) return FURROW_E_IO;
  if (furrow_agree(pool, (furrow_status)99, NULL) != FURROW_E_ARG) return FURROW_E_IO;
  if (furrow_agree(pool, FURROW_E_NOMEM, "why") != FURROW_E_NOMEM) return FURROW_E_IO;
  return word == 5 ? FURROW_OK : FURROW_E_IO;
}

TEST(lead, answers_bcast_and_agree_itself) {
  EXPECT_OK(lead(test_pool(), talk_to_nobody, NULL));
}

static furrow_status do_the_forbidden(furrow_pool *pool, void *argument) {
  furrow_pool *same = pool;
  if (furrow_finalize(&same) != FURROW_E_ARG || same != pool) return FURROW_E_IO;
  if (!strstr(furrow_pool_error(pool)->message, "inside a program")) return FURROW_E_IO;
  furrow_pool_destroy(&same);
  if (same != pool) return FURROW_E_IO;
  furrow_status nested = furrow_lead(pool, count_and_return, argument);
  if (nested != FURROW_E_ARG) return FURROW_E_IO;
  if (!strstr(furrow_pool_error(pool)->message, "inside a program")) return FURROW_E_IO;
  return FURROW_OK;
}

TEST(lead, refuses_to_be_nested_and_to_lose_its_pool) {
  int untouched = 0;
  EXPECT_OK(lead(test_pool(), do_the_forbidden, &untouched));
  EXPECT_EQ(untouched, 0);
  expect_works(test_pool());
}

static furrow_pool *the_pool;

static int lead_in_a_task(furrow_task *task, const void *item, void *result) {
  int word = 0;
  (void)task;
  (void)item;
  *(int *)result = (int)furrow_lead(the_pool, count_and_return, &word);
  return 0;
}

static furrow_status lead_in_tasks(furrow_pool *pool, void *argument) {
  int results[40];
  (void)argument;
  TRY(furrow_map(pool, lead_in_a_task, NULL, NULL, 0, 40, results, sizeof *results, NULL));
  for (int i = 0; i < 40; i++)
    if (results[i] != FURROW_E_ARG) return FURROW_E_IO;
  return FURROW_OK;
}

TEST(lead, is_refused_inside_a_task) {
  the_pool = test_pool();
  if (is_root()) EXPECT_EQ(furrow_pool_error(NULL)->status, furrow_lead(NULL, count_and_return, NULL));
  EXPECT_OK(lead(test_pool(), lead_in_tasks, NULL));
  int results[40];
  EXPECT_OK(furrow_map(test_pool(), lead_in_a_task, NULL, NULL, 0, 40, results, sizeof *results, NULL));
  for (int i = 0; is_root() && i < 40; i++) EXPECT_EQ(results[i], FURROW_E_ARG);
}

/* A pool of rank 0 alone, led as well. */
static furrow_status lead_another(furrow_pool *pool, void *argument) {
  furrow_pool *own = NULL;
  uint64_t *sum = argument;
  TRY(furrow_pool_create(MPI_COMM_SELF, NULL, &own));
  furrow_status status = furrow_lead(own, map_often, sum);
  furrow_pool_destroy(&own);
  return status == FURROW_OK ? map_often(pool, sum) : status;
}

TEST(lead, may_lead_another_pool_inside) {
  uint64_t sum = 0;
  EXPECT_OK(lead(test_pool(), lead_another, &sum));
  EXPECT_EQ(sum, is_root() ? 1200 : 0);
}

/* ---- ranks that differ ---- */

TEST(lead, needs_a_program_on_rank_0) {
  EXPECT_STATUS(FURROW_E_ARG, furrow_lead(test_pool(), is_root() ? NULL : count_and_return, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
  expect_told(test_pool(), FURROW_E_ARG, "program is NULL");
}

TEST(lead, is_not_mistaken_for_another_operation) {
  if (test_size() == 1) return; /* one rank can't differ */
  int word = 0;
  for (int culprit = 0; culprit < test_size(); culprit += last_rank()) {
    if (test_rank() == culprit)
      EXPECT_STATUS(FURROW_E_MISMATCH, furrow_agree(test_pool(), FURROW_OK, NULL));
    else
      EXPECT_STATUS(FURROW_E_MISMATCH, lead(test_pool(), count_and_return, &word));
    EXPECT_EQ(word, 0);
    expect_told(test_pool(), FURROW_E_MISMATCH, "furrow_lead");
  }
}
