/* The stop signal: whom it stops, what was there before, what is put back, and that a journal reaches the disk first. */
#include "node/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "shim/test.h"

/* Instead of libc's, for the whole program: does the same and remembers. */
static _Atomic int flushed, last_flushed;

int fdatasync(int file) {
  atomic_fetch_add(&flushed, 1);
  atomic_store(&last_flushed, file);
  return (int)syscall(SYS_fdatasync, file);
}

static volatile sig_atomic_t plain_calls, full_calls, deepest, blocked_hangup, siginfo_pid;

static void plain(int signal) {
  plain_calls += signal == SIGUSR1 || signal == SIGTERM;
  errno = EDOM;
}

static void wake(int signal) {
  (void)signal;
}

static void full(int signal, siginfo_t *info, void *context) {
  sigset_t mask;
  (void)signal;
  full_calls++;
  siginfo_pid = context ? info->si_pid : 0;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  blocked_hangup = sigismember(&mask, SIGHUP);
}

static void again(int signal) {
  static volatile sig_atomic_t depth;
  depth++;
  plain_calls++;
  if (depth > deepest) deepest = depth;
  if (plain_calls < 3) raise(signal);
  depth--;
}

static struct sigaction set(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
  sigaction(signal, &action, &before);
  return before;
}

static void put_back(int signal, struct sigaction before) {
  sigaction(signal, &before, NULL);
}

static uintptr_t handler_of(int signal) {
  struct sigaction now;
  sigaction(signal, NULL, &now);
  return (uintptr_t)now.sa_handler;
}

#define EXPECT_HANDLER(signal, handler) EXPECT_EQ(handler_of(signal), (uintptr_t)(handler))

/* Everything about ends is tried in processes of its own: also what this file can do once only. */
static int status_of(void (*body)(void)) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(test_failed() ? 1 : 0);
  }
  waitpid(pid, &status, 0);
  return status;
}

#define EXPECT_KILLED(signal, body)                                   \
  do {                                                                \
    int status = status_of(body);                                     \
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == (signal)); \
  } while (0)

/* TSan keeps signals for later in a process forked by one with threads. */
#ifdef __SANITIZE_THREAD__
#define SKIP_UNDER_TSAN() TEST_SKIP("TSan calls handlers later")
#else
#define SKIP_UNDER_TSAN() ((void)0)
#endif

/* ---- asked -------------------------------------------------------------------------------------------------------- */

TEST(stop, asks_whoever_watches) {
  furrow__stop_watch first, second;
  furrow__stop_begin(&first, -1);
  EXPECT_FALSE(furrow__stop_asked(&first));
  raise(SIGUSR1);
  EXPECT_TRUE(furrow__stop_asked(&first));
  EXPECT_TRUE(furrow__stop_asked(&first)); /* until its end */
  furrow__stop_begin(&second, -1);
  EXPECT_FALSE(furrow__stop_asked(&second));
  furrow__stop_end(&first);
  kill(getpid(), SIGUSR1);
  EXPECT_TRUE(furrow__stop_asked(&second));
  furrow__stop_end(&second);
  furrow__stop_begin(&first, -1); /* a stop that is over stops nothing that begins later */
  EXPECT_FALSE(furrow__stop_asked(&first));
  furrow__stop_end(&first);
}

static void stop_twice(void) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, -1);
  raise(SIGUSR1);
  furrow__stop_end(&watch);
  raise(SIGUSR1);
}

TEST(stop, after_the_end_the_signal_is_the_programs_again) {
  EXPECT_KILLED(SIGUSR1, stop_twice);
}

static void *watch_often(void *unused) {
  for (int i = 0; i < 2000; i++) {
    furrow__stop_watch watch;
    furrow__stop_begin(&watch, i % 40);
    if (i % 10 == 0) {
      raise(SIGUSR1);
      EXPECT_TRUE(furrow__stop_asked(&watch));
    }
    furrow__stop_end(&watch);
  }
  return unused;
}

