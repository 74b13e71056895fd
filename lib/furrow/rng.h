/* Random numbers that belong to a task, not to a rank. A generator is 32 bytes of the caller's; it knows no pool. */
#ifndef FURROW_RNG_H
#define FURROW_RNG_H

#include "base.h"

FURROW_BEGIN_DECLS

/** A generator: xoshiro256++ (Blackman and Vigna, 2019), period 2^256 - 1. May be copied: the copy draws the same
 *  numbers. Never all zero; make it by furrow_rng_make() or furrow_task_rng(). For one thread at a time. Not for
 *  secrets. */
typedef struct furrow_rng {
  uint64_t s[4];
} furrow_rng;

/** Make the generator of a task: the one that furrow_task_rng() gives to task `task` under this seed and series.
 *
 *  Local; never fails. The state is Philox4x64-10 of the key {seed, series} and the counter {task, 0, 0, 0}, so any two
 *  tasks, series or seeds give unrelated streams.
 *
 *  Cost: about 20 ns; nothing is allocated. */
FURROW_API furrow_rng furrow_rng_make(uint64_t seed, uint64_t series, uint64_t task);

/** The next 64 random bits. Local. Cost: about 1 ns. */
static inline uint64_t furrow_rng_u64(furrow_rng *rng) {
  uint64_t *s = rng->s;
  uint64_t sum = s[0] + s[3];
  uint64_t result = ((sum << 23) | (sum >> 41)) + s[0];
  uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = (s[3] << 45) | (s[3] >> 19);
  return result;
}

/** A uniform number in [0, 1), a multiple of 2^-53. Local. Takes one furrow_rng_u64(). */
static inline double furrow_rng_uniform(furrow_rng *rng) {
  return (double)(furrow_rng_u64(rng) >> 11) * (1.0 / 9007199254740992.0);
}

/** A uniform integer in [0, n), without bias; 0 if n is 0. Local.
 *
 *  Takes one furrow_rng_u64(), and another with a probability below n / 2^64, until one fits (Lemire, 2019).
 *  Cost: one multiplication; a division with that same probability. */
static inline uint64_t furrow_rng_below(furrow_rng *rng, uint64_t n) {
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)furrow_rng_u64(rng) * n;
  if ((uint64_t)product < n) {
    uint64_t surplus = (0 - n) % n; /* 2^64 mod n: so many of the 2^64 values would favour some results */
    while ((uint64_t)product < surplus) product = (wide)furrow_rng_u64(rng) * n;
  }
  return (uint64_t)(product >> 64);
}

/** A normal number of mean 0 and variance 1, tails included. Local.
 *
 *  Takes one furrow_rng_u64() in 98.5 % of all draws, more in the others (ziggurat, Marsaglia and Tsang, 2000).
 *  Cost: about 4 ns. */
FURROW_API double furrow_rng_normal(furrow_rng *rng);

/** An exponential number of mean 1, in [0, infinity). Local. As furrow_rng_normal(), with 97.8 %. */
FURROW_API double furrow_rng_exponential(furrow_rng *rng);

/** Fill an array with what `n` single draws would give, in the same order, and leave the generator where they would.
 *
 *  Local; never fails.
 *
 *  @param out  n elements of the caller. May be NULL if n is 0.
 *  Cost: less a number than a single draw. */
FURROW_API void furrow_rng_fill_u64(furrow_rng *rng, uint64_t *out, size_t n);
FURROW_API void furrow_rng_fill_uniform(furrow_rng *rng, double *out, size_t n);
FURROW_API void furrow_rng_fill_normal(furrow_rng *rng, double *out, size_t n);
FURROW_API void furrow_rng_fill_exponential(furrow_rng *rng, double *out, size_t n);

FURROW_END_DECLS

#endif
