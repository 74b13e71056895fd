/* Giving a pool its node queue: shared memory that every rank of the node has opened, or none on any. */
#ifndef FURROW_RUN_FURNISH_H
#define FURROW_RUN_FURNISH_H

#include "run/pool.h"

/* Create an arena on the first rank of each node and open it on the others. Where any rank of the pool can't have it,
   no rank has; the reason is in `why` on every rank. Collective. Returns FURROW_OK, also then, or FURROW_E_MPI. */
furrow_status furrow__arena_share(furrow_pool *pool, size_t size, size_t limit, furrow__arena *arena,
                                  furrow_error *why);

/* Make the board, in at most `limit` bytes (rank 0's count), and choose how this rank waits; where there are other nodes,
   make the courier. Collective. Without a board pool->note says why. Returns FURROW_OK, FURROW_E_NOMEM with the same error
   on every rank, or FURROW_E_MPI. */
furrow_status furrow__furnish(furrow_pool *pool, uint64_t limit, furrow_error *error);

#endif
