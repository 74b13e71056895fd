/* How an operation runs. */
#ifndef FURROW_OPTIONS_H
#define FURROW_OPTIONS_H

#include "progress.h"

FURROW_BEGIN_DECLS

typedef enum furrow_schedule {
  FURROW_SCHEDULE_AUTO, /**< dynamic wherever it can be had */
  FURROW_SCHEDULE_STATIC, /**< equal blocks by scatter and gather, for uniform tasks. Where ranks share no memory, a failure
                                is noticed at the end of a round: 64 MiB of items or results, or the whole */
  FURROW_SCHEDULE_DYNAMIC, /**< whoever is free takes the next tasks; static where there is no shared memory */
} furrow_schedule;

/** Random numbers of each operation differ: its series is its number among the pool's maps and reductions. */
#define FURROW_SERIES_NEXT UINT64_MAX

/** How an operation runs. Start from FURROW_OPTIONS_INIT. Rank 0's values count, but for worker_begin and worker_end,
 *  which are each rank's own; a bad value on any rank is an error on all.
 *
 *  A field of rank 0 that still has its default takes the value of the environment's FURROW_SCHEDULE (auto, static,
 *  dynamic), FURROW_CHUNK, FURROW_SEED or FURROW_LEAF, as they were when the pool was made. */
typedef struct furrow_options {
  size_t size;              /**< of this struct */
  furrow_schedule schedule; /**< FURROW_SCHEDULE_AUTO */
  uint64_t chunk;           /**< tasks (map) or leaves (reductions) taken at a time; 0: as many as 50 to 100 µs hold.
                                 Beyond 2^31 tasks some tasks are one */
  uint64_t seed;            /**< of the tasks' random numbers; 0: the pool's */
  uint64_t series;          /**< FURROW_SERIES_NEXT, or a number of your own */
  uint64_t leaf;            /**< tasks folded in a row by a reduction; 0: the rule. Part of the answer: another leaf
                                 rounds differently */
  int (*worker_begin)(void *user, int worker, void **local); /**< once a worker before its first task of the operation;
                                                                  non-zero fails the operation; NULL: none */
  void (*worker_end)(void *user, int worker, void *local); /**< after its last, if worker_begin returned 0 or is NULL */
  const char *label;                                       /**< a name for progress; NULL: none */
  const furrow_progress *progress;                         /**< NULL: none */
} furrow_options;

#define FURROW_OPTIONS_INIT \
  { sizeof(furrow_options), FURROW_SCHEDULE_AUTO, 0, 0, FURROW_SERIES_NEXT, 0, NULL, NULL, NULL, NULL }

FURROW_END_DECLS

#endif
