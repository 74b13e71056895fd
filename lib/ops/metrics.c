/* Collecting and printing what each rank did. */
#include <inttypes.h>
#include <stdlib.h>

#include "ops/metrics.h"
#include "ops/step.h"
#include "run/courier.h"
#include "run/meet.h"

static furrow_rank_metrics mine_of(furrow_pool *pool) {
  furrow_rank_metrics mine = pool->metrics;
  mine.rank = pool->comm.rank;
  mine.node = pool->comm.node_index;
  furrow__text_copy(mine.host, sizeof mine.host, pool->host);
  mine.sleeps = pool->patience.sleeps + pool->comm.sleeps;
  mine.messages = pool->comm.messages + furrow__courier_counted(pool).messages;
  return mine;
}

static void add(furrow_rank_metrics *sum, const furrow_rank_metrics *one) {
  sum->tasks += one->tasks;
  sum->claims += one->claims;
  sum->steals += one->steals;
  sum->sleeps += one->sleeps;
  sum->bytes_in += one->bytes_in;
  sum->bytes_out += one->bytes_out;
  sum->messages += one->messages;
  sum->busy += one->busy;
  sum->idle += one->idle;
}

static furrow_metrics summary_of(furrow_pool *pool, const furrow_rank_metrics *ranks) {
  furrow__courier_counts courier = furrow__courier_counted(pool);
  furrow_metrics metrics = {.operations = pool->series,
                            .dynamic = pool->dynamic,
                            .lots = courier.lots,
                            .recalls = courier.recalls,
                            .progress_threads = pool->courier && pool->comm.threads,
                            .elapsed = pool->elapsed,
                            .shared_memory = pool->board.arena.size,
                            .sum = {.rank = -1, .node = -1}};
  furrow__text_copy(metrics.note, sizeof metrics.note, pool->note);
  double most = 0;
  for (int i = 0; i < pool->comm.size; i++) {
    add(&metrics.sum, &ranks[i]);
    if (ranks[i].busy > most) most = ranks[i].busy;
  }
  if (metrics.sum.busy > 0) metrics.imbalance = most * pool->comm.size / metrics.sum.busy;
  return metrics;
}

furrow_status furrow__metrics_gather(furrow_pool *pool, furrow_metrics *metrics, furrow_rank_metrics *ranks) {
  furrow_rank_metrics mine = mine_of(pool);
  bool root = pool->comm.rank == 0;
  FURROW__KNOWN(!root || (metrics && ranks));
  if (pool->comm.size > 1 &&
      furrow__comm_gather_records(&pool->comm, pool->comm.all, &mine, ranks, sizeof mine) != FURROW_OK)
    return furrow__pool_break(pool, "furrow_metrics_get");
  if (!root) return FURROW_OK;
  if (pool->comm.size == 1) *ranks = mine;
  *metrics = summary_of(pool, ranks);
  return FURROW_OK;
}

furrow_status furrow_metrics_get(furrow_pool *pool, furrow_metrics *metrics, furrow_rank_metrics *ranks) {
  furrow__call call;
  furrow_rank_metrics *room = NULL;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_METRICS);
  if (begun != FURROW_OK) return begun;
  if (pool->comm.rank == 0) {
    if (!ranks) ranks = room = calloc((size_t)pool->comm.size, sizeof *room);
    if (!ranks) furrow__call_fail(pool, &call, FURROW_E_NOMEM, "furrow_metrics_get: no memory");
    if (!metrics) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_metrics_get: metrics is NULL");
  }
  furrow_status status = furrow__step_lead(pool, &call, &(furrow__step){.op = FURROW__OP_METRICS});
  if (status == FURROW_OK) status = furrow__meet(pool, &call, NULL, NULL);
  if (status == FURROW_OK) status = furrow__metrics_gather(pool, metrics, ranks);
  furrow__comm_free_buffer(&pool->comm, room);
  return status;
}

static void print_row(FILE *stream, const char *who, const furrow_rank_metrics *m) {
  fprintf(stream,
          "%-24s %14" PRIu64 " %11" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10.3f %10.3f %10.1f %10.1f %8" PRIu64 "\n", who,
          m->tasks, m->claims, m->steals, m->sleeps, m->busy, m->idle, (double)m->bytes_in / 1e6,
          (double)m->bytes_out / 1e6, m->messages);
}

void furrow_metrics_print(FILE *stream, const furrow_metrics *metrics, const furrow_rank_metrics *ranks, int count) {
  if (!metrics) return;
  fprintf(stream, "furrow: %" PRIu64 " operations (%" PRIu64 " dynamic) in %.3f s, imbalance %.3f\n",
          metrics->operations, metrics->dynamic, metrics->elapsed, metrics->imbalance);
  if (metrics->lots || metrics->recalls)
    fprintf(stream, "furrow: %" PRIu64 " super-chunks to other nodes at their request, %" PRIu64 " asked back\n",
            metrics->lots, metrics->recalls);
  if (metrics->note[0]) fprintf(stream, "furrow: no dynamic scheduling: %s\n", metrics->note);
  fprintf(stream, "%-24s %14s %11s %8s %8s %10s %10s %10s %10s %8s\n", "rank (host)", "tasks", "claims", "steals",
          "sleeps", "busy s", "idle s", "MB in", "MB out", "messages");
  for (int i = 0; ranks && i < count; i++) {
    char who[16 + FURROW_HOST_SIZE];
    snprintf(who, sizeof who, "%d (%s)", ranks[i].rank, ranks[i].host);
    print_row(stream, who, &ranks[i]);
  }
  print_row(stream, "all", &metrics->sum);
}