TEST(stop, two_threads) {
  pthread_t threads[2];
  struct sigaction before = set(SIGUSR1, SIG_IGN, 0);
  for (int i = 0; i < 2; i++) ASSERT_EQ(pthread_create(&threads[i], NULL, watch_often, NULL), 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  EXPECT_HANDLER(SIGUSR1, SIG_IGN);
  EXPECT_HANDLER(SIGTERM, SIG_DFL);
  put_back(SIGUSR1, before);
}

/* ---- what was there before ---------------------------------------------------------------------------------------- */

/* Raise SIGUSR1 so many times while an operation watches. */
static void watch_and_raise(int times) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, -1);
  for (int i = 0; i < times; i++) raise(SIGUSR1);
  EXPECT_EQ(furrow__stop_asked(&watch), times > 0);
  furrow__stop_end(&watch);
}

TEST(stop, default_and_ignored) {
  struct sigaction before = set(SIGUSR1, SIG_DFL, 0);
  watch_and_raise(2);
  EXPECT_HANDLER(SIGUSR1, SIG_DFL);
  set(SIGUSR1, SIG_IGN, 0);
  watch_and_raise(2);
  EXPECT_HANDLER(SIGUSR1, SIG_IGN);
  put_back(SIGUSR1, before);
}

TEST(stop, a_plain_handler_is_called_too) {
  struct sigaction now, before = set(SIGUSR1, plain, SA_RESTART);
  plain_calls = 0;
  errno = EBADF;
  watch_and_raise(3);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(plain_calls, 3);
  raise(SIGUSR1);
  EXPECT_EQ(plain_calls, 4);
  sigaction(SIGUSR1, NULL, &now);
  EXPECT_HANDLER(SIGUSR1, plain);
  EXPECT_TRUE(now.sa_flags & SA_RESTART);
  put_back(SIGUSR1, before);
}

TEST(stop, a_full_handler_gets_its_arguments_and_its_mask) {
  struct sigaction before, action = {.sa_sigaction = full, .sa_flags = SA_SIGINFO};
  sigaddset(&action.sa_mask, SIGHUP);
  sigaction(SIGUSR1, &action, &before);
  full_calls = siginfo_pid = blocked_hangup = 0;
  watch_and_raise(1);
  EXPECT_EQ(full_calls, 1);
  EXPECT_EQ(siginfo_pid, getpid());
  EXPECT_EQ(blocked_hangup, 1);
  EXPECT_HANDLER(SIGUSR1, full);
  put_back(SIGUSR1, before);
}

TEST(stop, a_handler_for_once) {
  struct sigaction before = set(SIGUSR1, plain, (int)SA_RESETHAND);
  plain_calls = 0;
  watch_and_raise(0);
  EXPECT_HANDLER(SIGUSR1, plain); /* not used, so it is there again */
  watch_and_raise(3);
  EXPECT_EQ(plain_calls, 1);
  EXPECT_HANDLER(SIGUSR1, SIG_DFL);
  struct sigaction action = {.sa_sigaction = full, .sa_flags = (int)(SA_RESETHAND | SA_SIGINFO)};
  sigaction(SIGUSR1, &action, NULL);
  full_calls = 0;
  watch_and_raise(3);
  EXPECT_EQ(full_calls, 1);
  EXPECT_HANDLER(SIGUSR1, SIG_DFL);
  put_back(SIGUSR1, before);
}

TEST(stop, a_handler_that_is_not_blocked_while_it_runs) {
  SKIP_UNDER_TSAN();
  struct sigaction before = set(SIGUSR1, again, SA_NODEFER);
  deepest = plain_calls = 0;
  watch_and_raise(1);
  EXPECT_EQ(deepest, 3);
  set(SIGUSR1, again, 0);
  deepest = plain_calls = 0;
  watch_and_raise(1);
  EXPECT_EQ(deepest, 1);
  EXPECT_EQ(plain_calls, 3);
  put_back(SIGUSR1, before);
}

