/* The child's side of isolation: it takes unit after unit from the front of its rank's share, and runs their tasks. It writes
   to nothing that is shared but that share, by one compare-and-swap, and the cell. Their order is what tells
   its rank, at any instruction, what was in hand: `claimed` before the share, `at` before `task`, the result before `end`,
   and everything before the claim is forgotten. All are sequentially consistent, since a task costs more. */
#include <string.h>

#include "base/clock.h"
#include "run/isolate.h"
#include "run/ledger.h"
#include "run/parts.h"

/* ---- asking the rank ---- */

/* False: quit. */
static bool ask(worker *w, furrow__need need) {
  furrow__cell *cell = w->cell;
  uint32_t heard = furrow__gate_read(&cell->answers);
  furrow__patience patience = {w->waiter.patience.manner, 0};
  atomic_store(&cell->need, need);
  furrow__gate_bump(&cell->asks);
  while (atomic_load(&cell->need) != FURROW__NEED_NOTHING && !atomic_load(&cell->quit))
    heard = furrow__gate_wait(&cell->answers, heard, 0, &patience);
  return !atomic_load(&cell->quit);
}

static bool has_items(const furrow__cell *cell, uint64_t task) {
  return cell->items_of.begin <= task && task < cell->items_of.end;
}

static bool get_items(worker *w, uint64_t task, const char **items) {
  furrow__cell *cell = w->cell;
  size_t size = w->work->item_size;
  *items = NULL;
  if (size == 0) return true;
  if (!has_items(cell, task) && !ask(w, FURROW__NEED_ITEMS)) return false;
  *items = cell->items + (task - cell->items_of.begin) * size;
  return true;
}

/* ---- one task ---- */

typedef enum outcome { DONE, FAILED, QUIT } outcome;

/* What a task prints is written before the next one may take the process with it. */
static outcome run_task(worker *w, uint64_t task, uint32_t attempt, char *result, bool fresh) {
  furrow__cell *cell = w->cell;
  const char *items = NULL;
  if (atomic_load(&cell->quit) || !get_items(w, task, &items)) return QUIT;
  w->running.task.attempt = attempt;
  if (w->work->settings.task_timeout) atomic_store(&cell->started, furrow__now());
  atomic_store(&cell->task, task + 1);
  furrow__child_task_begin();
  furrow__span span = {task, task + 1};
  bool good = furrow__is_reduction(w->work) ? furrow__run_fold(&w->running, span, items, result, fresh)
                                            : furrow__run_map(&w->running, span, items, result) == 1;
  furrow__child_task_end();
  return good ? DONE : FAILED;
}

/* Its function has failed: the rank says what follows. `task` is 0 already while this waits: if the child is killed now, it
   is not this task's doing. */
static bool tell_failure(worker *w) {
  furrow__cell *cell = w->cell;
  cell->code = w->running.code;
  cell->told = atomic_load(&w->running.told);
  furrow__text_copy(cell->message, sizeof cell->message, w->running.error.message);
  w->running.failed = false;
  furrow__error_clear(&w->running.error);
  return ask(w, FURROW__NEED_VERDICT);
}

/* ---- maps ---- */

static bool has_room(const furrow__cell *cell, uint64_t task) {
  return atomic_load(&cell->end) == task && task - cell->room < cell->room_tasks;
}

/* False: quit. */
static bool map_tasks(worker *w, furrow__span tasks, bool again) {
  furrow__cell *cell = w->cell;
  size_t size = w->work->result_size;
  for (uint64_t task = tasks.begin; task < tasks.end; task++) {
    atomic_store(&cell->at, task);
    if (!has_room(cell, task) && !ask(w, FURROW__NEED_ROOM)) return false;
    char *result = size ? cell->results + (task - cell->room) * size : NULL;
    if (size) memset(result, 0, size);
    uint32_t attempt = again ? (uint32_t)furrow__tries_of(&w->tries, task) : 0;
    outcome came = run_task(w, task, attempt, result, true);
    if (came == DONE) atomic_store(&cell->end, task + 1);
    atomic_store(&cell->task, 0);
    if (came == QUIT || (came == FAILED && !tell_failure(w))) return false;
  }
  return true;
}

/* ---- streams ---- */

enum { MUCH = 256 << 10 }; /* bytes of results before the rank is asked to post them all */

