/* What each rank did. */
#ifndef FURROW_METRICS_H
#define FURROW_METRICS_H

#include "pool.h"

FURROW_BEGIN_DECLS

/** What one rank did in all maps, reductions and streams of its pool so far. */
typedef struct furrow_rank_metrics {
  int rank, node;
  char host[FURROW_HOST_SIZE];
  uint64_t tasks;     /**< tasks run */
  uint64_t claims;    /**< times it took tasks; in a static operation, rounds */
  uint64_t steals;    /**< claims that took from another worker's share */
  uint64_t sleeps;    /**< times it slept while waiting */
  uint64_t bytes_in;  /**< bytes of items that came from rank 0 */
  uint64_t bytes_out; /**< bytes of results or accumulators that went to rank 0 */
  uint64_t messages;  /**< MPI communication calls that the library started */
  double busy;        /**< seconds of taking and running tasks, with moving their data; of all its threads */
  double idle;        /**< the other seconds of operations, times threads: meeting, resting, bringing together */
} furrow_rank_metrics;

/** What all ranks did together. */
typedef struct furrow_metrics {
  uint64_t operations; /**< maps, reductions and streams */
  uint64_t dynamic;    /**< of these, how many were scheduled dynamically */
  uint64_t lots;       /**< super-chunks of tasks that went to other nodes at their request */
  uint64_t recalls;    /**< times another node was asked to give some back */
  bool
      progress_threads; /**< whether a thread of each node's first rank carries what goes between nodes. If not, and there
                                are several nodes, MPI offers less than MPI_THREAD_MULTIPLE, and the rank itself carries
                                it between its tasks */
  double elapsed;       /**< seconds inside them, on rank 0 */
  double imbalance;     /**< busiest rank's busy time over the mean; 1 is perfect, 0 if nothing ran */
  size_t shared_memory;    /**< bytes of shared memory on rank 0's node now, 0 if there is none */
  char note[128];          /**< why there is none, or "" */
  furrow_rank_metrics sum; /**< of all ranks; its rank and node are -1 */
} furrow_metrics;

/** Collect what each rank did.
 *
 *  Collective on the pool.
 *
 *  @param metrics  filled on rank 0; ignored elsewhere.
 *  @param ranks    furrow_pool_size() entries, filled on rank 0; ignored elsewhere. NULL: not wanted.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM, FURROW_E_MISMATCH or FURROW_E_MPI.
 *  Cost: one gather. */
FURROW_API FURROW_MUST_USE furrow_status furrow_metrics_get(furrow_pool *pool, furrow_metrics *metrics,
                                                            furrow_rank_metrics *ranks);

/** Print them as a table. Local. FURROW_METRICS=1 in rank 0's environment does this, on stderr, when a pool ends.
 *
 *  @param ranks  `count` entries, or NULL and 0: the sums only. */
FURROW_API void furrow_metrics_print(FILE *stream, const furrow_metrics *metrics, const furrow_rank_metrics *ranks,
                                     int count);

FURROW_END_DECLS

#endif
