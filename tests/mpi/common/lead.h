/* What the tests of furrow_lead share. Works on the communicator under test. */
#ifndef TESTS_MPI_COMMON_LEAD_H
#define TESTS_MPI_COMMON_LEAD_H

#include "mpi/common/faults.h"

/* Only rank 0's program and argument count. */
static inline furrow_status lead(furrow_pool *pool, furrow_program *program, void *argument) {
  return furrow_lead(pool, is_root() ? program : NULL, is_root() ? argument : NULL);
}

/* Every rank has rank 0's error, in these words. */
static inline void expect_told(furrow_pool *pool, furrow_status status, const char *words) {
  EXPECT_EQ(furrow_pool_error(pool)->status, status);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, words);
  expect_same_error(pool);
  expect_works(pool);
}

/* A task: a number of the share that is user, and a random one. */
static inline int read_table(furrow_task *task, const void *item, void *result) {
  (void)item;
  const double *table = furrow_share_data(task->user);
  *(double *)result = table[task->index] + furrow_rng_uniform(furrow_task_rng(task));
  return 0;
}

/* Leave the program if the call fails. */
#define TRY(call)                         \
  do {                                    \
    furrow_status tried = (call);         \
    if (tried != FURROW_OK) return tried; \
  } while (0)

#endif