/* NULL: quit. One that is too large for the store has been fetched for this child, or is the next child's. */
static const char *find_item(worker *w, const furrow__stored *entry) {
  furrow__cell *cell = w->cell;
  if (entry->at != FURROW__FAR) return w->store.bytes + entry->at;
  if (!has_items(cell, entry->index) && !ask(w, FURROW__NEED_ITEMS)) return NULL;
  return cell->items;
}

/* The rank posts them some milliseconds later. If it is told to quit, nobody wants them. */
static void leave_parts(void *context, uint64_t index, const char *data, size_t size) {
  worker *w = context;
  furrow__cell *cell = w->cell;
  for (size_t done = 0, length; done < size; done += length) {
    length = size - done < FURROW__PART_MOST ? size - done : FURROW__PART_MOST;
    bool full = cell->sent_most - atomic_load(&cell->sent) < furrow__packed_size(length);
    if (full && !ask(w, FURROW__NEED_SENDING)) return;
    uint64_t sent = atomic_load(&cell->sent);
    furrow__packed head = {.index = index, .size = length};
    memcpy(cell->parts + sent, &head, sizeof head);
    memcpy(cell->parts + sent + sizeof head, data + done, length);
    atomic_store(&cell->sent, sent + furrow__packed_size(length));
  }
}

static outcome run_item(worker *w, const furrow__stored *entry, uint32_t attempt) {
  furrow__cell *cell = w->cell;
  const char *item = find_item(w, entry);
  if (!item || atomic_load(&cell->quit)) return QUIT;
  w->running.task.attempt = attempt;
  if (w->work->settings.task_timeout) atomic_store(&cell->started, furrow__now());
  atomic_store(&cell->task, entry->index + 1);
  furrow__child_task_begin();
  bool good = furrow__run_item(&w->running, entry->index, item, entry->size);
  furrow__child_task_end();
  return good ? DONE : FAILED;
}

/* False: quit. */
static bool run_number(worker *w, uint32_t number, bool again) {
  furrow__cell *cell = w->cell;
  furrow__stored entry = w->store.entries[number];
  atomic_store(&cell->at, entry.index);
  bool full = atomic_load(&cell->written) > MUCH || atomic_load(&cell->filed);
  if (full && !ask(w, FURROW__NEED_ROOM)) return false;
  uint64_t begin = atomic_load(&cell->written);
  char *to = cell->results + begin;
  w->running.out =
      (furrow__out){.bytes = to + FURROW__PACKED_HEAD, .room = FURROW__OUT_MEMORY, .fixed = true, .file = cell->file};
  outcome came = run_item(w, &entry, again ? (uint32_t)furrow__tries_of(&w->tries, entry.index) : 0);
  furrow__packed head = {
      .index = entry.index, .size = w->running.out.size, .number = number, .far = w->running.out.spilled};
  memcpy(to, &head, sizeof head);
  if (came == DONE && head.far) atomic_store(&cell->filed, 1);
  if (came == DONE) atomic_store(&cell->written, begin + furrow__packed_size(head.size));
  atomic_store(&cell->task, 0);
  return came == DONE || (came == FAILED && tell_failure(w));
}

/* ---- reductions ---- */

/* The leaf's accumulator stands in the ring from the beginning; it counts once `leaves` does. */
static bool ring_has_room(const furrow__cell *cell) {
  return atomic_load(&cell->leaves) - atomic_load(&cell->merged) < cell->ring_size;
}

/* `tasks` shrinks by what has failed for good at its beginning, as in units.c. */
static outcome fold_once(worker *w, furrow__span *tasks, char *accumulator) {
  furrow__cell *cell = w->cell;
  bool fresh = true;
  furrow__reduction_init(w->work, accumulator);
  for (uint64_t task = tasks->begin; task < tasks->end; task++) {
    uint64_t attempts = w->tries.count ? furrow__tries_of(&w->tries, task) : 0;
    if (attempts > w->work->settings.retries) {
      if (fresh) tasks->begin = task + 1;
      continue;
    }
    atomic_store(&cell->at, task);
    outcome came = run_task(w, task, (uint32_t)attempts, accumulator, fresh);
    atomic_store(&cell->task, 0);
    if (came != DONE) return came;
    fresh = false;
  }
  return DONE;
}

