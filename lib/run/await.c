/* The rank waited for may be in an MPI call of the user's that needs this rank's progress, so a waiting rank looks after
   MPI at slowly growing intervals, ten times a second in the end; but not while other threads of its own may fork, since a
   child must not find MPI in the midst of a call: tasks in children call no MPI, so nobody needs it then. Where there is no thread for it, the first rank of a
   node also carries what goes between nodes while it waits. */
#include "run/await.h"

#include "base/clock.h"
#include "run/courier.h"
#include "run/meet.h"

enum { FIRST_NAP = 1000000, LONGEST_NAP = 100000000 }; /* nanoseconds */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static const uint64_t NEVER = UINT64_MAX;

bool furrow__await_until(furrow_pool *pool, furrow__gate *gate, uint32_t old, uint64_t deadline) {
  bool carries = furrow__courier_is_ours(pool);
  for (uint64_t nap = FIRST_NAP;; nap = min(nap + nap / 8, LONGEST_NAP)) {
    uint64_t most = carries ? min(furrow__courier_step(pool), nap) : nap;
    uint64_t now = deadline == NEVER ? 0 : furrow__now();
    if (now >= deadline) return false;
    if (furrow__gate_wait(gate, old, min(most, deadline - now), &pool->patience) != old) return true;
    if (atomic_load(pool->board.broken) || furrow__comm_is_late(&pool->comm)) return false;
    if (!carries && !pool->forks) furrow__comm_poke(&pool->comm);
    if (pool->stoppable && furrow__stop_asked(&pool->stop)) furrow__stop_here(pool);
  }
}

bool furrow__await(furrow_pool *pool, furrow__gate *gate, uint32_t old) {
  return furrow__await_until(pool, gate, old, NEVER);
}

/* The stop signal may come while the thread that called is busy with a task: then any other of its rank tells. */
static void look_for_stop(furrow_pool *pool) {
  furrow_error error;
  if (!pool->stoppable || !furrow__stop_asked(&pool->stop)) return;
  if (furrow__record_failed(furrow__record_of(pool))) return;
  furrow__interrupted(pool, &error);
  furrow__record_fail(pool, &error);
  furrow__gate_bump(pool->board.bell);
}

bool furrow__await_as(furrow__waiter *waiter, furrow_pool *pool, furrow__gate *gate, uint32_t old) {
  if (!waiter->aside) return furrow__await(pool, gate, old);
  for (uint64_t nap = FIRST_NAP;; nap = min(nap + nap / 8, LONGEST_NAP)) {
    if (furrow__gate_wait(gate, old, nap, &waiter->patience) != old) return true;
    waiter->lost = atomic_load(pool->board.broken);
    if (waiter->lost) return false;
    look_for_stop(pool);
  }
}
