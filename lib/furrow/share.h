/* Read-only data, one copy a node. */
#ifndef FURROW_SHARE_H
#define FURROW_SHARE_H

#include "pool.h"

FURROW_BEGIN_DECLS

/** Bytes of rank 0 that every rank can read. Opaque. */
typedef struct furrow_share furrow_share;

/** Give rank 0's bytes to every rank, in one copy a node: a table, a model, an index that all tasks read.
 *
 *  Collective on the pool. In a program under furrow_lead(), rank 0 makes and destroys it for all.
 *
 *  @param data   `size` bytes on rank 0, borrowed for the call; ignored elsewhere.
 *  @param size   must be the same on every rank; may be 0.
 *  @param share  set to the new share, or to NULL where it failed. Destroy it on every rank, at any time, also after
 *                the pool.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM, FURROW_E_MISMATCH or FURROW_E_MPI, the same on every rank.
 *  Cost: one broadcast to the nodes, `size` bytes of shared memory a node beside the pool's own; where shared memory is
 *  refused, `size` bytes a rank. */
FURROW_API FURROW_MUST_USE furrow_status furrow_share_create(furrow_pool *pool, const void *data, size_t size,
                                                             furrow_share **share);

/** The bytes, aligned to a page, read only. Local; NULL for NULL. */
FURROW_API const void *furrow_share_data(const furrow_share *share);

/** How many bytes. Local; 0 for NULL. */
FURROW_API size_t furrow_share_size(const furrow_share *share);

/** Unmap it on this rank. Local. @param share  its address; set to NULL. NULL, or the address of NULL, is allowed. */
FURROW_API void furrow_share_destroy(furrow_share **share);

FURROW_END_DECLS

#endif
