/* How an operation divides the data area of a node's shared memory. Knows sizes; does not know addresses. */
#ifndef FURROW_PLAN_LAYOUT_H
#define FURROW_PLAN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  FURROW__RESULT_BLOCKS = 4, /* of a worker's ring to rank 0 */
  FURROW__ITEM_SLOTS = 4,    /* one is read while the others are filled */
};

/* Bytes, from the start of the data area: first the two windows, then rings. Few items stand in a window as a whole,
   and so do few results. Of many, every worker but, as a rule, rank 0's own has a ring of item slots and one of
   result blocks, while rank 0's read and write the caller's arrays. Shipped to every rank as plain words. */
typedef struct furrow__layout {
  uint64_t items;   /* bytes of the item window; 0: there are no items, or they come through slots */
  uint64_t results; /* bytes of the result window, behind it; 0: there are no results, or they go through blocks */
  uint64_t block;   /* bytes of a result block; 0: there are none */
  uint64_t slot;    /* bytes of an item slot; 0: there are none */
  uint64_t total;   /* bytes in all */
  uint64_t first;   /* the first worker of the node that has rings */
  uint64_t workers; /* that have, from there on */
} furrow__layout;

/* What moves in an operation. */
typedef struct furrow__traffic {
  uint64_t count;                  /* tasks */
  size_t item_size;                /* bytes of an item */
  size_t result_size;              /* bytes of a result, or of an accumulator */
  bool reduction;                  /* accumulators instead of results */
  int workers;                     /* of the node, that have rings */
  bool item_window, result_window; /* allowed: rank 0 is near, and no other node's results come */
  bool everyone;                   /* also the node's first rank has rings, and all have blocks, for news of tasks */
  int without;                     /* workers of the node before those: rank 0's, as a rule */
} furrow__traffic;

/* The best layout in at most `room` bytes. Any room of at least FURROW__ROOM_PER_WORKER a worker will do; more means
   fewer and longer copies. */
furrow__layout furrow__layout_of(const furrow__traffic *traffic, size_t room);

/* The same for a stream: the item window is a directory of so many bytes; items stand behind all else, and those that are
   too large for that come through rings. */
furrow__layout furrow__layout_of_stream(size_t directory, int workers, size_t room);

enum { FURROW__ROOM_PER_WORKER = 64 * (FURROW__RESULT_BLOCKS + FURROW__ITEM_SLOTS) };

/* Whether a worker could be kept waiting by a rank 0 that is busy with a task of its own. */
bool furrow__layout_needs_server(const furrow__layout *layout, bool reduction);

/* Offsets of worker `w` of the node, which has rings. */
uint64_t furrow__layout_block(const furrow__layout *layout, int w, uint32_t block);
uint64_t furrow__layout_slot(const furrow__layout *layout, int w, uint32_t slot);

#endif
