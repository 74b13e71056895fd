/* The rank's side of isolation. The rank computes nothing: it brings its child units, items and room, posts and merges what
   the child has finished, and hears from it, from the undertaker of its death, and from the clock of its deadline. A death
   costs the task that ran; the next child goes on behind it. What the child may be killed in the midst of is argued in
   cell.h.

   Where a rank has several workers each has a child, which it forks itself (birth.c). */
#include "run/isolate.h"

#include <string.h>

#include "base/clock.h"
#include "run/courier.h"
#include "run/ledger.h"
#include "run/server.h"
#include "run/stream.h"

enum {
  TICK = 10000000,      /* nanoseconds between two looks at the clock, and at what others do */
  LEAST_TICK = 1000000, /* with a short deadline */
  FAREWELL_NAP = 50000,
  MOST_STILLBORN = 10, /* children in a row that are killed before they begin, perhaps for lack of memory */
};

static const uint64_t FAREWELL = 10000000000; /* nanoseconds that worker_end may take */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

bool isolate_start(worker *w) {
  uint64_t room = furrow__is_reduction(w->work) ? 0 : w->work->count;
  bool stream = furrow__is_stream(w->work);
  w->cell =
      stream ? furrow__cell_create_for_stream() : furrow__cell_create(guard_most_tries(w), w->work->result_size, room);
  if (!w->cell) return false;
  w->tries = (furrow__tries){.list = w->cell->tried, .capacity = guard_most_tries(w)};
  return furrow__undertaker_start(&w->undertaker, &w->cell->asks);
}

/* ---- what the child has finished ---- */

static void collect_results(worker *w) {
  furrow__cell *cell = w->cell;
  size_t size = w->work->result_size;
  uint64_t end = atomic_load(&cell->end);
  furrow__span todo = {w->collected, max(w->collected, end)};
  while (todo.begin < todo.end && !w->flow.is_broken) {
    char *to = NULL;
    furrow__span now = furrow__flow_room(&w->flow, todo, &to);
    uint64_t tasks = now.end - now.begin;
    if (size && !w->flow.is_broken) memcpy(to, cell->results + (now.begin - cell->room) * size, tasks * size);
    furrow__flow_deliver(&w->flow, now);
    count_tasks(w, tasks);
    todo.begin = now.end;
  }
  w->collected = todo.end;
}

/* Merges run here, in the rank. */
static void collect_leaves(worker *w) {
  furrow__cell *cell = w->cell;
  uint32_t merged = atomic_load(&cell->merged);
  for (; merged != atomic_load(&cell->leaves) && is_good(w); atomic_store(&cell->merged, ++merged)) {
    uint64_t entry = cell->ring[merged % cell->ring_size];
    furrow__node leaf = {entry / 2, 0, 0};
    if (!furrow__reduction_take(&w->reduction, &leaf.slot)) {
      furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                        "no memory for an accumulator of %zu bytes", w->work->result_size);
      return;
    }
    memcpy(furrow__reduction_at(&w->reduction, leaf.slot), furrow__cell_accumulator(cell, merged),
           w->work->result_size);
    keep_leaf(w, leaf, entry % 2 == 0);
    furrow__span tasks = furrow__units_span(&w->work->units, leaf.index, leaf.index + 1);
    count_tasks(w, tasks.end - tasks.begin);
  }
}

static void collect(worker *w) {
  if (furrow__is_reduction(w->work))
    collect_leaves(w);
  else if (furrow__is_stream(w->work))
    isolate_collect_items(w);
  else
    collect_results(w);
}

/* ---- answers ---- */

static void answer(furrow__cell *cell) {
  atomic_store(&cell->need, FURROW__NEED_NOTHING);
  furrow__gate_bump(&cell->answers);
}

/* What a unit of the board is: tasks, a leaf, or the number of an item. */
static furrow__span run_of(const worker *w, uint64_t unit) {
  if (furrow__is_stream(w->work)) return (furrow__span){unit, unit + 1};
  furrow__span run = furrow__todo_run(&w->work->todo, unit, unit + 1);
  return furrow__is_reduction(w->work) ? run : furrow__units_span(&w->work->units, run.begin, run.end);
}

/* The tasks, the leaf, or the number of the item that the child has taken and not forgotten; empty: none. */
static furrow__span in_hand(const worker *w) {
  const furrow__cell *cell = w->cell;
  uint64_t taken = atomic_load(&cell->claimed);
  furrow__range share = furrow__range_read(share_of(w));
  if (furrow__cell_has_extra(cell)) return furrow__cell_extra(cell);
  if (taken == 0 || share.begin != taken) return (furrow__span){0, 0};
  return run_of(w, taken - 1);
}

