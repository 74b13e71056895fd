#include "run/execute.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scratch.h"
#include "furrow/stream.h"

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

/* `failer` is set by whoever fails on this node, by rank 0's side when it closes work that is not complete, and by a courier when
   communication breaks; `broken` by the ranks beside it. The stop signal is seen by any thread of this process, and the first one
   says so, before its task can fail: so the operation has been stopped, and has not failed. Another thread than the task's may
   come here: it reads what does not change while the task runs, and words that are atomic. */
bool furrow_task_is_cancelled(const furrow_task *task) {
  furrow__running *running = (furrow__running *)(void *)task; /* it is one: only its tasks may not change it */
  if (!running->record) return false;
  bool ends = furrow__record_failed(running->record) || atomic_load_explicit(running->broken, memory_order_relaxed);
  furrow_pool *pool = running->pool;
  if (!ends && pool && atomic_load_explicit(&pool->stoppable, memory_order_relaxed) &&
      furrow__stop_asked(&pool->stop)) {
    furrow__stop_here(pool);
    ends = true;
  }
  if (ends) atomic_store_explicit(&running->told, true, memory_order_relaxed);
  return ends;
}

/* Written by rank 0's calling thread, and on other nodes by their couriers; set back before any rank of the node meets the others.
   The word is all there is to see: nothing is ordered by it. A child sees it, too, since the board is shared. */
uint64_t furrow_task_told(const furrow_task *task) {
  const furrow__running *running = (const furrow__running *)(const void *)task;
  return running->record ? atomic_load_explicit(&running->record->word, memory_order_relaxed) : 0;
}

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* False: no memory. */
static bool have_own(furrow__out *out, size_t room) {
  if (room <= out->own_room) return true;
  char *more = realloc(out->own, room);
  if (!more) return false;
  out->own = more;
  out->own_room = room;
  return true;
}

/* Have so much room in the own memory, for what has been written, too. False: no memory. */
static bool move(furrow__out *out, size_t room) {
  bool moves = out->bytes != out->own;
  if (!have_own(out, room)) return false;
  if (moves && out->size) memcpy(out->own, out->bytes, out->size);
  out->bytes = out->own;
  out->room = out->own_room;
  return true;
}

/* If the disk is full, what of it went to the file is in others' way. */
static bool append(furrow__out *out, const void *data, size_t size, char *why) {
  bool good = furrow__scratch_write(out->file - 1, out->spilled, data, size, why);
  bool cut = !good && ftruncate(out->file - 1, (off_t)out->spilled) == 0;
  (void)cut; /* if not, the next result is written over it */
  out->spilled += good ? size : 0;
  return good;
}

/* Who has no other memory has no other file, either: its rank would not find that. But here it finds out why there is none. */
static bool have_file(furrow__out *out, char *why) {
  if (out->file) return true;
  int file = furrow__scratch_open(why);
  if (file < 0) return false;
  if (!out->fixed) {
    out->file = 1 + file;
    return true;
  }
  close(file);
  snprintf(why, FURROW__SCRATCH_WHY, "there was no file for it when its worker began");
  return false;
}

/* What is in memory goes to the file. */
static bool spill(furrow__out *out, char *why) {
  if (!have_file(out, why) || !append(out, out->bytes, out->size, why)) return false;
  out->size = 0;
  return true;
}

void furrow__out_empty(furrow__out *out) {
  bool cut = out->spilled > 0 && ftruncate(out->file - 1, 0) == 0;
  (void)cut; /* if not, the next result is written over it */
  out->spilled = 0;
}

static int no_room(furrow_task *task, const furrow__out *out, size_t more, const char *why) {
  return furrow_fail(task, "no room for a result of %zu bytes or more: %s", out->spilled + out->size + more, why);
}

/* There is not enough room for so many bytes. */
static int write_much(furrow_task *task, furrow__out *out, const void *data, size_t size) {
  char why[FURROW__SCRATCH_WHY];
  bool fits = size <= FURROW__OUT_MEMORY && out->size <= FURROW__OUT_MEMORY - size;
  if (size > PTRDIFF_MAX - out->spilled - out->size) return no_room(task, out, 0, "its size overflows");
  if (!out->fixed && !out->spilled && fits) {
    size_t most = out->size + size;
    if (!move(out, min(most + most / 2, FURROW__OUT_MEMORY))) return no_room(task, out, size, "no memory");
  } else if (!spill(out, why)) {
    return no_room(task, out, size, why);
  } else if (size > out->room) {
    return append(out, data, size, why) ? 0 : no_room(task, out, size, why);
  }
  memcpy(out->bytes + out->size, data, size);
  out->size += size;
  return 0;
}

int furrow_task_write(furrow_task *task, const void *data, size_t size) {
  furrow__out *out = &behind(task)->out;
  if (!furrow__is_stream(behind(task)->work))
    return furrow_fail(task, "furrow_task_write: this is no task of a stream");
  if (size && !data) return furrow_fail(task, "furrow_task_write: data is NULL");
  if (size > out->room - out->size) return write_much(task, out, data, size);
  if (size) memcpy(out->bytes + out->size, data, size);
  out->size += size;
  return 0;
}

/* The ring's block goes to rank 0 with what has been finished. False: no memory. */
static bool leave_block(furrow__out *out) {
  return out->fixed || move(out, out->size);
}

int furrow_task_send(furrow_task *task, const void *data, size_t size) {
  furrow__running *running = behind(task);
  if (!furrow__is_stream(running->work)) return furrow_fail(task, "furrow_task_send: this is no task of a stream");
  if (size && !data) return furrow_fail(task, "furrow_task_send: data is NULL");
  if (size == 0) return 0;
  if (!leave_block(&running->out)) return furrow_fail(task, "no memory for a result of %zu bytes", running->out.size);
  running->send(running->sender, task->index, data, size);
  return 0;
}

void furrow__running_free(furrow__running *running) {
  furrow__out_empty(&running->out);
  if (running->out.file && !running->out.fixed) close(running->out.file - 1);
  free(running->out.own);
}

void furrow__running_start(furrow__running *running, furrow_pool *pool, const furrow__work *work, int thread) {
  int worker = pool->comm.rank * (int)work->settings.threads + thread;
  *running = (furrow__running){
      .task = {.rank = pool->comm.rank, .worker = worker, .user = work->user},
      .seed = work->settings.seed,
      .series = work->settings.series,
      .work = work,
      .where = furrow__here(pool),
      .record = furrow__has_board(pool) ? furrow__record_of(pool) : NULL,
      .broken = pool->board.broken,
      .pool = pool,
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

bool furrow__is_due(const furrow__running *running) {
  if (running->stop && furrow__stop_asked(running->stop)) return true;
  return running->look_up != 0 && furrow__now_roughly() >= running->look_up;
}

static inline void prepare(furrow__running *running, uint64_t index) {
  running->task.index = index;
  running->has_rng = false;
}

static bool fail(furrow__running *running, uint64_t index, int code) {
  running->code = code;
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

bool furrow__run_item(furrow__running *running, uint64_t index, const void *item, size_t size) {
  prepare(running, index);
  int code = running->work->stream(&running->task, item, size);
  char why[FURROW__SCRATCH_WHY];
  furrow__out *out = &running->out;
  if (out->spilled && code == 0 && !running->failed && !spill(out, why)) code = no_room(&running->task, out, 0, why);
  if (code == 0 && !running->failed) return true;
  furrow__out_empty(out);
  return fail(running, index, code);
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
