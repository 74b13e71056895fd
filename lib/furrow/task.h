/* What a task function is told, and what it may ask for. */
#ifndef FURROW_TASK_H
#define FURROW_TASK_H

#include "rng.h"

FURROW_BEGIN_DECLS

/** What a task function is told. It must not keep the address beyond its return, nor copy it: more stands behind it. */
typedef struct furrow_task {
  uint64_t index;   /**< 0 … count-1 */
  uint32_t attempt; /**< 0 at the first try */
  int rank;         /**< the rank of the pool that runs it */
  int worker;       /**< the worker that runs it: rank * threads + thread */
  void *user;       /**< this rank's pointer, as given to the operation */
  void *local;      /**< what worker_begin made for this worker, or NULL */
} furrow_task;

/** This task's own random generator, the same for the same seed, series and index on any number of ranks.
 *
 *  Local, from inside the task function only; made when first asked for, owned by the library, gone when the task
 *  returns. Cost: about 30 ns at the first call in a task. */
FURROW_API furrow_rng *furrow_task_rng(furrow_task *task);

/** Fail this task, with a reason. The task has failed then, whatever its function returns.
 *
 *  Local, from inside the task function only: `return furrow_fail(task, "matrix is singular");`
 *
 *  @return 1, to be returned. */
FURROW_API int furrow_fail(furrow_task *task, const char *format, ...) FURROW_PRINTF(2, 3);

/** Whether nobody waits for this task any more: the operation has failed or been stopped, or the stream's sink has seen enough.
 *
 *  Local, from inside the task function, or from another thread while it runs. A task that takes long may look now and then,
 *  and return something else than 0, which then counts neither as its failure nor as its result. Once true it stays so. On
 *  other nodes it is true some milliseconds later; where MPI offers less than MPI_THREAD_MULTIPLE, on their first ranks only
 *  when the task has ended. Without shared memory it is never true. An isolated task is ended some 10 ms later, unless the
 *  stop signal gives it options.stop_grace. Cost: a few loads. */
FURROW_API bool furrow_task_is_cancelled(const furrow_task *task);

FURROW_END_DECLS

#endif
