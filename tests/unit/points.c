/* Compiled here once more, with its critical points; these definitions stand in for the library's, which do nothing
   there. A delay is a yield, a turn of some microseconds, or a sleep. */
#define FURROW__POINTS
#include "unit/points.h"
#include "node/gate.c"  /* NOLINT(bugprone-suspicious-include) */
#include "node/range.c" /* NOLINT(bugprone-suspicious-include) */

static _Atomic unsigned frequency;

void points_delay(unsigned once_in) {
  atomic_store(&frequency, once_in);
}

/* Each thread draws its own numbers, which need not be good ones. */
static uint64_t draw(void) {
  static _Thread_local uint64_t state;
  if (state == 0) state = furrow__now() ^ (uint64_t)getpid() << 32 ^ (uintptr_t)&state;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

void furrow__point(const char *name) {
  (void)name;
  unsigned once_in = atomic_load_explicit(&frequency, memory_order_relaxed);
  if (once_in == 0) return;
  uint64_t number = draw() >> 8;
  if (number % once_in != 0) return;
  number = draw() >> 8;
  if (number % 4 == 0) {
    struct timespec time = {0, (long)(number / 4 % 100000)};
    nanosleep(&time, NULL);
  } else if (number % 4 == 1) {
    for (uint64_t i = number / 4 % 1000; i > 0; i--) furrow__pause();
  } else {
    sched_yield();
  }
}
