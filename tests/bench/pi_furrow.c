/* Pi by counting random points: furrow_map_reduce() over blocks of 2^16. POINTS REPS. */
#include "pi.h"

#include <stdlib.h>

#include "bench.h"
#include "work.h"

static int fold(furrow_task *task, const void *item, void *accumulator) {
  const uint64_t *points = task->user;
  (void)item;
  *(uint64_t *)accumulator += work_pi_hits(furrow_task_rng(task), pi_block_points(*points, task->index));
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static furrow_status count_hits(furrow_pool *pool, uint64_t points, uint64_t *hits) {
  furrow_reducer sum = {sizeof sum, sizeof *hits, NULL, fold, merge};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.seed = PI_SEED;
  options.series = PI_SERIES;
  return furrow_map_reduce(pool, &sum, &points, NULL, 0, pi_blocks(points), hits, &options);
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  uint64_t points = bench_number(argc, argv, 1), hits = 0;
  int reps = (int)bench_number(argc, argv, 2);
  double seconds[PI_REPS_MAX];
  if (reps < 1 || reps > PI_REPS_MAX) bench_fail("not 1 to 32 repetitions");

  if (status == FURROW_OK) status = count_hits(pool, points / 50, &hits);
  for (int i = 0; i < reps && status == FURROW_OK; i++) {
    double start = bench_now();
    status = count_hits(pool, points, &hits);
    seconds[i] = bench_now() - start;
  }
  if (furrow_is_root(pool)) {
    if (status == FURROW_OK) {
      bench_line_begin();
      bench_line_doubles("seconds", seconds, (size_t)reps);
      bench_line_hex("check", hits);
      bench_line_end();
    } else {
      furrow_error_print(stderr, furrow_pool_error(pool));
    }
  }
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
