#include "run/operate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/courier.h"
#include "run/ledger.h"
#include "run/progress.h"
#include "run/reduction.h"
#include "run/roster.h"
#include "run/server.h"
#include "run/static.h"
#include "run/stream.h"
#include "run/worker.h"

/* A stream numbers its items as they come. */
static furrow__units units_of(const furrow__work *work) {
  if (!furrow__is_reduction(work)) return furrow__units_of_map(work->count);
  return furrow__units_of_leaves(work->count, work->result_size, work->settings.leaf);
}

/* Other nodes than rank 0's do not know yet whether the operation is guarded. */
static furrow__traffic traffic_of(const furrow_pool *pool, const furrow__work *work) {
  bool everyone = work->settings.guarded || pool->comm.node_index > 0;
  int without = everyone ? 0 : pool->board.threads;
  return (furrow__traffic){.count = work->count,
                           .item_size = work->item_size,
                           .result_size = work->result_size,
                           .reduction = furrow__is_reduction(work),
                           .workers = pool->board.workers - without,
                           .item_window = pool->comm.node_index == 0,
                           .result_window = !furrow__spans_nodes(pool) && !everyone,
                           .everyone = everyone,
                           .without = without};
}

static bool is_dynamic(const furrow_pool *pool, const furrow__work *work) {
  bool needed = work->settings.guarded || work->settings.threads > 1;
  return furrow__has_board(pool) && (needed || work->settings.schedule != FURROW_SCHEDULE_STATIC);
}

/* Have room on the board for so many threads a rank. False: there is none. */
static bool have_room(furrow_pool *pool, int threads) {
  furrow__board *board = &pool->board;
  furrow__board_set_threads(board, 1);
  if (threads > 1 && !furrow__arena_grow(&board->arena, furrow__board_least_size(board->ranks, threads))) return false;
  furrow__board_set_threads(board, threads);
  return true;
}

static furrow__layout layout_of(const furrow_pool *pool, const furrow__work *work, const furrow__traffic *traffic,
                                size_t room) {
  if (!furrow__is_stream(work)) return furrow__layout_of(traffic, room);
  return furrow__layout_of_stream(furrow__store_directory(), pool->board.workers, room);
}

/* Whether a stream's directory and rings fit on this node. */
static bool holds_items(const furrow__work *work, const furrow__layout *layout) {
  return !furrow__is_stream(work) || layout->items > 0;
}

/* A node's first rank sets its board up before it arrives, while no other rank of the node is in an operation. Where growing
   is refused, the rings are smaller. Where there are other nodes, units are dealt later. */
static furrow__layout set_up_board(furrow_pool *pool, const furrow__work *work, const furrow__traffic *traffic) {
  furrow__board *board = &pool->board;
  furrow__layout layout = layout_of(pool, work, traffic, furrow__board_most_room(board));
  size_t fixed = (size_t)(board->data - board->arena.base);
  if (!furrow__arena_grow(&board->arena, fixed + layout.total))
    layout = layout_of(pool, work, traffic, furrow__board_room(board));
  furrow__board_reset(board, furrow__spans_nodes(pool) ? 0 : (uint32_t)work->todo.count);
  if (layout.items && !furrow__is_stream(work)) memcpy(board->data, work->items, work->count * work->item_size);
  return layout;
}

/* Rank 0 serves the others of its node. */
static void set_up_service(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                           const furrow__traffic *traffic, furrow__call *call) {
  furrow_progress progress =
      furrow__progress_choose(work->options.progress, (furrow__progress_mode)pool->defaults.progress);
  bool guarded = work->settings.guarded != 0;
  bool needed = progress.report || guarded || furrow__layout_needs_server(layout, traffic->reduction);
  bool had = !needed || (furrow__server_have(pool) && (!progress.report || furrow__server_have_reporter(pool)));
  if (!had)
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: the system refuses a progress thread",
                      furrow__op_name(work->op));
  furrow__service service = {.items = work->items,
                             .ledger = guarded ? pool->ledger : NULL,
                             .results = layout->block && !traffic->reduction ? work->results : NULL,
                             .layout = *layout,
                             .traffic = *traffic,
                             .progress = progress,
                             .label = work->options.label};
  if (needed && call->status == FURROW_OK) furrow__server_begin(pool, &service);
}

