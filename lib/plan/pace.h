/* How many units a worker takes at a time. Knows measured times; does not know the clock or the queue. */
#ifndef FURROW_PLAN_PACE_H
#define FURROW_PLAN_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct furrow__pace {
  uint64_t fixed; /* the user's chunk; 0: adaptive */
  uint64_t want;  /* adaptive: what would last about the target time, reached by doubling from 1 */
  uint64_t least; /* adaptive: what lasts about a microsecond; sharing less is not worth a claim */
} furrow__pace;

furrow__pace furrow__pace_start(uint64_t fixed);

/* How many to take of a share that holds `left`. Adaptive: at most half, so that others find something to
   steal and claims shrink towards the end, unless that is less than a microsecond's worth. At least 1. */
uint32_t furrow__pace_next(const furrow__pace *pace, uint32_t left);

/* Somebody has nothing to do, `done` units of a claim took `nanoseconds`, and `left` are still to run: whether that is
   enough to give back. */
bool furrow__pace_worth_sharing(uint64_t left, uint64_t done, uint64_t nanoseconds);

/* Learn that `units` took `nanoseconds`. */
void furrow__pace_learn(furrow__pace *pace, uint64_t units, uint64_t nanoseconds);

#endif
