/* Fold many items into one value, in parallel, with the same bits on any number of ranks. */
#ifndef FURROW_MAP_REDUCE_H
#define FURROW_MAP_REDUCE_H

#include "options.h"
#include "pool.h"
#include "task.h"

FURROW_BEGIN_DECLS

/** How items become one accumulator. An accumulator is position-independent bytes: it holds no pointers. */
typedef struct furrow_reducer {
  size_t size;                                 /**< of this struct; 0: its first version */
  size_t accumulator_size;                     /**< in bytes, at least 1 */
  void (*init)(void *accumulator, void *user); /**< make the neutral element of zero bytes; NULL: they
                                                                        are it */
  int (*fold)(furrow_task *task, const void *item, void *accumulator); /**< fold one task in; 0, or fail as in a map */
  void (*merge)(void *accumulator, const void *later, void *user); /**< accumulator ⊕= later; associative, need not
                                                                        commute */
} furrow_reducer;

/** Fold all items into one accumulator, at rank 0.
 *
 *  Collective on the pool. `count`, `item_size` and the accumulator's size must be the same on every rank. Runs of
 *  consecutive tasks, the leaves, are folded in index order, each from a fresh accumulator; leaves merge along one
 *  fixed binary tree, with earlier indices on the left. Both depend on count and sizes alone, so floating-point sums
 *  and non-commutative operators give the same bits on any number of ranks and under any schedule.
 *
 *  @param reducer  each rank's own, with the same functions.
 *  @param user     each rank's own pointer, for task->user, init and merge; may be NULL.
 *  @param items    count * item_size bytes on rank 0, borrowed for the call; ignored elsewhere. May be NULL if
 *                  item_size or count is 0.
 *  @param result   accumulator_size bytes on rank 0; ignored elsewhere. With count 0 it is what `init`
 *                  makes. Unspecified unless FURROW_OK is returned, or FURROW_E_TASK with
 *                  FURROW_ON_ERROR_CONTINUE and not too many failures: then the tasks that failed are left out.
 *  @param options  NULL for the defaults.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM, FURROW_E_TASK, FURROW_E_MISMATCH or FURROW_E_MPI, with a journal also
 *          FURROW_E_IO or FURROW_E_INTERRUPTED; the same on every rank but for FURROW_E_MPI. furrow_pool_error() tells
 *          more.
 *  Cost: one atomic operation a claim, one merge a leaf; about log2(leaves) accumulators live on a rank. */
FURROW_API FURROW_MUST_USE furrow_status furrow_map_reduce(furrow_pool *pool, const furrow_reducer *reducer, void *user,
                                                           const void *items, size_t item_size, uint64_t count,
                                                           void *result, const furrow_options *options);

FURROW_END_DECLS

#endif
