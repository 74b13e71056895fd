/* A worker claims units of its own share from the front; when that is empty it draws from the node's piles, where there are
   other nodes, or steals; when nothing is left anywhere it delivers and rests, until work comes back or all is done. A
   failure is recorded for all, and every worker looks at that record before each claim. Whoever fails still flushes and
   ends its stream, so that nobody waits for it. */
#include "run/worker.h"

#include "base/clock.h"
#include "plan/deck.h"
#include "run/collect.h"
#include "run/isolate.h"
#include "run/ledger.h"
#include "run/server.h"
#include "run/stream.h"
#include "run/worker_inside.h"

enum { FEW_EACH = 2 }; /* claims of what waits, for each worker */

/* Where the units end that this worker may come to next: its own share behind the claim. */
static uint32_t end_of_share(const worker *w, furrow__range claim) {
  furrow__range share = furrow__range_read(share_of(w));
  bool goes_on = furrow__range_length(share) > 0 && share.begin == claim.end;
  return goes_on ? share.end : claim.end;
}

/* Of the items that wait: as many as are worth a claim, but some for everybody. */
static uint32_t share_of_stream(const worker *w, uint32_t left, uint32_t want) {
  uint32_t part = left / (FEW_EACH * w->pool->all.workers) + 1;
  return w->pace.fixed || part > want ? want : part;
}

/* A share of the node's lot or, on rank 0's node, of the deck; where large subtrees end, if it is for a reduction. */
static furrow__range draw(worker *w, uint32_t want) {
  furrow__board *board = &w->pool->board;
  furrow__range drawn = {0, 0};
  uint64_t first = furrow__is_stream(w->work) ? w->metrics->claims : 0; /* in turn: some piles may never be empty */
  for (uint64_t i = 0; i < FURROW__PILES && furrow__range_is_empty(drawn); i++) {
    furrow__pile *pile = &board->piles[(first + i) % FURROW__PILES];
    furrow__range left = furrow__range_read(&pile->units);
    uint32_t share = atomic_load_explicit(&pile->share, memory_order_relaxed);
    if (share == 0) share = furrow__deck_share(furrow__range_length(left), w->pool->all.workers, want);
    if (share < want) share = want;
    if (furrow__is_stream(w->work)) share = share_of_stream(w, furrow__range_length(left), want);
    if (furrow__is_reduction(w->work)) share = furrow__deck_align(left.begin, share);
    drawn = furrow__range_draw(&pile->units, share, share_of(w), want, board->steals);
  }
  return drawn;
}

static furrow__range steal(worker *w, uint32_t want) {
  furrow__board *board = &w->pool->board;
  furrow__range stolen =
      furrow__range_steal(board->ranges, board->workers, w->number, want, (uint32_t)w->pace.least, board->steals);
  w->metrics->steals += furrow__range_length(stolen) > 0;
  return stolen;
}

bool take_claim(worker *w, claimed *claim) {
  furrow__range_word *share = share_of(w);
  if (furrow__record_failed(w->record)) return false;
  uint32_t left = w->pace.fixed ? 0 : furrow__range_length(furrow__range_read(share));
  claim->units = furrow__range_take(share, furrow__pace_next(&w->pace, left));
  if (furrow__range_is_empty(claim->units)) {
    uint32_t want = furrow__pace_next(&w->pace, UINT32_MAX);
    if (w->spans || furrow__is_stream(w->work)) claim->units = draw(w, want);
    if (furrow__range_is_empty(claim->units)) claim->units = steal(w, want);
    if (furrow__range_is_empty(claim->units)) return false;
  }
  w->metrics->claims++;
  claim->share_end = w->flow.slot ? end_of_share(w, claim->units) : claim->units.end; /* only rings fetch ahead */
  return true;
}

static const uint64_t LISTEN_NANOSECONDS = 10000000; /* how long other nodes may be kept waiting */

/* For a run of units: its tasks may take a thousand times what they took before, and meanwhile the journal is to be kept, or
   other nodes are to be heard. A unit that must not be left half done is left only to stop. */
static void watch_clock(worker *w, bool can_leave) {
  furrow__running *running = &w->running;
  bool listens = is_courier(w);
  running->watches = w->journals || listens;
  running->stop = w->pool->stoppable ? &w->pool->stop : NULL;
  running->look_up = w->journals && can_leave ? w->shipped + SHIP_NANOSECONDS : 0;
  uint64_t listen = listens && can_leave ? furrow__now_roughly() + LISTEN_NANOSECONDS : 0;
  if (listen && (running->look_up == 0 || listen < running->look_up)) running->look_up = listen;
}

