/* How a rank waits for a word on its node's board: asleep, but not deaf. */
#ifndef FURROW_RUN_AWAIT_H
#define FURROW_RUN_AWAIT_H

#include "run/pool.h"

/* A thread that waits. A worker in a thread of its own leaves MPI, the courier, and the pool's errors to the one that
   called the operation. */
typedef struct furrow__waiter {
  bool aside;                /* it is such a one */
  furrow__patience patience; /* then; else the pool's counts */
  bool lost;                 /* then: it was told that communication broke */
} furrow__waiter;

/* Wait until the gate's word is no longer `old`. False: communication broke somewhere, and it never will be. */
bool furrow__await(furrow_pool *pool, furrow__gate *gate, uint32_t old);

/* The same, until the clock shows `deadline` at the latest. */
bool furrow__await_until(furrow_pool *pool, furrow__gate *gate, uint32_t old, uint64_t deadline);

/* The same as the first for any thread. */
bool furrow__await_as(furrow__waiter *waiter, furrow_pool *pool, furrow__gate *gate, uint32_t old);

#endif
