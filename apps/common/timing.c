/* What a run costs. One rank is measured in a pool of its own, on MPI_COMM_SELF, by the same tasks as all ranks. */
#include "timing.h"

#include <time.h>

static const double ALONE_SECONDS = 1.0;   /* so long a sample of one rank's work, */
static const double GLANCE_SECONDS = 0.02; /* once a first glance of this length has told how many tasks that is */
static const double SHORTEST_RUN = 0.05;   /* in less, ranks hardly wake up */

double app_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static furrow_status run_and_time(furrow_pool *pool, app_work *work, void *user, uint64_t tasks,
                                  const furrow_progress *progress, double *seconds) {
  double start = app_seconds();
  furrow_status status = work(pool, user, tasks, progress);
  *seconds = app_seconds() - start;
  return status;
}

/* Tasks a second of a pool of one rank: ever more tasks, until they take long enough or are all there is. */
static furrow_status measure_alone(furrow_pool *alone, app_work *work, void *user, uint64_t tasks, double *rate) {
  uint64_t sample = 1;
  for (double seconds;;) {
    furrow_status status = run_and_time(alone, work, user, sample, NULL, &seconds);
    if (status != FURROW_OK) return status;
    *rate = (double)sample / seconds;
    if (sample == tasks || seconds > ALONE_SECONDS / 2) return FURROW_OK;
    double wanted = seconds < GLANCE_SECONDS ? 4.0 * (double)sample : *rate * ALONE_SECONDS;
    sample = wanted < (double)tasks ? (uint64_t)wanted : tasks;
  }
}

/* Whether there is a journal only rank 0 knows: the others come along and learn nothing. */
static furrow_status run_alone(furrow_pool *pool, app_work *work, void *user, uint64_t tasks, const app_faults *faults,
                               double *rate) {
  furrow_status status = FURROW_OK;
  furrow_error why = {.message = ""};
  if (furrow_is_root(pool) && !app_journalled(faults)) {
    furrow_pool *alone = NULL;
    status = furrow_pool_create(MPI_COMM_SELF, NULL, &alone);
    if (status == FURROW_OK) status = measure_alone(alone, work, user, tasks, rate);
    if (status != FURROW_OK) why = *furrow_pool_error(alone);
    furrow_pool_destroy(&alone);
  }
  return furrow_agree(pool, status, why.message); /* here the other ranks sleep meanwhile */
}

furrow_status app_run_timed(furrow_pool *pool, app_work *work, void *user, uint64_t tasks, double samples,
                            const app_faults *faults, app_timing *timing) {
  const furrow_progress progress = {furrow_progress_stderr, NULL, 0};
  double tasks_alone = 0, seconds = 0; /* tasks a second */
  furrow_status status = FURROW_OK;
  if (furrow_pool_size(pool) > 1) status = run_alone(pool, work, user, tasks, faults, &tasks_alone);
  if (status == FURROW_OK) status = app_stop_check(pool, faults);
  if (status == FURROW_OK) status = run_and_time(pool, work, user, tasks, &progress, &seconds);

  timing->ranks = furrow_pool_size(pool);
  timing->seconds = seconds;
  timing->rate = app_journalled(faults) ? 0 : samples / seconds;
  timing->rate_of_one = seconds < SHORTEST_RUN ? 0 : tasks_alone * samples / (double)tasks;
  return status;
}

double app_speedup(const app_timing *timing) {
  return timing->rate_of_one > 0 ? timing->rate / timing->rate_of_one : 0;
}
