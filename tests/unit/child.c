/* Children end in every way there is, and their parent says which. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/child.h"
#include "shim/test.h"
#include "unit/children.h"

static void expect_death(void (*body)(void *), void *argument, size_t limit, furrow_failure_kind kind, int code,
                         const char *message) {
  furrow__child child = children_run(body, argument, limit);
  furrow__death death;
  EXPECT_EQ(child.state, FURROW__CHILD_DIED);
  furrow__child_death(&child, &death);
  EXPECT_EQ(death.kind, kind);
  EXPECT_EQ(death.code, code);
  EXPECT_EQ_STR(death.message, message);
}

static void add_one(void *word) {
  ++*(volatile int *)word;
}

TEST(child, computes_and_finishes) {
  volatile int *word = children_words();
  *word = 41;
  furrow__child child = children_run(add_one, (void *)word, 0);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);
  EXPECT_EQ(furrow__child_look(&child), FURROW__CHILD_FINISHED);
  EXPECT_EQ(*word, 42);
  EXPECT_EQ(waitpid(child.pid, NULL, WNOHANG), -1);
}

/* ---- signals and exits -------------------------------------------------------------------------------------------- */

static void raise_it(void *signal) {
  raise(*(int *)signal);
}

static void call_abort(void *unused) {
  (void)unused;
  abort();
}

TEST(child, signals) {
  static const struct {
    int signal;
    const char *text;
  } all[] = {{SIGSEGV, "killed by signal 11 (Segmentation fault)"},
             {SIGFPE, "killed by signal 8 (Floating point exception)"},
             {SIGILL, "killed by signal 4 (Illegal instruction)"},
             {SIGABRT, "killed by signal 6 (Aborted)"},
             {SIGTERM, "killed by signal 15 (Terminated)"},
             {SIGINT, "killed by signal 2 (Interrupt)"},
             {SIGKILL, "killed by signal 9 (Killed): by hand, or for lack of memory"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int signal = all[i].signal;
    expect_death(raise_it, &signal, 0, FURROW_FAILURE_SIGNAL, signal, all[i].text);
  }
  expect_death(call_abort, NULL, 0, FURROW_FAILURE_SIGNAL, SIGABRT, "killed by signal 6 (Aborted)");
  expect_death(children_write_to_null, NULL, 0, FURROW_FAILURE_SIGNAL, SIGSEGV,
               "killed by signal 11 (Segmentation fault)");
}

#if defined(__x86_64__)
BROKEN static void divide(void *zero) {
  volatile int nothing = *(int *)zero, one = 1;
  one = one / nothing;
}

TEST(child, division_by_zero) {
  int zero = 0;
  expect_death(divide, &zero, 0, FURROW_FAILURE_SIGNAL, SIGFPE, "killed by signal 8 (Floating point exception)");
}
#endif

BROKEN static void touch_behind_file(void *unused) {
  (void)unused;
  int file = memfd_create("empty", MFD_CLOEXEC);
  volatile char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  memory[0] = 1;
}

TEST(child, bus_error) {
  expect_death(touch_behind_file, NULL, 0, FURROW_FAILURE_SIGNAL, SIGBUS, "killed by signal 7 (Bus error)");
}

static void exit_fast(void *code) {
  _exit(*(int *)code);
}

static void exit_quick(void *code) {
  quick_exit(*(int *)code);
}

TEST(child, exits) {
  int code = 3;
  expect_death(children_exit, &code, 0, FURROW_FAILURE_EXIT, 3, "ended the process with exit status 3");
  expect_death(exit_quick, &code, 0, FURROW_FAILURE_EXIT, 3, "ended the process with exit status 3");
  code = 5;
  expect_death(exit_fast, &code, 0, FURROW_FAILURE_EXIT, 5, "ended the process with exit status 5");
  code = 0x1ff;
  expect_death(children_exit, &code, 0, FURROW_FAILURE_EXIT, 255, "ended the process with exit status 255");
  code = 0;
  expect_death(children_exit, &code, 0, FURROW_FAILURE_EXIT, 0, "ended the process with exit status 0");
  expect_death(exit_fast, &code, 0, FURROW_FAILURE_EXIT, 0, "ended the process with exit status 0");
}

static pid_t tester;

static void count_at_exit(void) {
  if (getpid() != tester) children_words()[0]++;
}

static void register_and_exit(void *unused) {
  (void)unused;
  atexit(count_at_exit); /* the task's own */
  exit(0);
}

TEST(child, exit_handlers_of_the_parent_do_not_run_in_it) {
  int code = 0;
  tester = getpid();
  children_words()[0] = 0;
  atexit(count_at_exit);
  children_run(children_exit, &code, 0);
  children_run(children_return, NULL, 0);
  EXPECT_EQ(children_words()[0], 0);
  children_run(register_and_exit, NULL, 0);
  EXPECT_EQ(children_words()[0], 1);
}

/* ---- the stack ---------------------------------------------------------------------------------------------------- */

enum { SMALL = 200, LARGE = 3 << 20 };

/* NOLINTBEGIN(misc-no-recursion) */
BROKEN static int fall(int depth) {
  volatile char frame[SMALL];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : fall(depth + 1) + frame[0];
}

BROKEN static int fall_far(int depth) {
  volatile char frame[LARGE];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : fall_far(depth + 1) + frame[0];
}
/* NOLINTEND(misc-no-recursion) */

static void overflow(void *large) {
  if (large)
    fall_far(0);
  else
    fall(0);
}

static void expect_overflow(void) {
  const char *text = "killed by signal 11 (Segmentation fault): stack overflow";
#if !defined(__x86_64__) && !defined(__aarch64__)
  text = "killed by signal 11 (Segmentation fault)";
#endif
  int any;
  expect_death(overflow, NULL, 0, FURROW_FAILURE_SIGNAL, SIGSEGV, text);
  expect_death(overflow, &any, 0, FURROW_FAILURE_SIGNAL, SIGSEGV, text);
}

TEST(child, stack_overflow) {
  expect_overflow();
}

static void *expect_overflow_here(void *unused) {
  expect_overflow();
  return unused;
}

TEST(child, stack_overflow_of_a_child_started_by_a_thread) {
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, NULL, expect_overflow_here, NULL), 0);
  pthread_join(thread, NULL);
}

