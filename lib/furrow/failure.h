/* Tasks that failed: which, where, how. */
#ifndef FURROW_FAILURE_H
#define FURROW_FAILURE_H

#include "pool.h"

FURROW_BEGIN_DECLS

/** How a task failed. All but the first need isolation. */
typedef enum furrow_failure_kind {
  FURROW_FAILURE_RETURNED, /**< its function returned something else than 0, or called furrow_fail(); code: what it
                                returned */
  FURROW_FAILURE_SIGNAL,   /**< it was killed, or crashed; code: the signal, 0 if unknown */
  FURROW_FAILURE_EXIT,     /**< it ended the process; code: the exit status */
  FURROW_FAILURE_TIMEOUT,  /**< it took longer than task_timeout; code: 0 */
  FURROW_FAILURE_MEMORY, /**< it crashed or ended when it was refused memory beyond memory_limit; code: the signal or status */
} furrow_failure_kind;

/** A task that failed for good: its last attempt. */
typedef struct furrow_failure {
  uint64_t task;
  uint32_t attempt; /**< 0: the first */
  int rank;         /**< that ran it */
  const char *host; /**< of that rank */
  furrow_failure_kind kind;
  int code;
  const char *message; /**< the reason, such as furrow_fail() gave it, or "killed by signal 11 (Segmentation fault)" */
} furrow_failure;

/** How many tasks of the last map, reduction or stream failed for good; of a stream, as far as its sink has had them.
 *  Local; the count on rank 0, 0 elsewhere and for NULL. Counted in streams, and where any of the options from `on_error`
 *  to `journal` is set; else furrow_pool_error() tells of the one that stopped it.
 *
 *  With FURROW_ON_ERROR_CONTINUE an operation with failed tasks returns FURROW_E_TASK, and yet a map's results are valid
 *  where options.done says 1 and untouched elsewhere, and a reduction's result is that of all other tasks. */
FURROW_API uint64_t furrow_pool_failure_count(const furrow_pool *pool);

/** One of them, in the order of tasks. Local.
 *
 *  @param i  below furrow_pool_failure_count(); else NULL is returned, as on other ranks than 0. Of more than
 *            FURROW_FAILURES_KEPT, those that came first are kept.
 *  @return owned by the pool, valid until its next map, reduction or stream. */
FURROW_API const furrow_failure *furrow_pool_failure(const furrow_pool *pool, uint64_t i);

enum { FURROW_FAILURES_KEPT = 1 << 20 };

/** "returned", "signal", "exit", "timeout" or "memory". Local; never NULL. */
FURROW_API const char *furrow_failure_name(furrow_failure_kind kind);

FURROW_END_DECLS

#endif
