/* What a run costs: its time, its rate, and how much faster it is than one rank alone. */
#ifndef APPS_COMMON_TIMING_H
#define APPS_COMMON_TIMING_H

#include "faults.h"

typedef struct app_timing {
  int ranks;
  double seconds;     /* of the whole run, on all ranks */
  double rate;        /* samples a second of all ranks; 0: with a journal, which may hold part of the work, not known */
  double rate_of_one; /* the same of one rank alone; 0: there is only one, or the run was too short to tell */
} app_timing;

/* Work in tasks: an operation on this pool. It may run several times; its last result is what counts. */
typedef furrow_status app_work(furrow_pool *pool, void *user, uint64_t tasks, const furrow_progress *progress);

/* Run the work on all ranks, with a progress line; and before that about a second of it, without one, on rank 0 alone
 * while the others sleep. With a journal all ranks only: it belongs to one pool. Asks first whether to stop.
 *
 * Collective on the pool. `samples` is what the tasks draw in all; *timing is filled on rank 0. */
furrow_status app_run_timed(furrow_pool *pool, app_work *work, void *user, uint64_t tasks, double samples,
                            const app_faults *faults, app_timing *timing);

/* The rate on all ranks over the rate on one; 0 if that is not known. */
double app_speedup(const app_timing *timing);

/* Seconds on a clock that never jumps. */
double app_seconds(void);

#endif