/* As far as the own share goes on behind a task; what is fetched ahead may be stolen: then in vain. */
static uint64_t tasks_ahead(const worker *w, uint64_t task) {
  furrow__range share = furrow__range_read(share_of(w));
  if (furrow__range_is_empty(share)) return task + 1;
  furrow__span run = furrow__todo_run(&w->work->todo, share.begin, share.end);
  furrow__span tasks = furrow__units_span(&w->work->units, run.begin, run.end);
  return tasks.begin <= task + w->work->units.size && task < tasks.end ? tasks.end : task + 1;
}

static void give_items(worker *w) {
  furrow__cell *cell = w->cell;
  if (furrow__is_stream(w->work)) {
    isolate_give_item(w, (uint32_t)in_hand(w).begin);
    return;
  }
  uint64_t task = atomic_load(&cell->at), end = tasks_ahead(w, task);
  cell->items_of = furrow__flow_items(&w->flow, (furrow__span){task, end}, end, &cell->items);
}

static void give_room(worker *w) {
  furrow__cell *cell = w->cell;
  if (furrow__is_stream(w->work)) {
    isolate_give_room(w);
    return;
  }
  collect(w);
  if (furrow__is_reduction(w->work)) return;
  cell->room = w->collected = atomic_load(&cell->at);
  atomic_store(&cell->end, cell->room);
}

static furrow__failed failure_of(const worker *w, uint64_t task, furrow_failure_kind kind, int code,
                                 const char *message) {
  furrow__failed failed = {.task = task, .rank = w->pool->comm.rank, .kind = (int32_t)kind, .code = code};
  furrow__text_copy(failed.host, sizeof failed.host, w->pool->host);
  furrow__text_copy(failed.message, sizeof failed.message, message);
  return failed;
}

/* What is in hand after a task of it has failed: nothing, its other tasks, or its leaf again. The child waits, or is dead. */
static void have_failed(worker *w, furrow__failed *failed, furrow__span hand) {
  furrow__cell *cell = w->cell;
  bool leaf = furrow__is_reduction(w->work), again = false;
  if (!furrow__cell_has_extra(cell)) w->tries.count = 0; /* nothing of it has failed before */
  furrow__span tasks = leaf ? furrow__units_span(&w->work->units, hand.begin, hand.end) : (furrow__span){0, 1};
  bool item = furrow__is_stream(w->work);
  bool goes_on = guard_failed(w, failed, leaf || item ? hand.begin : failed->task, &again);
  if (!again) count_tasks(w, tasks.end - tasks.begin);
  if (!leaf) hand.begin = item ? hand.end : failed->task + 1;
  if (leaf && !again) hand.begin = hand.end;
  if (!leaf || !again) w->tries.count = 0;
  cell->tries = w->tries.count;
  furrow__cell_set_extra(cell, goes_on ? hand : (furrow__span){0, 0});
  atomic_store(&cell->claimed, 0);
}

/* The child goes on with the other tasks of its unit, or folds its leaf again. */
static void give_verdict(worker *w) {
  furrow__cell *cell = w->cell;
  furrow__span hand = in_hand(w);
  furrow__failed failed = failure_of(w, atomic_load(&cell->at), FURROW_FAILURE_RETURNED, cell->code, cell->message);
  collect(w);
  if (cell->told) atomic_store(&w->running.told, true);
  have_failed(w, &failed, hand);
  bool again = furrow__is_reduction(w->work) && furrow__cell_has_extra(cell);
  cell->verdict = again ? FURROW__VERDICT_AGAIN : FURROW__VERDICT_GO_ON;
}

/* Whether the child waits for units. */
static bool serve(worker *w) {
  furrow__cell *cell = w->cell;
  switch (atomic_load(&cell->need)) {
    case FURROW__NEED_UNITS:
      return true;
    case FURROW__NEED_ITEMS:
      give_items(w);
      if (w->child.state != FURROW__CHILD_RUNNING) return false; /* another one gets them */
      break;
    case FURROW__NEED_ROOM:
      give_room(w);
      break;
    case FURROW__NEED_SENDING:
      isolate_give_sending(w);
      break;
    case FURROW__NEED_VERDICT:
      give_verdict(w);
      break;
    case FURROW__NEED_PITY:
      furrow__error_set(&w->running.error, FURROW_E_TASK, w->running.where, FURROW_NO_TASK, "%s", cell->message);
      return false;
    default:
      collect(w); /* so that others see how far it is */
      return false;
  }
  answer(cell);
  return false;
}

/* ---- birth and death ---- */

/* Whether the task that ran last of what is in hand is finished all the same, or its leaf. No task of a map that has not been
   finished is behind `room` and before `end`; and of a leaf all tasks may have been left out, so `at` says nothing. */