static void *interrupt(void *thread) {
  for (int i = 0; i < 20; i++) {
    furrow__nap(2000000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
  }
  return NULL;
}

/* Whether a read from an empty pipe is interrupted by the signal. */
static bool read_is_interrupted(void) {
  pthread_t thread, self = pthread_self();
  int ends[2];
  char letter;
  if (pipe2(ends, 0) != 0) abort();
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, -1);
  if (pthread_create(&thread, NULL, interrupt, &self) != 0) abort();
  alarm(0);
  struct sigaction before = set(SIGALRM, wake, 0);
  ualarm(200000, 0); /* the end of a read that goes on */
  errno = 0;
  ssize_t length = read(ends[0], &letter, 1);
  bool stopped = length < 0 && errno == EINTR && ualarm(0, 0) > 100000;
  pthread_join(thread, NULL);
  furrow__stop_end(&watch);
  put_back(SIGALRM, before);
  close(ends[0]);
  close(ends[1]);
  return stopped;
}

TEST(stop, calls_are_interrupted_only_if_they_were_before) {
  struct sigaction before = set(SIGUSR1, SIG_DFL, 0);
  EXPECT_FALSE(read_is_interrupted());
  set(SIGUSR1, wake, SA_RESTART);
  EXPECT_FALSE(read_is_interrupted());
  set(SIGUSR1, wake, 0);
  EXPECT_TRUE(read_is_interrupted());
  put_back(SIGUSR1, before);
}

/* ---- the program changes handlers meanwhile ------------------------------------------------------------------------ */

static struct sigaction behind;

static void chaining(int signal, siginfo_t *info, void *context) {
  plain_calls++;
  if (plain_calls < 10) behind.sa_sigaction(signal, info, context);
}

static void change_meanwhile(void) {
  furrow__stop_watch watch;
  struct sigaction action = {.sa_sigaction = chaining, .sa_flags = SA_SIGINFO};
  set(SIGUSR1, SIG_DFL, 0);
  furrow__stop_begin(&watch, -1);
  sigaction(SIGUSR1, &action, &behind);
  plain_calls = 0;
  raise(SIGUSR1);
  EXPECT_EQ(plain_calls, 1);
  EXPECT_TRUE(furrow__stop_asked(&watch)); /* through the program's handler */
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGUSR1, chaining); /* it stays */
  raise(SIGUSR1);                    /* and ours can still be called */
  EXPECT_EQ(plain_calls, 2);

  furrow__stop_begin(&watch, -1); /* without a circle */
  raise(SIGUSR1);
  EXPECT_EQ(plain_calls, 3);
  EXPECT_TRUE(furrow__stop_asked(&watch));
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGUSR1, chaining);

  sigaction(SIGUSR1, &behind, NULL); /* as one does who takes his handler back: ours, while nobody watches */
  raise(SIGUSR1);
  furrow__stop_begin(&watch, -1);
  raise(SIGUSR1);
  EXPECT_TRUE(furrow__stop_asked(&watch));
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGUSR1, SIG_DFL); /* what was there before all this */
}

TEST(stop, a_handler_of_the_program_stays) {
  SKIP_UNDER_TSAN();
  EXPECT_EQ(status_of(change_meanwhile), 0);
}

static void ignore_meanwhile(void) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, -1);
  set(SIGUSR1, SIG_IGN, 0);
  raise(SIGUSR1);
  EXPECT_FALSE(furrow__stop_asked(&watch));
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGUSR1, SIG_IGN);
  furrow__stop_begin(&watch, -1);
  raise(SIGUSR1);
  EXPECT_TRUE(furrow__stop_asked(&watch));
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGUSR1, SIG_IGN);
}

TEST(stop, ignored_meanwhile) {
  SKIP_UNDER_TSAN();
  EXPECT_EQ(status_of(ignore_meanwhile), 0);
}

