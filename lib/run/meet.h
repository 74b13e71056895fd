/* The start and the end of every operation: all ranks come, and go with the same status. Over the board where there is
   one, else by messages. */
#ifndef FURROW_RUN_MEET_H
#define FURROW_RUN_MEET_H

#include "run/await.h"
#include "run/pool.h"

/* Begin a call: clear the pool's error. Unless FURROW_OK this rank must return that at once, without meeting anyone: the
   pool is broken, or one of its own tasks makes the call. A rank that is led and can't join brings that as its failure. */
furrow_status furrow__call_begin(furrow_pool *pool, furrow__call *call, furrow__op op);

/* What this rank found wrong by itself, before it meets the others. Keeps the first. */
void furrow__call_fail(furrow_pool *pool, furrow__call *call, furrow_status status, const char *format, ...)
    FURROW_PRINTF(4, 5);

/* Meet all ranks. Rank 0's settings and layout (either may be NULL) reach everyone. FURROW_OK: the operation starts.
   Else every rank has the same error, and the operation is over. */
furrow_status furrow__meet(furrow_pool *pool, furrow__call *call, furrow__settings *settings, furrow__layout *layout);

/* The record of the operation that has started. With a board only. */
furrow__meeting *furrow__record_of(const furrow_pool *pool);

/* What a rank of this node has brought to it. */
const furrow__call *furrow__call_of(const furrow_pool *pool, int node_rank);

/* Report this rank's failure during an operation: the first of all ranks counts, and of a rank its first, and stops the
   others at their next claim. From any of its threads. With a board only. */
void furrow__record_fail(furrow_pool *pool, const furrow_error *error);

/* What that was, given the record's `failer`. */
const furrow_error *furrow__failer_error(const furrow_pool *pool, uint32_t failer);

/* Whether somebody has. */
static inline bool furrow__record_failed(const furrow__meeting *record) {
  return atomic_load_explicit(&record->failer, memory_order_acquire) != 0;
}

/* Where a worker stands that finds nothing to do. It rests, since another may give work back; when all rest at once, the
   work is done for good. `news` is to be read before looking for work: what comes back after that look changes it. */
static inline uint32_t furrow__news(const furrow__meeting *record) {
  return furrow__gate_read(&record->news);
}

/* Rest. True: look again. False: the work is done (or communication broke); everything any worker did before it rested is
   visible. */
bool furrow__rest(furrow_pool *pool, furrow__waiter *waiter, uint32_t news);

/* The same for a rank that has no worker: wait until the work is done. */
void furrow__stand_by(furrow_pool *pool);

/* For so many workers that there are not, in an operation that has failed for that: they rest to its end. */
void furrow__rest_absent(furrow_pool *pool, uint32_t workers);

/* Wake the resting: work has come back. */
void furrow__tell_news(furrow_pool *pool);

/* Workers of the node that rest. */
static inline uint32_t furrow__resting(const furrow__meeting *record) {
  uint32_t flags = FURROW__OTHERS_HUNGRY | FURROW__STOPPED;
  return atomic_load_explicit(&record->resting, memory_order_acquire) & ~flags;
}

/* The stop signal has come to this rank: the error of that. */
void furrow__interrupted(const furrow_pool *pool, furrow_error *error);

/* Stop the operation on account of it: in one that is stoppable, by this rank. */
void furrow__stop_here(furrow_pool *pool);

/* The work of a led operation is over: tell the node's workers what it came to, and send them home. `complete`: all tasks
   have been run. By whoever leads. */
void furrow__close_work(furrow__meeting *record, const furrow_error *outcome, bool complete);

/* Who is at work looks at this before each claim: nobody begins anything. */
void furrow__stop_work(furrow__meeting *record);

/* In a pool of one node: wait until all ranks are here, after the work. */
void furrow__leave(furrow_pool *pool);

/* In a led operation: this rank touches nothing of the work any more. In a pool of one node rank 0 waits for the others. */
void furrow__leave_work(furrow_pool *pool);

/* There, of a reduction: the first rank of a node opens the end when the outcome of all stands in the record. */
void furrow__open_end(furrow_pool *pool);
void furrow__await_end(furrow_pool *pool);

/* What the operation came to: the same on every rank, once it has rested and left. */
furrow_status furrow__outcome(furrow_pool *pool);

#endif
