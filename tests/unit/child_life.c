/* Children among others: killed, reaped by strangers, orphaned, with threads and children of their own, by thousands. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/child.h"
#include "shim/test.h"
#include "unit/children.h"

static furrow__death death_of(const furrow__child *child) {
  furrow__death death = {.code = -1};
  EXPECT_EQ(child->state, FURROW__CHILD_DIED);
  furrow__child_death(child, &death);
  return death;
}

/* ---- kill --------------------------------------------------------------------------------------------------------- */

BROKEN static void spin(void *unused) {
  (void)unused;
  for (volatile int i = 0;; i++) {
  }
}

static void stop_itself(void *unused) {
  (void)unused;
  raise(SIGSTOP);
}

TEST(child_life, kill_ends_what_does_not_end) {
  static void (*const bodies[])(void *) = {spin, children_loop, stop_itself};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    furrow__child child = children_start(bodies[i], NULL, 0);
    furrow__nap(2000000);
    EXPECT_EQ(furrow__child_look(&child), FURROW__CHILD_RUNNING);
    EXPECT_TRUE(furrow__child_kill(&child));
    EXPECT_EQ(death_of(&child).code, SIGKILL);
    EXPECT_FALSE(furrow__child_kill(&child));
    EXPECT_EQ(kill(child.pid, 0), -1); /* no zombie */
  }
}

TEST(child_life, kill_of_one_that_has_ended) {
  int code = 3;
  furrow__child child = children_start(children_exit, &code, 0);
  siginfo_t info;
  waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(furrow__child_kill(&child));
  EXPECT_EQ(death_of(&child).code, 3);
  furrow__child none = {.pid = 0};
  EXPECT_FALSE(furrow__child_kill(&none));
  EXPECT_EQ(furrow__child_look(&none), FURROW__CHILD_NONE);
}

TEST(child_life, killed_by_a_stranger) {
  furrow__child child = children_start(children_loop, NULL, 0);
  pid_t stranger = fork();
  if (stranger == 0) {
    kill(child.pid, SIGKILL);
    _exit(0);
  }
  children_wait(&child);
  furrow__death death = death_of(&child);
  EXPECT_EQ(death.kind, FURROW_FAILURE_SIGNAL);
  EXPECT_EQ_STR(death.message, "killed by signal 9 (Killed): by hand, or for lack of memory");
  EXPECT_EQ(waitpid(stranger, NULL, 0), stranger); /* others are left to the program */
}

/* ---- SIGCHLD ------------------------------------------------------------------------------------------------------ */

static void reap_all(int signal) {
  int error = errno;
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
  errno = error;
}

static const char UNKNOWN[] = "ended; its status was taken by the program's own handling of SIGCHLD";

static void exit_unseen(void *unused) {
  (void)unused;
  _exit(5);
}

/* Whoever reaps comes before or after our look: then the status is known. */
static void expect_deaths_are_known_by_the_note(void) {
  int code = 3;
  furrow__child child = children_run(children_exit, &code, 0);
  furrow__death death = death_of(&child);
  EXPECT_EQ_STR(death.message, "ended the process with exit status 3");
  EXPECT_EQ(death.kind, FURROW_FAILURE_EXIT);

  child = children_run(children_write_to_null, NULL, 0);
  death = death_of(&child);
  EXPECT_EQ_STR(death.message, "killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(death.code, SIGSEGV);

  child = children_run(children_return, NULL, 0);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);

  child = children_run(exit_unseen, NULL, 0);
  EXPECT_EQ_STR(death_of(&child).message, child.known ? "ended the process with exit status 5" : UNKNOWN);

  child = children_start(children_loop, NULL, 0);
  EXPECT_TRUE(furrow__child_kill(&child));
  death = death_of(&child);
  EXPECT_EQ(death.kind, FURROW_FAILURE_SIGNAL);
  EXPECT_EQ(death.code, child.known ? SIGKILL : 0);
}

TEST(child_life, a_handler_that_reaps_everything) {
  struct sigaction before, reap = {.sa_handler = reap_all, .sa_flags = SA_RESTART};
  sigaction(SIGCHLD, &reap, &before);
  expect_deaths_are_known_by_the_note();
  reap.sa_flags = 0;
  sigaction(SIGCHLD, &reap, NULL);
  expect_deaths_are_known_by_the_note();
  sigaction(SIGCHLD, &before, NULL);
}

TEST(child_life, sigchld_ignored) {
  struct sigaction before, ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGCHLD, &ignore, &before);
  expect_deaths_are_known_by_the_note();
  furrow__child child = children_run(exit_unseen, NULL, 0);
  EXPECT_EQ_STR(death_of(&child).message, UNKNOWN); /* here always */
  sigaction(SIGCHLD, &before, NULL);
}

