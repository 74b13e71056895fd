/* Watch a command until it has ended, or end it. */
#ifndef FARM_WATCH_H
#define FARM_WATCH_H

#include <sys/types.h>

#include "capture.h"

/* A group that is killed has so long between SIGTERM and SIGKILL. mpirun gives a rank one second. */
#define WATCH_MERCY 0.5

typedef struct watch {
  pid_t process; /* which leads its group */
  int handle;    /* a pidfd; -1: the kernel has none */
  int place;     /* in the guard's table */
  capture *output;
  const furrow_task *task; /* NULL: nobody can cancel it */
  double stop_grace;
  double limit;       /* seconds it may take; 0: any */
  bool limit_is_told; /* instead, what rank 0 tells the task by now: then there is one */
} watch;

typedef struct ending {
  fate fate;
  int status, signal; /* as in an outcome */
  double seconds;     /* since watch_command() was called */
  bool lost;          /* the task has failed: its output could not be sent */
} ending;

/* Returns when the command has ended and is reaped; if it was killed, when its whole group has ended, or has got SIGKILL. What a
 * command that ended by itself has left in its group lives on. */
ending watch_command(const watch *of);

/* A pidfd that no child inherits; -1: none. */
int watch_handle(pid_t process);

#endif
