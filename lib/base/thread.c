#include "base/thread.h"

#include <signal.h>

/* A thread inherits the mask of the one that starts it. */
bool furrow__thread_start(pthread_t *thread, void *(*body)(void *argument), void *argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(thread, NULL, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error == 0;
}