static void count(int signal) {
  (void)signal;
  children_words()[0]++;
}

TEST(child_life, handlers_that_interrupt_the_wait) {
  const struct itimerval often = {{0, 30}, {0, 30}}, never = {{0, 0}, {0, 0}};
  struct sigaction before[2], counter = {.sa_handler = count};
  children_words()[0] = 0;
  sigaction(SIGCHLD, &counter, &before[0]);
  sigaction(SIGALRM, &counter, &before[1]);
  for (int i = 0; i < 200 && !test_failed(); i++) {
    furrow__child child = children_start(children_loop, NULL, 0);
    setitimer(ITIMER_REAL, &often, NULL);
    EXPECT_TRUE(furrow__child_kill(&child));
    setitimer(ITIMER_REAL, &never, NULL);
    EXPECT_EQ_STR(death_of(&child).message, "killed by signal 9 (Killed): by hand, or for lack of memory");
  }
  sigaction(SIGCHLD, &before[0], NULL);
  sigaction(SIGALRM, &before[1], NULL);
  EXPECT_GE(children_words()[0], 200);
}

/* ---- what it inherits --------------------------------------------------------------------------------------------- */

static void look_at_signals(void *unused) {
  volatile int *words = children_words();
  struct sigaction action;
  sigset_t mask;
  (void)unused;
  sigaction(SIGTERM, NULL, &action);
  words[0] = action.sa_handler == SIG_DFL;
  sigaction(SIGCHLD, NULL, &action);
  words[1] = action.sa_handler == SIG_DFL;
  raise(SIGUSR1); /* ignored */
  raise(SIGUSR2);
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  words[2] = sigismember(&mask, SIGHUP) == 1 && sigismember(&mask, SIGTERM) == 0;
  sigaction(SIGPIPE, NULL, &action);
  words[3] = action.sa_handler == count;
  prctl(PR_GET_PDEATHSIG, (int *)&words[4]);
}

TEST(child_life, signals) {
  static const int all[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
  enum { COUNT = sizeof all / sizeof *all };
  struct sigaction before[COUNT], counter = {.sa_handler = count, .sa_flags = SA_RESTART};
  sigset_t hangup, mask;
  for (int i = 0; i < COUNT; i++) sigaction(all[i], &counter, &before[i]);
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, &mask);
  furrow__child child = children_run(look_at_signals, NULL, 0);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  for (int i = 0; i < COUNT; i++) sigaction(all[i], &before[i], NULL);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);
  EXPECT_TRUE(children_words()[1] == 1 && children_words()[2] == 1 && children_words()[3] == 1);
  EXPECT_EQ(children_words()[4], SIGKILL);
}

static void look_at_oom_score(void *unused) {
  char text[16] = "";
  (void)unused;
  int file = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  children_words()[0] = read(file, text, sizeof text - 1) > 0 ? (int)strtol(text, NULL, 10) : -1;
  close(file);
}

TEST(child_life, the_kernel_kills_it_rather_than_its_parent) {
  children_run(look_at_oom_score, NULL, 0);
  EXPECT_GE(children_words()[0], 500);
}

static void look_at_limit(void *unused) {
  struct rlimit limit;
  (void)unused;
  getrlimit(RLIMIT_DATA, &limit);
  children_words()[0] = (int)(limit.rlim_cur / MEBIBYTE);
}

TEST(child_life, a_lower_limit_of_the_program_stays) {
  struct rlimit before, low;
  getrlimit(RLIMIT_DATA, &before);
  low = (struct rlimit){(rlim_t)1 << 46, before.rlim_max};
  setrlimit(RLIMIT_DATA, &low);
  children_run(look_at_limit, NULL, (size_t)1 << 47);
  EXPECT_EQ(children_words()[0], 1 << 26);
  children_run(look_at_limit, NULL, (size_t)1 << 30);
  EXPECT_GE(children_words()[0], 1024);
  EXPECT_LT(children_words()[0], 1 << 26);
  setrlimit(RLIMIT_DATA, &before);
}

/* ---- its parent, its threads, its children ------------------------------------------------------------------------ */

/* A process in between starts a child and ends. We adopt orphans, so that we see what became of it. */
TEST(child_life, it_does_not_outlive_its_parent) {
  int before = 0, status = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &before);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t parent = fork();
  if (parent == 0) {
    furrow__child child = {.pid = 0};
    furrow__child_start(&child, children_note(), (furrow__child_rules){0}, children_loop, NULL);
    children_words()[0] = child.pid;
    furrow__nap(5000000);
    _exit(0);
  }
  waitpid(parent, NULL, 0);
  pid_t orphan = children_words()[0], gone = 0;
  for (int i = 0; i < 5000 && gone == 0; i++) {
    gone = waitpid(orphan, &status, WNOHANG);
    furrow__nap(1000000);
  }
  EXPECT_EQ(gone, orphan);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  if (gone == 0) kill(orphan, SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, before);
}

