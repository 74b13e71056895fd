/* Which tasks form a leaf, the unit of reduction. A function of count and sizes alone: it is part of the answer. */
#ifndef FURROW_PLAN_LEAVES_H
#define FURROW_PLAN_LEAVES_H

#include <stddef.h>
#include <stdint.h>

/* A span of consecutive tasks, or of other things counted in 64 bits. */
typedef struct furrow__span {
  uint64_t begin, end;
} furrow__span;

/* Units of `size` consecutive tasks, the last one perhaps shorter. */
typedef struct furrow__units {
  uint64_t tasks; /* in all */
  uint64_t size;  /* tasks a unit, at least 1 */
  uint64_t count; /* units */
} furrow__units;

/* The leaves of a reduction. `leaf`: tasks a leaf, or 0 for the rule: at most 2^22 leaves, and no more than would make
   2^36 bytes of accumulators, but up to 2^14 always. */
furrow__units furrow__units_of_leaves(uint64_t tasks, size_t accumulator_size, uint64_t leaf);

/* The units in which a map is claimed: single tasks, or as few together as make their number fit into 31 bits. */
furrow__units furrow__units_of_map(uint64_t tasks);

/* The tasks of units [begin, end). */
furrow__span furrow__units_span(const furrow__units *units, uint64_t begin, uint64_t end);

/* The part of `of` equal blocks of [0, count) that is number `i`. */
furrow__span furrow__block(uint64_t count, uint64_t i, uint64_t of);

/* The blocks [i, end) of them together. */
furrow__span furrow__blocks(uint64_t count, uint64_t i, uint64_t end, uint64_t of);

#endif
