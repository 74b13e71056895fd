/* A worker claims units of its own share from the front; when that is empty it draws from the node's piles, where there are
   other nodes, or steals; when nothing is left anywhere it delivers and rests, until work comes back or all is done. A failure is recorded for all, and every worker looks at that
   record before each claim. Whoever fails still flushes and ends its stream, so that nobody waits for it. */
#include "run/worker.h"

#include "base/clock.h"
#include "plan/deck.h"
#include "plan/pace.h"
#include "run/collect.h"
#include "run/courier.h"
#include "run/execute.h"
#include "run/flow.h"
#include "run/meet.h"
#include "run/reduction.h"
#include "run/server.h"

typedef struct worker {
  furrow_pool *pool;
  const furrow__work *work;
  furrow__record *record;
  furrow__running running;
  furrow__flow flow;
  furrow__reduction reduction;
  furrow__pace pace;
  furrow__layout layout;
  bool spans;     /* there are other nodes */
  uint32_t spare; /* then, of a first rank in a reduction: takes what comes when there is no memory left */
} worker;

/* Units taken, and where the worker's share of tasks ends behind them. */
typedef struct claimed {
  furrow__range units;
  uint64_t share_end;
} claimed;

/* Where the tasks end that this worker may come to next: its own share behind the claim. */
static uint64_t end_of_share(const worker *w, furrow__range claim) {
  furrow__range share = furrow__range_read(&w->pool->board.ranges[w->pool->comm.node_rank]);
  bool goes_on = furrow__range_length(share) > 0 && share.begin == claim.end;
  return furrow__units_span(&w->work->units, claim.begin, goes_on ? share.end : claim.end).end;
}

/* A share of the node's lot or, on rank 0's node, of the deck; where large subtrees end, if it is for a reduction. */
static furrow__range draw(worker *w, uint32_t want) {
  furrow__board *board = &w->pool->board;
  furrow__range drawn = {0, 0};
  for (int i = 0; i < FURROW__PILES && furrow__range_is_empty(drawn); i++) {
    furrow__pile *pile = &board->piles[i];
    furrow__range left = furrow__range_read(&pile->units);
    uint32_t share = atomic_load_explicit(&pile->share, memory_order_relaxed);
    if (share == 0) share = furrow__deck_share(furrow__range_length(left), (uint64_t)w->pool->comm.size, want);
    if (share < want) share = want;
    if (furrow__is_reduction(w->work)) share = furrow__deck_align(left.begin, share);
    drawn = furrow__range_draw(&pile->units, share, &board->ranges[w->pool->comm.node_rank], want, board->steals);
  }
  return drawn;
}

static furrow__range steal(worker *w, uint32_t want) {
  furrow__board *board = &w->pool->board;
  furrow__range stolen = furrow__range_steal(board->ranges, board->ranks, w->pool->comm.node_rank, want,
                                             (uint32_t)w->pace.least, board->steals);
  w->pool->metrics.steals += furrow__range_length(stolen) > 0;
  return stolen;
}

static bool take_claim(worker *w, claimed *claim) {
  furrow__board *board = &w->pool->board;
  int me = w->pool->comm.node_rank;
  if (furrow__record_failed(w->record)) return false;
  uint32_t left = w->pace.fixed ? 0 : furrow__range_length(furrow__range_read(&board->ranges[me]));
  claim->units = furrow__range_take(&board->ranges[me], furrow__pace_next(&w->pace, left));
  if (furrow__range_is_empty(claim->units)) {
    uint32_t want = furrow__pace_next(&w->pace, UINT32_MAX);
    if (w->spans) claim->units = draw(w, want);
    if (furrow__range_is_empty(claim->units)) claim->units = steal(w, want);
    if (furrow__range_is_empty(claim->units)) return false;
  }
  w->pool->metrics.claims++;
  claim->share_end = w->flow.slot ? end_of_share(w, claim->units) : 0; /* only rings fetch ahead */
  return true;
}

