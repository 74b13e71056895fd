/* Time that only goes forward, in nanoseconds. Knows nothing else. */
#ifndef FURROW_BASE_CLOCK_H
#define FURROW_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t furrow__now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The same, some milliseconds behind: for a fifth of the price, and so after every task. */
static inline uint64_t furrow__now_roughly(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double furrow__seconds(uint64_t nanoseconds) {
  return (double)nanoseconds * 1e-9;
}

static inline void furrow__nap(uint64_t nanoseconds) {
  struct timespec nap = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  nanosleep(&nap, NULL);
}

#endif
