/* A word in shared memory that ranks of a node wait on: spinning briefly, then asleep on a futex.
   Knows atomics and futex(2); does not know what the word means. */
#ifndef FURROW_NODE_GATE_H
#define FURROW_NODE_GATE_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct furrow__gate {
  _Atomic uint32_t word;
  _Atomic uint32_t sleepers; /* threads that are about to sleep, or do */
} furrow__gate;

/* What a thread does before it sleeps. */
typedef enum furrow__manner {
  FURROW__SPIN,  /* look for some 30 µs */
  FURROW__YIELD, /* where ranks share cores: let the others run a few times */
  FURROW__SLEEP, /* nothing */
} furrow__manner;

typedef struct furrow__patience {
  furrow__manner manner;
  uint64_t sleeps; /* counts futex waits */
} furrow__patience;

/* Set the word and wake all who wait on it. */
void furrow__gate_set(furrow__gate *gate, uint32_t value);

/* Add one to the word and wake all who wait on it. */
void furrow__gate_bump(furrow__gate *gate);

/* Read the word; what its writer did before is visible. */
static inline uint32_t furrow__gate_read(const furrow__gate *gate) {
  return atomic_load_explicit(&gate->word, memory_order_acquire);
}

/* Wait while the word is `old`; at most `timeout` nanoseconds once asleep (0: for ever). Returns the word. */
uint32_t furrow__gate_wait(furrow__gate *gate, uint32_t old, uint64_t timeout, furrow__patience *patience);

#endif