/* Between tasks. The work that is finished goes to the journal as this rank rests. */
bool asked_to_stop(worker *w) {
  if (!w->pool->stoppable || !furrow__stop_asked(&w->pool->stop)) return false;
  furrow__interrupted(w->pool, &w->running.error);
  return true;
}

/* Run a claim whose size the worker chose, from the time `start`; return the time. If another worker goes hungry meanwhile
   and what is left is worth a wake-up, it goes back to where that one can steal it; if not, half of it is run before the
   question is asked again. */
static uint64_t run_paced(worker *w, const claimed *claim, uint64_t start) {
  furrow__range rest = claim->units;
  bool can_share = furrow__is_reduction(w->work) || w->work->units.size == 1; /* no unit is left half done */
  uint64_t now = start;
  for (bool watch = can_share; furrow__range_length(rest) > 0 && is_good(w) && !furrow__record_failed(w->record);
       watch = !watch && can_share) {
    furrow__range part = rest;
    if (!watch && can_share) part.end = part.begin + (furrow__range_length(part) + 1) / 2;
    watch_clock(w, can_share);
    rest.begin = run_units(w, part, claim->share_end, watch);
    if (furrow__range_length(rest) > 0 && is_courier(w)) furrow__courier_step(w->pool);
    now = furrow__now();
    if (w->journals) guard_ship_at(w, now);
    bool hungry = atomic_load_explicit(&w->record->resting, memory_order_relaxed) != 0;
    if (asked_to_stop(w) || !hungry) continue;
    uint32_t left = furrow__range_length(rest), done = rest.begin - claim->units.begin;
    if (!watch || !is_good(w) || !furrow__pace_worth_sharing(left, done, now - start)) continue;
    furrow__range_give_back(share_of(w), rest, w->pool->board.steals);
    furrow__tell_news(w->pool);
    break;
  }
  furrow__pace_learn(&w->pace, rest.begin - claim->units.begin, now - start);
  return now;
}

/* A claim of the user's size needs no clock. Where other nodes have only this rank to talk to, it listens after each unit. */
static void run_fixed(worker *w, const claimed *claim) {
  bool listens = is_courier(w), looks_up = listens || w->journals;
  for (furrow__range rest = claim->units; furrow__range_length(rest) > 0 && is_good(w);) {
    furrow__range part = {rest.begin, looks_up ? rest.begin + 1 : rest.end};
    if (run_units(w, part, claim->share_end, false) < part.end || furrow__record_failed(w->record)) return;
    rest.begin = part.end;
    if (listens) furrow__courier_step(w->pool);
    if (w->journals) guard_ship_at(w, furrow__now());
    if (asked_to_stop(w)) return;
  }
}

/* What this worker does for others between its claims. Whether it took time. */
static bool help_others(worker *w) {
  bool helped = furrow__server_help(w->pool);
  if (!is_courier(w)) return helped;
  furrow__courier_step(w->pool);
  return true;
}

/* Claim and run until nothing is left to take. */
static void work_on(worker *w) {
  uint64_t start = furrow__now(), now = start;
  bool fixed = w->work->settings.chunk != 0, serves = w->pool->server || is_courier(w);
  for (claimed claim; is_good(w);) {
    if (w->guarded && guard_retry(w)) {
      now = furrow__now();
      continue;
    }
    if (w->journals) guard_ship_at(w, now);
    if (asked_to_stop(w) || !take_claim(w, &claim)) break;
    if (fixed)
      run_fixed(w, &claim);
    else
      now = run_paced(w, &claim, now);
    if (serves && help_others(w) && !fixed) now = furrow__now();
  }
  w->metrics->busy += furrow__seconds(furrow__now() - start);
}

/* Work and rest, until all workers rest. Whatever is delivered is on its way before one rests. */
static void work_through(worker *w) {
  uint32_t news;
  do {
    news = furrow__news(w->record);
    if (is_good(w)) (w->cell ? isolate_work_on : work_on)(w);
    if (w->running.error.status != FURROW_OK) furrow__record_fail(w->pool, &w->running.error);
    if (w->journals) guard_ship(w);
    furrow__flow_flush(&w->flow);
  } while (furrow__rest(w->pool, &w->waiter, news));
}

static bool no_memory_to_collect(worker *w) {
  furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                    "no memory for the ranks' accumulators of %zu bytes", w->work->result_size);
  return false;
}

/* The nodes' first ranks bring to rank 0 what their nodes hold, and agree whether there was memory for all of it. */
static void gather_nodes(worker *w) {
  furrow_pool *pool = w->pool;
  furrow_error *outcome = &w->record->outcome, of_work = *outcome; /* tasks may have failed */
  bool good = true;
  furrow_status status = furrow__collect_over(pool, pool->comm.leaders, &w->reduction, w->spare, &good);
  if (!good) no_memory_to_collect(w);
  *outcome = w->running.error;
  if (status == FURROW_OK) status = furrow__comm_verdict(&pool->comm, pool->comm.leaders, outcome);
  if (status == FURROW_OK) *outcome = of_work;
  if (status == FURROW_E_MPI) furrow__pool_break(pool, "an operation");
  furrow__open_end(pool);
}

