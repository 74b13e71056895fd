/* Units that nobody has claimed yet: rank 0's deck, or what a node has been dealt. A stack of spans. */
#ifndef TESTS_SIMULATE_PILE_H
#define TESTS_SIMULATE_PILE_H

#include <stdint.h>

#include "plan/leaves.h"

typedef struct pile {
  uint64_t left; /* units */
  uint32_t count, capacity;
  furrow__span *spans;
} pile;

static inline uint64_t span_length(furrow__span span) {
  return span.end - span.begin;
}

/* Put a span on top; an empty one is nothing. Ends the program if there is no memory. */
void pile_put(pile *to, furrow__span span);
void pile_clear(pile *cleared);

/* The first units of the top span, at most so many. */
furrow__span pile_take(pile *from, uint64_t most);

/* The last units of the bottom span, at most so many: those whose turn would come last. */
furrow__span pile_take_back(pile *from, uint64_t most);

/* All of it. */
void pile_move(pile *to, pile *from);

#endif
