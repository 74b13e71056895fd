/* The tasks of a simulated operation: how long each takes, and the units in which they are dealt. Knows sums, so that
   a run of a million tasks costs as little as one; does not know who runs them. */
#ifndef TESTS_SIMULATE_LOAD_H
#define TESTS_SIMULATE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/leaves.h"

typedef enum load_kind { LOAD_CONSTANT, LOAD_LOGNORMAL, LOAD_PARETO } load_kind;

typedef struct load {
  furrow__units units;
  uint64_t mean;    /* nanoseconds a task, of a constant load */
  uint64_t longest; /* nanoseconds of the longest unit */
  uint64_t *sums;   /* of the first i tasks of a pattern that repeats; NULL: all are constant */
} load;

/* Lognormal: sigma 1. Pareto: alpha 1.5, capped at a hundred means. False if there is no memory. */
bool load_make(load *made, load_kind kind, uint64_t mean, furrow__units units);
void load_clear(load *made);

/* Nanoseconds that all units before this one take together, one after the other. */
uint64_t load_until(const load *of, uint64_t unit);

/* A rank begins units [begin, end) and has worked for so many nanoseconds: the unit that it is at, or `end`. */
uint64_t load_reached(const load *of, uint64_t begin, uint64_t end, uint64_t worked);

#endif