BROKEN static void write_below_stack(void *unused) {
  volatile char here = 0;
  (void)unused;
  volatile ptrdiff_t far = -((ptrdiff_t)1 << 36);
  (&here)[far] = 1;
}

TEST(child, a_wild_write_is_no_stack_overflow) {
  expect_death(write_below_stack, NULL, 0, FURROW_FAILURE_SIGNAL, SIGSEGV, "killed by signal 11 (Segmentation fault)");
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void *volatile kept;

static void take(size_t size) {
  kept = malloc(size);
  memset(kept, 1, size); /* NOLINT: without memory this is the crash */
}

static void take_much(void *unused) {
  (void)unused;
  take((size_t)100 * MEBIBYTE);
}

static void take_often(void *unused) {
  (void)unused;
  for (;;) take(1000);
}

static void take_and_forget_errno(void *unused) {
  (void)unused;
  do kept = malloc(1000);
  while (kept);
  errno = EBADF;
  abort();
}

static void take_and_complain(void *unused) {
  (void)unused;
  int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(quiet, STDERR_FILENO);
  kept = malloc((size_t)100 * MEBIBYTE);
  if (!kept) perror("malloc");
  exit(kept ? 0 : 4);
}

static void take_and_abort(void *unused) {
  (void)unused;
  kept = malloc((size_t)100 * MEBIBYTE);
  if (!kept) abort();
}

static void map_much(void *unused) {
  (void)unused;
  volatile char *memory =
      mmap(NULL, (size_t)100 * MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory[0] = 1;
}

static void take_little(void *unused) {
  (void)unused;
  take((size_t)6 * MEBIBYTE);
}

TEST(child, memory_over_the_limit) {
  if (children_checked()) TEST_SKIP("the checker's malloc takes and refuses memory in its own way");
  const size_t limit = (size_t)16 * MEBIBYTE;
  const char *crash = "killed by signal 11 (Segmentation fault) after memory beyond its limit of 16 MiB was refused";
  const char *aborted = "killed by signal 6 (Aborted) after memory beyond its limit of 16 MiB was refused";
  expect_death(take_much, NULL, limit, FURROW_FAILURE_MEMORY, SIGSEGV, crash);
  expect_death(take_often, NULL, limit, FURROW_FAILURE_MEMORY, SIGSEGV, crash);
  expect_death(map_much, NULL, limit, FURROW_FAILURE_MEMORY, SIGSEGV, crash);
  expect_death(take_and_abort, NULL, limit, FURROW_FAILURE_MEMORY, SIGABRT, aborted);
  expect_death(take_and_forget_errno, NULL, limit, FURROW_FAILURE_MEMORY, SIGABRT, aborted);
  expect_death(take_and_complain, NULL, limit, FURROW_FAILURE_MEMORY, 4,
               "ended the process with exit status 4 after memory beyond its limit of 16 MiB was refused");
  expect_death(take_much, NULL, limit + 1, FURROW_FAILURE_MEMORY, SIGSEGV,
               "killed by signal 11 (Segmentation fault) after memory beyond its limit of 16777217 bytes was refused");
}

TEST(child, memory_within_the_limit) {
  if (children_checked()) TEST_SKIP("the checker's malloc takes and refuses memory in its own way");
  take((size_t)64 * MEBIBYTE); /* what the parent has does not count */
  furrow__child child = children_run(take_little, NULL, (size_t)16 * MEBIBYTE);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);
  child = children_run(take_much, NULL, SIZE_MAX);
  EXPECT_EQ(child.state, FURROW__CHILD_FINISHED);
  free(kept);
  expect_death(children_write_to_null, NULL, MEBIBYTE, FURROW_FAILURE_SIGNAL, SIGSEGV,
               "killed by signal 11 (Segmentation fault)");
}

static void set_errno_and_crash(void *unused) {
  errno = ENOMEM;
  children_write_to_null(unused);
}

TEST(child, without_a_limit_no_memory_is_refused) {
  errno = ENOMEM; /* the parent's, long ago */
  expect_death(children_write_to_null, NULL, MEBIBYTE, FURROW_FAILURE_SIGNAL, SIGSEGV,
               "killed by signal 11 (Segmentation fault)");
  expect_death(set_errno_and_crash, NULL, 0, FURROW_FAILURE_SIGNAL, SIGSEGV,
               "killed by signal 11 (Segmentation fault)");
}

static void lose_descriptors(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_NOFILE, &none);
}

/* In a process of its own, which then has no descriptor left for /proc. */
TEST(child, a_limit_that_cannot_be_set_ends_it_at_once) {
  if (children_checked()) TEST_SKIP("the checker keeps descriptors of its own");
  pid_t pid = fork();
  if (pid == 0) {
    lose_descriptors();
    furrow__child child = {.pid = 0};
    furrow__death death = {.code = 0};
    children_words()[0] = 0;
    furrow__child_start(&child, children_note(), (furrow__child_rules){MEBIBYTE}, add_one, (void *)children_words());
    children_wait(&child);
    furrow__child_death(&child, &death);
    _exit(child.state == FURROW__CHILD_DIED && death.kind == FURROW_FAILURE_EXIT &&
          strcmp(death.message, "could not limit its memory: Too many open files") == 0 && children_words()[0] == 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}
