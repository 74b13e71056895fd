/* What a program sees of the child processes that tasks run in: nothing of their memory, all of their output, and nothing at
 * all once the operation has ended. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "mpi/common/faults.h"

static furrow_options isolated(uint64_t chunk) {
  struct rlimit none = {0, 0};
  furrow_options options = options_of(FURROW_SCHEDULE_AUTO, chunk);
  setrlimit(RLIMIT_CORE, &none);
  options.isolate = FURROW_ISOLATE_ON;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  return options;
}

/* ---- memory ---- */

static int changed_by_tasks = 1;
static pid_t rank_pid;

typedef struct seen {
  int rank, worker, before;
} seen;

static int look_around(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(seen *)result = (seen){task->rank, task->worker, *(int *)task->user};
  if (getpid() == rank_pid || getppid() != rank_pid) return furrow_fail(task, "its parent is not its rank");
  changed_by_tasks = 2;
  return 0;
}

TEST(isolation, hides_what_tasks_change_in_memory) {
  enum { COUNT = 200 };
  seen results[COUNT];
  furrow_options options = isolated(1);
  rank_pid = getpid();
  for (int round = 1; round < 4; round++) { /* children of each operation know what the program did before it */
    changed_by_tasks = round;
    EXPECT_OK(furrow_map(test_pool(), look_around, &round, NULL, 0, COUNT, results, sizeof *results, &options));
    EXPECT_EQ(changed_by_tasks, round);
    for (int i = 0; is_root() && i < COUNT; i++) {
      EXPECT_EQ(results[i].before, round);
      EXPECT_TRUE(results[i].rank >= 0 && results[i].rank < test_size());
      EXPECT_TRUE(results[i].worker >= 0 && results[i].worker < test_size());
    }
  }
}

/* ---- worker_begin and worker_end ---- */

enum { BEGINS, ENDS, TASKS, TALLIES };

static counter *tallies;
static int local_of_child, failing_rank, dying_rank;

static int begin(void *user, int worker, void **local) {
  (void)user;
  tallies[BEGINS]++;
  local_of_child = (int)getpid();
  *local = &local_of_child;
  if (worker == dying_rank) raise(SIGKILL);
  return worker == failing_rank ? 5 : 0;
}

static void end(void *user, int worker, void *local) {
  (void)user;
  (void)worker;
  if (local == &local_of_child && local_of_child == (int)getpid()) tallies[ENDS]++;
}

/* Tasks of an index that `user` points to die. */
static int see_local(furrow_task *task, const void *item, void *result) {
  (void)item;
  tallies[TASKS]++;
  nap(0.001); /* so that every rank gets some */
  if (result)
    *(uint64_t *)result = (uint64_t)getpid() << 8 | (uint64_t)task->rank; /* hosts may number processes alike */
  if (task->local != &local_of_child || local_of_child != (int)getpid()) return furrow_fail(task, "not begun here");
  if (task->user && fails(*(failing *)task->user, task->index)) raise(SIGKILL);
  return 0;
}

static furrow_status run_with_worker(failing which, uint64_t count, uint64_t *pids, furrow_options options) {
  options.worker_begin = begin;
  options.worker_end = end;
  counters_clear(tallies, TALLIES);
  furrow_status status = furrow_map(test_pool(), see_local, &which, NULL, 0, count, pids, pids ? 8 : 0, &options);
  meet_asleep();
  return status;
}

TEST(isolation, begins_and_ends_a_worker_in_each_child) {
  tallies = counters_make(TALLIES);
  failing_rank = dying_rank = -1;
  EXPECT_OK(run_with_worker(NONE, 500, NULL, isolated(1)));
  EXPECT_EQ(tallies[BEGINS], tallies[ENDS]);
  EXPECT_GE(tallies[BEGINS], 1);
  EXPECT_EQ(tallies[TASKS], 500);

  uint64_t ranks = (uint64_t)test_size();
  EXPECT_STATUS(FURROW_E_TASK, run_with_worker((failing){0, 10, 50}, 500, NULL, isolated(1)));
  expect_failing_tasks(test_pool(), (failing){0, 10, 50}, 500);
  EXPECT_GE(tallies[BEGINS], 50); /* each death but a rank's last is followed by a new child */
  EXPECT_LE(tallies[BEGINS], 50 + ranks);
  EXPECT_LE(tallies[ENDS], ranks);
  counters_free(tallies, TALLIES);
}

