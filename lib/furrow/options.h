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

/** What a task that failed for good means for the others. */
typedef enum furrow_on_error {
  FURROW_ON_ERROR_FAIL_FAST, /**< the operation stops */
  FURROW_ON_ERROR_CONTINUE,  /**< all others run; then FURROW_E_TASK. See furrow/failure.h */
} furrow_on_error;

/** Whether tasks run in child processes, so that a crash costs one task. */
typedef enum furrow_isolate {
  FURROW_ISOLATE_AUTO, /**< with task_timeout, memory_limit or tasks_per_child */
  FURROW_ISOLATE_OFF,  /**< never: then none of the three may be set */
  FURROW_ISOLATE_ON,   /**< always */
} furrow_isolate;

/** Random numbers of each operation differ: its series is its number among the pool's maps, reductions and
 * streams. */
#define FURROW_SERIES_NEXT UINT64_MAX

#define FURROW_STOP_GRACE_DEFAULT 10.0

enum { FURROW_THREADS_MOST = 1024, FURROW_THREADS_ALL = -1, FURROW_WINDOW_MOST = 16384 };

/** How an operation runs. Start from FURROW_OPTIONS_INIT. Rank 0's values count, but for worker_begin, worker_end and
 *  own_threads, which are each rank's own; a bad value on any rank is an error on all.
 *
 *  A field of rank 0 that still has its default takes the value of the environment's FURROW_SCHEDULE (auto, static,
 *  dynamic), FURROW_CHUNK, FURROW_SEED, FURROW_LEAF, FURROW_ON_ERROR (fail-fast, continue), FURROW_MAX_FAILURES,
 *  FURROW_RETRIES, FURROW_TASK_TIMEOUT (whole seconds), FURROW_MEMORY_LIMIT, FURROW_ISOLATE (auto, off, on),
 *  FURROW_TASKS_PER_CHILD, FURROW_THREADS, FURROW_WINDOW, FURROW_WINDOW_BYTES or FURROW_JOURNAL, as they were when the
 *  pool was made.
 *
 *  Failures, isolation and the journal, the fields from `on_error` to `stop_grace`, need shared memory on every node
 *  (FURROW_E_NOMEM without), and make the operation dynamic. */
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
  const char *label;               /**< a name, for progress (up to its first colon) and for the journal; NULL: none */
  const furrow_progress *progress; /**< NULL: none */
  furrow_on_error on_error;        /**< FURROW_ON_ERROR_FAIL_FAST */
  uint64_t max_failures;  /**< stop all the same when more than so many tasks have failed for good; 0: no limit */
  uint8_t *done;          /**< rank 0: count bytes of the caller's, set to 1 where a task is in the answer, else 0, also
                                  when the operation fails, unless its arguments were wrong; NULL: not wanted */
  uint32_t retries;       /**< how often a failed task is tried again, on another rank if there is one; 0. In a
                                  reduction its leaf is folded again */
  double retry_delay;     /**< seconds before the first retry of a task, doubled each time; 0 */
  double task_timeout;    /**< seconds a task may take; 0: any. A task that is found to take longer, by a look every
                                  10 ms, is ended and has failed */
  size_t memory_limit;    /**< bytes of memory that a task may take beyond what its rank has; 0: any */
  furrow_isolate isolate; /**< FURROW_ISOLATE_AUTO. In a child a task's only effect is its result: what else it
                                  changes in memory is lost with the child. It may not call MPI */
  uint64_t tasks_per_child; /**< a new child after so many tasks, or leaves; 0: only after a death */
  const char *journal; /**< path on rank 0's node of a file that keeps what is finished, so that the next run of the
                                  program goes on from there; NULL: none. See docs/faults.md */
  double stop_grace;   /**< seconds that isolated tasks have to end after SIGUSR1 asked a journalled operation to stop;
                                  10 */
  int threads;         /**< tasks at a time in each rank, 1 to FURROW_THREADS_MOST; 1. For tasks that wait, or fewer and
                                  fatter ranks. Each is a worker with worker_begin and worker_end of its own. Such tasks
                                  must be safe beside each other, and may call MPI only at MPI_THREAD_MULTIPLE. Needs
                                  shared memory on every node, and makes the operation dynamic. With isolation, so many
                                  children */
  size_t user_size;    /**< rank 0: bytes of what `user` points to, if it is plain data; 0: unknown. See furrow/lead.h;
                                  with a journal, part of what must be the same in the next run */
  bool unordered;      /**< of a stream: results go to the sink as they are finished; false: in the order of items */
  uint64_t window;     /**< of a stream: items that may be under way, from source to sink, up to FURROW_WINDOW_MOST;
                                  0: that many */
  size_t window_bytes; /**< of a stream: bytes of items that may be, and about as many of results, see furrow_stream();
                                  0: 16 MiB */
  int own_threads;     /**< each rank's own: how many of `threads` it has, down to 0; FURROW_THREADS_ALL. For nodes of
                            different size. Some rank must have one (FURROW_E_ARG). Not with a schedule that is static
                            (FURROW_E_ARG); needs shared memory on every node (FURROW_E_NOMEM) */
} furrow_options;

#define FURROW_OPTIONS_INIT                                                                                            \
  {                                                                                                                    \
    sizeof(furrow_options), FURROW_SCHEDULE_AUTO, 0, 0, FURROW_SERIES_NEXT, 0, NULL, NULL, NULL, NULL,                 \
        FURROW_ON_ERROR_FAIL_FAST, 0, NULL, 0, 0, 0, 0, FURROW_ISOLATE_AUTO, 0, NULL, FURROW_STOP_GRACE_DEFAULT, 1, 0, \
        false, 0, 0, FURROW_THREADS_ALL                                                                                \
  }

FURROW_END_DECLS

#endif
