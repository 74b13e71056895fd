/* Several tasks at a time in each rank, some of which fail, die, take too long, or are stopped: all of it as with one. */
#include <signal.h>

#include "mpi/common/journals.h"

static const int THREADS[] = {2, 3, 8};
enum { THREADS_COUNT = sizeof THREADS / sizeof *THREADS };

/* ---- failures ---- */

typedef struct plan {
  failing which;
  uint32_t until; /* tasks of `which` fail at attempts below it */
  bool by_death;
} plan;

static int fail_as_planned(furrow_task *task, const plan *p) {
  if (!fails(p->which, task->index) || task->attempt >= p->until) return 0;
  if (p->by_death) raise(SIGKILL);
  return furrow_fail(task, "matrix %d is singular", (int)task->index);
}

static int map_planned(furrow_task *task, const void *item, void *result) {
  (void)item;
  fill_bytes(result, 8, task->index, 1);
  return fail_as_planned(task, task->user);
}

static int fold_planned(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  answer_add(accumulator, task->index);
  return fail_as_planned(task, task->user);
}

static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_planned, answer_merge};

enum { COUNT = 500 };

static void expect_map(plan p, furrow_options options) {
  unsigned char *results = root_array(COUNT, 8);
  uint8_t *done = root_array(COUNT, 1);
  failing lost = p.until > options.retries ? p.which : NONE;
  options.done = done;
  EXPECT_STATUS(lost.step ? FURROW_E_TASK : FURROW_OK,
                furrow_map(test_pool(), map_planned, &p, NULL, 0, COUNT, results, 8, &options));
  expect_failing_tasks(test_pool(), lost, COUNT);
  expect_done(done, lost, COUNT);
  for (uint64_t i = 0; results && i < COUNT; i++)
    EXPECT_TRUE(fails(lost, i) ? bytes_are_all(results + 8 * i, 8, 0xee) : bytes_are(results + 8 * i, 8, i, 1));
  expect_same_error(test_pool());
  free(results);
  free(done);
}

static void expect_reduction(plan p, furrow_options options) {
  answer got = {0};
  failing lost = p.until > options.retries ? p.which : NONE;
  options.leaf = 4;
  EXPECT_STATUS(lost.step ? FURROW_E_TASK : FURROW_OK,
                furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, COUNT, &got, &options));
  expect_failing_tasks(test_pool(), lost, COUNT);
  expect_answer(&got, COUNT, options.leaf, lost);
  expect_same_error(test_pool());
}

static void expect_faults(bool isolated, failing which) {
  for (int t = 0; t < THREADS_COUNT && !test_failed(); t++)
    for (uint32_t retries = 0; retries < 3; retries += 2) {
      furrow_options options = FURROW_OPTIONS_INIT;
      TEST_PHASE("%d threads, %d retries, isolated: %d", THREADS[t], (int)retries, isolated);
      options.threads = THREADS[t];
      options.retries = retries;
      options.on_error = FURROW_ON_ERROR_CONTINUE;
      if (isolated) options.isolate = FURROW_ISOLATE_ON;
      for (uint32_t until = 2; until < 5; until += 2) {
        expect_map((plan){which, until, isolated}, options);
        expect_reduction((plan){which, until, isolated}, options);
      }
    }
}

TEST(threads_faults, cost_failed_tasks_alone) {
  expect_faults(false, (failing){3, 7, 40});
}

TEST(threads_faults, cost_dead_children_one_task_each) {
  expect_faults(true, (failing){3, 29, 10});
}

