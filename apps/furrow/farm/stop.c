/* What SIGINT, SIGTERM and SIGUSR1 ask a rank for. Knows signals; does not know commands, MPI or other ranks.
 *
 * Handlers are there before MPI begins, so that no signal of the start is lost, and are put in place once more when it has begun,
 * because an MPI library may have put its own there. What was asked for stays asked for. Only four words are shared: the handler
 * writes them, in any thread, and each is a lock-free atomic. The descriptor becomes readable after the wish has been written, and
 * stays so, since nobody reads from it: who sleeps on it wakes and finds the wish. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "farm.h"

/* Launchers may send a Ctrl-C on that a terminal has sent already: what comes that soon is the same wish. */
#define SAME_WISH 0.25

static atomic_int wished;          /* a stop_wish */
static _Atomic int64_t first_time; /* nanoseconds when one was first asked for; 0: never */
static _Atomic int64_t now_time;   /* the same of STOP_NOW */
static _Atomic int64_t kill_time;  /* the same of STOP_KILL */
static atomic_int descriptor = -1;

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Wishes only grow: of two signals at the same time none is lost. */
static void wish(stop_wish what) {
  int before = atomic_load(&wished);
  while (before < (int)what && !atomic_compare_exchange_weak(&wished, &before, (int)what)) continue;
}

/* Is it this wish's first time, or one that comes long enough after it to be meant again? */
static bool is_repeated(_Atomic int64_t *first, int64_t now) {
  int64_t never = 0;
  if (atomic_compare_exchange_strong(first, &never, now)) return false;
  return (double)(now - atomic_load(first)) * 1e-9 > SAME_WISH;
}

/* Nothing has come of the second one: this process may wait for a reader that has stopped reading, or for a disk. The guard kills its
 * commands. */
static void die_of(int signal_number) {
  signal(signal_number, SIG_DFL);
  raise(signal_number); /* it is blocked until the handler returns */
}

static void hear(int signal_number) {
  int error = errno;
  int64_t now = nanoseconds(), never = 0;
  atomic_compare_exchange_strong(&first_time, &never, now);
  if (signal_number == SIGUSR1) {
    wish(STOP_SOON);
  } else {
    bool again = is_repeated(&now_time, now);
    wish(again ? STOP_KILL : STOP_NOW);
    if (again && is_repeated(&kill_time, now)) die_of(signal_number);
  }
  uint64_t one = 1;
  ssize_t written = write(atomic_load(&descriptor), &one, sizeof one);
  (void)written; /* it can only be full, and then it is readable */
  errno = error;
}

void stop_listen(void) {
  if (atomic_load(&descriptor) < 0) atomic_store(&descriptor, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  static const int SIGNALS[] = {SIGINT, SIGTERM, SIGUSR1};
  sigset_t ours;
  sigemptyset(&ours);
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
    sigaction(SIGNALS[i], &action, NULL);
    sigaddset(&ours, SIGNALS[i]);
  }
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL); /* whoever started us may have blocked them */
  signal(SIGCHLD, SIG_DFL); /* or have ignored this one, and then nobody learns how a command has ended */
}

stop_wish stop_asked(void) {
  return (stop_wish)atomic_load(&wished);
}

double stop_since(void) {
  int64_t first = atomic_load(&first_time);
  return first == 0 ? 0 : (double)(nanoseconds() - first) * 1e-9;
}

int stop_descriptor(void) {
  return atomic_load(&descriptor);
}
