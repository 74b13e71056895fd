/* The rank's side of isolation in a stream: results of any size stand one behind the other in the cell; the child starts at its
   beginning again when all have been posted. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/isolate.h"

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

static const size_t KEPT = 1 << 20; /* bytes of the cell's results that stay in memory between two tasks */

/* Of tasks that may still run. They stand where they are until the child asks for room. */
static void post_parts(worker *w) {
  const furrow__cell *cell = w->cell;
  uint64_t sent = atomic_load(&cell->sent);
  while (w->parts_posted < sent && !w->flow.is_broken) {
    const furrow__packed *one = (const furrow__packed *)(const void *)(cell->parts + w->parts_posted);
    send_part(w, one->index, furrow__packed_bytes(one), one->size);
    w->parts_posted += furrow__packed_size(one->size);
  }
}

void isolate_give_sending(worker *w) {
  isolate_collect_items(w);
  w->parts_posted = 0;
  atomic_store(&w->cell->sent, 0);
}

/* What stands in the file is the last, and the child does not touch the file before the rank gives it room. */
static void post(worker *w, const furrow__packed *one) {
  furrow__packed result = {.index = one->index, .size = one->far ? one->far : one->size, .number = one->number};
  if (!one->far)
    furrow__flow_packed(&w->flow, &result, furrow__packed_bytes(one));
  else
    send_file(w, &result, w->cell->file - 1);
}

/* What is posted may be finished on rank 0 at once, and its number another item's. So the last one is remembered. */
void isolate_collect_items(worker *w) {
  furrow__cell *cell = w->cell;
  uint64_t end = atomic_load(&cell->written), before = w->collected;
  post_parts(w);
  while (w->collected < end && !w->flow.is_broken) {
    const furrow__packed *one = (const furrow__packed *)(const void *)(cell->results + w->collected);
    size_t room = 0;
    furrow__flow_pack(&w->flow, &room);
    w->last_item = *one;
    w->has_last = true;
    w->collected += furrow__packed_size(one->size);
    if (!w->flow.is_broken) post(w, one);
    count_tasks(w, 1);
  }
  if (w->collected > before) send_results(w);
}

bool isolate_has_item(const worker *w, uint32_t number, uint64_t at) {
  return w->has_last && w->last_item.number == number && w->last_item.index == at;
}

void isolate_empty_file(worker *w) {
  furrow__cell *cell = w->cell;
  bool cut = cell->file && ftruncate(cell->file - 1, 0) == 0;
  (void)cut; /* if not, the next result is written over it */
  atomic_store(&cell->filed, 0);
}

/* A large result's memory goes back to the system. */
void isolate_give_room(worker *w) {
  furrow__cell *cell = w->cell;
  uint64_t end = atomic_load(&cell->written);
  size_t page = 4096, from = (size_t)(cell->results - (char *)cell) + KEPT;
  from = (from + page - 1) / page * page;
  isolate_collect_items(w);
  if (end > 2 * KEPT) madvise((char *)cell + from, min(end, cell->size - from), MADV_REMOVE);
  isolate_empty_file(w);
  w->collected = 0;
  atomic_store(&cell->written, 0);
}

void isolate_give_item(worker *w, uint32_t number) {
  furrow__cell *cell = w->cell;
  furrow__stored entry = w->store.entries[number];
  furrow__child_kill(&w->child);
  isolate_collect_items(w);
  cell->items_of = (furrow__span){0, 0};
  cell->items = furrow__flow_fetch(&w->flow, entry.size);
  if (cell->items) cell->items_of = (furrow__span){entry.index, entry.index + 1};
  if (!cell->items && !w->flow.is_broken)
    furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, entry.index,
                      "no memory for an item of %zu bytes", (size_t)entry.size);
  if (!furrow__cell_has_extra(cell)) w->tries.count = cell->tries = 0; /* what has failed before was another item */
  furrow__cell_set_extra(cell, (furrow__span){number, number + 1});
  atomic_store(&cell->claimed, 0);
  atomic_store(&cell->at, FURROW__AT_NOTHING);
}
