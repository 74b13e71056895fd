/* The pool: the ranks that work together. */
#ifndef FURROW_POOL_H
#define FURROW_POOL_H

#include <mpi.h>

#include "status.h"

FURROW_BEGIN_DECLS

/** All ranks of a communicator, ready to run operations. Opaque. Every rank calls the same operations in the same order,
 *  from one thread at a time; a task must not use the pool that runs it (FURROW_E_ARG), and a forked child
 *  must not use the pool of its parent. */
typedef struct furrow_pool furrow_pool;

/** How a pool is made. Rank 0's values count. Start from FURROW_POOL_OPTIONS_INIT. */
typedef struct furrow_pool_options {
  size_t size;   /**< of this struct */
  uint64_t seed; /**< of all random numbers; pools that live side by side must differ in it. 0: FURROW_SEED, or 0 */
  size_t shared_memory; /**< most bytes of shared memory a node may use; 0: none, so every operation is static */
  double node_timeout;  /**< seconds of silence after which another node counts as lost: every rank's call returns
                             FURROW_E_MPI then, and memory that it was given must stay: MPI may yet write to it, if that
                             node only slept. 0: never. Needs MPI_THREAD_MULTIPLE and shared memory on every node; a rank
                             that is alive but has not called the operation is waited for all the same */
} furrow_pool_options;

/** 64 MiB a node, unless the environment's FURROW_SHARED_MEMORY says otherwise. */
#define FURROW_SHARED_MEMORY_DEFAULT ((size_t)64 << 20)

/** 20 s, unless the environment's FURROW_NODE_TIMEOUT says otherwise. */
#define FURROW_NODE_TIMEOUT_DEFAULT 20.0

#define FURROW_POOL_OPTIONS_INIT \
  { sizeof(furrow_pool_options), 0, FURROW_SHARED_MEMORY_DEFAULT, FURROW_NODE_TIMEOUT_DEFAULT }

/** Initialise MPI, if nobody has, and make a pool of all ranks.
 *
 *  Collective on MPI_COMM_WORLD. MPI is asked for MPI_THREAD_MULTIPLE.
 *
 *  Whatever it returns, call furrow_finalize() before the program ends.
 *
 *  @param argc,argv  as main() got them, or both NULL.
 *  @param pool       set to the pool, also where it failed, if possible: it then carries its error.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM or FURROW_E_MPI, the same on every rank. */
FURROW_API FURROW_MUST_USE furrow_status furrow_init(int *argc, char ***argv, furrow_pool **pool);

/** Destroy the pool, and finalize MPI if furrow_init() initialised it.
 *
 *  Collective on the pool. Ranks that arrive early wait asleep. If other ranks are in another operation, every rank
 *  gets FURROW_E_MISMATCH, the pool lives on and *pool is not changed.
 *
 *  @param pool  its address; set to NULL unless FURROW_E_MISMATCH is returned. NULL, or the address of NULL, is
 *                allowed. */
FURROW_API furrow_status furrow_finalize(furrow_pool **pool);

/** Make a pool of all ranks of a communicator, which is duplicated and never used again.
 *
 *  Collective on `comm`, an intracommunicator. MPI must be initialised, at any thread level. A node that dies in here is not
 *  noticed: only afterwards do nodes listen to each other.
 *
 *  @param options  NULL for the defaults.
 *  @param pool     set to the pool, also where it failed: operations on it then return that status. NULL only where
 *                  there was no memory for it.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM or FURROW_E_MPI, the same on every rank. */
FURROW_API FURROW_MUST_USE furrow_status furrow_pool_create(MPI_Comm comm, const furrow_pool_options *options,
                                                            furrow_pool **pool);

/** Free the pool.
 *
 *  Collective on the pool. Early ranks wait asleep; an operation that other ranks call meanwhile returns
 *  FURROW_E_MISMATCH there, until they destroy the pool too. Before MPI_Finalize.
 *
 *  @param pool  its address; set to NULL. NULL, or the address of NULL, is allowed. */
FURROW_API void furrow_pool_destroy(furrow_pool **pool);

/** Whether this is rank 0 of the pool. Local; true for NULL, so that an early failure is still reported. */
FURROW_API bool furrow_is_root(const furrow_pool *pool);

/** This rank, the number of ranks, this rank's node, the number of nodes. Local; 0, 1, 0 and 1 for NULL. */
FURROW_API int furrow_pool_rank(const furrow_pool *pool);
FURROW_API int furrow_pool_size(const furrow_pool *pool);
FURROW_API int furrow_pool_node(const furrow_pool *pool);
FURROW_API int furrow_pool_nodes(const furrow_pool *pool);

/** This rank's number among the ranks of its node, and how many they are. Local; 0 and 1 for NULL. */
FURROW_API int furrow_pool_node_rank(const furrow_pool *pool);
FURROW_API int furrow_pool_node_size(const furrow_pool *pool);

/** Give rank 0's bytes to every rank.
 *
 *  Collective on the pool.
 *
 *  @param data  `size` bytes on every rank, read on rank 0 and written elsewhere. May be NULL if size is 0.
 *  @param size  any; must be the same on every rank.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_MISMATCH or FURROW_E_MPI.
 *  Cost: one nonblocking broadcast for each 64 MiB. */
FURROW_API FURROW_MUST_USE furrow_status furrow_bcast(furrow_pool *pool, void *data, size_t size);

/** Bring bytes of every rank to rank 0, in the order of ranks.
 *
 *  Collective on the pool; not under furrow_lead(), where the other ranks have nothing to bring (FURROW_E_ARG).
 *
 *  @param mine  this rank's `size` bytes; may be NULL if size is 0.
 *  @param size  up to 2^31 - 1; must be the same on every rank.
 *  @param all   on rank 0: room for size * furrow_pool_size() bytes; ignored elsewhere.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_MISMATCH or FURROW_E_MPI.
 *  Cost: one nonblocking gather. */
FURROW_API FURROW_MUST_USE furrow_status furrow_gather(furrow_pool *pool, const void *mine, size_t size, void *all);

/** Agree on the worst of what the ranks bring: for what a program does beside the library, such as reading a file.
 *
 *  Collective on the pool.
 *
 *  @param mine  this rank's status.
 *  @param why   its reason, for furrow_pool_error(); NULL allowed. The lowest rank with the worst status is heard.
 *  @return the worst of all ranks, or FURROW_E_MISMATCH or FURROW_E_MPI. */
FURROW_API FURROW_MUST_USE furrow_status furrow_agree(furrow_pool *pool, furrow_status mine, const char *why);

/** Why the last operation on the pool failed; status FURROW_OK if it did not. Local; valid until the next operation.
 *  For NULL, a constant that says that there is no pool. */
FURROW_API const furrow_error *furrow_pool_error(const furrow_pool *pool);

FURROW_END_DECLS

#endif
