/* Progress of a long operation. */
#ifndef FURROW_PROGRESS_H
#define FURROW_PROGRESS_H

#include "base.h"

FURROW_BEGIN_DECLS

/** How far an operation is. */
typedef struct furrow_progress_report {
  const char *label; /**< options.label, or NULL */
  uint64_t done;     /**< tasks finished */
  uint64_t count;    /**< tasks in all; 0 in a stream, where nobody knows */
  double elapsed;    /**< seconds since the operation began */
  double rate;       /**< tasks a second over the whole operation; 0 if not known yet */
  double remaining;  /**< seconds to go at that rate; negative if not known yet */
  bool last;         /**< the operation has ended (perhaps before done == count, if it failed) */
} furrow_progress_report;

/** Whom to tell, and how often. On rank 0 only; the environment's FURROW_PROGRESS wins over it. */
typedef struct furrow_progress {
  /** Called on rank 0, never twice at a time, but from a thread of the library while tasks run on the caller's. Keep it
   *  short: that thread also hands out items while rank 0 is busy. */
  void (*report)(const furrow_progress_report *report, void *user);
  void *user;
  double interval; /**< seconds between two calls, at least 0.01; 0: half a second */
} furrow_progress;

/** A ready-made `report`: on a terminal one line that redraws itself (bar, rate, time to go), else a plain line every
 *  ten seconds or so. Writes to stderr and nothing in an operation's first second. `user` is ignored.
 *
 *  FURROW_PROGRESS=auto, bar, line or off in rank 0's environment chooses for every operation: off silences every
 *  report; bar and line force their form. */
FURROW_API void furrow_progress_stderr(const furrow_progress_report *report, void *user);

FURROW_END_DECLS

#endif