static bool is_finished(const worker *w, furrow__span hand, uint64_t at) {
  const furrow__cell *cell = w->cell;
  uint32_t leaves = atomic_load(&cell->leaves);
  if (furrow__is_stream(w->work)) return isolate_has_item(w, (uint32_t)hand.begin, at);
  if (!furrow__is_reduction(w->work))
    return hand.begin <= at && at < hand.end && cell->room <= at && at < atomic_load(&cell->end);
  return leaves > 0 && cell->ring[(leaves - 1) % cell->ring_size] / 2 == hand.begin;
}

/* The child is gone: what it has finished is kept, the task that ran has failed, the rest of what was in hand comes next. */
static void bury(worker *w, const furrow__death *death) {
  furrow__cell *cell = w->cell;
  furrow__span hand = in_hand(w), nothing = {0, 0};
  uint64_t at = atomic_load(&cell->at), task = atomic_load(&cell->task);
  bool leaf = furrow__is_reduction(w->work), item = furrow__is_stream(w->work);
  if (item) collect(w);
  if (item) isolate_empty_file(w);
  furrow__span tasks = leaf ? furrow__units_span(&w->work->units, hand.begin, hand.end) : hand;
  bool begun = item ? at != FURROW__AT_NOTHING : tasks.begin <= at && at < tasks.end;
  bool finished = is_finished(w, hand, at);
  collect(w);
  if (!furrow__cell_has_extra(cell)) w->tries.count = 0; /* what has failed before is finished, or elsewhere */
  if (hand.begin == hand.end) {
    furrow__cell_set_extra(cell, nothing);
  } else if (finished) {
    furrow__cell_set_extra(cell, leaf || item ? nothing : (furrow__span){at + 1, hand.end});
  } else if (begun && task == at + 1) {
    furrow__failed failed = failure_of(w, at, death->kind, death->code, death->message);
    have_failed(w, &failed, hand);
  } else {
    bool part = begun && !leaf && !item;
    furrow__cell_set_extra(cell, part ? (furrow__span){at, hand.end} : hand); /* killed between two tasks */
  }
  if (!furrow__cell_has_extra(cell)) w->tries.count = 0;
  cell->tries = w->tries.count;
  atomic_store(&cell->claimed, 0);
  atomic_store(&cell->task, 0);
}

static void died(worker *w) {
  furrow__death death = {.kind = FURROW_FAILURE_SIGNAL};
  if (w->child.state == FURROW__CHILD_DIED) furrow__child_death(&w->child, &death);
  bool ready = atomic_load(&w->cell->ready), killed = death.kind == FURROW_FAILURE_SIGNAL && death.code == SIGKILL;
  w->stillborn = ready ? 0 : w->stillborn + 1;
  if (!ready && is_good(w) && (!killed || w->work->options.worker_begin || w->stillborn == MOST_STILLBORN))
    furrow__error_set(&w->running.error, FURROW_E_TASK, w->running.where, FURROW_NO_TASK, "%s: %.300s",
                      w->work->options.worker_begin ? "worker_begin" : "a child without a task", death.message);
  bury(w, &death);
}

/* A task is beyond its deadline: the child is killed. If it was another task by then, that one has not failed. */
static void enforce_deadline(worker *w) {
  furrow__cell *cell = w->cell;
  uint64_t most = w->work->settings.task_timeout, task = atomic_load(&cell->task);
  if (most == 0 || task == 0 || furrow__now() - atomic_load(&cell->started) <= most) return;
  if (atomic_load(&cell->task) != task) return;
  if (!furrow__child_kill(&w->child)) {
    died(w); /* by itself, just now */
    return;
  }
  furrow__death death = {.kind = FURROW_FAILURE_TIMEOUT};
  snprintf(death.message, sizeof death.message, "it took longer than %g s", furrow__seconds(most));
  if (atomic_load(&cell->task) != task) atomic_store(&cell->task, 0);
  bury(w, &death);
}

/* ---- the watch ---- */

static bool has_stopped(worker *w) {
  return furrow__record_failed(w->record) || !is_good(w) || asked_to_stop(w);
}

/* The first unit of a claim is for this child alone. In the share those who rest would steal it before the child is awake, and
   others from them: where units are few and workers many, each went round all of them. */
static furrow__range keep_first(worker *w, furrow__range units) {
  furrow__cell *cell = w->cell;
  w->tries.count = cell->tries = 0;
  atomic_store(&cell->at, FURROW__AT_NOTHING);
  furrow__cell_set_extra(cell, run_of(w, units.begin));
  return (furrow__range){units.begin + 1, units.end};
}

