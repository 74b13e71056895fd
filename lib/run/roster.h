/* Which workers there are in an operation: all that options.threads asks for, as a rule; fewer where ranks have numbers of their
   own (options.own_threads). Those of a rank that are missing are its last ones: they have a place on the board, which stays
   empty. Knows counts; does not know what workers do. */
#ifndef FURROW_RUN_ROSTER_H
#define FURROW_RUN_ROSTER_H

#include "run/pool.h"
#include "run/work.h"

/* Every rank has so many. */
void furrow__roster_assume(furrow_pool *pool, uint32_t threads);

/* Not every rank has all, as the meeting has told: find out who has how many, all ranks together, and deal the units of a pool of
   one node again. FURROW_OK; or an error, the same on all ranks. Costs an agreement of all ranks and, of several nodes, a
   gathering and a broadcast among their first ones. */
furrow_status furrow__roster_call(furrow_pool *pool, const furrow__work *work);

/* Of a node: on rank 0. */
furrow__turnout furrow__roster_node(const furrow_pool *pool, int node);

#endif
