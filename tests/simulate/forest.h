/* How many accumulators are left of the leaves that a node has run, once all of them that can be merged are. */
#ifndef TESTS_SIMULATE_FOREST_H
#define TESTS_SIMULATE_FOREST_H

#include <stdint.h>

#include "simulate/pile.h"

/* Sorts the spans of `ran`. UINT64_MAX if there is no memory. */
uint64_t forest_accumulators(pile *ran, uint64_t leaves);

#endif