/* Before the meeting. */
static void open_stream(furrow_pool *pool, furrow__work *work, furrow__call *call) {
  if (call->status != FURROW_OK) return;
  work->conductor = furrow__stream_create(pool, work);
  work->conduct = furrow__stream_conduct;
  work->conduct_context = work->conductor;
  if (!work->conductor) furrow__call_fail(pool, call, FURROW_E_NOMEM, "furrow_stream: no memory for its results");
}

/* Other nodes than rank 0's do not know yet how many threads a rank has: see set_up_again(). */
static furrow__layout set_up(furrow_pool *pool, const furrow__work *work, furrow__call *call) {
  int threads = pool->comm.node_index == 0 ? (int)work->settings.threads : 1;
  if (!have_room(pool, threads)) {
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: no room in shared memory for %d threads a rank",
                      furrow__op_name(work->op), threads);
    return (furrow__layout){0};
  }
  furrow__traffic traffic = traffic_of(pool, work);
  furrow__layout layout = set_up_board(pool, work, &traffic);
  bool holds = holds_items(work, &layout);
  if (!holds || (work->conductor && !furrow__stream_have_store(work->conductor, &layout)))
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "furrow_stream: no room for items in %zu bytes of shared memory",
                      holds ? pool->board.arena.limit : pool->board.arena.size);
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

/* Rank 0 knows what a journal leaves to do; the others learn it. Costs messages, but only then. */
static furrow_status share_todo(furrow_pool *pool, furrow__work *work, furrow__stretch *stretches) {
  furrow_error error;
  furrow__error_clear(&error);
  if (!stretches)
    furrow__error_set(&error, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK, "no memory for what is left to do");
  furrow__comm *comm = &pool->comm;
  furrow_status status = furrow__comm_verdict(comm, comm->all, &error);
  size_t bytes = (work->settings.gaps - 1) * sizeof *stretches;
  if (status == FURROW_OK) status = furrow__comm_bcast(comm, comm->all, 0, stretches, bytes);
  if (status == FURROW_OK) status = furrow__comm_bcast(comm, comm->all, 0, &work->todo.count, sizeof work->todo.count);
  if (status == FURROW_E_MPI) return furrow__pool_break(pool, furrow__op_name(work->op));
  if (status != FURROW_OK) pool->error = error;
  return status;
}

/* The stretches are the ledger's on rank 0, and freed in the end elsewhere. */
static furrow_status learn_todo(furrow_pool *pool, furrow__work *work) {
  uint64_t count = work->settings.gaps - 1;
  if (pool->comm.size == 1) return FURROW_OK;
  if (pool->comm.rank != 0) {
    work->left = malloc((count + 1) * sizeof *work->left);
    work->todo = (furrow__todo){0, work->left, count};
  }
  return share_todo(pool, work, pool->comm.rank == 0 ? (furrow__stretch *)work->todo.stretches : work->left);
}

/* On other nodes than rank 0's, when all know how many threads a rank has. Costs an agreement of all ranks, but only then. */
static furrow_status set_up_again(furrow_pool *pool, const furrow__work *work, furrow__layout *layout) {
  furrow_error error;
  furrow__error_clear(&error);
  int threads = (int)work->settings.threads;
  bool elsewhere = pool->comm.node_index > 0, sets_up = elsewhere && furrow__is_first(pool);
  furrow__meeting *record = furrow__record_of(pool);
  if (sets_up && have_room(pool, threads) && furrow__courier_have_workers(pool, pool->board.workers)) {
    furrow__traffic traffic = traffic_of(pool, work);
    record->second_layout = set_up_board(pool, work, &traffic);
    if (!holds_items(work, &record->second_layout))
      furrow__error_set(&error, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK,
                        "furrow_stream: no room for items in %zu bytes of shared memory", pool->board.arena.size);
  } else if (sets_up) {
    furrow__error_set(&error, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK, "%s: no room for %d threads a rank",
                      furrow__op_name(work->op), threads);
  }
  furrow_status status = furrow__comm_verdict(&pool->comm, pool->comm.all, &error);
  if (status == FURROW_E_MPI) return furrow__pool_break(pool, furrow__op_name(work->op));
  if (status != FURROW_OK) pool->error = error;
  if (elsewhere) *layout = record->second_layout;
  return status;
}

/* Every rank finds its way on the board. */
static furrow_status find_threads(furrow_pool *pool, const furrow__work *work, furrow__layout *layout) {
  furrow_status status = FURROW_OK;
  int threads = (int)work->settings.threads;
  furrow__roster_assume(pool, (uint32_t)threads);
  if (work->settings.uneven) status = furrow__roster_call(pool, work);
  if (!furrow__has_board(pool) || status != FURROW_OK) return status;
  if (threads > 1 && furrow__spans_nodes(pool)) status = set_up_again(pool, work, layout);
  if (status == FURROW_OK) furrow__board_set_threads(&pool->board, threads);
  return status;
}

