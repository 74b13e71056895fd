/* A program for the tests of journals and of the stop signal: a map, a map_reduce and a reduce in one journal. It tells which
 * tasks it ran, also from inside of children. */
#ifndef TESTS_MPI_COMMON_JOURNALS_H
#define TESTS_MPI_COMMON_JOURNALS_H

#include <sys/types.h>

#include "mpi/common/faults.h"

enum { MAP = 1, MAP_REDUCE = 2, REDUCE = 4, ALL_OPERATIONS = 7 };

typedef struct shape {
  uint64_t count, leaf, chunk;
  size_t size, item_size; /* of the map's results and items */
  furrow_schedule schedule;
  bool isolated;
} shape;

typedef struct trial trial;

struct trial {
  shape shape;
  char path[128];                                          /* of the journal, in the folder */
  furrow_options options;                                  /* for each operation; the journal is in it */
  failing failed;                                          /* these tasks of map and map_reduce fail in the next run */
  void (*before)(const trial *t, const furrow_task *task); /* called in each task, if not NULL */
  counter *ran, *folded, *merged,
      *begun; /* how often: each task of map and map_reduce; merges of reduce; worker_begin */
  size_t counters;
  unsigned char *items, *results; /* on rank 0 */
  uint8_t *done;                  /* on rank 0; of the last operation with `count` tasks: the map's is kept */
  answer answer, reduced;
  char message[FURROW_MESSAGE_SIZE]; /* of the pool's error, if a run failed */
  uint64_t failed_task;
  furrow_status last[3]; /* what map, map_reduce and reduce returned */
};

/* A trial whose journal is in the folder. Collective, as all that follows. */
trial trial_make(const folder path, shape s);
void trial_free(trial *t);

/* Nothing has run, and no answer is known. */
void trial_forget(trial *t);

/* Run the operations in a pool of their own, up to the first that fails; the status of the last that ran. */
furrow_status trial_run(trial *t, MPI_Comm comm, int operations);

void expect_right_answers(const trial *t);
void expect_ran_once(const trial *t);

/* No task, and no worker began one. What a journal holds in parts may have been merged. */
void expect_ran_nothing(const trial *t);

/* -1 if there is no such file. */
off_t file_size(const char *path);

#endif