/* One failure, the same for all, although several threads of a rank fail at once. */
TEST(threads_faults, stop_all_at_the_first_failure) {
  for (int t = 0; t < THREADS_COUNT; t++)
    for (int guarded = 0; guarded < 2; guarded++)
      for (int round = 0; round < 20; round++) {
        furrow_options options = FURROW_OPTIONS_INIT;
        plan p = {{0, 1, COUNT}, UINT32_MAX, false};
        uint64_t results[COUNT];
        char message[64];
        answer got;
        options.threads = THREADS[t];
        options.retries = (uint32_t)guarded;
        EXPECT_STATUS(FURROW_E_TASK,
                      furrow_map(test_pool(), map_planned, &p, NULL, 0, COUNT, results, sizeof *results, &options));
        const furrow_error *error = furrow_pool_error(test_pool());
        snprintf(message, sizeof message, "matrix %d is singular", (int)error->task);
        EXPECT_CONTAINS(error->message, message);
        expect_same_error(test_pool());
        EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, COUNT, &got, &options));
        expect_same_error(test_pool());
      }
}

static int refuse_one(void *user, int worker, void **local) {
  (void)local;
  return worker == *(const int *)user ? 9 : 0;
}

static int do_nothing(furrow_task *task, const void *item, void *result) {
  (void)task;
  (void)item;
  (void)result;
  return 0;
}

/* Also of a worker that would find nothing to do. */
TEST(threads_faults, of_worker_begin_fail_the_operation) {
  for (int worker = 0; worker < 3 * test_size(); worker++)
    for (int isolated = 0; isolated < 2; isolated++) {
      furrow_options options = FURROW_OPTIONS_INIT;
      options.threads = 3;
      options.worker_begin = refuse_one;
      if (isolated) options.isolate = FURROW_ISOLATE_ON;
      if (isolated && worker > 0) continue; /* a child is had only for a task */
      uint64_t count = isolated ? 1000 : (uint64_t)(worker % 2);
      furrow_status status = furrow_map(test_pool(), do_nothing, &worker, NULL, 0, count, NULL, 0, &options);
      if (isolated && status == FURROW_OK) continue; /* that worker's thread came too late for any */
      EXPECT_STATUS(FURROW_E_TASK, status);
      EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "worker_begin returned 9");
      expect_same_error(test_pool());
    }
}

static int use_own_pool(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = furrow_agree(test_pool(), FURROW_OK, NULL) + 100 * task->index;
  return 0;
}

