/* Accumulators on their way to rank 0, when all leaves are folded: each rank streams its nodes through the ring of its first worker, the first
   rank of the node merges them as they come; between nodes they go by messages. In the caller's threads only, since merging runs the user's function. */
#ifndef FURROW_RUN_COLLECT_H
#define FURROW_RUN_COLLECT_H

#include "run/flow.h"
#include "run/reduction.h"

/* Send all nodes (`good`), or none, and the end of the stream; if the rank `lacks` some, for want of memory, that. */
void furrow__collect_send(furrow__flow *flow, const furrow__reduction *reduction, bool good, bool lacks);

/* On the first rank of a node: take every rank's stream to its end, also after a failure, and merge. False: no memory;
   the streams were taken all the same. */
bool furrow__collect_node(furrow_pool *pool, furrow__reduction *reduction, const furrow__layout *layout);

/* Bring what all ranks of `over` hold to its rank 0, by messages along a tree. Collective on it. Each has an accumulator in the
   slot `spare` for what there is no memory for: then *good is false. Returns FURROW_OK or FURROW_E_MPI. */
furrow_status furrow__collect_over(furrow_pool *pool, MPI_Comm over, furrow__reduction *reduction, uint32_t spare,
                                   bool *good);

/* The whole answer, once every node is merged: copy it to the caller's result. */
void furrow__collect_finish(const furrow__reduction *reduction);

#endif
