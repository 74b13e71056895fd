#include "run/operate.h"

#include <string.h>

#include "base/clock.h"
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
  return (furrow__traffic){work->count, work->item_size, work->result_size, furrow__is_reduction(work),
                           pool->comm.size - 1};
}

static bool is_dynamic(const furrow_pool *pool, const furrow__work *work) {
  return furrow__has_board(pool) && work->settings.schedule != FURROW_SCHEDULE_STATIC;
}

/* Rank 0 sets the board up before it arrives, while no other rank is in an operation. Where growing is refused, the
   rings are smaller. */
static furrow__layout set_up(furrow_pool *pool, const furrow__work *work, furrow__call *call) {
  furrow__board *board = &pool->board;
  furrow__traffic traffic = traffic_of(pool, work);
  furrow__layout layout = furrow__layout_of(&traffic, furrow__board_most_room(board));
  size_t fixed = (size_t)(board->data - board->arena.base);
  if (!furrow__arena_grow(&board->arena, fixed + layout.total))
    layout = furrow__layout_of(&traffic, furrow__board_room(board));
  furrow__board_reset(board, (uint32_t)work->units.count);
  if (layout.items) memcpy(board->data, work->items, work->count * work->item_size);
  furrow_progress progress =
      furrow__progress_choose(work->options.progress, (furrow__progress_mode)pool->defaults.progress);
  bool needed = progress.report || furrow__layout_needs_server(&layout, traffic.reduction);
  if (needed && !furrow__server_have(pool))
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: the system refuses a progress thread",
                      furrow__op_name(work->op));
  furrow__service service = {.items = work->items,
                             .results = layout.block && !traffic.reduction ? work->results : NULL,
                             .layout = layout,
                             .traffic = traffic,
                             .progress = progress,
                             .label = work->options.label};
  if (needed && call->status == FURROW_OK) furrow__server_begin(pool, &service);
  return layout;
}

static furrow_status run(furrow_pool *pool, furrow__work *work, const furrow__layout *layout) {
  furrow_status status = FURROW_OK;
  furrow__traffic traffic = traffic_of(pool, work);
  if (is_dynamic(pool, work)) {
    pool->dynamic++;
    status = furrow__work_dynamic(pool, work, layout, &traffic);
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
  if (root && is_dynamic(pool, work) && call->status == FURROW_OK) layout = set_up(pool, work, call);
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
