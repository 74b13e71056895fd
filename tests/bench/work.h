/* The tasks of the benchmark: compiled once, apart, and called through a pointer by furrow and by every peer in C, so
 * that all of them run the same machine code. Knows nothing of who calls. */
#ifndef WORK_H
#define WORK_H

#include <furrow.h>

enum { WORK_ROW_PIXELS = 1000 };

/** What a task's `user` points to. */
typedef struct work_params {
  uint64_t count; /**< tasks in all */
  uint64_t loops; /**< how much work there is: loop turns, or for Mandelbrot the most iterations of a pixel */
} work_params;

/** A kind of task. */
typedef struct work {
  const char *name;
  furrow_map_fn *fn;
  size_t result_size;
  bool timed; /**< a result begins with a double: the seconds that the task took */
} work;

/** By name; NULL if there is none:
 *  noop        writes 8 bytes made of its index
 *  unit        `loops` turns, every task alike
 *  linear      loops * index turns
 *  long        loops turns, but task count / 3 takes a fifth of all turns
 *  mandelbrot  a row of pixels; rows differ widely in cost */
const work *work_find(const char *name);

/** One number for all results, without the times. Ends the program if a result of noop is wrong. */
uint64_t work_check(const work *kind, const void *results, uint64_t count);

/** Seconds that no schedule can beat: max(time inside tasks / workers, longest task). 0 if the work is not timed. */
double work_bound(const work *kind, const void *results, uint64_t count, int workers);

/** A small task: a double to a double. */
int work_tiny(furrow_task *task, const void *item, void *result);

/** A dependent chain of `loops` multiplications. */
uint64_t work_spin(uint64_t start, uint64_t loops);

/** Of `points` random points in the unit square, how many lie in the quarter circle. */
uint64_t work_pi_hits(furrow_rng *rng, uint64_t points);

#endif
