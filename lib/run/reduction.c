#include "run/reduction.h"

#include <stdlib.h>
#include <string.h>

furrow__reduction furrow__reduction_start(const furrow__work *work) {
  return (furrow__reduction){
      .work = work, .forest = {.leaves = work->units.count}, .late = {.leaves = work->units.count}};
}

void furrow__reduction_free(furrow__reduction *reduction) {
  for (uint32_t i = 0; i < reduction->slot_count; i++) free(reduction->slots[i]);
  free(reduction->slots);
  free(reduction->ids);
  free(reduction->fresh);
  free(reduction->forest.nodes);
  free(reduction->late.nodes);
}

static bool grow_forest(furrow__forest *forest, uint32_t capacity) {
  furrow__node *nodes = realloc(forest->nodes, capacity * sizeof *nodes);
  if (!nodes) return false;
  forest->nodes = nodes;
  forest->capacity = capacity;
  return true;
}

/* Room for one more in all arrays. */
static bool grow(furrow__reduction *reduction) {
  uint32_t more = reduction->slot_count ? 2 * reduction->slot_count : 16;
  char **slots = realloc(reduction->slots, more * sizeof *slots);
  if (slots) reduction->slots = slots;
  uint32_t *ids = realloc(reduction->ids, more * sizeof *ids);
  if (ids) reduction->ids = ids;
  uint8_t *fresh = realloc(reduction->fresh, more);
  if (fresh) reduction->fresh = fresh;
  if (!slots || !ids || !fresh || !grow_forest(&reduction->forest, more + 1) ||
      !grow_forest(&reduction->late, more + 1))
    return false;
  for (uint32_t i = reduction->slot_count; i < more; i++) {
    slots[i] = NULL;
    ids[i] = i;
  }
  reduction->slot_count = more;
  return true;
}

bool furrow__reduction_take(furrow__reduction *reduction, uint32_t *slot) {
  if (reduction->used == reduction->slot_count && !grow(reduction)) return false;
  *slot = reduction->ids[reduction->used];
  if (!reduction->slots[*slot])
    reduction->slots[*slot] = aligned_alloc(64, (reduction->work->result_size + 63) / 64 * 64);
  if (!reduction->slots[*slot]) return false;
  reduction->fresh[*slot] = 0;
  reduction->used++;
  return true;
}

void furrow__reduction_give_back(furrow__reduction *reduction, uint32_t slot) {
  uint32_t i = --reduction->used; /* usually the one taken last */
  while (reduction->ids[i] != slot) i--;
  reduction->ids[i] = reduction->ids[reduction->used];
  reduction->ids[reduction->used] = slot;
}

void furrow__reduction_clear(furrow__reduction *reduction) {
  while (reduction->forest.count > 0)
    furrow__reduction_give_back(reduction, reduction->forest.nodes[--reduction->forest.count].slot);
}

void furrow__reduction_init(const furrow__work *work, void *accumulator) {
  memset(accumulator, 0, work->result_size); /* also what `init` leaves out, such as padding, is the same everywhere */
  if (work->reducer.init) work->reducer.init(accumulator, work->user);
}

static void add(furrow__reduction *reduction, furrow__forest *forest, furrow__node node) {
  const furrow__work *work = reduction->work;
  for (;;) {
    furrow__merge merge = furrow__forest_offer(forest, node);
    if (!merge.ready) return;
    work->reducer.merge(reduction->slots[merge.earlier], reduction->slots[merge.later], work->user);
    reduction->fresh[merge.earlier] |= reduction->fresh[merge.later];
    furrow__reduction_give_back(reduction, merge.later);
    node = merge.parent;
  }
}

void furrow__reduction_add(furrow__reduction *reduction, furrow__node node) {
  add(reduction, &reduction->forest, node);
}

void furrow__reduction_add_late(furrow__reduction *reduction, furrow__node node) {
  add(reduction, &reduction->late, node);
}

void furrow__reduction_join(furrow__reduction *reduction) {
  while (reduction->late.count > 0) add(reduction, &reduction->forest, reduction->late.nodes[--reduction->late.count]);
}

/* Accumulators change hands as they are: the two slots are swapped. */
bool furrow__reduction_adopt(furrow__reduction *reduction, furrow__reduction *other) {
  furrow__reduction_join(other);
  for (uint32_t i = 0; i < other->forest.count; i++) {
    furrow__node node = other->forest.nodes[i];
    uint32_t slot = 0;
    if (!furrow__reduction_take(reduction, &slot)) return false;
    char *free_one = reduction->slots[slot];
    reduction->slots[slot] = other->slots[node.slot];
    other->slots[node.slot] = free_one;
    node.slot = slot;
    furrow__reduction_add(reduction, node);
  }
  return true;
}