TEST(isolation, ends_where_a_worker_can_not_begin) {
  tallies = counters_make(TALLIES);
  for (int rank = 0; rank < test_size(); rank++)
    for (int death = 0; death < 2; death++) {
      TEST_PHASE("rank %d, by death: %d", rank, death);
      failing_rank = death ? -1 : rank;
      dying_rank = death ? rank : -1;
      EXPECT_STATUS(FURROW_E_TASK, run_with_worker(NONE, 500, NULL, isolated(0)));
      EXPECT_EQ(furrow_pool_error(test_pool())->rank, rank);
      EXPECT_EQ(furrow_pool_error(test_pool())->task, FURROW_NO_TASK);
      EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "worker_begin");
      expect_same_error(test_pool());
    }
  counters_free(tallies, TALLIES);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Processes run one after the other here, so that their numbers hardly come again. */
TEST(isolation, gives_a_child_so_many_tasks) {
  enum { COUNT = 120 };
  uint64_t pids[COUNT];
  furrow_options options = isolated(0);
  options.isolate = FURROW_ISOLATE_AUTO;
  tallies = counters_make(TALLIES);
  failing_rank = dying_rank = -1;
  for (uint64_t most = 1; most <= 50; most += 7) {
    options.tasks_per_child = most;
    options.chunk = most % 3;
    EXPECT_OK(run_with_worker(NONE, COUNT, pids, options));
    EXPECT_EQ(tallies[BEGINS], tallies[ENDS]);
    EXPECT_GE(tallies[BEGINS], (COUNT + most - 1) / most);
    EXPECT_EQ(tallies[TASKS], COUNT);
    if (!is_root()) continue;
    qsort(pids, COUNT, sizeof *pids, compare);
    for (uint64_t i = 0; i + most < COUNT; i++) EXPECT_NE(pids[i], pids[i + most]);
  }
  counters_free(tallies, TALLIES);
}

/* ---- output ---- */

enum { PRINTING = 1000 };

static FILE *output;

static int print_a_line(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  fprintf(output, "task %d\n", (int)task->index);
  if (!task->user || !fails(*(failing *)task->user, task->index)) return 0;
  if (task->index % 2) exit(1);
  raise(SIGKILL);
  return 1;
}

/* Counts the lines of all ranks' files; those of tasks that die may be lost. */
static void expect_lines(const char *path, failing dying, uint64_t count) {
  static uint64_t lines[PRINTING];
  uint64_t before = 0;
  memset(lines, 0, sizeof lines);
  for (int rank = 0; rank < test_size(); rank++) {
    char name[128], line[64];
    int task;
    snprintf(name, sizeof name, "%s/%d", path, rank);
    FILE *file = fopen(name, "r");
    ASSERT_TRUE(file != NULL);
    while (fgets(line, sizeof line, file)) {
      if (sscanf(line, "task %d\n", &task) == 1 && task >= 0 && (uint64_t)task < count)
        lines[task]++;
      else if (strcmp(line, "before\n") == 0)
        before++;
      else
        TEST_FAIL("a line is \"%s\"", line);
    }
    fclose(file);
  }
  EXPECT_EQ(before, test_size());
  for (uint64_t i = 0; i < count; i++) {
    if (fails(dying, i) ? lines[i] <= 1 : lines[i] == 1) continue;
    TEST_FAIL("task %d printed %d lines", (int)i, (int)lines[i]);
    break;
  }
}

TEST(isolation, neither_loses_nor_doubles_output) {
  static const failing dying[] = {{0, 0, 0}, {5, 30, PRINTING}};
  for (int d = 0; d < 2; d++)
    for (uint64_t per_child = 0; per_child < 100; per_child += 99) {
      folder path;
      char name[128];
      failing which = dying[d];
      furrow_options options = isolated(3);
      options.tasks_per_child = per_child;
      folder_make(path);
      snprintf(name, sizeof name, "%s/%d", path, test_rank());
      output = fopen(name, "w");
      ASSERT_TRUE(output != NULL);
      fputs("before\n", output); /* in the buffer when a child is made */
      EXPECT_STATUS(d ? FURROW_E_TASK : FURROW_OK,
                    furrow_map(test_pool(), print_a_line, &which, NULL, 0, PRINTING, NULL, 0, &options));
      fclose(output);
      meet_asleep();
      if (is_root()) expect_lines(path, which, PRINTING);
      folder_remove(path);
    }
}

