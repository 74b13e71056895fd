/* Tasks that fail in a guarded operation. A failure either is for good, and goes on rank 0's list; or the task is tried
   again: rank 0 hands it to another rank when it is due. In a reduction its leaf is folded again from the start, without what
   has failed for good. Whatever is told is posted before it is settled. */
#include <stdlib.h>
#include <string.h>

#include "furrow/failure.h"
#include "run/worker_inside.h"

enum { MOST_TRIES = 1 << 20 }; /* in one leaf; memory that is never touched costs nothing */

uint64_t guard_most_tries(const worker *w) {
  bool several = furrow__is_reduction(w->work) && w->work->units.size > 1;
  return several && w->work->units.size < MOST_TRIES ? w->work->units.size : several ? MOST_TRIES : 1;
}

bool guard_start(worker *w) {
  uint64_t most = guard_most_tries(w);
  if (w->work->settings.isolate) return true; /* the list stands in the cell */
  w->tried = malloc(most * sizeof *w->tried);
  w->tries = (furrow__tries){.list = w->tried, .capacity = w->tried ? most : 0};
  return w->tried != NULL;
}

/* Merged nodes go again with what was merged: that is how few bytes tell which leaves are finished. */
void guard_ship(worker *w) {
  furrow__forest *forest = &w->reduction.forest;
  furrow__flow_flush(&w->flow);
  for (uint32_t i = 0; i < forest->count; i++) {
    furrow__node node = forest->nodes[i];
    if (!w->reduction.fresh[node.slot]) continue;
    furrow__post about = {.kind = FURROW__POST_NODE, .first = node.index, .count = node.level};
    furrow__flow_tell(&w->flow, about, furrow__reduction_at(&w->reduction, node.slot), w->work->result_size);
    w->reduction.fresh[node.slot] = 0;
  }
  if (w->unsettled) furrow__flow_settle(&w->flow, w->unsettled);
  w->unsettled = 0;
}

void guard_ship_at(worker *w, uint64_t now) {
  if (now - w->shipped < SHIP_NANOSECONDS) return;
  w->shipped = now;
  guard_ship(w);
}

void guard_end(worker *w) {
  free(w->tried);
}

static void tell_failure(worker *w, const furrow__failed *failed, uint64_t place) {
  furrow__post about = {.kind = FURROW__POST_FAILURE, .first = place};
  furrow__flow_tell(&w->flow, about, failed, sizeof *failed);
}

static void tell_retry(worker *w, uint64_t place) {
  furrow__retry retry = {
      .place = place, .avoid = w->pool->comm.rank, .node = w->pool->comm.node_index, .count = w->tries.count};
  memcpy(retry.tried, w->tries.list, w->tries.count * sizeof *w->tries.list);
  furrow__post about = {.kind = FURROW__POST_RETRY, .first = place};
  furrow__flow_tell(&w->flow, about, &retry, furrow__retry_size(&retry));
}

/* Who fails for good in a fail-fast operation, or has no room to go on, stops it. */
static bool stop(worker *w, const furrow__failed *failed, const char *why) {
  furrow__error_set(&w->running.error, FURROW_E_TASK, w->running.where, failed->task, "%s%s", failed->message, why);
  return false;
}

bool guard_failed(worker *w, furrow__failed *failed, uint64_t place, bool *again) {
  const furrow__work *work = w->work;
  *again = false;
  if (atomic_load_explicit(&w->running.told, memory_order_relaxed)) return stop(w, failed, "");
  uint64_t attempts = furrow__tries_note(&w->tries, failed->task);
  bool last = attempts > work->settings.retries, leaf = furrow__is_reduction(work);
  if (attempts == 0) return stop(w, failed, " (and too many other tasks of its leaf failed)");
  failed->attempt = (uint32_t)attempts - 1;
  if (last) tell_failure(w, failed, place);
  if (last && work->settings.on_error == FURROW_ON_ERROR_FAIL_FAST) return stop(w, failed, "");
  if (last && !leaf) furrow__flow_settle(&w->flow, 1);
  *again = leaf && (last || w->tries.count > FURROW__MOST_TRIED);
  if (last || *again) return true;
  tell_retry(w, place);
  furrow__span tasks = leaf ? furrow__units_span(&work->units, place, place + 1) : (furrow__span){0, 1};
  w->postponed += tasks.end - tasks.begin;
  return true;
}

bool guard_failure(worker *w, uint64_t task, uint64_t place, bool *again) {
  furrow__running *running = &w->running;
  if (running->error.status != FURROW_E_TASK || running->error.task != task) return false;
  furrow__failed failed = {
      .task = task, .rank = w->pool->comm.rank, .kind = FURROW_FAILURE_RETURNED, .code = running->code};
  furrow__text_copy(failed.host, sizeof failed.host, w->pool->host);
  furrow__text_copy(failed.message, sizeof failed.message, running->error.message);
  running->failed = false;
  furrow__error_clear(&running->error);
  return guard_failed(w, &failed, place, again);
}

bool guard_retry(worker *w) {
  furrow__retry retry;
  if (!furrow__board_take_retry(&w->pool->board, w->pool->comm.rank, &retry)) return false;
  furrow__span tasks = {retry.place, retry.place + 1};
  bool again = false;
  w->running.signal = NULL;
  memcpy(w->tries.list, retry.tried, retry.count * sizeof *retry.tried);
  w->tries.count = retry.count;
  w->metrics->claims++;
  if (furrow__is_stream(w->work)) {
    retry_item(w, &retry);
    return true;
  }
  if (furrow__is_reduction(w->work)) {
    tasks = furrow__units_span(&w->work->units, retry.place, retry.place + 1);
    if (!fold_leaf(w, retry.place, tasks.end)) return true;
  } else if (!map_task(w, retry.place, (uint32_t)furrow__tries_of(&w->tries, retry.place))) {
    if (is_good(w) || !guard_failure(w, retry.place, retry.place, &again)) return true;
  }
  count_tasks(w, tasks.end - tasks.begin);
  return true;
}
