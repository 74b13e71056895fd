/* Accumulators on their way to rank 0, when all leaves are folded: each worker streams its nodes through its ring, rank
   0 merges them as they come. In the caller's threads only, since merging runs the user's function. */
#ifndef FURROW_RUN_COLLECT_H
#define FURROW_RUN_COLLECT_H

#include "run/flow.h"
#include "run/reduction.h"

/* Send all nodes (`good`), or none, and the end of the stream. */
void furrow__collect_send(furrow__flow *flow, const furrow__reduction *reduction, bool good);

/* On rank 0: take every worker's stream to its end, also after a failure, and merge; then store the root in the
   caller's result. False: no memory; the streams were taken all the same. */
bool furrow__collect(furrow_pool *pool, furrow__reduction *reduction, const furrow__layout *layout);

/* The whole answer, once every node is merged: copy it to the caller's result. */
void furrow__collect_finish(const furrow__reduction *reduction);

#endif
