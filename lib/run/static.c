/* Each round: scatter items, compute, agree whether all went well, gather results. The agreement also waits, asleep,
   for ranks that take longer; so when data moves, everyone is there to move it. A reduction sends its accumulators at
   the end of each round, so that no rank keeps more than its block's 2 log2(leaves). Cost a round: one scatter, one
   allreduce of a word, one gather. */
#include "run/static.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plan/rounds.h"
#include "run/collect.h"
#include "run/execute.h"
#include "run/meet.h"
#include "run/progress.h"
#include "run/reduction.h"

typedef struct block_worker {
  furrow_pool *pool;
  const furrow__work *work;
  bool root;
  furrow__running running;
  furrow__reduction reduction;
  uint64_t round;        /* units a round */
  char *items, *results; /* other ranks': room for a block */
  uint32_t spare;        /* of a reduction: takes what comes when there is no memory left */
  furrow__ticker ticker;
  uint64_t done; /* tasks of finished rounds */
} block_worker;

static bool allocate(block_worker *w) {
  if (furrow__is_reduction(w->work) && !furrow__reduction_take(&w->reduction, &w->spare)) return false;
  if (w->root) return true;
  furrow__span block = furrow__block(w->round, 0, (uint64_t)w->pool->comm.size); /* no rank has more than rank 0 */
  uint64_t tasks = block.end * w->work->units.size;
  if (tasks > w->work->count) tasks = w->work->count;
  size_t item_bytes = tasks * w->work->item_size;
  size_t result_bytes = furrow__is_reduction(w->work) ? 0 : tasks * w->work->result_size;
  if (item_bytes) w->items = aligned_alloc(64, (item_bytes + 63) / 64 * 64);
  if (result_bytes) w->results = aligned_alloc(64, (result_bytes + 63) / 64 * 64);
  return (w->items || !item_bytes) && (w->results || !result_bytes);
}

static bool no_memory(block_worker *w, const char *what) {
  furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK, "no memory for %s", what);
  return false;
}

static bool map_block(block_worker *w, furrow__span tasks, const char *items) {
  size_t size = w->work->result_size;
  char *results = w->root && size ? (char *)w->work->results + tasks.begin * size : w->results;
  if (size) memset(results, 0, (tasks.end - tasks.begin) * size);
  return furrow__run_map(&w->running, tasks, items, size ? results : NULL) == tasks.end - tasks.begin;
}

static bool fold_block(block_worker *w, furrow__span leaves, const char *items) {
  for (uint64_t leaf = leaves.begin; leaf < leaves.end; leaf++) {
    uint32_t slot = 0;
    if (!furrow__reduction_take(&w->reduction, &slot)) return no_memory(w, "an accumulator");
    char *accumulator = furrow__reduction_at(&w->reduction, slot);
    furrow__span tasks = furrow__units_span(&w->work->units, leaf, leaf + 1);
    furrow__reduction_init(w->work, accumulator);
    if (!furrow__run_fold(&w->running, tasks, items, accumulator, true)) return false;
    if (items) items += (tasks.end - tasks.begin) * w->work->item_size;
    if (furrow__is_signalled(&w->running)) return false;
    furrow__reduction_add(&w->reduction, (furrow__node){leaf, 0, slot});
  }
  return true;
}

static bool compute(block_worker *w, furrow__span units) {
  uint64_t start = furrow__now();
  furrow__span tasks = furrow__units_span(&w->work->units, units.begin, units.end);
  size_t size = w->work->item_size;
  const char *items = w->root && size ? (const char *)w->work->items + tasks.begin * size : w->items;
  bool good = true;
  if (tasks.begin < tasks.end) /* a rank without a block has no memory for one either */
    good = furrow__is_reduction(w->work) ? fold_block(w, units, items) : map_block(w, tasks, items);
  furrow_rank_metrics *metrics = &w->pool->metrics;
  metrics->busy += furrow__seconds(furrow__now() - start);
  metrics->claims++;
  if (good) metrics->tasks += tasks.end - tasks.begin;
  if (w->root) return good;
  metrics->bytes_in += (tasks.end - tasks.begin) * size;
  if (good && !furrow__is_reduction(w->work)) metrics->bytes_out += (tasks.end - tasks.begin) * w->work->result_size;
  return good;
}

