/* The fixed binary tree of a reduction. A node (level, index) covers the leaves [index << level, (index + 1) << level)
   that exist. Decides which nodes merge; does not touch accumulators, which it knows by a slot number. */
#ifndef FURROW_PLAN_TREE_H
#define FURROW_PLAN_TREE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct furrow__node {
  uint64_t index;
  uint32_t level;
  uint32_t slot; /* of its accumulator; the caller's */
} furrow__node;

/* Nodes that wait for their sibling. The caller provides the memory. */
typedef struct furrow__forest {
  uint64_t leaves;
  furrow__node *nodes; /* room for `capacity` */
  uint32_t count, capacity;
} furrow__forest;

/* What to do with a node. */
typedef struct furrow__merge {
  bool ready; /* merge `later` into `earlier`, then free `later` and offer `parent` */
  uint32_t earlier, later;
  furrow__node parent; /* its slot is `earlier` */
} furrow__merge;

/* Offer a node to the forest. Either its sibling was there: then that is taken out and a merge is due. Or the node is
   kept; the caller made sure that count < capacity. A node without a right sibling rises first, for free. */
furrow__merge furrow__forest_offer(furrow__forest *forest, furrow__node node);

/* Whether the node covers every leaf. */
bool furrow__node_is_root(furrow__node node, uint64_t leaves);

#endif
