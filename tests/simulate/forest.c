#include "simulate/forest.h"

#include <stdlib.h>

#include "plan/tree.h"

static int by_begin(const void *a, const void *b) {
  const furrow__span *left = a, *right = b;
  return (left->begin > right->begin) - (left->begin < right->begin);
}

static void offer_leaf(furrow__forest *forest, uint64_t leaf) {
  furrow__merge merge = {.ready = true, .parent = {.index = leaf}};
  while (merge.ready) merge = furrow__forest_offer(forest, merge.parent);
}

/* A run of neighbouring leaves leaves at most two nodes a level. */
uint64_t forest_accumulators(pile *ran, uint64_t leaves) {
  qsort(ran->spans, ran->count, sizeof *ran->spans, by_begin);
  uint32_t capacity = 64 * (ran->count + 1);
  furrow__node *nodes = malloc(capacity * sizeof *nodes);
  if (!nodes) return UINT64_MAX;
  furrow__forest forest = {.leaves = leaves, .nodes = nodes, .capacity = capacity};
  for (uint32_t i = 0; i < ran->count; i++)
    for (uint64_t leaf = ran->spans[i].begin; leaf < ran->spans[i].end; leaf++) offer_leaf(&forest, leaf);
  free(nodes);
  return forest.count;
}
