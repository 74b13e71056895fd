/* Random runs of the protocols that ranks of a node share, by threads or by processes, until the time is over.
   Knows lib/node and a crew; does not know the shim: tests/unit runs them briefly, tests/stress for longer. */
#ifndef TESTS_UNIT_STRESS_H
#define TESTS_UNIT_STRESS_H

#include <stdint.h>

#include "unit/crew.h"

typedef struct stress {
  crew_kind kind;
  int workers; /* at least 2 */
  double seconds;
  unsigned delays; /* points_delay() */
  uint64_t seed;
  uint64_t operations; /* out: claims, or waits */
  char wrong[160];     /* out: "", or what has been wrong first */
} stress;

/* Workers take and steal until nothing is left: every unit exactly once, and nobody leaves before its time. */
void stress_range(stress *s);

/* One puts numbers on piles, the others draw them, and they come back: each runs once each time. */
void stress_pile(stress *s);

/* One sets a gate, the others wait for it and answer by bumping another: no wake-up is lost. */
void stress_gate(stress *s);

#endif
