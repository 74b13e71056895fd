#include "run/execute.h"

#include <string.h>

static furrow__running *behind(furrow_task *task) {
  return (furrow__running *)(void *)task;
}

furrow_rng *furrow_task_rng(furrow_task *task) {
  furrow__running *running = behind(task);
  if (!running->has_rng) running->rng = furrow_rng_make(running->seed, running->series, task->index);
  running->has_rng = true;
  return &running->rng;
}

int furrow_fail(furrow_task *task, const char *format, ...) {
  furrow__running *running = behind(task);
  if (running->failed) return 1; /* the first reason is the cause */
  running->failed = true;
  char message[FURROW_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  furrow__error_set(&running->error, FURROW_E_TASK, running->where, task->index, "%s", message);
  return 1;
}

void furrow__running_start(furrow__running *running, const furrow_pool *pool, const furrow__work *work) {
  *running = (furrow__running){
      .task = {.rank = pool->comm.rank, .worker = pool->comm.rank, .user = work->user},
      .seed = work->settings.seed,
      .series = work->settings.series,
      .work = work,
      .where = furrow__here(pool),
  };
  furrow__error_clear(&running->error);
}

bool furrow__running_begin(furrow__running *running) {
  const furrow_options *options = &running->work->options;
  if (!options->worker_begin) return true;
  int code = options->worker_begin(running->work->user, running->task.worker, &running->task.local);
  if (code == 0) return true;
  furrow__error_set(&running->error, FURROW_E_TASK, running->where, FURROW_NO_TASK, "worker_begin returned %d", code);
  return false;
}

void furrow__running_end(furrow__running *running) {
  const furrow_options *options = &running->work->options;
  if (options->worker_end) options->worker_end(running->work->user, running->task.worker, running->task.local);
}

static inline void prepare(furrow__running *running, uint64_t index) {
  running->task.index = index;
  running->has_rng = false;
}

static bool fail(furrow__running *running, uint64_t index, int code) {
  if (!running->failed)
    furrow__error_set(&running->error, FURROW_E_TASK, running->where, index, "its function returned %d", code);
  return false;
}

uint64_t furrow__run_map(furrow__running *running, furrow__span span, const char *items, char *results) {
  const furrow__work *work = running->work;
  furrow_map_fn *fn = work->map;
  for (uint64_t i = span.begin; i < span.end; i++) {
    prepare(running, i);
    int code = fn(&running->task, items, results);
    if (code != 0 || running->failed) {
      fail(running, i, code);
      return i - span.begin;
    }
    if (furrow__is_signalled(running)) return i + 1 - span.begin;
    if (items) items += work->item_size;
    if (results) results += work->result_size;
  }
  return span.end - span.begin;
}

/* Items that are accumulators themselves: the first of a leaf is copied, the others merge into it. */
static void run_merge(const furrow__work *work, uint64_t count, const char *items, char *accumulator, bool fresh) {
  if (fresh) memcpy(accumulator, items, work->item_size);
  for (uint64_t i = fresh; i < count; i++) work->reducer.merge(accumulator, items + i * work->item_size, work->user);
}

bool furrow__run_fold(furrow__running *running, furrow__span span, const char *items, char *accumulator, bool fresh) {
  const furrow__work *work = running->work;
  if (!work->reducer.fold) {
    run_merge(work, span.end - span.begin, items, accumulator, fresh);
    return true;
  }
  for (uint64_t i = span.begin; i < span.end; i++) {
    prepare(running, i);
    int code = work->reducer.fold(&running->task, items, accumulator);
    if (code != 0 || running->failed) return fail(running, i, code);
    if (items) items += work->item_size;
  }
  return true;
}