/* ---- SIGTERM and SIGINT ------------------------------------------------------------------------------------------- */

static void terminate(void) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, 1);
  raise(SIGTERM);
}

static void interrupt_it(void) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, 1);
  raise(SIGINT);
}

TEST(stop, the_program_still_dies) {
  SKIP_UNDER_TSAN();
  EXPECT_KILLED(SIGTERM, terminate);
  EXPECT_KILLED(SIGINT, interrupt_it);
}

static void terminate_twice(void) {
  furrow__stop_watch watch;
  set(SIGTERM, plain, (int)SA_RESETHAND);
  plain_calls = 0;
  furrow__stop_begin(&watch, -1);
  raise(SIGTERM);
  if (plain_calls == 1) raise(SIGTERM);
}

TEST(stop, after_a_handler_for_once_it_dies) {
  SKIP_UNDER_TSAN();
  EXPECT_KILLED(SIGTERM, terminate_twice);
}

TEST(stop, journals_are_flushed_before) {
  FILE *one = tmpfile(), *two = tmpfile();
  furrow__stop_watch first, second, none;
  ASSERT_TRUE(one && two);
  struct sigaction before = set(SIGTERM, plain, 0);
  plain_calls = 0;
  furrow__stop_begin(&first, fileno(one));
  furrow__stop_begin(&second, fileno(two));
  furrow__stop_begin(&none, -1);
  atomic_store(&flushed, 0);
  raise(SIGUSR1);
  EXPECT_EQ(flushed, 0);
  raise(SIGTERM);
  EXPECT_EQ(flushed, 2);
  EXPECT_EQ(last_flushed, fileno(two));
  EXPECT_EQ(plain_calls, 1);
  EXPECT_TRUE(furrow__stop_asked(&first)); /* by SIGUSR1 alone */
  furrow__stop_end(&second);
  raise(SIGTERM);
  EXPECT_EQ(flushed, 3);
  EXPECT_EQ(last_flushed, fileno(one));
  furrow__stop_end(&none);
  furrow__stop_forget(); /* as a child does */
  raise(SIGTERM);
  EXPECT_EQ(flushed, 3);
  furrow__stop_end(&first);
  EXPECT_HANDLER(SIGTERM, plain);
  EXPECT_HANDLER(SIGINT, SIG_DFL);
  put_back(SIGTERM, before);
  fclose(one);
  fclose(two);
}

TEST(stop, sigterm_stops_no_operation) {
  furrow__stop_watch watch;
  struct sigaction before = set(SIGTERM, plain, 0);
  furrow__stop_begin(&watch, -1);
  raise(SIGTERM);
  EXPECT_FALSE(furrow__stop_asked(&watch));
  furrow__stop_end(&watch);
  put_back(SIGTERM, before);
}

TEST(stop, an_ignored_sigterm_stays_ignored) {
  furrow__stop_watch watch;
  struct sigaction before = set(SIGTERM, SIG_IGN, 0);
  furrow__stop_begin(&watch, -1);
  EXPECT_HANDLER(SIGTERM, SIG_IGN); /* so that programs which a task executes ignore it too */
  furrow__stop_end(&watch);
  EXPECT_HANDLER(SIGTERM, SIG_IGN);
  put_back(SIGTERM, before);
}

TEST(stop, more_journals_than_there_is_room_for) {
  enum { MANY = 40 };
  furrow__stop_watch watches[MANY];
  struct sigaction before = set(SIGTERM, plain, 0);
  for (int i = 0; i < MANY; i++) furrow__stop_begin(&watches[i], STDOUT_FILENO);
  atomic_store(&flushed, 0);
  raise(SIGTERM);
  EXPECT_EQ(flushed, 16);
  for (int i = 0; i < MANY; i++) furrow__stop_end(&watches[i]);
  raise(SIGTERM);
  EXPECT_EQ(flushed, 16);
  put_back(SIGTERM, before);
}
