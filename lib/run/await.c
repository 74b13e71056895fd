/* The rank waited for may be in an MPI call of the user's that needs this rank's progress, so a waiting rank looks after
   MPI at slowly growing intervals, ten times a second in the end. Where there is no thread for it, the first rank of a
   node also carries what goes between nodes while it waits. */
#include "run/await.h"

#include "run/courier.h"

enum { FIRST_NAP = 1000000, LONGEST_NAP = 100000000 }; /* nanoseconds */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

bool furrow__await(furrow_pool *pool, furrow__gate *gate, uint32_t old) {
  bool carries = furrow__courier_is_ours(pool);
  for (uint64_t nap = FIRST_NAP;; nap = min(nap + nap / 8, LONGEST_NAP)) {
    uint64_t most = carries ? furrow__courier_step(pool) : nap;
    if (furrow__gate_wait(gate, old, min(most, nap), &pool->patience) != old) return true;
    if (atomic_load(pool->board.broken)) return false;
    if (!carries) furrow__comm_poke(&pool->comm);
  }
}
