#include "run/cell.h"

#include <unistd.h>

#include "base/scratch.h"
#include "node/memory.h"

enum {
  LINE = 64,
  ROOM = 128 << 10,  /* bytes of results before the child asks for room again */
  RING = 1 << 20,    /* bytes of accumulators that wait to be merged */
  PARTS = 256 << 10, /* bytes of a stream's parts before the child waits for its rank */
  WRITTEN = 6 << 20, /* of its results: FURROW__OUT_MEMORY for one beside those before it */
  LEAST_RING = 4,
  MOST_RING = 1024, /* leaves */
};

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static size_t round_up(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

/* Where things stand behind the cell. */
typedef struct plan {
  size_t tried, results, ring, accumulators, stride, all;
  uint64_t room_tasks, ring_size;
} plan;

static plan plan_of(uint64_t most_tries, size_t size, uint64_t room) {
  plan p = {.tried = round_up(sizeof(furrow__cell)), .stride = round_up(size)};
  p.results = p.ring = p.tried + round_up(most_tries * sizeof(furrow__tried));
  if (room) {
    p.room_tasks = size == 0 ? UINT64_MAX : max(1, min(ROOM / size, room));
    p.all = p.results + (size ? round_up(p.room_tasks * size) : 0);
  } else {
    p.ring_size = min(MOST_RING, max(LEAST_RING, RING / max(p.stride, LINE)));
    p.accumulators = p.ring + round_up(p.ring_size * sizeof(uint64_t));
    p.all = p.accumulators + p.ring_size * p.stride;
  }
  return p;
}

furrow__cell *furrow__cell_create(uint64_t most_tries, size_t result_size, uint64_t room) {
  plan p = plan_of(most_tries, result_size, room);
  char *memory = furrow__memory_share(p.all);
  furrow__cell *cell = (furrow__cell *)(void *)memory;
  if (!cell) return NULL;
  cell->tried = (furrow__tried *)(void *)(memory + p.tried);
  cell->results = memory + p.results;
  cell->room_tasks = p.room_tasks;
  cell->ring = (uint64_t *)(void *)(memory + p.ring);
  cell->ring_size = (uint32_t)p.ring_size;
  cell->accumulators = memory + p.accumulators;
  cell->stride = p.stride;
  cell->size = p.all;
  return cell;
}

/* One task has one entry in the list of tries. Where no file can be had, a task that needs one fails, and finds out why. */
furrow__cell *furrow__cell_create_for_stream(void) {
  plan p = plan_of(1, 0, 1);
  char why[FURROW__SCRATCH_WHY], *memory = furrow__memory_share(p.results + PARTS + WRITTEN);
  furrow__cell *cell = (furrow__cell *)(void *)memory;
  if (!cell) return NULL;
  cell->tried = (furrow__tried *)(void *)(memory + p.tried);
  cell->parts = memory + p.results;
  cell->sent_most = PARTS;
  cell->results = cell->parts + PARTS;
  cell->written_most = WRITTEN;
  cell->file = 1 + furrow__scratch_open(why);
  cell->size = p.results + PARTS + WRITTEN;
  return cell;
}

void furrow__cell_destroy(furrow__cell *cell) {
  if (!cell) return;
  if (cell->file) close(cell->file - 1);
  furrow__memory_unshare(cell, cell->size);
}
