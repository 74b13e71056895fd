/* A deadline for the whole program. The lock guards the phase and the end; the main thread never holds it for longer than
 * it takes to write a line, so the watching thread always gets it. */
#include "watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* No clean-up can be trusted here: MPI may be stuck. The launcher sees the status and ends the other ranks. */
static void *wait_and_end(void *argument) {
  watch *w = argument;
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += w->seconds;
  pthread_mutex_lock(&w->lock);
  int woken = 0;
  while (!w->over && woken != ETIMEDOUT) woken = pthread_cond_timedwait(&w->changed, &w->lock, &end);
  if (!w->over) {
    w->expired(w->phase, w->user);
    _exit(EXIT_FAILURE);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

void watch_start(watch *w, time_t seconds, watch_expired *expired, void *user) {
  *w = (watch){.seconds = seconds, .expired = expired, .user = user};
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  w->running = pthread_create(&w->thread, NULL, wait_and_end, w) == 0;
}

void watch_phase(watch *w, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  pthread_mutex_lock(&w->lock);
  vsnprintf(w->phase, sizeof w->phase, format, arguments);
  pthread_mutex_unlock(&w->lock);
  va_end(arguments);
}

void watch_stop(watch *w) {
  pthread_mutex_lock(&w->lock);
  w->over = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->lock);
  if (w->running) pthread_join(w->thread, NULL);
  pthread_cond_destroy(&w->changed);
  pthread_mutex_destroy(&w->lock);
}
