/* The doctor must never hang, and what it examines may: a thread ends the program when its time is over, and says what it
 * was waiting for. */
#ifndef FURROW_DOCTOR_WATCH_H
#define FURROW_DOCTOR_WATCH_H

#include <furrow.h>
#include <pthread.h>

enum { PHASE_ROOM = 256 };

/* Tells of the end; then the program ends with status 1. Called in a thread of its own. */
typedef void watch_expired(const char *phase, void *user);

typedef struct watch {
  time_t seconds;
  watch_expired *expired;
  void *user;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool running, over; /* over, phase: under the lock */
  char phase[PHASE_ROOM];
} watch;

/* Start watching, from before MPI is up. Without a thread nobody watches; that is no reason to fail. */
void watch_start(watch *w, time_t seconds, watch_expired *expired, void *user);

/* Say what is done now, as printf does. */
void watch_phase(watch *w, const char *format, ...) FURROW_PRINTF(2, 3);

void watch_stop(watch *w);

#endif