static void put_into_ring(worker *w, uint64_t leaf) {
  furrow__cell *cell = w->cell;
  uint32_t leaves = atomic_load(&cell->leaves);
  cell->ring[leaves % cell->ring_size] = 2 * leaf + left_out_any(w);
  atomic_store(&cell->leaves, leaves + 1);
  if (leaves + 1 - atomic_load(&cell->merged) == cell->ring_size / 2) furrow__gate_bump(&cell->asks);
}

static bool fold_leaf_here(worker *w, uint64_t leaf) {
  furrow__cell *cell = w->cell;
  furrow__span tasks = furrow__units_span(&w->work->units, leaf, leaf + 1);
  atomic_store(&cell->at, tasks.begin);
  if (!ring_has_room(cell) && !ask(w, FURROW__NEED_ROOM)) return false;
  char *accumulator = furrow__cell_accumulator(cell, atomic_load(&cell->leaves));
  for (;;) {
    outcome came = fold_once(w, &tasks, accumulator);
    if (came == QUIT) return false;
    if (came == DONE) break;
    if (!tell_failure(w)) return false;
    if (cell->verdict == FURROW__VERDICT_GO_ON) return true;
    w->tries.count = cell->tries;
  }
  put_into_ring(w, leaf);
  return true;
}

/* ---- unit after unit ---- */

/* Of a leaf that failed the rank has made an extra one. */
static void forget(worker *w) {
  furrow__cell_set_extra(w->cell, (furrow__span){0, 0});
  atomic_store(&w->cell->claimed, 0);
  w->tries.count = 0;
}

static bool run_extra(worker *w) {
  furrow__span extra = furrow__cell_extra(w->cell);
  w->tries.count = w->cell->tries;
  bool goes_on = furrow__is_stream(w->work)      ? run_number(w, (uint32_t)extra.begin, true)
                 : furrow__is_reduction(w->work) ? fold_leaf_here(w, extra.begin)
                                                 : map_tasks(w, extra, true);
  if (goes_on) forget(w);
  return goes_on;
}

static bool run_unit(worker *w, uint32_t number) {
  if (furrow__is_stream(w->work)) {
    bool done = run_number(w, number, false);
    if (done) forget(w);
    return done;
  }
  furrow__span unit = furrow__todo_run(&w->work->todo, number, number + 1);
  bool goes_on = furrow__is_reduction(w->work)
                     ? fold_leaf_here(w, unit.begin)
                     : map_tasks(w, furrow__units_span(&w->work->units, unit.begin, unit.end), false);
  if (goes_on) forget(w);
  return goes_on;
}

/* Thieves may take from the share's back meanwhile, even all of it; its begin is ours. */
static bool claim(worker *w, uint32_t *number) {
  furrow__range_word *share = share_of(w);
  furrow__range seen = furrow__range_read(share);
  if (furrow__range_is_empty(seen)) return false;
  if (furrow__is_stream(w->work)) atomic_store(&w->cell->at, FURROW__AT_NOTHING);
  atomic_store(&w->cell->claimed, (uint64_t)seen.begin + 1);
  furrow__range taken = furrow__range_take(share, 1);
  if (furrow__range_is_empty(taken)) atomic_store(&w->cell->claimed, 0);
  *number = taken.begin;
  return !furrow__range_is_empty(taken);
}

/* False: quit. */
static bool run_next(worker *w, uint64_t *units) {
  uint32_t number = 0;
  *units += 1;
  if (furrow__cell_has_extra(w->cell)) return run_extra(w);
  if (claim(w, &number)) return run_unit(w, number);
  *units -= 1;
  return ask(w, FURROW__NEED_UNITS);
}

void inmate_live(void *argument) {
  worker *w = argument;
  furrow__cell *cell = w->cell;
  uint64_t most = w->work->settings.tasks_per_child;
  furrow__stop_forget();
  if (w->pool->ledger) furrow__ledger_leave(w->pool->ledger);
  w->running.pool = NULL;
  w->tries.count = 0;
  w->running.send = leave_parts;
  if (!furrow__running_begin(&w->running)) {
    furrow__text_copy(cell->message, sizeof cell->message, w->running.error.message);
    ask(w, FURROW__NEED_PITY);
    return;
  }
  atomic_store(&cell->ready, 1);
  for (uint64_t units = 0; (most == 0 || units < most) && !atomic_load(&cell->quit);)
    if (!run_next(w, &units)) break;
  furrow__running_end(&w->running);
}
