/* Running items of a stream: each is read where it stands in the store, its result is written straight into the block that goes
   to rank 0, and what fails is told to the ledger. */
#include "base/clock.h"
#include "base/scratch.h"
#include "run/parts.h"
#include "run/worker_inside.h"

/* Its bytes; NULL: there is no memory, or communication broke. */
static const char *find_item(worker *w, const furrow__stored *entry) {
  if (entry->at != FURROW__FAR) return w->store.bytes + entry->at;
  const char *item = furrow__flow_fetch(&w->flow, entry->size);
  if (!item && !w->flow.is_broken)
    furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, entry->index,
                      "no memory for an item of %zu bytes", (size_t)entry->size);
  return item;
}

bool send_file(worker *w, const furrow__packed *result, int file) {
  char why[FURROW__SCRATCH_WHY];
  if (furrow__flow_packed_file(&w->flow, result, file, why)) return true;
  furrow__error_set(&w->running.error, FURROW_E_IO, w->running.where, result->index,
                    "can't read a result of %zu bytes: %s", (size_t)result->size, why);
  return false;
}

/* Once its result has been posted the entry may be another's. */
static bool run_item(worker *w, uint32_t number, uint32_t attempt) {
  furrow__stored entry = w->store.entries[number];
  furrow__out *out = &w->running.out;
  const char *item = find_item(w, &entry);
  if (item) out->bytes = furrow__flow_pack(&w->flow, &out->room);
  if (!item || w->flow.is_broken) return false;
  out->size = 0;
  w->running.task.attempt = attempt;
  bool good = furrow__run_item(&w->running, entry.index, item, entry.size);
  w->running.task.attempt = 0;
  furrow__packed result = {.index = entry.index, .size = out->spilled + out->size, .number = number};
  if (good && !out->spilled) furrow__flow_packed(&w->flow, &result, out->bytes);
  if (good && out->spilled) good = send_file(w, &result, out->file - 1);
  if (good && out->spilled) furrow__out_empty(out);
  w->metrics->bytes_in += w->pool->comm.rank ? entry.size : 0;
  return good;
}

/* Rank 0's calling thread may sleep: see run/stream.c. */
static void ring(const worker *w) {
  atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&w->record->eager, memory_order_relaxed)) furrow__gate_bump(&w->record->turn);
}

void send_results(worker *w) {
  furrow__flow_flush(&w->flow);
  ring(w);
}

void send_part(void *context, uint64_t index, const char *data, size_t size) {
  worker *w = context;
  furrow__post about = {.kind = FURROW__POST_PART, .first = index};
  for (size_t sent = 0, length; sent < size && !w->flow.is_broken; sent += length) {
    length = size - sent < FURROW__PART_MOST ? size - sent : FURROW__PART_MOST;
    furrow__flow_tell(&w->flow, about, data + sent, length);
    ring(w);
  }
}

/* Results of small tasks go together, but none waits for a task that takes long. */
uint32_t run_items(worker *w, furrow__range numbers) {
  uint64_t sent = furrow__now_roughly();
  uint32_t number = numbers.begin;
  while (number < numbers.end) {
    bool again = false, done = run_item(w, number, 0);
    w->tries.count = done ? w->tries.count : 0;
    if (!done && (is_good(w) || !guard_failure(w, w->running.error.task, number, &again))) break;
    number++;
    if (furrow__is_signalled(&w->running)) break;
    uint64_t now = furrow__now_roughly();
    if (now != sent) send_results(w);
    sent = now;
  }
  count_tasks(w, number - numbers.begin);
  send_results(w);
  return number;
}

bool retry_item(worker *w, const furrow__retry *retry) {
  uint32_t number = (uint32_t)retry->place;
  uint64_t index = w->store.entries[number].index;
  bool again = false, done = run_item(w, number, (uint32_t)furrow__tries_of(&w->tries, index));
  done = done || (!is_good(w) && guard_failure(w, index, number, &again));
  if (done) count_tasks(w, 1);
  send_results(w);
  return done;
}
