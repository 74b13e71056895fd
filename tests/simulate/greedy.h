/* The best that can be had without knowing how long tasks take: whoever is free takes the next task from one queue, which
   costs nothing. What the simulated cluster is measured by. */
#ifndef TESTS_SIMULATE_GREEDY_H
#define TESTS_SIMULATE_GREEDY_H

#include <stdbool.h>
#include <stdint.h>

#include "simulate/load.h"

/* When the last unit ends, in nanoseconds; there must be a unit. False if there is no memory. */
bool greedy_run(const load *of, uint64_t ranks, uint64_t *ends);

#endif
