/* One function, many items. */
#ifndef FURROW_MAP_H
#define FURROW_MAP_H

#include "options.h"
#include "pool.h"
#include "task.h"

FURROW_BEGIN_DECLS

/** A task: read `item`, write `result`, return 0; or fail, with furrow_fail() or any other value. It must return: no longjmp
 *  and no C++ exception may leave it.
 *
 *  @param item    item_size bytes, read only, aligned as in the array on rank 0 up to 64; NULL if item_size is 0.
 *  @param result  result_size bytes, all zero; NULL if result_size is 0. */
typedef int furrow_map_fn(furrow_task *task, const void *item, void *result);

/** Apply `fn` to every item; result i is stored at results + i * result_size.
 *
 *  Collective on the pool. `count`, `item_size` and `result_size` must be the same on every rank. With item_size 0 a
 *  task needs only its index; with result_size 0 this is a for-each.
 *
 *  @param fn       each rank's own pointer to the same function.
 *  @param user     each rank's own pointer, for task->user; may be NULL.
 *  @param items    count * item_size bytes on rank 0, borrowed for the call; ignored elsewhere. May be NULL if
 *                  item_size or count is 0.
 *  @param results  count * result_size bytes on rank 0, owned by the caller, not overlapping the items; ignored
 *                  elsewhere. May be NULL if result_size or count is 0. Unless FURROW_OK is returned, valid where
 *                  options->done says 1 and untouched elsewhere, or without it unspecified.
 *  @param options  NULL for the defaults.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM, FURROW_E_TASK, FURROW_E_MISMATCH or FURROW_E_MPI, with a journal also
 *          FURROW_E_IO or FURROW_E_INTERRUPTED; the same on every rank but for FURROW_E_MPI. furrow_pool_error() tells
 *          more; with FURROW_ON_ERROR_CONTINUE FURROW_E_TASK means that all other tasks have been run (furrow/failure.h).
 *  Cost: one atomic operation a chunk inside a node, and one copy of what crosses between processes. */
FURROW_API FURROW_MUST_USE furrow_status furrow_map(furrow_pool *pool, furrow_map_fn *fn, void *user, const void *items,
                                                    size_t item_size, uint64_t count, void *results, size_t result_size,
                                                    const furrow_options *options);

/** furrow_map() with the sizes taken from the two typed arrays, so that both must be there: not NULL itself. */
#define FURROW_MAP(pool, fn, user, items, count, results, options) \
  furrow_map((pool), (fn), (user), (items), sizeof *(items), (count), (results), sizeof *(results), (options))

FURROW_END_DECLS

#endif