/* All ranks start; rank 0's settings count. */
static furrow_status begin(furrow_pool *pool, furrow__work *work, furrow__layout *layout) {
  bool root = pool->comm.rank == 0;
  if (!root) {
    work->units = units_of(work);
    work->todo = furrow__todo_all(&work->units);
  }
  pool->guarded = work->settings.guarded != 0;
  furrow_status status = find_threads(pool, work, layout);
  if (pool->guarded && root) furrow__ledger_begin(pool->ledger);
  return status == FURROW_OK && work->settings.gaps ? learn_todo(pool, work) : status;
}

/* What a journal has finished altogether is answered without anyone at work. */
static furrow_status answer(furrow_pool *pool, const furrow__work *work) {
  if (pool->comm.rank != 0 || !furrow__is_reduction(work) || work->count == 0) return FURROW_OK;
  furrow__reduction whole = {0};
  furrow__ledger_hand_over(pool->ledger, &whole);
  furrow__collect_finish(&whole);
  furrow__reduction_free(&whole);
  return FURROW_OK;
}

static furrow_status run_watched(furrow_pool *pool, furrow__work *work, const furrow__layout *layout) {
  bool stoppable = work->settings.journal != 0;
  if (work->settings.gaps && work->todo.count == 0) return answer(pool, work);
  if (stoppable) furrow__stop_begin(&pool->stop, pool->comm.rank == 0 ? furrow__ledger_file(pool->ledger) : -1);
  pool->stoppable = stoppable;
  atomic_store(&pool->told, false);
  atomic_store(&pool->busy, true);
  furrow_status status = run(pool, work, layout);
  atomic_store(&pool->busy, false);
  pool->stoppable = false;
  if (status == FURROW_E_INTERRUPTED && pool->comm.size > 1) furrow__stop_expect_more();
  if (stoppable) furrow__stop_end(&pool->stop);
  return status;
}

furrow_status furrow__operate(furrow_pool *pool, furrow__work *work, furrow__call *call) {
  uint64_t start = furrow__now();
  double busy = pool->metrics.busy;
  furrow__layout layout = {0};
  bool root = pool->comm.rank == 0;
  int own = work->options.own_threads;
  call->own = own == FURROW_THREADS_ALL ? 0 : (uint64_t)own + 1;
  if (root && !work->options.journal) work->options.journal = pool->journal;
  work->settings = furrow__settings_of(&work->options, &pool->defaults, pool->series);
  if (furrow__is_stream(work)) work->settings.guarded = 1;
  work->units = units_of(work);
  work->todo = furrow__todo_all(&work->units);
  if (root && work->settings.threads > 1 && !furrow__has_board(pool))
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: threads need shared memory: %s", furrow__op_name(work->op),
                      pool->note);
  if (root) furrow__ledger_open(pool, work, call);
  if (root && furrow__is_stream(work)) open_stream(pool, work, call);
  bool perhaps = root ? is_dynamic(pool, work) : furrow__has_board(pool); /* rank 0's schedule counts */
  if (furrow__is_first(pool) && perhaps && call->status == FURROW_OK) layout = set_up(pool, work, call);
  furrow_status status = furrow__meet(pool, call, &work->settings, &layout);
  bool begun = status == FURROW_OK;
  if (begun) {
    pool->series++;
    status = begin(pool, work, &layout);
  }
  if (begun && status == FURROW_OK) status = run_watched(pool, work, &layout);
  if (root) furrow__server_end(pool, begun);
  if (root && work->settings.guarded && pool->ledger) status = furrow__ledger_close(pool->ledger, status);
  pool->guarded = false;
  furrow__comm_free_buffer(&pool->comm, work->left);
  furrow__stream_free(work->conductor);
  if (status != FURROW_OK) return status;
  if (root && layout.results) memcpy(work->results, pool->board.data + layout.items, work->count * work->result_size);
  if (root && work->count == 0 && furrow__is_reduction(work)) furrow__reduction_init(work, work->results);
  double elapsed = furrow__seconds(furrow__now() - start);
  pool->elapsed += elapsed;
  pool->metrics.idle += elapsed * (double)pool->own - (pool->metrics.busy - busy);
  return FURROW_OK;
}
