/* How a static operation is cut into rounds. Knows sizes; does not know ranks' addresses. */
#ifndef FURROW_PLAN_ROUNDS_H
#define FURROW_PLAN_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

/* Units a round, so that its items, or results, are at most `most` bytes; but at least one for each of `ranks`.
   `unit_bytes`: of one unit's items or results, whichever is more. */
uint64_t furrow__round_units(uint64_t units, uint64_t unit_bytes, uint64_t ranks, uint64_t most);

#endif