/* After the work of a reduction: what the ranks hold becomes one. A rank that failed ends its stream all the same. */
static void bring_together(worker *w) {
  furrow__reduction_join(&w->reduction);
  bool first = furrow__is_first(w->pool);
  if (!first)
    furrow__collect_send(&w->flow, &w->reduction, !furrow__record_failed(w->record), w->lacks);
  else if (!furrow__collect_node(w->pool, &w->reduction, &w->layout) || w->lacks)
    no_memory_to_collect(w);
  if (first && w->running.error.status != FURROW_OK) furrow__record_fail(w->pool, &w->running.error);
  if (!w->spans)
    furrow__leave(w->pool);
  else if (first)
    gather_nodes(w);
  else
    furrow__await_end(w->pool);
  if (w->pool->comm.rank == 0) furrow__collect_finish(&w->reduction);
}

/* Where the operation is led, a verdict stands already: ranks need not come together after a failure. */
bool worker_is_to_bring(const worker *w) {
  bool stopped = furrow__is_led(w->pool) && !w->record->complete;
  return furrow__is_reduction(w->work) && w->pool->broken == FURROW_OK && !stopped;
}

/* Everything that the worker needs before it begins; or that it needs to bring accumulators together, if it never `works`. */
static bool get_ready(worker *w, bool works) {
  furrow__flow_owner owner = {w->number, &w->waiter, w->metrics, NULL};
  bool ready = furrow__courier_rings(w->pool, &owner.own);
  ready = furrow__flow_start(&w->flow, w->pool, w->work, &w->layout, w->traffic, &owner) && ready;
  if (w->spans && furrow__is_first(w->pool) && furrow__is_reduction(w->work) && !w->waiter.aside)
    ready = furrow__reduction_take(&w->reduction, &w->spare) && ready;
  if (w->guarded) ready = guard_start(w) && ready;
  if (w->work->settings.isolate && works) ready = isolate_start(w) && ready;
  if (!ready)
    furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                      "no memory for an item of %zu and a result of %zu bytes", w->work->item_size,
                      w->work->result_size);
  return ready;
}

void worker_start(worker *w, furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                  const furrow__traffic *traffic, int thread, bool aside) {
  *w = (worker){.pool = pool,
                .work = work,
                .traffic = traffic,
                .number = pool->comm.node_rank * pool->board.threads + thread,
                .waiter = {.aside = aside, .patience = {.manner = pool->patience.manner}},
                .metrics = aside ? &w->own_metrics : &pool->metrics,
                .record = furrow__record_of(pool),
                .reduction = furrow__reduction_start(work),
                .pace = furrow__pace_start(work->settings.chunk),
                .layout = *layout,
                .spans = furrow__spans_nodes(pool),
                .guarded = pool->guarded,
                .journals = work->settings.journal != 0,
                .shipped = furrow__now()};
  if (furrow__is_stream(work)) furrow__stream_find_store(&w->store, &pool->board, layout);
  furrow__running_start(&w->running, pool, work, thread);
  w->running.send = send_part;
  w->running.sender = w;
}

void worker_work(worker *w) {
  bool begun = get_ready(w, true) && !w->cell && is_good(w) && furrow__running_begin(&w->running);
  work_through(w);
  if (begun) furrow__running_end(&w->running);
  if (w->cell) isolate_end(w);
}

void worker_stand_by(worker *w) {
  if (furrow__is_reduction(w->work) && !get_ready(w, false)) {
    furrow__record_fail(w->pool, &w->running.error);
    furrow__rest_absent(w->pool, 0);
  }
  furrow__stand_by(w->pool);
}

void worker_free(worker *w) {
  if (w->guarded) guard_end(w);
  furrow__flow_free(&w->flow);
  if (!furrow__comm_is_lost(&w->pool->comm)) furrow__reduction_free(&w->reduction);
  furrow__running_free(&w->running);
}

furrow_status furrow__work_dynamic(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                                   const furrow__traffic *traffic) {
  worker w;
  worker_start(&w, pool, work, layout, traffic, 0, pool->comm.rank == 0 && work->conduct);
  if (w.journals && pool->comm.rank == 0) furrow__ledger_hand_over(pool->ledger, &w.reduction);
  crew_work(&w);
  if (furrow__is_led(pool)) furrow__leave_work(pool);
  if (worker_is_to_bring(&w)) bring_together(&w);
  worker_free(&w);
  return furrow__outcome(pool);
}
