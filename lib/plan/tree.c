/* Both siblings of every pair meet exactly once, whoever holds them and whenever: so the merges, and the order of their
   two arguments, depend on the number of leaves alone. Cost: one merge a leaf in all; a worker that folds a run of
   neighbouring leaves keeps at most 2 log2(leaves) nodes of it. */
#include "plan/tree.h"

/* Nodes of a level: ceil(leaves / 2^level). */
static uint64_t width(uint64_t leaves, uint32_t level) {
  if (level >= 64) return 1;
  uint64_t rest = leaves & ((UINT64_C(1) << level) - 1);
  return (leaves >> level) + (rest != 0);
}

bool furrow__node_is_root(furrow__node node, uint64_t leaves) {
  return width(leaves, node.level) <= 1;
}

static furrow__node parent_of(furrow__node node, uint32_t slot) {
  return (furrow__node){node.index / 2, node.level + 1, slot};
}

static furrow__node rise(furrow__node node, uint64_t leaves) {
  while (!furrow__node_is_root(node, leaves) && node.index % 2 == 0 && node.index + 1 == width(leaves, node.level))
    node = parent_of(node, node.slot);
  return node;
}

furrow__merge furrow__forest_offer(furrow__forest *forest, furrow__node node) {
  node = rise(node, forest->leaves);
  for (uint32_t i = forest->count; i-- > 0;) { /* a run of neighbours finds its sibling at the end */
    furrow__node other = forest->nodes[i];
    if (other.level != node.level || other.index != (node.index ^ 1)) continue;
    forest->nodes[i] = forest->nodes[--forest->count];
    furrow__node left = node.index % 2 == 0 ? node : other, right = node.index % 2 == 0 ? other : node;
    return (furrow__merge){true, left.slot, right.slot, parent_of(left, left.slot)};
  }
  forest->nodes[forest->count++] = node;
  return (furrow__merge){.ready = false};
}
