/* What the tests of failing tasks, isolation, journals and the stop signal share: counters that ranks and their children
 * see alike, a folder for files, tasks that fail as planned, and the answer that a reduction must have. Works on the
 * communicator under test. */
#ifndef TESTS_MPI_COMMON_FAULTS_H
#define TESTS_MPI_COMMON_FAULTS_H

#include <stdatomic.h>

#include "mpi/common/tools.h"

typedef _Atomic uint64_t counter;

/* `n` counters, all 0, that every rank and every child adds to, also on several hosts of one machine. Collective. */
counter *counters_make(size_t n);
void counters_clear(counter *counters, size_t n); /* collective */
void counters_free(counter *counters, size_t n);  /* collective */

/* A folder that all ranks see, its path 64 bytes at most. Collective. */
typedef char folder[64];
void folder_make(folder path);
void folder_remove(const folder path); /* and its files */

/* All ranks come, asleep. */
void meet_asleep(void);

/* ---- tasks that fail ---- */

/* Which tasks fail: those of [first, …) whose index less `first` is a multiple of `step`, `most` of them; step 0: none. */
typedef struct failing {
  uint64_t first, step, most;
} failing;

static const failing NONE = {0, 0, 0};

bool fails(failing which, uint64_t task);
uint64_t failing_count(failing which, uint64_t tasks);

/* The failures that rank 0 has are just these tasks, in order; elsewhere there are none. */
void expect_failing_tasks(furrow_pool *pool, failing which, uint64_t tasks);

/* done[i] is 0 for these tasks, else 1. On rank 0; nothing elsewhere. */
void expect_done(const uint8_t *done, failing which, uint64_t tasks);

/* ---- bytes that tell where they belong ---- */

unsigned char byte_of(uint64_t task, size_t i, unsigned salt);
void fill_bytes(void *bytes, size_t size, uint64_t task, unsigned salt);
bool bytes_are(const void *bytes, size_t size, uint64_t task, unsigned salt);
bool bytes_are_all(const void *bytes, size_t size, unsigned char value);

/* `count` things of `size` bytes on rank 0, all bytes 0xee; NULL elsewhere, or if they are 0 bytes. */
void *root_array(uint64_t count, size_t size);

/* ---- reductions ---- */

/* An accumulator that tells all: x -> a x + b modulo 2^64, which does not commute, and a sum that rounds. */
typedef struct answer {
  uint64_t a, b, tasks;
  double sum;
} answer;

/* fold and merge of it. */
void answer_init(void *accumulator, void *user);
void answer_add(answer *to, uint64_t task);
void answer_merge(void *accumulator, const void *later, void *user);

/* What the documented tree gives for tasks [0, count) without the failing ones; leaf 0: the rule. */
answer answer_by_tree(uint64_t count, uint64_t leaf, failing without);

void expect_answer(const answer *got, uint64_t count, uint64_t leaf, failing without);

#endif
