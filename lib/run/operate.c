#include "run/operate.h"

#include <string.h>

#include "base/clock.h"
#include "run/courier.h"
#include "run/progress.h"
#include "run/reduction.h"
#include "run/server.h"
#include "run/static.h"
#include "run/worker.h"

static furrow__units units_of(const furrow__work *work) {
  if (!furrow__is_reduction(work)) return furrow__units_of_map(work->count);
  return furrow__units_of_leaves(work->count, work->result_size, work->settings.leaf);
}

static furrow__traffic traffic_of(const furrow_pool *pool, const furrow__work *work) {
  return (furrow__traffic){.count = work->count,
                           .item_size = work->item_size,
                           .result_size = work->result_size,
                           .reduction = furrow__is_reduction(work),
                           .workers = pool->comm.node_size - 1,
                           .item_window = pool->comm.node_index == 0,
                           .result_window = !furrow__spans_nodes(pool)};
}

static bool is_dynamic(const furrow_pool *pool, const furrow__work *work) {
  return furrow__has_board(pool) && work->settings.schedule != FURROW_SCHEDULE_STATIC;
}

/* A node's first rank sets its board up before it arrives, while no other rank of the node is in an operation. Where growing
   is refused, the rings are smaller. Where there are other nodes, units are dealt later. */
static furrow__layout set_up_board(furrow_pool *pool, const furrow__work *work, const furrow__traffic *traffic) {
  furrow__board *board = &pool->board;
  furrow__layout layout = furrow__layout_of(traffic, furrow__board_most_room(board));
  size_t fixed = (size_t)(board->data - board->arena.base);
  if (!furrow__arena_grow(&board->arena, fixed + layout.total))
    layout = furrow__layout_of(traffic, furrow__board_room(board));
  furrow__board_reset(board, furrow__spans_nodes(pool) ? 0 : (uint32_t)work->units.count);
  if (layout.items) memcpy(board->data, work->items, work->count * work->item_size);
  return layout;
}

/* Rank 0 serves the others of its node. */
static void set_up_service(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                           const furrow__traffic *traffic, furrow__call *call) {
  furrow_progress progress =
      furrow__progress_choose(work->options.progress, (furrow__progress_mode)pool->defaults.progress);
  bool needed = progress.report || furrow__layout_needs_server(layout, traffic->reduction);
  bool had = !needed || (furrow__server_have(pool) && (!progress.report || furrow__server_have_reporter(pool)));
  if (!had)
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: the system refuses a progress thread",
                      furrow__op_name(work->op));
  furrow__service service = {.items = work->items,
                             .results = layout->block && !traffic->reduction ? work->results : NULL,
                             .layout = *layout,
                             .traffic = *traffic,
                             .progress = progress,
                             .label = work->options.label};
  if (needed && call->status == FURROW_OK) furrow__server_begin(pool, &service);
}

static furrow__layout set_up(furrow_pool *pool, const furrow__work *work, furrow__call *call) {
  furrow__traffic traffic = traffic_of(pool, work);
  furrow__layout layout = set_up_board(pool, work, &traffic);
  if (pool->comm.rank == 0) set_up_service(pool, work, &layout, &traffic, call);
  return layout;
}

static furrow_status run(furrow_pool *pool, furrow__work *work, const furrow__layout *layout) {
  furrow_status status = FURROW_OK;
  furrow__traffic traffic = traffic_of(pool, work);
  if (is_dynamic(pool, work)) {
    pool->dynamic++;
    if (pool->courier) furrow__courier_begin(pool, work, layout);
    status = furrow__work_dynamic(pool, work, layout, &traffic);
    if (pool->courier) furrow__courier_end(pool);
  } else {
    status = furrow__work_static(pool, work);
  }
  return status;
}

furrow_status furrow__operate(furrow_pool *pool, furrow__work *work, furrow__call *call) {
  uint64_t start = furrow__now();
  double busy = pool->metrics.busy;
  furrow__layout layout = {0, 0, 0, 0, 0};
  bool root = pool->comm.rank == 0;
  work->settings = furrow__settings_of(&work->options, &pool->defaults, pool->series);
  work->units = units_of(work);
  bool perhaps = root ? is_dynamic(pool, work) : furrow__has_board(pool); /* rank 0's schedule counts */
  if (furrow__is_first(pool) && perhaps && call->status == FURROW_OK) layout = set_up(pool, work, call);
  furrow_status status = furrow__meet(pool, call, &work->settings, &layout);
  bool begun = status == FURROW_OK;
  if (begun) {
    work->units = units_of(work); /* rank 0's leaf counts */
    pool->series++;
    atomic_store(&pool->busy, true);
    status = run(pool, work, &layout);
    atomic_store(&pool->busy, false);
  }
  if (root) furrow__server_end(pool, begun);
  if (status != FURROW_OK) return status;
  if (root && layout.results) memcpy(work->results, pool->board.data + layout.items, work->count * work->result_size);
  if (root && work->count == 0 && furrow__is_reduction(work)) furrow__reduction_init(work, work->results);
  double elapsed = furrow__seconds(furrow__now() - start);
  pool->elapsed += elapsed;
  pool->metrics.idle += elapsed - (pool->metrics.busy - busy);
  return FURROW_OK;
}