TEST(threads_faults, of_tasks_that_use_their_own_pool_are_refused) {
  uint64_t results[200];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = 4;
  options.chunk = 1;
  EXPECT_OK(furrow_map(test_pool(), use_own_pool, NULL, NULL, 0, 200, results, 8, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->status, FURROW_OK);
  for (uint64_t i = 0; is_root() && i < 200; i++) EXPECT_EQ(results[i], FURROW_E_ARG + 100 * i);
}

/* ---- children ---- */

typedef struct crowd {
  counter *here; /* how many run; then the process that ran each task */
  uint64_t all;
} crowd;

static int wait_for_all(furrow_task *task, const void *item, void *result) {
  const crowd *c = task->user;
  (void)item;
  (void)result;
  c->here[1 + task->index] = (uint64_t)getpid();
  ++*c->here;
  for (double start = now(); *c->here < c->all; nap(0.0005))
    if (now() - start > 30) return furrow_fail(task, "%d of %d run", (int)*c->here, (int)c->all);
  return 0;
}

TEST(threads_faults, isolated_are_as_many_children) {
  for (int t = 0; t < THREADS_COUNT; t++) {
    const size_t all = (size_t)test_size() * (size_t)THREADS[t];
    counter *here = counters_make(1 + all);
    crowd c = {here, all};
    furrow_options options = FURROW_OPTIONS_INIT;
    options.threads = THREADS[t];
    options.isolate = FURROW_ISOLATE_ON;
    options.chunk = 1;
    EXPECT_OK(furrow_map(test_pool(), wait_for_all, &c, NULL, 0, all, NULL, 0, &options));
    for (size_t i = 1; i <= all; i++)
      for (size_t j = 1; j < i; j++) EXPECT_NE(here[i], here[j]);
    counters_free(here, 1 + all);
  }
}

static int loop_sometimes(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  while (task->index % 20 == 0) nap(0.001);
  return 0;
}

TEST(threads_faults, end_tasks_at_their_deadline) {
  uint64_t results[200];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = 4;
  options.task_timeout = 0.4; /* the others must not take as long, however busy the machine is */
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  double start = now();
  EXPECT_STATUS(FURROW_E_TASK,
                furrow_map(test_pool(), loop_sometimes, NULL, NULL, 0, 200, results, sizeof *results, &options));
  expect_failing_tasks(test_pool(), (failing){0, 20, 10}, 200);
  EXPECT_LT(now() - start, soon());
  for (uint64_t i = 0; is_root() && i < 200; i++)
    if (i % 20 != 0) EXPECT_EQ(results[i], i);
}

static int come_and_go(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  if (task->index % 2) _exit(3);
  return 0;
}

/* Forks of several threads of a rank, all the time. */
TEST(threads_faults, may_fork_at_the_same_time) {
  uint64_t results[300];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = 8;
  options.isolate = FURROW_ISOLATE_ON;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  EXPECT_STATUS(FURROW_E_TASK,
                furrow_map(test_pool(), come_and_go, NULL, NULL, 0, 300, results, sizeof *results, &options));
  expect_failing_tasks(test_pool(), (failing){1, 2, 150}, 300);
  for (uint64_t i = 0; is_root() && i < 300; i += 2) EXPECT_EQ(results[i], i);
}

/* ---- journals ---- */

static void expect_resumes(shape s, int before, int after) {
  folder path;
  folder_make(path);
  TEST_PHASE("%d threads, then %d, isolated: %d", before, after, s.isolated);
  trial t = trial_make(path, s);
  uint8_t *finished = root_array(s.count, 1);
  t.options.threads = before;
  t.failed = (failing){s.count / 2, 1, 1};
  EXPECT_STATUS(FURROW_E_TASK, trial_run(&t, test_comm(), MAP));
  if (is_root()) memcpy(finished, t.done, s.count);
  trial_forget(&t);
  t.failed = NONE;
  t.options.threads = after;
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  for (uint64_t i = 0; is_root() && i < s.count; i++) EXPECT_EQ(t.ran[i], !finished[i]);
  trial_forget(&t);
  t.options.threads = before;
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  expect_ran_nothing(&t);
  free(finished);
  trial_free(&t);
  folder_remove(path);
}

TEST(threads_faults, leave_a_journal_that_other_threads_go_on_from) {
  for (int isolated = 0; isolated < 2; isolated++) {
    shape s = {.count = 2000, .size = 24, .item_size = 8, .leaf = 3, .isolated = isolated};
    expect_resumes(s, 1, 4);
    expect_resumes(s, 5, 1);
    expect_resumes(s, 2, 8);
    expect_resumes((shape){.count = 60, .size = 300000, .leaf = 3, .isolated = isolated}, 3, 2);
  }
}

/* The rank that runs task 100, in whichever thread, is told to stop; in a child that is its parent. */
static void stop_rank(const trial *t, const furrow_task *task) {
  if (task->index == 100) kill(t->shape.isolated ? getppid() : getpid(), SIGUSR1);
  nap(0.002);
}

TEST(threads_faults, stop_at_the_signal) {
  for (int isolated = 0; isolated < 2; isolated++)
    for (int operation = MAP; operation <= MAP_REDUCE; operation++) {
      shape s = {.count = 4000, .size = 8, .leaf = 3, .chunk = 1, .isolated = isolated};
      folder path;
      folder_make(path);
      trial t = trial_make(path, s);
      t.options.threads = 3;
      t.before = stop_rank;
      EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), operation));
      uint64_t ran = 0;
      meet_asleep();
      for (uint64_t i = 0; i < s.count; i++) ran += t.ran[i] + t.folded[i];
      EXPECT_LT(ran, s.count);
      t.before = NULL;
      t.options.threads = 2;
      trial_forget(&t);
      EXPECT_OK(trial_run(&t, test_comm(), operation == MAP ? ALL_OPERATIONS : operation));
      expect_answer(&t.answer, s.count, s.leaf, NONE);
      if (operation == MAP) expect_right_answers(&t);
      trial_free(&t);
      folder_remove(path);
    }
}
