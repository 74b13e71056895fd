/* The stop signal, SIGUSR1: an operation with a journal ends soon, on every rank, and the next run goes on; one without leaves
 * the signal to the user. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "furrow/journal.h"
#include "mpi/common/journals.h"

static volatile sig_atomic_t heard;

static void hear(int number, siginfo_t *info, void *context) {
  (void)info;
  (void)context;
  heard += number == SIGUSR1;
}

static void hear_plainly(int number) {
  heard += number == SIGUSR1;
}

/* ---- a program that is stopped ---- */

enum { STOP_AT = 100 };

/* The rank that runs task 100 is told to stop, from inside of it; in a child that is its parent. */
static void stop_rank(const trial *t, const furrow_task *task) {
  if (task->index == STOP_AT) kill(t->shape.isolated ? getppid() : getpid(), SIGUSR1);
  nap(0.002);
}

static void expect_stops_and_goes_on(shape s, int operation) {
  folder path;
  folder_make(path);
  TEST_PHASE("operation %d, isolated: %d, schedule %d", operation, s.isolated, (int)s.schedule);
  trial t = trial_make(path, s);
  uint8_t *finished = root_array(s.count, 1);
  uint64_t ran = 0;
  t.before = stop_rank;
  double start = now();
  EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), operation));
  EXPECT_LT(now() - start, soon());
  if (operation == MAP && is_root()) memcpy(finished, t.done, s.count);
  meet_asleep();
  for (uint64_t i = 0; i < s.count; i++) ran += t.ran[i] + t.folded[i];
  EXPECT_LT(ran, s.count);

  t.before = NULL;
  trial_forget(&t);
  if (operation == MAP) {
    EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
    for (uint64_t i = 0; is_root() && i < s.count; i++) EXPECT_EQ(t.ran[i], !finished[i]);
    expect_right_answers(&t);
  } else {
    EXPECT_OK(trial_run(&t, test_comm(), operation));
    expect_answer(&t.answer, s.count, s.leaf, NONE);
  }
  free(finished);
  trial_free(&t);
  folder_remove(path);
}

TEST(stop, ends_a_map_which_then_goes_on) {
  shape s = {.count = 2000, .size = 8, .item_size = 8, .chunk = 1};
  expect_stops_and_goes_on(s, MAP);
  s.isolated = true;
  expect_stops_and_goes_on(s, MAP);
  s = (shape){.count = 1000, .size = 100000, .schedule = FURROW_SCHEDULE_STATIC};
  expect_stops_and_goes_on(s, MAP);
}

TEST(stop, ends_a_reduction_which_then_goes_on) {
  shape s = {.count = 2000, .leaf = 3, .chunk = 1};
  expect_stops_and_goes_on(s, MAP_REDUCE);
  s.isolated = true;
  expect_stops_and_goes_on(s, MAP_REDUCE);
}

/* ---- a signal from outside ---- */

/* On memory that this rank shares with its children: whether it has begun a task, so that it listens to the signal, and one of
 * those that it is to be told in; and when it was told. */
typedef struct telling {
  _Atomic bool begun;
  double at;
} telling;

static telling *here;

static void here_open(void) {
  here = mmap(NULL, sizeof *here, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (here == MAP_FAILED) abort();
}

static void here_close(void) {
  munmap(here, sizeof *here);
  here = NULL;
}

/* A child sends it, some time after this rank has begun to listen, and at any rate before the test's end. */
static pid_t signal_later(double seconds) {
  pid_t parent = getpid(), child = fork();
  if (child != 0) return child;
  for (int i = 0; i < 30000 && !here->begun; i++) nap(0.001);
  nap(seconds);
  here->at = now();
  kill(parent, SIGUSR1);
  _exit(0);
}

static void nap_long(const trial *t, const furrow_task *task) {
  (void)t;
  here->begun = true;
  nap(task->index == 0 ? 0.5 : 0.05);
}

static void expect_stop_from_outside(shape s, bool root_only) {
  folder path;
  folder_make(path);
  /* A rank that is told after the others have ended the operation hears it too. */
  struct sigaction mine = {.sa_handler = hear_plainly, .sa_flags = SA_RESTART}, before;
  sigaction(SIGUSR1, &mine, &before);
  trial t = trial_make(path, s);
  t.before = nap_long;
  here_open();
  pid_t child = root_only && !is_root() ? -1 : signal_later(0.2);
  EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), MAP));
  double end = now();
  here->begun = true; /* others may have been told before this one had a task */
  if (child > 0) waitpid(child, NULL, 0);
  if (is_root()) EXPECT_LT(end - here->at, 10 * slowness());
  here_close();
  meet_asleep();
  sigaction(SIGUSR1, &before, NULL);
  t.before = NULL;
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

