/* The peer of pi_furrow in OpenMP: the same generators, the same blocks, the same count. POINTS REPS. */
#include <stdlib.h>

#include "bench.h"
#include "pi.h"
#include "work.h"

static uint64_t count_hits(uint64_t points) {
  uint64_t hits = 0;
  int64_t blocks = (int64_t)pi_blocks(points);
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : hits)
  for (int64_t block = 0; block < blocks; block++) {
    furrow_rng rng = furrow_rng_make(PI_SEED, PI_SERIES, (uint64_t)block);
    hits += work_pi_hits(&rng, pi_block_points(points, (uint64_t)block));
  }
  return hits;
}

int main(int argc, char **argv) {
  uint64_t points = bench_number(argc, argv, 1), hits;
  int reps = (int)bench_number(argc, argv, 2);
  double seconds[PI_REPS_MAX];
  if (reps < 1 || reps > PI_REPS_MAX) bench_fail("not 1 to 32 repetitions");

  hits = count_hits(points / 50);
  for (int i = 0; i < reps; i++) {
    double start = bench_now();
    hits = count_hits(points);
    seconds[i] = bench_now() - start;
  }
  bench_line_begin();
  bench_line_doubles("seconds", seconds, (size_t)reps);
  bench_line_hex("check", hits);
  bench_line_end();
  return EXIT_SUCCESS;
}