/* Something for the child, before its share or in it. */
static bool find_work(worker *w) {
  furrow__cell *cell = w->cell;
  furrow__board *board = &w->pool->board;
  furrow__range_word *share = share_of(w);
  furrow__retry retry;
  claimed claim;
  if (furrow__cell_has_extra(cell) || !furrow__range_is_empty(furrow__range_read(share))) return true;
  if (furrow__board_take_retry(board, w->pool->comm.rank, &retry)) {
    memcpy(w->tries.list, retry.tried, retry.count * sizeof *retry.tried);
    w->tries.count = cell->tries = retry.count;
    atomic_store(&cell->at, FURROW__AT_NOTHING);
    furrow__cell_set_extra(cell, (furrow__span){retry.place, retry.place + 1});
    return true;
  }
  if (!take_claim(w, &claim)) return false;
  claim.units = keep_first(w, claim.units);
  if (!furrow__range_is_empty(claim.units)) furrow__range_give_back(share, claim.units, board->steals);
  return true;
}

/* Look after the child once, then wait for news of it. */
static void attend(worker *w, bool *idle) {
  furrow__cell *cell = w->cell;
  furrow__patience patience = {FURROW__SLEEP, 0};
  uint32_t heard = furrow__gate_read(&cell->asks);
  uint64_t timeout = w->work->settings.task_timeout;
  *idle = serve(w);
  if (*idle || !is_good(w)) return;
  if (furrow__child_look(&w->child) != FURROW__CHILD_RUNNING) {
    died(w);
    return;
  }
  enforce_deadline(w);
  if (w->journals && furrow__now() - w->shipped >= SHIP_NANOSECONDS) {
    collect(w);
    guard_ship_at(w, furrow__now());
  }
  uint64_t tick = timeout ? max(LEAST_TICK, min(TICK, timeout / 4)) : TICK;
  if (is_courier(w)) tick = min(tick, furrow__courier_step(w->pool));
  if (w->child.state == FURROW__CHILD_RUNNING) furrow__gate_wait(&cell->asks, heard, tick, &patience);
}

/* The operation is to stop. A journalled one gives the task that runs its grace, since its result would be kept. That begins
   once the reason is said: maybe only this rank has the signal, and the task asks whether it is cancelled. */
static void halt(worker *w) {
  furrow__cell *cell = w->cell;
  uint64_t start = furrow__now(), grace = w->journals ? w->work->settings.stop_grace : 0;
  bool idle = w->child.state != FURROW__CHILD_RUNNING;
  atomic_store(&cell->quit, 1);
  furrow__gate_bump(&cell->answers);
  furrow_error why = w->running.error;
  if (why.status != FURROW_OK) {
    furrow__record_fail(w->pool, &why);
    furrow__gate_bump(w->pool->board.bell);
  }
  while (!idle && atomic_load(&cell->task) != 0 && furrow__now() - start < grace) {
    if (furrow__child_look(&w->child) != FURROW__CHILD_RUNNING) break;
    if (is_courier(w)) furrow__courier_step(w->pool);
    furrow__nap(FAREWELL_NAP);
  }
  if (w->child.state == FURROW__CHILD_RUNNING && atomic_load(&cell->task) != 0) furrow__child_kill(&w->child);
  furrow__error_clear(&w->running.error);
  collect(w);
  if (why.status != FURROW_OK) w->running.error = why;
}

void isolate_work_on(worker *w) {
  uint64_t start = furrow__now();
  bool idle = w->child.state == FURROW__CHILD_RUNNING;
  while (!has_stopped(w)) {
    bool alive = w->child.state == FURROW__CHILD_RUNNING;
    if (idle || !alive) {
      collect(w);
      if (!find_work(w)) break;
      if (!isolate_have_child(w)) break;
      if (alive) answer(w->cell);
      idle = false;
    }
    attend(w, &idle);
  }
  if (has_stopped(w)) halt(w);
  w->metrics->busy += furrow__seconds(furrow__now() - start);
}

/* It runs worker_end, for which it has some time; unless it has begun a task just as it was to stop. */
void isolate_end(worker *w) {
  uint64_t start = furrow__now(), nap = FAREWELL_NAP;
  atomic_store(&w->cell->quit, 1);
  furrow__gate_bump(&w->cell->answers);
  for (; furrow__child_look(&w->child) == FURROW__CHILD_RUNNING && furrow__now() - start < FAREWELL; nap += nap / 4) {
    if (atomic_load(&w->cell->task) != 0) break; /* it has slipped into a task that nobody wants */
    furrow__nap(nap);
  }
  furrow__child_kill(&w->child);
  furrow__undertaker_end(&w->undertaker);
  furrow__cell_destroy(w->cell);
  w->cell = NULL;
}