/* Map units until one fails, or another worker goes hungry; returns how many. */
static uint32_t map_units(worker *w, furrow__range units, uint64_t share_end) {
  furrow__span all = furrow__units_span(&w->work->units, units.begin, units.end), todo = all;
  while (todo.begin < todo.end) {
    const char *items = NULL;
    char *results = NULL;
    furrow__span now = furrow__flow_items(&w->flow, todo, share_end, &items);
    now = furrow__flow_room(&w->flow, now, &results);
    if (w->flow.is_broken) break;
    uint64_t done = furrow__run_map(&w->running, now, items, results);
    bool all_done = now.begin + done == now.end;
    if (done) furrow__flow_deliver(&w->flow, (furrow__span){now.begin, now.begin + done});
    todo.begin = now.begin + done;
    if (!all_done) break;
  }
  if (todo.begin == all.end) return furrow__range_length(units); /* the last unit may be shorter than the others */
  return (uint32_t)((todo.begin - all.begin) / w->work->units.size);
}

static bool fold_leaf(worker *w, uint64_t leaf, uint64_t share_end) {
  uint32_t slot = 0;
  if (!furrow__reduction_take(&w->reduction, &slot)) {
    furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                      "no memory for an accumulator of %zu bytes", w->work->result_size);
    return false;
  }
  char *accumulator = furrow__reduction_at(&w->reduction, slot);
  furrow__span leaf_span = furrow__units_span(&w->work->units, leaf, leaf + 1), todo = leaf_span;
  furrow__reduction_init(w->work, accumulator);
  while (todo.begin < todo.end) {
    const char *items = NULL;
    furrow__span now = furrow__flow_items(&w->flow, todo, share_end, &items);
    if (w->flow.is_broken) return false;
    if (!furrow__run_fold(&w->running, now, items, accumulator, now.begin == leaf_span.begin)) return false;
    todo.begin = now.end;
  }
  furrow__reduction_add(&w->reduction, (furrow__node){leaf, 0, slot});
  return true;
}

/* The same with leaves. */
static uint32_t reduce_units(worker *w, furrow__range units, uint64_t share_end) {
  for (uint32_t i = units.begin; i < units.end; i++) {
    if (!fold_leaf(w, i, share_end)) return i - units.begin;
    if (furrow__is_signalled(&w->running)) return i + 1 - units.begin;
  }
  return furrow__range_length(units);
}

static void count_tasks(worker *w, furrow__range units) {
  furrow__span tasks = furrow__units_span(&w->work->units, units.begin, units.end);
  _Atomic uint64_t *done = &w->pool->board.done[w->pool->comm.node_rank].tasks;
  w->pool->metrics.tasks += tasks.end - tasks.begin;
  if (w->spans && !furrow__flow_posts(&w->flow)) furrow__flow_settle(&w->flow, tasks.end - tasks.begin);
  if (w->flow.items && w->pool->comm.rank != 0) /* what comes through rings is counted there */
    w->pool->metrics.bytes_in += (tasks.end - tasks.begin) * w->work->item_size;
  uint64_t before = atomic_load_explicit(done, memory_order_relaxed); /* its only writer is here */
  atomic_store_explicit(done, before + tasks.end - tasks.begin, memory_order_relaxed);
}

static bool is_good(const worker *w) {
  return w->running.error.status == FURROW_OK && !w->flow.is_broken;
}

/* Run units until the end, a failure anywhere, or hunger elsewhere if that is watched. Returns where it stopped. */
static uint32_t run_units(worker *w, furrow__range units, uint64_t share_end, bool watch) {
  w->running.signal = watch ? &w->record->resting : &w->record->failer;
  uint32_t done = furrow__is_reduction(w->work) ? reduce_units(w, units, share_end) : map_units(w, units, share_end);
  count_tasks(w, (furrow__range){units.begin, units.begin + done});
  return units.begin + done;
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
    rest.begin = run_units(w, part, claim->share_end, watch);
    now = furrow__now();
    uint32_t left = furrow__range_length(rest), done = rest.begin - claim->units.begin;
    if (!watch || !is_good(w) || !furrow__pace_worth_sharing(left, done, now - start)) continue;
    furrow__range_give_back(&w->pool->board.ranges[w->pool->comm.node_rank], rest, w->pool->board.steals);
    furrow__tell_news(w->pool);
    break;
  }
  furrow__pace_learn(&w->pace, rest.begin - claim->units.begin, now - start);
  return now;
}

/* A claim of the user's size needs no clock. Where other nodes have only this rank to talk to, it listens after each unit. */
static void run_fixed(worker *w, const claimed *claim) {
  bool listens = furrow__courier_is_ours(w->pool);
  for (furrow__range rest = claim->units; furrow__range_length(rest) > 0 && is_good(w);) {
    furrow__range part = {rest.begin, listens ? rest.begin + 1 : rest.end};
    if (run_units(w, part, claim->share_end, false) < part.end || furrow__record_failed(w->record)) return;
    rest.begin = part.end;
    if (listens) furrow__courier_step(w->pool);
  }
}

