/* What pi_furrow and pi_openmp must have in common to count the same points. */
#ifndef PI_H
#define PI_H

#include <stdint.h>

enum { PI_BLOCK = 1 << 16, PI_SEED = 1, PI_SERIES = 7, PI_REPS_MAX = 32 };

static inline uint64_t pi_blocks(uint64_t points) {
  return (points + PI_BLOCK - 1) / PI_BLOCK;
}

static inline uint64_t pi_block_points(uint64_t points, uint64_t block) {
  uint64_t left = points - block * PI_BLOCK;
  return left < PI_BLOCK ? left : PI_BLOCK;
}

#endif
