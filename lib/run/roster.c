/* A node's first rank counts its ranks' calls, which stand on the board since the meeting; first ranks tell each other; the agreement
   in the end is also what keeps the others from looking at the sums, or starting to work, too early. */
#include "run/roster.h"

#include "run/meet.h"

void furrow__roster_assume(furrow_pool *pool, uint32_t threads) {
  pool->own = threads;
  pool->all = (furrow__turnout){(uint32_t)pool->comm.size * threads, (uint32_t)pool->comm.size};
  pool->before = (uint32_t)pool->comm.ranks_before * threads;
  pool->board.present = pool->board.ranks * (int)threads;
  pool->uneven = false;
}

furrow__turnout furrow__roster_node(const furrow_pool *pool, int node) {
  uint32_t ranks = (uint32_t)pool->comm.node_sizes[node];
  return pool->uneven ? pool->turnouts[node] : (furrow__turnout){ranks * pool->own, ranks};
}

/* What is wrong with this rank's own number. */
static void check(const furrow_pool *pool, const furrow__work *work, furrow_error *error) {
  const furrow__settings *settings = &work->settings;
  const char *op = furrow__op_name(work->op);
  int own = work->options.own_threads;
  furrow__error_clear(error);
  if (own == FURROW_THREADS_ALL) return;
  if (!furrow__has_board(pool))
    furrow__error_set(error, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK,
                      "%s: own_threads needs shared memory: %s", op, pool->note);
  else if ((uint64_t)own > settings->threads)
    furrow__error_set(error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                      "%s: options.own_threads is %d here, but options.threads is %d on rank 0", op, own,
                      (int)settings->threads);
  else if (settings->schedule == FURROW_SCHEDULE_STATIC && !furrow__is_stream(work))
    furrow__error_set(error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                      "%s: options.own_threads is %d, which a static schedule can't do", op, own);
}

static furrow__turnout count_node(const furrow_pool *pool, uint32_t threads) {
  furrow__turnout here = {0, 0};
  for (int r = 0; r < pool->board.ranks; r++) {
    uint32_t own = furrow__call_threads(furrow__call_of(pool, r), threads);
    here.workers += own;
    here.ranks += own > 0;
  }
  return here;
}

/* On the first rank of each of several nodes. */
static furrow_status tell_nodes(furrow_pool *pool, furrow__meeting *record) {
  furrow__comm *comm = &pool->comm;
  size_t size = sizeof *pool->turnouts;
  furrow_status status = furrow__comm_gather_records(comm, comm->leaders, &record->near, pool->turnouts, size);
  if (status == FURROW_OK)
    status = furrow__comm_bcast(comm, comm->leaders, 0, pool->turnouts, (size_t)comm->nodes * size);
  record->all = (furrow__turnout){0, 0};
  for (int i = 0; i < comm->nodes && status == FURROW_OK; i++) {
    if (i == comm->node_index) record->before = record->all.workers;
    record->all.workers += pool->turnouts[i].workers;
    record->all.ranks += pool->turnouts[i].ranks;
  }
  return status;
}

/* In a pool of one node: as furrow__board_reset() does, but to those who are there. Nobody works yet. */
static void deal_again(furrow_pool *pool, uint64_t units, uint32_t threads, uint32_t workers) {
  furrow__range_word *share = pool->board.ranges;
  uint64_t before = 0;
  for (int r = 0; r < pool->board.ranks; r++) {
    uint32_t own = furrow__call_threads(furrow__call_of(pool, r), threads);
    for (uint32_t t = 0; t < threads; t++, share++) {
      uint64_t more = t < own;
      furrow__span block = more ? furrow__blocks(units, before, before + 1, workers) : (furrow__span){0, 0};
      furrow__range_deal(share, (furrow__range){(uint32_t)block.begin, (uint32_t)block.end});
      before += more;
    }
  }
}

static furrow_status count_all(furrow_pool *pool, const furrow__work *work) {
  furrow__meeting *record = furrow__record_of(pool);
  uint32_t threads = (uint32_t)work->settings.threads;
  record->near = record->all = count_node(pool, threads);
  record->before = 0;
  if (furrow__spans_nodes(pool)) return tell_nodes(pool, record);
  if (!furrow__is_stream(work)) deal_again(pool, work->todo.count, threads, record->all.workers);
  return FURROW_OK;
}

/* The worst of all ranks' errors is everyone's. */
static furrow_status agree(furrow_pool *pool, const furrow__work *work, furrow_error *error) {
  furrow_status status = furrow__comm_verdict(&pool->comm, pool->comm.all, error);
  if (status == FURROW_E_MPI) return furrow__pool_break(pool, furrow__op_name(work->op));
  if (status != FURROW_OK) pool->error = *error;
  return status;
}

furrow_status furrow__roster_call(furrow_pool *pool, const furrow__work *work) {
  furrow_error error;
  check(pool, work, &error);
  if (!furrow__has_board(pool)) return agree(pool, work, &error); /* that somebody has asked for it is an error */
  const furrow__meeting *record = furrow__record_of(pool);
  /* Whatever is wrong here: the other nodes do the same. */
  if (furrow__is_first(pool) && count_all(pool, work) != FURROW_OK)
    return furrow__pool_break(pool, furrow__op_name(work->op));
  if (pool->comm.rank == 0 && record->all.workers == 0 && error.status == FURROW_OK)
    furrow__error_set(&error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                      "%s: options.own_threads is 0 on every rank", furrow__op_name(work->op));
  furrow_status status = agree(pool, work, &error);
  if (status != FURROW_OK) return status;
  pool->own = furrow__call_threads(furrow__call_of(pool, pool->comm.node_rank), (uint32_t)work->settings.threads);
  pool->all = record->all;
  pool->before = record->before;
  pool->board.present = (int)record->near.workers;
  pool->uneven = true;
  return FURROW_OK;
}
