/* The deadline of a test: a thread that says who is where, and ends the run.
 * Knows the time, the test and its phase. Does not know MPI: a rank that exits non-zero makes mpirun end the others. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shim/shim.h"

enum { STATUS_TIMEOUT = 124, DEFAULT_SECONDS = 180 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct timespec due;
static double seconds;
static char test_name[256], phase[256];

static double from_environment(const char *name, double otherwise) {
  const char *text = getenv(name);
  double value = text ? strtod(text, NULL) : 0;
  return value > 0 ? value : otherwise;
}

/* Called with the lock held, and never gives it back. The failures so far are often the reason of a hang. */
static _Noreturn void bite(void) {
  fprintf(stderr, "\ndeadline: %s%s%s has not ended after %g s%s%s%s\n", shim_world_who(),
          *shim_world_who() ? ": " : "", test_name, seconds, phase[0] ? ", in phase \"" : "", phase,
          phase[0] ? "\"" : "");
  shim_record record = shim_record_get();
  for (size_t at = 0; at < record.size;) {
    const shim_note *note = (const void *)(record.notes + at);
    fprintf(stderr, "%s:%d: %s\n", shim_note_file(note), note->line, shim_note_text(note));
    at += note->size;
  }
  fflush(stderr);
  sleep(1); /* so that the other ranks can say where they are */
  _exit(STATUS_TIMEOUT);
}

static void *watch(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    struct timespec until = due;
    int error = pthread_cond_timedwait(&changed, &lock, &until);
    if (error == ETIMEDOUT && until.tv_sec == due.tv_sec && until.tv_nsec == due.tv_nsec) bite();
  }
  return NULL;
}

void shim_watch_start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&changed, &attributes);
  pthread_condattr_destroy(&attributes);
  shim_watch("the start", "", 0);

  sigset_t all, before;
  sigfillset(&all); /* signals are the tests' business */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch, NULL) != 0) {
    fputs("the tests' deadline needs a thread, and there is none\n", stderr);
    exit(1);
  }
  pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void shim_watch(const char *suite, const char *name, double deadline) {
  pthread_mutex_lock(&lock);
  seconds = deadline > 0 ? deadline : from_environment("TEST_DEADLINE", DEFAULT_SECONDS);
  seconds *= from_environment("TEST_SLOWNESS", 1); /* under valgrind and the like */
  snprintf(test_name, sizeof test_name, "%s%s%s", suite, *name ? "." : "", name);
  phase[0] = '\0';
  clock_gettime(CLOCK_MONOTONIC, &due);
  due.tv_sec += (time_t)seconds;
  due.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  if (due.tv_nsec >= 1000000000) {
    due.tv_nsec -= 1000000000;
    due.tv_sec++;
  }
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

void shim_watch_phase(const char *text) {
  pthread_mutex_lock(&lock);
  snprintf(phase, sizeof phase, "%s", text);
  pthread_mutex_unlock(&lock);
}
