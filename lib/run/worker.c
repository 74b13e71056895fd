/* A worker claims units of its own share from the front; when that is empty it steals; when nothing is left anywhere it
   delivers and leaves. A failure is recorded for all, and every worker looks at that record before each claim. Whoever
   fails still flushes and ends its stream, so that nobody waits for it. */
#include "run/worker.h"

#include "base/clock.h"
#include "plan/pace.h"
#include "run/collect.h"
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
} worker;

/* Units taken, and where the worker's share of tasks ends behind them. */
typedef struct claimed {
  furrow__range units;
  uint64_t share_end;
} claimed;

static bool take_claim(worker *w, claimed *claim) {
  furrow__board *board = &w->pool->board;
  int me = w->pool->comm.rank;
  if (furrow__record_failed(w->record)) return false;
  furrow__range share = furrow__range_read(&board->ranges[me]);
  claim->units = furrow__range_take(&board->ranges[me], furrow__pace_next(&w->pace, furrow__range_length(share)));
  if (furrow__range_length(claim->units) == 0) {
    claim->units =
        furrow__range_steal(board->ranges, board->ranks, me, furrow__pace_next(&w->pace, UINT32_MAX), board->steals);
    if (furrow__range_length(claim->units) == 0) return false;
    w->pool->metrics.steals++;
  }
  w->pool->metrics.claims++;
  share = furrow__range_read(&board->ranges[me]);
  bool goes_on = furrow__range_length(share) > 0 && share.begin == claim->units.end;
  uint32_t end = goes_on ? share.end : claim->units.end;
  claim->share_end = furrow__units_span(&w->work->units, claim->units.begin, end).end;
  return true;
}

static bool map_units(worker *w, furrow__range units, uint64_t share_end) {
  furrow__span todo = furrow__units_span(&w->work->units, units.begin, units.end);
  while (todo.begin < todo.end) {
    const char *items = NULL;
    char *results = NULL;
    furrow__span now = furrow__flow_items(&w->flow, todo, share_end, &items);
    now = furrow__flow_room(&w->flow, now, &results);
    if (!furrow__run_map(&w->running, now, items, results)) return false;
    furrow__flow_deliver(&w->flow, now);
    todo.begin = now.end;
  }
  return true;
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
    if (!furrow__run_fold(&w->running, now, items, accumulator, now.begin == leaf_span.begin)) return false;
    todo.begin = now.end;
  }
  furrow__reduction_add(&w->reduction, (furrow__node){leaf, 0, slot});
  return true;
}

static bool reduce_units(worker *w, furrow__range units, uint64_t share_end) {
  for (uint64_t leaf = units.begin; leaf < units.end; leaf++)
    if (!fold_leaf(w, leaf, share_end)) return false;
  return true;
}

static void count_tasks(worker *w, furrow__range units) {
  furrow__span tasks = furrow__units_span(&w->work->units, units.begin, units.end);
  _Atomic uint64_t *done = &w->pool->board.done[w->pool->comm.rank].tasks;
  w->pool->metrics.tasks += tasks.end - tasks.begin;
  uint64_t before = atomic_load_explicit(done, memory_order_relaxed); /* its only writer is here */
  atomic_store_explicit(done, before + tasks.end - tasks.begin, memory_order_relaxed);
}

/* Run a claim in slices. If it takes far longer than expected, the rest goes back to where others can steal it. Returns
   the time now, in *now; false if something failed here. */
static bool run_claim(worker *w, const claimed *claim, uint64_t start, uint64_t *now) {
  furrow__range rest = claim->units, slice = rest;
  uint32_t length = furrow__pace_slice(&w->pace, furrow__range_length(rest));
  bool good = true;
  for (; good && furrow__range_length(rest) > 0; rest.begin = slice.end) {
    if (*now - start > 0 && furrow__pace_is_late(&w->pace, *now - start)) break;
    slice.begin = rest.begin;
    slice.end = furrow__range_length(rest) > length ? rest.begin + length : rest.end;
    good = furrow__is_reduction(w->work) ? reduce_units(w, slice, claim->share_end)
                                         : map_units(w, slice, claim->share_end);
    if (good) count_tasks(w, slice);
    *now = furrow__now();
  }
  int me = w->pool->comm.rank;
  if (good && furrow__range_length(rest) > 0)
    furrow__range_give_back(&w->pool->board.ranges[me], rest, w->pool->board.steals);
  furrow__pace_learn(&w->pace, rest.begin - claim->units.begin, *now - start);
  return good;
}

/* False if something failed here. */
static bool work_through(worker *w) {
  bool root = w->pool->comm.rank == 0, good = true;
  uint64_t then = furrow__now(), busy = 0;
  for (claimed claim; good && take_claim(w, &claim);) {
    uint64_t now = then;
    good = run_claim(w, &claim, then, &now);
    busy += now - then;
    then = now;
    if (!root || !w->pool->server) continue;
    furrow__server_help(w->pool);
    then = furrow__now();
  }
  w->pool->metrics.busy += furrow__seconds(busy);
  return good;
}

static bool run_tasks(worker *w) {
  if (!furrow__running_begin(&w->running)) return false;
  bool good = work_through(w);
  furrow__running_end(&w->running);
  return good;
}

static void deliver_rest(worker *w, bool good) {
  if (!furrow__is_reduction(w->work)) {
    if (w->pool->comm.rank != 0) furrow__flow_flush(&w->flow);
  } else if (w->pool->comm.rank != 0) {
    furrow__collect_send(&w->flow, &w->reduction, good && !furrow__record_failed(w->record));
  } else if (!furrow__collect(w->pool, &w->reduction, &w->flow.layout)) {
    furrow_error error;
    furrow__error_set(&error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                      "no memory for the ranks' accumulators of %zu bytes", w->work->result_size);
    furrow__record_fail(w->pool, &error);
  }
}

furrow_status furrow__work_dynamic(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                                   const furrow__traffic *traffic) {
  worker w = {.pool = pool,
              .work = work,
              .record = furrow__record_of(pool),
              .reduction = furrow__reduction_start(work),
              .pace = furrow__pace_start(work->settings.chunk)};
  furrow__running_start(&w.running, pool, work);
  bool good = furrow__flow_start(&w.flow, pool, layout, traffic, work->items, work->results);
  if (!good)
    furrow__error_set(&w.running.error, FURROW_E_NOMEM, w.running.where, FURROW_NO_TASK,
                      "no memory for an item of %zu and a result of %zu bytes", work->item_size, work->result_size);
  good = good && run_tasks(&w);
  if (!good) furrow__record_fail(pool, &w.running.error);
  deliver_rest(&w, good);
  furrow_status status = furrow__leave(pool);
  furrow__flow_free(&w.flow);
  furrow__reduction_free(&w.reduction);
  return status;
}