static void mark(void *unused) {
  (void)unused;
  children_words()[0] = 1;
}

TEST(child_life, one_whose_parent_is_already_gone_does_nothing) {
  int status = 0;
  children_words()[0] = 0;
  pid_t pid = fork();
  if (pid == 0) {
    furrow__child_rules rules = {0};
    sigset_t mask;
    sigemptyset(&mask);
    furrow__child_become(children_note(), &rules, getpid(), &mask, mark, NULL);
  }
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
  EXPECT_EQ(children_words()[0], 0);
}

static void *in_thread(void *what) {
  int code = 7;
  if (*(int *)what == 1) children_write_to_null(NULL);
  if (*(int *)what == 2) children_exit(&code);
  return NULL;
}

static void use_thread(void *what) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, in_thread, what) != 0) _exit(99);
  pthread_join(thread, NULL);
}

TEST(child_life, threads_of_its_own) {
#ifdef __SANITIZE_THREAD__
  TEST_SKIP("TSan allows no threads after a fork");
#endif
  int what = 0;
  furrow__child child = children_run(use_thread, &what, 0);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);
  what = 1;
  child = children_run(use_thread, &what, 0);
  EXPECT_EQ_STR(death_of(&child).message, "killed by signal 11 (Segmentation fault)");
  what = 2;
  child = children_run(use_thread, &what, 0);
  EXPECT_EQ_STR(death_of(&child).message, "ended the process with exit status 7");
}

static void fork_and_wait(void *crash) {
  pid_t pid = fork();
  if (pid == 0) {
    if (*(int *)crash) children_write_to_null(NULL);
    exit(9);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  children_words()[0] = *(int *)crash ? WTERMSIG(status) : WEXITSTATUS(status);
  _exit(1);
}

TEST(child_life, what_it_forks_leaves_no_note) {
  int crash = 0;
  furrow__child child = children_run(fork_and_wait, &crash, 0);
  EXPECT_EQ(death_of(&child).code, 1);
  EXPECT_EQ(children_words()[0], 9);
  EXPECT_EQ(children_note()->exited, 0u);
  crash = 1;
  child = children_run(fork_and_wait, &crash, 0);
  EXPECT_EQ(children_words()[0], SIGSEGV);
  EXPECT_EQ(children_note()->signal, 0);
}

/* As an ordinary user in a process of its own, since root has no such limit. */
TEST(child_life, no_more_processes) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit none = {0, 0};
    furrow__child child = {.pid = 0};
    if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
    setrlimit(RLIMIT_NPROC, &none);
    bool started = furrow__child_start(&child, children_note(), (furrow__child_rules){0}, mark, NULL);
    _exit(!started && errno == EAGAIN && child.state == FURROW__CHILD_NONE ? 0 : 1);
  }
  waitpid(pid, &status, 0);
  if (WEXITSTATUS(status) == 2) TEST_SKIP("root may not become another user here");
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/* ---- many --------------------------------------------------------------------------------------------------------- */

static int count_entries(const char *path) {
  DIR *folder = opendir(path);
  int entries = 0;
  while (folder && readdir(folder)) entries++;
  if (folder) closedir(folder);
  return entries;
}

static int count_lines(const char *path) {
  FILE *file = fopen(path, "re");
  int lines = 0, letter;
  while (file && (letter = fgetc(file)) != EOF) lines += letter == '\n';
  if (file) fclose(file);
  return lines;
}

static void die_somehow(void *number) {
  int code = 3;
  switch (*(int *)number % 5) {
    case 0:
      children_write_to_null(NULL);
      break;
    case 1:
      children_exit(&code);
      break;
    case 2:
      abort();
    case 3:
      raise(SIGKILL);
      break;
    default:
      break;
  }
}

TEST_TIMEOUT(child_life, thousands_of_deaths_leave_nothing, 120) {
  int deaths = children_checked() ? 500 : 3000, number;
  children_run(children_return, NULL, 0);
  int files = count_entries("/proc/self/fd"), mappings = count_lines("/proc/self/maps");
  for (number = 0; number < deaths && !test_failed(); number++) {
    furrow__child child = children_run(die_somehow, &number, number % 2 ? (size_t)64 * MEBIBYTE : 0);
    EXPECT_EQ(child.state, number % 5 == 4 ? FURROW__CHILD_FINISHED : FURROW__CHILD_DIED);
  }
  EXPECT_EQ(waitpid(-1, NULL, WNOHANG), -1); /* no zombie, no child at all */
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(count_entries("/proc/self/fd"), files);
  EXPECT_LE(count_lines("/proc/self/maps"), mappings + 1); /* malloc may take a piece of its own */
}
