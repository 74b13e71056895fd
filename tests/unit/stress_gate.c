/* Ping-pong over two gates: worker 0 sets the first to 1, 2, 3 …, and waits until the others have bumped the second once
   each. Everybody has something to wait for, so a wait as long as its timeout is a lost wake-up. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "furrow/rng.h"
#include "node/gate.h"
#include "unit/points.h"
#include "unit/stress.h"

static const uint64_t TIMEOUT = UINT64_C(10) * 1000000000;
static const uint32_t OVER = UINT32_MAX;

typedef struct shared {
  stress s;
  _Alignas(64) furrow__gate call;
  _Alignas(64) furrow__gate answers;
  _Atomic uint64_t operations;
  _Atomic uint32_t lost;
  uint32_t payload; /* plain: what was written before a set is read after the wait */
  _Atomic bool stale;
} shared;

/* A wait in a random manner; notes if it was as long as its timeout. */
static uint32_t wait_for(shared *all, furrow__gate *gate, uint32_t old, furrow_rng *rng) {
  furrow__patience patience = {(furrow__manner)furrow_rng_below(rng, 3), 0};
  uint64_t start = furrow__now();
  uint32_t value = furrow__gate_wait(gate, old, TIMEOUT, &patience);
  if (furrow__now() - start >= TIMEOUT) atomic_fetch_add(&all->lost, 1);
  return value;
}

static void lead(shared *all, furrow_rng *rng) {
  uint64_t deadline = furrow__now() + (uint64_t)(all->s.seconds * 1e9);
  uint32_t others = (uint32_t)all->s.workers - 1, round = 0, seen = 0;
  while (furrow__now() < deadline && atomic_load(&all->lost) == 0) {
    all->payload = ++round;
    furrow__gate_set(&all->call, round);
    while (seen != round * others && atomic_load(&all->lost) == 0) seen = wait_for(all, &all->answers, seen, rng);
  }
  atomic_store(&all->operations, (uint64_t)round * others * 2);
  furrow__gate_set(&all->call, OVER);
}

static void follow(shared *all, furrow_rng *rng) {
  uint32_t seen = 0;
  while (atomic_load(&all->lost) == 0) {
    seen = wait_for(all, &all->call, seen, rng);
    if (seen == OVER) break;
    if (all->payload != seen) atomic_store(&all->stale, true);
    furrow__gate_bump(&all->answers);
  }
}

static void body(void *argument, int me) {
  shared *all = argument;
  furrow_rng rng = furrow_rng_make(all->s.seed, 2, (uint64_t)me);
  (me == 0 ? lead : follow)(all, &rng);
}

static const char *verdict(shared *all, bool good) {
  if (!good) return "a worker has died";
  if (atomic_load(&all->lost)) return "a wake-up was lost";
  if (atomic_load(&all->stale)) return "a waiter did not see what had been written before";
  if (atomic_load(&all->call.sleepers) || atomic_load(&all->answers.sleepers)) return "sleepers are still counted";
  return "";
}

void stress_gate(stress *s) {
  shared *all = crew_map(sizeof *all);
  all->s = *s;
  points_delay(s->delays);
  bool good = crew_run(s->kind, s->workers, body, all);
  points_delay(0);
  s->operations = atomic_load(&all->operations);
  snprintf(s->wrong, sizeof s->wrong, "%s", verdict(all, good));
  crew_unmap(all, sizeof *all);
}
