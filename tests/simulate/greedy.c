#include "simulate/greedy.h"

#include <stdlib.h>

enum { ENOUGH = 64 }; /* units a rank: after those the end no longer shows how it began */

/* The earliest is at 0 and has changed: let it sink. */
static void sink(uint64_t *heap, uint64_t count) {
  uint64_t value = heap[0], i = 0;
  for (;;) {
    uint64_t child = 2 * i + 1;
    if (child >= count) break;
    if (child + 1 < count && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= value) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = value;
}

/* Of many units only the last ones are run one by one; those before them are shared out evenly. */
bool greedy_run(const load *of, uint64_t ranks, uint64_t *ends) {
  uint64_t *free_at = calloc(ranks, sizeof *free_at), count = of->units.count;
  if (!free_at) return false;
  uint64_t skipped = count / ranks > ENOUGH ? count - ENOUGH * ranks : 0, last = 0;
  for (uint64_t i = skipped; i < count; i++) {
    free_at[0] += load_until(of, i + 1) - load_until(of, i);
    if (free_at[0] > last) last = free_at[0];
    sink(free_at, ranks);
  }
  free(free_at);
  *ends = load_until(of, skipped) / ranks + last;
  return true;
}
