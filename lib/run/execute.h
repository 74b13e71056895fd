/* Running tasks: the user's function, its generator, its failure. Knows one span of tasks at a time; does not know
   where items come from, or who claims. */
#ifndef FURROW_RUN_EXECUTE_H
#define FURROW_RUN_EXECUTE_H

#include <stdatomic.h>

#include "run/pool.h"
#include "run/work.h"

/* What stands behind the furrow_task that a function sees. */
typedef struct furrow__running {
  furrow_task task; /* first, so that the one leads to the other */
  bool has_rng, failed;
  uint64_t seed, series;
  furrow_rng rng;
  const furrow__work *work;
  const _Atomic uint32_t *signal; /* a word of other ranks: once it is not 0, look up from work. NULL: none */
  furrow__where where;
  furrow_error error; /* why the operation failed on this rank */
} furrow__running;

void furrow__running_start(furrow__running *running, const furrow_pool *pool, const furrow__work *work);

/* worker_begin and worker_end. The first is false if it failed: running->error says why. */
bool furrow__running_begin(furrow__running *running);
void furrow__running_end(furrow__running *running);

/* Whether other ranks want this one to look up. */
static inline bool furrow__is_signalled(const furrow__running *running) {
  return running->signal && atomic_load_explicit(running->signal, memory_order_relaxed) != 0;
}

/* Map the tasks of a span. Returns how many were run: fewer if one failed (then running->error says why), or
   at a signal. */
uint64_t furrow__run_map(furrow__running *running, furrow__span span, const char *items, char *results);

/* Fold the tasks of a span into one accumulator, which holds nothing yet if `fresh`. False if one failed. */
bool furrow__run_fold(furrow__running *running, furrow__span span, const char *items, char *accumulator, bool fresh);

#endif