/* ---- rounds ---- */

/* The worst of all ranks' errors, in the pool. */
static furrow_status verdict(block_worker *w) {
  w->pool->error = w->running.error;
  return furrow__comm_verdict(&w->pool->comm, w->pool->comm.all, &w->pool->error);
}

/* Agree afterwards: rank 0 may have run out of memory; and nobody waits awake for the next round's items. */
static furrow_status merge_ranks(block_worker *w) {
  bool good = true;
  furrow_status status = furrow__collect_over(w->pool, w->pool->comm.all, &w->reduction, w->spare, &good);
  if (!good) no_memory(w, "the ranks' accumulators");
  return status == FURROW_OK ? verdict(w) : status;
}

static furrow_status run_round(block_worker *w, uint64_t first, uint64_t count) {
  const furrow__work *work = w->work;
  furrow__comm *comm = &w->pool->comm;
  furrow__span units = {first, first + count};
  furrow__deal in = {work->items, NULL, w->items, work->item_size, work->units, units};
  furrow_status status = furrow__comm_scatter(comm, &in);
  if (status != FURROW_OK) return status;
  if (w->running.error.status == FURROW_OK) compute(w, furrow__deal_block(comm, &in, comm->rank));
  if (w->running.error.status != FURROW_OK && furrow__has_board(w->pool))
    furrow__record_fail(w->pool, &w->running.error); /* the others need not go on */
  status = verdict(w);
  if (status != FURROW_OK) return status;
  if (furrow__is_reduction(work)) return merge_ranks(w);
  furrow__deal out = {NULL, work->results, w->results, work->result_size, work->units, units};
  return furrow__comm_gather(comm, &out);
}

static furrow_status run_rounds(block_worker *w) {
  uint64_t units = w->work->units.count;
  furrow_status status = w->work->item_size || units == 0 ? verdict(w) : FURROW_OK;
  for (uint64_t first = 0; first < units && status == FURROW_OK;) {
    uint64_t count = units - first < w->round ? units - first : w->round;
    status = run_round(w, first, count);
    first += count;
    if (status == FURROW_OK) w->done = furrow__units_span(&w->work->units, 0, first).end;
    furrow__ticker_tick(&w->ticker, w->done);
  }
  return status;
}

furrow_status furrow__work_static(furrow_pool *pool, const furrow__work *work) {
  block_worker w = {.pool = pool, .work = work, .root = pool->comm.rank == 0};
  bool reduction = furrow__is_reduction(work);
  size_t bytes = reduction || work->item_size > work->result_size ? work->item_size : work->result_size;
  uint64_t unit_bytes = bytes && work->units.size > SIZE_MAX / bytes ? SIZE_MAX : work->units.size * bytes;
  w.round = furrow__round_units(work->units.count, unit_bytes, (uint64_t)pool->comm.size, FURROW__TRANSFER);
  w.reduction = furrow__reduction_start(work);
  furrow_progress progress =
      furrow__progress_choose(w.root ? work->options.progress : NULL,
                              w.root ? (furrow__progress_mode)pool->defaults.progress : FURROW__PROGRESS_OFF);
  w.ticker = furrow__ticker_start(&progress, work->options.label, work->count);
  furrow__running_start(&w.running, pool, work, 0);
  if (furrow__has_board(pool)) w.running.signal = &furrow__record_of(pool)->failer; /* else: at the end of the round */
  bool ready = allocate(&w) || no_memory(&w, "a block of items and results");
  bool begun = ready && furrow__running_begin(&w.running);
  furrow_status status = run_rounds(&w);
  if (begun) furrow__running_end(&w.running);
  if (status == FURROW_OK && w.root && reduction) furrow__collect_finish(&w.reduction);
  furrow__ticker_stop(&w.ticker, w.done, true);
  if (!furrow__comm_is_lost(&pool->comm)) furrow__reduction_free(&w.reduction);
  furrow__comm_free_buffer(&pool->comm, w.items);
  furrow__comm_free_buffer(&pool->comm, w.results);
  return status == FURROW_E_MPI ? furrow__pool_break(pool, furrow__op_name(work->op)) : status;
}