/* ---- what is left behind ---- */

static uint64_t files_in(const char *path) {
  uint64_t count = 0;
  DIR *open_folder = opendir(path);
  while (open_folder && readdir(open_folder)) count++;
  if (open_folder) closedir(open_folder);
  return count;
}

static uint64_t lines_of(const char *path) {
  uint64_t count = 0;
  FILE *file = fopen(path, "r");
  for (int byte; file && (byte = fgetc(file)) != EOF;) count += byte == '\n';
  if (file) fclose(file);
  return count;
}

/* Living and dead ones. */
static uint64_t own_children(void) {
  uint64_t count = 0;
  DIR *processes = opendir("/proc");
  for (struct dirent *entry; processes && (entry = readdir(processes));) {
    char name[300];
    int parent = 0;
    snprintf(name, sizeof name, "/proc/%s/stat", entry->d_name);
    FILE *file = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(name, "r") : NULL;
    if (!file) continue;
    if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1) count += parent == getpid();
    fclose(file);
  }
  if (processes) closedir(processes);
  return count;
}

static int die_or_not(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (fails(*(failing *)task->user, task->index)) raise(SIGKILL);
  return 0;
}

static void expect_deaths(failing which, uint64_t count) {
  furrow_options options = isolated(0);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), die_or_not, &which, NULL, 0, count, NULL, 0, &options));
  expect_failing_tasks(test_pool(), which, count);
}

TEST_TIMEOUT(isolation, leaves_nothing_behind_after_2000_deaths, 120) {
  expect_deaths((failing){0, 3, 100}, 300); /* the first ones may make what is kept */
  uint64_t files = files_in("/proc/self/fd"), mappings = lines_of("/proc/self/maps"), children = own_children();
  expect_deaths((failing){0, 2, 2000}, 4000);
  EXPECT_EQ(files_in("/proc/self/fd"), files);
  EXPECT_LE(lines_of("/proc/self/maps"), mappings + 100); /* malloc may have more, but not one for each death */
  EXPECT_EQ(own_children(), children);
}

/* ---- the user's own SIGCHLD ---- */

static volatile sig_atomic_t reaped;

static void reap_all(int number) {
  int error = errno;
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0) reaped++;
  errno = error;
}

/* Then nobody knows how a child died, but that it did. */
static void expect_deaths_under(void (*handler)(int)) {
  struct sigaction mine = {.sa_handler = handler, .sa_flags = SA_RESTART}, before, after;
  sigaction(SIGCHLD, &mine, &before);
  expect_deaths((failing){3, 20, 1000}, 200);
  for (uint64_t i = 0; i < furrow_pool_failure_count(test_pool()); i++)
    EXPECT_EQ(furrow_pool_failure(test_pool(), i)->kind, FURROW_FAILURE_SIGNAL);
  EXPECT_EQ(sigaction(SIGCHLD, &before, &after), 0);
  EXPECT_TRUE(after.sa_handler == handler);
  EXPECT_EQ(own_children(), 0);
}

TEST(isolation, goes_along_with_a_handler_that_reaps_all_children) {
  if (own_children() > 0) TEST_SKIP("this rank has children of its own, which the handler would reap");
  expect_deaths_under(reap_all);
  expect_deaths_under(SIG_IGN);
}

/* ---- signals that a program blocks or handles are not for its children ---- */

static void be_deaf(int number) {
  (void)number;
}

static int loop_or_not(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  while (task->index == 4) nap(0.01);
  return 0;
}

TEST(isolation, ends_tasks_that_are_deaf) {
  struct sigaction mine = {.sa_handler = be_deaf}, before, after;
  sigset_t all, mask;
  furrow_options options = isolated(0);
  options.task_timeout = 0.2;
  sigaction(SIGTERM, &mine, &before);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &mask);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), loop_or_not, NULL, NULL, 0, 20, NULL, 0, &options));
  pthread_sigmask(SIG_SETMASK, &mask, &all);
  sigaction(SIGTERM, &before, &after);
  EXPECT_TRUE(after.sa_handler == be_deaf);
  EXPECT_TRUE(sigismember(&all, SIGUSR1) == 1);
  expect_failing_tasks(test_pool(), (failing){4, 1, 1}, 20);
}