/* What this rank does for others between its claims. Whether it took time. */
static bool help_others(worker *w) {
  bool helped = furrow__server_help(w->pool);
  if (!furrow__courier_is_ours(w->pool)) return helped;
  furrow__courier_step(w->pool);
  return true;
}

/* Claim and run until nothing is left to take. */
static void work_on(worker *w) {
  uint64_t start = furrow__now(), now = start;
  bool fixed = w->work->settings.chunk != 0, serves = w->pool->server || furrow__courier_is_ours(w->pool);
  for (claimed claim; is_good(w) && take_claim(w, &claim);) {
    if (fixed)
      run_fixed(w, &claim);
    else
      now = run_paced(w, &claim, now);
    if (serves && help_others(w) && !fixed) now = furrow__now();
  }
  w->pool->metrics.busy += furrow__seconds(furrow__now() - start);
}

/* Work and rest, until all ranks rest. Whatever is delivered is on its way before a rank rests. */
static void work_through(worker *w) {
  uint32_t news;
  do {
    news = furrow__news(w->record);
    if (is_good(w)) work_on(w);
    if (w->running.error.status != FURROW_OK) furrow__record_fail(w->pool, &w->running.error);
    furrow__flow_flush(&w->flow);
  } while (furrow__rest(w->pool, news));
}

static bool no_memory_to_collect(worker *w) {
  furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                    "no memory for the ranks' accumulators of %zu bytes", w->work->result_size);
  return false;
}

/* The nodes' first ranks bring to rank 0 what their nodes hold, and agree whether there was memory for all of it. */
static void gather_nodes(worker *w) {
  furrow_pool *pool = w->pool;
  furrow_error *outcome = &w->record->outcome;
  bool good = true;
  furrow_status status = furrow__collect_over(pool, pool->comm.leaders, &w->reduction, w->spare, &good);
  if (!good) no_memory_to_collect(w);
  *outcome = w->running.error;
  if (status == FURROW_OK) status = furrow__comm_verdict(&pool->comm, pool->comm.leaders, outcome);
  if (status == FURROW_E_MPI) furrow__pool_break(pool, "an operation");
  furrow__open_end(pool);
}

/* After the work of a reduction: what the ranks hold becomes one. A rank that failed ends its stream all the same. */
static void bring_together(worker *w) {
  bool first = furrow__is_first(w->pool);
  if (!first)
    furrow__collect_send(&w->flow, &w->reduction, !furrow__record_failed(w->record));
  else if (!furrow__collect_node(w->pool, &w->reduction, &w->layout))
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

/* Where there are several nodes, a verdict stands already: they need not come together after a failure. */
static bool is_to_bring(const worker *w) {
  bool over = w->spans && w->record->outcome.status != FURROW_OK;
  return furrow__is_reduction(w->work) && w->pool->broken == FURROW_OK && !over;
}

furrow_status furrow__work_dynamic(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                                   const furrow__traffic *traffic) {
  worker w = {.pool = pool,
              .work = work,
              .record = furrow__record_of(pool),
              .reduction = furrow__reduction_start(work),
              .pace = furrow__pace_start(work->settings.chunk),
              .layout = *layout,
              .spans = furrow__spans_nodes(pool)};
  const furrow__own_rings *own = NULL;
  furrow__running_start(&w.running, pool, work);
  bool ready = furrow__courier_rings(pool, &own);
  ready = furrow__flow_start(&w.flow, pool, layout, traffic, work->items, work->results, own) && ready;
  if (w.spans && furrow__is_first(pool) && furrow__is_reduction(work))
    ready = furrow__reduction_take(&w.reduction, &w.spare) && ready;
  if (!ready)
    furrow__error_set(&w.running.error, FURROW_E_NOMEM, w.running.where, FURROW_NO_TASK,
                      "no memory for an item of %zu and a result of %zu bytes", work->item_size, work->result_size);
  bool begun = ready && furrow__running_begin(&w.running);
  work_through(&w);
  if (begun) furrow__running_end(&w.running);
  if (w.spans) furrow__leave_work(pool);
  if (is_to_bring(&w)) bring_together(&w);
  furrow__flow_free(&w.flow);
  furrow__reduction_free(&w.reduction);
  return furrow__outcome(pool);
}