/* As mpirun and srun pass it on. */
TEST(stop, may_come_from_outside_to_all_ranks_or_to_the_first) {
  shape s = {.count = 4000, .size = 8};
  for (int root_only = 0; root_only < 2; root_only++)
    for (int i = 0; i < 2; i++) {
      s.isolated = i == 1;
      expect_stop_from_outside(s, root_only);
    }
}

static void fail_and_stop(const trial *t, const furrow_task *task) {
  (void)t;
  if (task->index == 5) raise(SIGUSR1);
}

TEST(stop, does_not_wait_for_a_retry) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, (shape){.count = 10, .size = 8});
  t.before = fail_and_stop;
  t.failed = (failing){5, 1, 1};
  t.options.retries = 3;
  t.options.retry_delay = 300;
  EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), MAP));
  t.before = NULL;
  t.failed = NONE;
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

/* ---- tasks that become slow in the midst of a claim ---- */

enum { SHARE = 2000, SLOW_FROM = 1000, LOOK_AT = 1008 }; /* of each rank's tasks */

static void become_slow(const trial *t, const furrow_task *task) {
  (void)t;
  if (task->index % SHARE < SLOW_FROM) return;
  if (here) here->begun = true;
  nap(0.1);
}

/* Each rank in turn is the only one that is told. */
TEST(stop, is_heard_by_one_rank_between_tasks_that_became_slow) {
  for (int rank = 0; rank < test_size(); rank++) {
    folder path;
    folder_make(path);
    TEST_PHASE("rank %d is told", rank);
    trial t = trial_make(path, (shape){.count = (uint64_t)SHARE * (uint64_t)test_size(), .size = 8});
    t.before = become_slow;
    here_open();
    pid_t child = test_rank() == rank ? signal_later(0.2) : -1;
    EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), MAP));
    double end = now();
    if (child > 0) waitpid(child, NULL, 0);
    if (child > 0) EXPECT_LT(end - here->at, 10 * slowness()); /* all of it takes 100 s */
    here_close();
    trial_free(&t);
    folder_remove(path);
  }
}

static uint64_t finished_in(const char *path) {
  furrow_journal *journal = NULL;
  const furrow_journal_operation *map = NULL;
  if (furrow_journal_open(path, &journal) == FURROW_OK) map = furrow_journal_get_operation(journal, 0);
  uint64_t finished = map ? map->finished : 0;
  furrow_journal_close(&journal);
  return finished;
}

/* On a busy machine the journal's thread may need a moment. */
static void look_at_journal(const trial *t, const furrow_task *task) {
  become_slow(t, task);
  if (task->index != LOOK_AT) return;
  for (double start = now(); finished_in(t->path) < SLOW_FROM && now() - start < 10;) nap(0.05);
  uint64_t finished = finished_in(t->path);
  if (finished < SLOW_FROM) TEST_FAIL("%d tasks are in the journal", (int)finished);
  raise(SIGUSR1);
}

/* A rank that were killed now would cost the last of them, and not what it has finished long ago. */
TEST(stop, finds_in_the_journal_what_was_finished_before_tasks_became_slow) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, (shape){.count = (uint64_t)SHARE * (uint64_t)test_size(), .size = 8});
  t.before = look_at_journal;
  EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), MAP));
  trial_free(&t);
  folder_remove(path);
}

/* ---- grace ---- */

static double first_nap;

static void stop_and_nap(const trial *t, const furrow_task *task) {
  if (task->index > 0) return;
  kill(t->shape.isolated ? getppid() : getpid(), SIGUSR1);
  nap(first_nap);
}

