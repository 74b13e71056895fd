/* Why no wake-up is lost: the waker stores the word, fences, then reads the sleeper count; a sleeper counts itself,
   then looks at the word again. Both steps are sequentially consistent, so at least one sees the other: either the
   waker sees the sleeper and calls futex_wake, or the sleeper sees the new word and does not sleep. Between its look
   and its sleep the kernel compares the word once more. */
#include "node/gate.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pause.h"

enum {
  SPIN_NANOSECONDS = 30000, /* a wake-up from sleep costs about as much */
  SPINS_PER_CLOCK = 64,
  YIELDS = 50, /* of a crowded rank: the one waited for gets the core within a few */
};

static void wake_sleepers(furrow__gate *gate) {
  atomic_thread_fence(memory_order_seq_cst);
  FURROW__POINT("gate: stored");
  if (atomic_load_explicit(&gate->sleepers, memory_order_relaxed) == 0) return;
  syscall(SYS_futex, &gate->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void furrow__gate_set(furrow__gate *gate, uint32_t value) {
  atomic_store_explicit(&gate->word, value, memory_order_release);
  wake_sleepers(gate);
}

void furrow__gate_bump(furrow__gate *gate) {
  atomic_fetch_add_explicit(&gate->word, 1, memory_order_release);
  wake_sleepers(gate);
}

static bool still(const furrow__gate *gate, uint32_t old) {
  return furrow__gate_read(gate) == old;
}

static void spin(const furrow__gate *gate, uint32_t old) {
  uint64_t start = 0, now = 0;
  while (now - start < SPIN_NANOSECONDS) {
    for (int i = 0; i < SPINS_PER_CLOCK; i++) {
      if (!still(gate, old)) return;
      furrow__pause();
    }
    now = furrow__now();
    if (start == 0) start = now;
  }
}

static void look_for_a_while(const furrow__gate *gate, uint32_t old, furrow__manner manner) {
  if (manner == FURROW__SPIN) spin(gate, old);
  for (int i = 0; manner == FURROW__YIELD && i < YIELDS && still(gate, old); i++) sched_yield();
}

/* Returns after a wake-up, a signal or the timeout: the caller looks again. */
static void sleep_once(furrow__gate *gate, uint32_t old, uint64_t timeout) {
  atomic_fetch_add_explicit(&gate->sleepers, 1, memory_order_seq_cst);
  FURROW__POINT("gate: counted");
  if (atomic_load_explicit(&gate->word, memory_order_seq_cst) == old) {
    struct timespec limit = {(time_t)(timeout / 1000000000u), (long)(timeout % 1000000000u)};
    FURROW__POINT("gate: looked");
    syscall(SYS_futex, &gate->word, FUTEX_WAIT, old, timeout ? &limit : NULL, NULL, 0);
  }
  atomic_fetch_sub_explicit(&gate->sleepers, 1, memory_order_relaxed);
}

uint32_t furrow__gate_wait(furrow__gate *gate, uint32_t old, uint64_t timeout, furrow__patience *patience) {
  if (still(gate, old)) look_for_a_while(gate, old, patience->manner);
  uint64_t start = timeout && still(gate, old) ? furrow__now() : 0, slept = 0;
  while (still(gate, old) && (!timeout || slept < timeout)) {
    patience->sleeps++;
    sleep_once(gate, old, timeout ? timeout - slept : 0);
    if (timeout) slept = furrow__now() - start;
  }
  return furrow__gate_read(gate);
}
