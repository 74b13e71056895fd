/* Reduce an array to one element, without a map. */
#ifndef FURROW_REDUCE_H
#define FURROW_REDUCE_H

#include "map_reduce.h"

FURROW_BEGIN_DECLS

/** Merge all items of an array into one: result = items[0] ⊕ items[1] ⊕ … along the tree of furrow_map_reduce().
 *
 *  Collective on the pool. `count` and `item_size` must be the same on every rank.
 *
 *  @param merge   accumulator ⊕= later; associative, need not commute.
 *  @param user    each rank's own pointer, for merge; may be NULL.
 *  @param items   count * item_size bytes on rank 0, borrowed for the call; ignored elsewhere.
 *  @param result  item_size bytes on rank 0; ignored elsewhere. Zero bytes if count is 0.
 *  @return as furrow_map_reduce(). */
FURROW_API FURROW_MUST_USE furrow_status furrow_reduce(furrow_pool *pool,
                                                       void (*merge)(void *accumulator, const void *later, void *user),
                                                       void *user, const void *items, size_t item_size, uint64_t count,
                                                       void *result, const furrow_options *options);

FURROW_END_DECLS

#endif
