/* What goes between nodes: units, items, results and news of an operation, carried by the first rank of each node to and
   from rank 0. In a thread of its own where MPI allows (publicly: the progress thread), else between that rank's tasks
   and while it waits. Only where a pool has several nodes, each with a board. */
#ifndef FURROW_RUN_COURIER_H
#define FURROW_RUN_COURIER_H

#include "run/flow.h"
#include "run/pool.h"
#include "run/work.h"

/* Make the courier of this node. On the first ranks of all nodes, together. Returns FURROW_OK, FURROW_E_NOMEM (on this rank
   alone) or FURROW_E_MPI. */
furrow_status furrow__courier_create(furrow_pool *pool);

/* Learn the nodes' names, on rank 0. On the first ranks of all nodes, together. */
furrow_status furrow__courier_introduce(furrow_pool *pool);

/* The operation has started: deal its first units. On the first rank of the node. */
void furrow__courier_begin(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout);

/* Have memory for so many workers of this node, before an operation begins. On its first rank. False: there is none. */
bool furrow__courier_have_workers(furrow_pool *pool, int workers);

/* Memory for the rings of this rank, if it is the first of its node but not rank 0; else NULL. False: there is none. */
bool furrow__courier_rings(furrow_pool *pool, const furrow__own_rings **rings);

enum { FURROW__NO_NAP = 1 };

/* Of a stream, on rank 0: whether other nodes want items; and where the one is that no store can hold. */
bool furrow__courier_wants_items(const furrow_pool *pool);
void furrow__courier_set_items(furrow_pool *pool, const char *items);
bool furrow__courier_sends_items(furrow_pool *pool); /* some of it is still being sent */

/* Do what can be done now. Returns the nanoseconds after which to do it again. */
uint64_t furrow__courier_step(furrow_pool *pool);

/* Whether this rank's own thread must step, for lack of another. */
bool furrow__courier_is_ours(const furrow_pool *pool);

/* Wait until nothing of the operation is under way any more: the caller's arrays are free to go. */
void furrow__courier_end(furrow_pool *pool);

/* No tasks have been run elsewhere: another operation begins. On rank 0. */
void furrow__courier_forget(const furrow_pool *pool);

/* Tasks that have been run on other nodes, as far as they have told. On rank 0; 0 without a courier. */
uint64_t furrow__courier_elsewhere(const furrow_pool *pool);

/* Around fork(): its thread is outside of MPI. */
void furrow__courier_before_fork(furrow_pool *pool);
void furrow__courier_after_fork(furrow_pool *pool);

/* What it has done so far: MPI calls started; on rank 0, lots dealt to other nodes and recalls. */
typedef struct furrow__courier_counts {
  uint64_t messages, lots, recalls;
} furrow__courier_counts;
furrow__courier_counts furrow__courier_counted(furrow_pool *pool);

/* Take leave of the other nodes' couriers, all of whom do the same (unless communication broke), and free it. After the
   thread has stopped. */
void furrow__courier_free(furrow_pool *pool);

#endif
