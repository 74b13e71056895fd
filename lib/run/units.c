/* Running units: items come, results or accumulators go, and what fails either stops the worker or, in a guarded operation,
   costs its task. */
#include "run/worker_inside.h"

static uint64_t length(furrow__span span) {
  return span.end - span.begin;
}

/* ---- maps ---- */

/* Map tasks from the front of `todo`; how many. Fewer than could be had at once if one failed, or at a signal. */
static uint64_t map_some(worker *w, furrow__span todo, uint64_t tasks_end, bool *stopped) {
  const char *items = NULL;
  char *results = NULL;
  furrow__span now = furrow__flow_items(&w->flow, todo, tasks_end, &items);
  now = furrow__flow_room(&w->flow, now, &results);
  *stopped = w->flow.is_broken;
  if (*stopped) return 0;
  uint64_t done = furrow__run_map(&w->running, now, items, results);
  *stopped = done < length(now);
  if (done) furrow__flow_deliver(&w->flow, (furrow__span){now.begin, now.begin + done});
  return done;
}

/* Map units until one fails for good, or another worker goes hungry; returns how many. */
static uint64_t map_units(worker *w, furrow__span units, uint64_t tasks_end) {
  furrow__span all = furrow__units_span(&w->work->units, units.begin, units.end), todo = all;
  while (todo.begin < todo.end) {
    bool stopped = false, again = false;
    todo.begin += map_some(w, todo, tasks_end, &stopped);
    if (!stopped) continue;
    bool failed = w->running.error.status != FURROW_OK;
    w->tries.count = 0;
    if (!failed || !w->guarded || !guard_failure(w, todo.begin, todo.begin, &again)) break;
    todo.begin++;
  }
  if (todo.begin == all.end) return length(units); /* the last unit may be shorter than the others */
  return (todo.begin - all.begin) / w->work->units.size;
}

bool map_task(worker *w, uint64_t task, uint32_t attempt) {
  bool stopped = false;
  w->running.task.attempt = attempt;
  uint64_t done = map_some(w, (furrow__span){task, task + 1}, task + 1, &stopped);
  w->running.task.attempt = 0;
  furrow__flow_flush(&w->flow);
  return done == 1;
}

/* ---- reductions ---- */

/* The next tasks of a leaf that are folded in one go: up to one that has failed before, which goes alone. */
static furrow__span next_part(worker *w, furrow__span todo) {
  uint64_t tried = w->tries.count ? furrow__tries_next(&w->tries, todo.begin, todo.end) : todo.end;
  w->running.task.attempt = 0;
  if (tried > todo.begin) return (furrow__span){todo.begin, tried};
  w->running.task.attempt = (uint32_t)furrow__tries_of(&w->tries, tried);
  return (furrow__span){tried, tried + 1};
}

/* What has failed for good is left out; `all` shrinks by what of that it begins with, so that a leaf in which everything fails
   does not take the square of its tasks. False: a task failed, or communication did. */
static bool fold_tasks(worker *w, furrow__span *all, uint64_t tasks_end, char *accumulator) {
  furrow__span todo = *all;
  for (bool fresh = true; todo.begin < todo.end;) {
    furrow__span part = next_part(w, todo);
    if (w->running.task.attempt > w->work->settings.retries) {
      todo.begin = part.end;
      if (fresh) all->begin = part.end;
      continue;
    }
    const char *items = NULL;
    furrow__span now = furrow__flow_items(&w->flow, part, tasks_end, &items);
    if (w->flow.is_broken || !furrow__run_fold(&w->running, now, items, accumulator, fresh)) return false;
    fresh = false;
    todo.begin = now.end;
  }
  return true;
}

bool left_out_any(const worker *w) {
  for (uint64_t i = 0; i < w->tries.count; i++)
    if (w->tries.list[i].attempts > w->work->settings.retries) return true;
  return false;
}

static bool no_memory(worker *w) {
  furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                    "no memory for an accumulator of %zu bytes", w->work->result_size);
  return false;
}

/* A leaf in which tasks failed is not for the journal: the next run of the program tries them again. */
void keep_leaf(worker *w, furrow__node leaf, bool whole) {
  w->reduction.fresh[leaf.slot] = w->journals;
  if (whole || !w->journals)
    furrow__reduction_add(&w->reduction, leaf);
  else
    furrow__reduction_add_late(&w->reduction, leaf);
}

/* True: it is done, or will be done elsewhere. */
bool fold_leaf(worker *w, uint64_t leaf, uint64_t tasks_end) {
  uint32_t slot = 0;
  if (!furrow__reduction_take(&w->reduction, &slot)) return no_memory(w);
  char *accumulator = furrow__reduction_at(&w->reduction, slot);
  furrow__span tasks = furrow__units_span(&w->work->units, leaf, leaf + 1);
  for (bool again = true; again;) {
    furrow__reduction_init(w->work, accumulator);
    if (fold_tasks(w, &tasks, tasks_end, accumulator)) {
      keep_leaf(w, (furrow__node){leaf, 0, slot}, !left_out_any(w));
      return true;
    }
    bool failed = w->running.error.status != FURROW_OK;
    if (!failed || !w->guarded || !guard_failure(w, w->running.task.index, leaf, &again)) return false;
  }
  furrow__reduction_give_back(&w->reduction, slot);
  return true;
}

static uint64_t reduce_units(worker *w, furrow__span leaves, uint64_t tasks_end) {
  for (uint64_t i = leaves.begin; i < leaves.end; i++) {
    w->tries.count = 0;
    if (!fold_leaf(w, i, tasks_end)) return i - leaves.begin;
    if (furrow__is_signalled(&w->running)) return i + 1 - leaves.begin;
  }
  return length(leaves);
}

/* ---- both ---- */

void count_tasks(worker *w, uint64_t tasks) {
  _Atomic uint64_t *done = &w->pool->board.done[w->number].tasks;
  w->metrics->tasks += tasks;
  if (w->flow.items && w->pool->comm.rank != 0) /* what comes through rings is counted there */
    w->metrics->bytes_in += tasks * w->work->item_size;
  tasks -= w->postponed;
  w->postponed = 0;
  bool settles = furrow__is_led(w->pool) && !furrow__flow_posts(&w->flow);
  if (settles && !w->journals) furrow__flow_settle(&w->flow, tasks);
  if (settles && w->journals) w->unsettled += tasks;
  uint64_t before = atomic_load_explicit(done, memory_order_relaxed); /* its only writer is here */
  atomic_store_explicit(done, before + tasks, memory_order_relaxed);
}

uint32_t run_units(worker *w, furrow__range units, uint32_t share_end, bool watch) {
  const furrow__work *work = w->work;
  w->running.signal = watch ? &w->record->resting : &w->record->failer;
  if (furrow__is_stream(work)) return run_items(w, units);
  while (!furrow__range_is_empty(units)) {
    furrow__span run = furrow__todo_run(&work->todo, units.begin, units.end);
    furrow__span ahead = furrow__todo_run(&work->todo, units.begin, share_end);
    uint64_t tasks_end = furrow__units_span(&work->units, ahead.begin, ahead.end).end;
    uint64_t done = furrow__is_reduction(work) ? reduce_units(w, run, tasks_end) : map_units(w, run, tasks_end);
    furrow__span tasks = furrow__units_span(&work->units, run.begin, run.begin + done);
    count_tasks(w, length(tasks));
    units.begin += (uint32_t)done;
    if (done < length(run) || furrow__is_signalled(&w->running)) break;
  }
  return units.begin;
}
