#include "run/reduction.h"

#include <stdlib.h>
#include <string.h>

furrow__reduction furrow__reduction_start(const furrow__work *work) {
  return (furrow__reduction){.work = work, .forest = {.leaves = work->units.count}};
}

void furrow__reduction_free(furrow__reduction *reduction) {
  for (uint32_t i = 0; i < reduction->slot_count; i++) free(reduction->slots[i]);
  free(reduction->slots);
  free(reduction->ids);
  free(reduction->forest.nodes);
}

/* Room for one more in all three arrays. */
static bool grow(furrow__reduction *reduction) {
  uint32_t more = reduction->slot_count ? 2 * reduction->slot_count : 16;
  char **slots = realloc(reduction->slots, more * sizeof *slots);
  if (slots) reduction->slots = slots;
  uint32_t *ids = realloc(reduction->ids, more * sizeof *ids);
  if (ids) reduction->ids = ids;
  furrow__node *nodes = realloc(reduction->forest.nodes, (more + 1) * sizeof *nodes);
  if (nodes) reduction->forest.nodes = nodes;
  if (!slots || !ids || !nodes) return false;
  for (uint32_t i = reduction->slot_count; i < more; i++) {
    slots[i] = NULL;
    ids[i] = i;
  }
  reduction->slot_count = more;
  reduction->forest.capacity = more + 1;
  return true;
}

bool furrow__reduction_take(furrow__reduction *reduction, uint32_t *slot) {
  if (reduction->used == reduction->slot_count && !grow(reduction)) return false;
  *slot = reduction->ids[reduction->used];
  if (!reduction->slots[*slot])
    reduction->slots[*slot] = aligned_alloc(64, (reduction->work->result_size + 63) / 64 * 64);
  if (!reduction->slots[*slot]) return false;
  reduction->used++;
  return true;
}

static void give_back(furrow__reduction *reduction, uint32_t slot) {
  uint32_t i = --reduction->used; /* usually the one taken last */
  while (reduction->ids[i] != slot) i--;
  reduction->ids[i] = reduction->ids[reduction->used];
  reduction->ids[reduction->used] = slot;
}

void furrow__reduction_clear(furrow__reduction *reduction) {
  while (reduction->forest.count > 0) give_back(reduction, reduction->forest.nodes[--reduction->forest.count].slot);
}

void furrow__reduction_init(const furrow__work *work, void *accumulator) {
  memset(accumulator, 0, work->result_size); /* also what `init` leaves out, such as padding, is the same everywhere */
  if (work->reducer.init) work->reducer.init(accumulator, work->user);
}

void furrow__reduction_add(furrow__reduction *reduction, furrow__node node) {
  const furrow__work *work = reduction->work;
  for (;;) {
    furrow__merge merge = furrow__forest_offer(&reduction->forest, node);
    if (!merge.ready) return;
    work->reducer.merge(reduction->slots[merge.earlier], reduction->slots[merge.later], work->user);
    give_back(reduction, merge.later);
    node = merge.parent;
  }
}
