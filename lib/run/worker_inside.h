/* The inside of a worker, for the files that make it up: worker.c (claims, and an operation from its start to its end),
   units.c and items.c (running what was claimed), guard.c (tasks that fail, in a guarded operation), crew.c (several of a rank).

   A rank has a worker for each of its threads. Each has its struct to itself, on cache lines of its own; what is the rank's
   (the pool, the work, the layout) it only reads, but for that of the thread that called the operation. */
#ifndef FURROW_RUN_WORKER_INSIDE_H
#define FURROW_RUN_WORKER_INSIDE_H

#include "node/child.h"
#include "node/store.h"
#include "plan/pace.h"
#include "run/courier.h"
#include "run/execute.h"
#include "run/flow.h"
#include "run/meet.h"
#include "run/reduction.h"

typedef struct worker {
  _Alignas(64) furrow_pool *pool;
  const furrow__work *work;
  const furrow__traffic *traffic;
  int number; /* of the node */
  furrow__waiter waiter;
  furrow_rank_metrics *metrics; /* the pool's, for the thread that called; else its own: */
  furrow_rank_metrics own_metrics;
  furrow__meeting *record;
  furrow__running running;
  furrow__flow flow;
  furrow__reduction reduction;
  furrow__pace pace;
  furrow__store store; /* of a stream: where its items stand on this node */
  furrow__layout layout;
  bool spans;           /* there are other nodes */
  bool guarded;         /* failures of tasks go to rank 0's ledger */
  uint32_t spare;       /* of a first rank in a reduction over nodes: takes what comes when there is no memory left */
  furrow__tries tries;  /* guarded: what has failed of the task or leaf in hand */
  furrow__tried *tried; /* memory for it */
  uint64_t postponed;   /* tasks of the units in hand that will be run elsewhere */
  bool journals;        /* what is finished goes to rank 0's journal; of a reduction too, in nodes */
  uint64_t shipped;     /* when that was done last */
  uint64_t unsettled;   /* tasks whose leaves have not gone there */
  struct furrow__cell *cell; /* tasks run in a child; NULL: they run here */
  furrow__child child;
  furrow__undertaker undertaker;
  int stillborn;         /* children in a row that died before they were ready */
  uint64_t collected;    /* of a map: results in the cell's room that have been posted end here; of a stream: bytes */
  uint64_t parts_posted; /* of a stream: bytes of parts in the cell */
  furrow__packed last_item; /* of a stream: what was posted last */
  bool has_last;
  bool lacks; /* no memory for what the other threads of this rank hold: the answer is not whole */
} worker;

static inline bool is_good(const worker *w) {
  return w->running.error.status == FURROW_OK && !w->flow.is_broken;
}

static inline furrow__range_word *share_of(const worker *w) {
  return &w->pool->board.ranges[w->number];
}

/* Whether this worker carries what goes between nodes, for lack of a thread that does nothing else. */
static inline bool is_courier(const worker *w) {
  return !w->waiter.aside && furrow__courier_is_ours(w->pool);
}

/* ---- worker.c ---- */

/* The worker of a thread of this rank; `aside`: it is not the one that called. */
void worker_start(worker *w, furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                  const furrow__traffic *traffic, int thread, bool aside);

/* From its first claim to the end of the work, with worker_begin and worker_end. */
void worker_work(worker *w);

/* The same for the thread that called, in a rank without workers. */
void worker_stand_by(worker *w);

/* Whether accumulators are to be brought together after the work. */
bool worker_is_to_bring(const worker *w);

void worker_free(worker *w);

/* Units taken, and where the worker's share ends behind them. By number, as everything here. */
typedef struct claimed {
  furrow__range units;
  uint32_t share_end;
} claimed;

/* Take units: of the own share, or drawn, or stolen. False: there are none, or the operation is to stop. */
bool take_claim(worker *w, claimed *claim);

/* Whether SIGUSR1 has come: then w->running.error says so. Between tasks. */
bool asked_to_stop(worker *w);

/* ---- units.c ---- */

/* Run units, by number, until the end, a failure that counts, or hunger elsewhere if that is watched. Returns where it
   stopped. The worker may come next to the numbers up to `share_end`. */
uint32_t run_units(worker *w, furrow__range units, uint32_t share_end, bool watch);

/* Map one task; false: it failed, or there is no room (w->running.error says which). */
bool map_task(worker *w, uint64_t task, uint32_t attempt);

/* Fold a leaf into a node of the reduction. False: not done, and nothing is kept of it. */
bool fold_leaf(worker *w, uint64_t leaf, uint64_t tasks_end);

/* Whether tasks of the leaf in hand have failed for good. */
bool left_out_any(const worker *w);

/* Keep a finished leaf, which is `whole` if none have. */
void keep_leaf(worker *w, furrow__node leaf, bool whole);

/* So many tasks of a claim, or of a retry, have been run or told to the ledger, but for those that are postponed. */
void count_tasks(worker *w, uint64_t tasks);

/* ---- items.c: of a stream ---- */

/* Run items by number until the end, a failure that counts, or hunger elsewhere if that is watched. Returns where it stopped. */
uint32_t run_items(worker *w, furrow__range numbers);

/* Post the results of finished items. */
void send_results(worker *w);

/* Post a result that stands in a file. False: it can't be read; then w->running.error says so, and the operation ends: rank 0 has
   had a piece of it. */
bool send_file(worker *w, const furrow__packed *result, int file);

/* Post bytes that a task sends before its result, behind the results that are finished: a furrow__send of this worker. Waits
   for room in its ring. */
void send_part(void *context, uint64_t index, const char *data, size_t size);

/* Try one again; what has failed of it stands in w->tries. False: it is not to be counted. */
bool retry_item(worker *w, const furrow__retry *retry);

/* ---- crew.c ---- */

/* Run all workers of this rank, the first of which is `w`, to the end of the work; those that are not the caller's own in
   threads. What they hold is w's in the end. */
void crew_work(worker *w);

/* ---- guard.c ---- */

/* The most tasks that can have failed in one place. */
uint64_t guard_most_tries(const worker *w);

bool guard_start(worker *w);
void guard_end(worker *w);

/* What running->error says of a task is no reason to stop: it is told to the ledger. False: it is. `place` is the task's
   own number or its leaf's; what else has failed there stands in w->tries. *again: it is to be tried again right here. */
bool guard_failure(worker *w, uint64_t task, uint64_t place, bool *again);

/* The same for a failure that is described by `failed`, but for its attempt. */
bool guard_failed(worker *w, furrow__failed *failed, uint64_t place, bool *again);

static const uint64_t SHIP_NANOSECONDS = 100000000; /* what a killed run may lose, of each rank */

/* Send rank 0 what is finished, for the journal; at once, or if it is time by `now`. Only then it counts as settled. */
void guard_ship(worker *w);
void guard_ship_at(worker *w, uint64_t now);

/* Try something again that failed elsewhere. False: there is nothing to be tried. */
bool guard_retry(worker *w);

#endif