static void expect_grace(double task_time, double grace, bool isolated, bool finishes) {
  folder path;
  folder_make(path);
  TEST_PHASE("a task of %g s, a grace of %g s, isolated: %d", task_time, grace, isolated);
  trial t = trial_make(path, (shape){.count = 1, .size = 8, .isolated = isolated});
  t.before = stop_and_nap;
  t.options.stop_grace = grace;
  first_nap = task_time;
  double start = now();
  furrow_status status = trial_run(&t, test_comm(), MAP);
  /* What was the last task anyway may as well count as the end. */
  if (!finishes || status != FURROW_OK) EXPECT_STATUS(FURROW_E_INTERRUPTED, status);
  if (is_root()) EXPECT_EQ(t.done[0], finishes);
  if (finishes) EXPECT_GE(now() - start, task_time);
  if (!finishes) EXPECT_LT(now() - start, grace + soon());
  t.before = NULL;
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  EXPECT_EQ(t.ran[0], !finishes);
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

TEST(stop, lets_running_tasks_end_within_the_grace_time) {
  expect_grace(0.3, FURROW_STOP_GRACE_DEFAULT, true, true);
  expect_grace(0.3, 0, false, true); /* nobody can stop it */
  expect_grace(300, 0.2, true, false);
  expect_grace(300, 0, true, false);
}

/* ---- whose signal it is ---- */

static void raise_often(const trial *t, const furrow_task *task) {
  (void)t;
  if (task->index == 0)
    for (int i = 0; i < 100; i++) raise(SIGUSR1);
  nap(0.01);
}

static void expect_restored(struct sigaction mine, int wanted) {
  folder path;
  struct sigaction before, after;
  folder_make(path);
  trial t = trial_make(path, (shape){.count = 100, .size = 8, .chunk = 1});
  t.before = raise_often;
  sigaction(SIGUSR1, &mine, &before);
  heard = 0;
  EXPECT_STATUS(FURROW_E_INTERRUPTED, trial_run(&t, test_comm(), MAP));
  EXPECT_EQ(sum_over_ranks((uint64_t)heard), wanted);
  sigaction(SIGUSR1, &before, &after);
  EXPECT_EQ(after.sa_flags & (SA_SIGINFO | SA_RESTART), mine.sa_flags); /* libc has one of its own beside */
  /* The default would end the program when the signal comes to this rank somewhat later than to the others. */
  if (mine.sa_handler == SIG_DFL && test_size() > 1) mine.sa_handler = SIG_IGN;
  EXPECT_TRUE(after.sa_handler == mine.sa_handler &&
              sigismember(&after.sa_mask, SIGALRM) == sigismember(&mine.sa_mask, SIGALRM));
  trial_free(&t);
  folder_remove(path);
}

TEST(stop, calls_the_users_handler_and_puts_it_back) {
  struct sigaction mine = {.sa_handler = hear_plainly, .sa_flags = SA_RESTART};
  sigaddset(&mine.sa_mask, SIGALRM);
  expect_restored(mine, 100);
  struct sigaction told = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO | SA_RESTART};
  expect_restored(told, 100);
  expect_restored((struct sigaction){.sa_handler = SIG_IGN}, 0);
  expect_restored((struct sigaction){.sa_handler = SIG_DFL}, 0);
}

static int raise_in_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  if (task->index == 50) raise(SIGUSR1);
  return 0;
}

TEST(stop, is_the_users_own_affair_without_a_journal) {
  struct sigaction mine = {.sa_handler = hear_plainly}, before;
  uint64_t results[100];
  furrow_options options = FURROW_OPTIONS_INIT;
  sigaction(SIGUSR1, &mine, &before);
  heard = 0;
  for (int policy = 0; policy < 2; policy++) {
    options.on_error = policy ? FURROW_ON_ERROR_CONTINUE : FURROW_ON_ERROR_FAIL_FAST;
    EXPECT_OK(furrow_map(test_pool(), raise_in_task, NULL, NULL, 0, 100, results, 8, &options));
    for (uint64_t i = 0; is_root() && i < 100; i++) EXPECT_EQ(results[i], i);
  }
  EXPECT_EQ(sum_over_ranks((uint64_t)heard), 2);
  sigaction(SIGUSR1, &before, NULL);
}

static int raise_and_nap(furrow_task *task, const void *item, void *result) {
  nap(0.001);
  return raise_in_task(task, item, result);
}

/* One that came before the operation is not for it; the pool works on after one that was stopped. */
TEST(stop, is_forgotten_by_the_next_operation) {
  struct sigaction mine = {.sa_handler = hear_plainly}, before;
  enum { COUNT = 2000 };
  folder path;
  uint64_t results[COUNT];
  char name[128];
  furrow_options options = FURROW_OPTIONS_INIT;
  folder_make(path);
  snprintf(name, sizeof name, "%s/journal", path);
  options.journal = name;
  sigaction(SIGUSR1, &mine, &before);
  raise(SIGUSR1);
  furrow_pool *pool = make_pool(NULL);
  options.chunk = 1;
  EXPECT_STATUS_ON(pool, FURROW_E_INTERRUPTED,
                   furrow_map(pool, raise_and_nap, NULL, NULL, 0, COUNT, results, 8, &options));
  expect_works(pool);
  furrow_pool_destroy(&pool);
  meet_asleep();
  raise(SIGUSR1);
  pool = make_pool(NULL);
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, 100, results, 8, NULL));
  furrow_pool_destroy(&pool);
  sigaction(SIGUSR1, &before, NULL);
  folder_remove(path);
}
