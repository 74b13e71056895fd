/* A map of 100 small tasks, called CALLS times over: what one call costs. CALLS REPS. */
#include <stdlib.h>

#include "bench.h"
#include "work.h"

enum { COUNT = 100, REPS_MAX = 32 };

static furrow_status call_often(furrow_pool *pool, uint64_t calls, double *items, double *results) {
  furrow_status status = FURROW_OK;
  for (uint64_t call = 0; call < calls && status == FURROW_OK; call++) {
    if (furrow_is_root(pool)) items[COUNT - 1] = (double)call;
    status = FURROW_MAP(pool, work_tiny, NULL, items, COUNT, results, NULL);
    if (status == FURROW_OK && furrow_is_root(pool) && results[COUNT - 1] != (double)call * (double)call + 1)
      bench_fail("a result is wrong");
  }
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  uint64_t calls = bench_number(argc, argv, 1);
  int reps = (int)bench_number(argc, argv, 2);
  double items[COUNT], results[COUNT], seconds[REPS_MAX];
  if (reps < 1 || reps > REPS_MAX) bench_fail("not 1 to 32 repetitions");
  for (int i = 0; i < COUNT; i++) items[i] = i;

  if (status == FURROW_OK) status = call_often(pool, calls / 10 + 1, items, results);
  for (int i = 0; i < reps && status == FURROW_OK; i++) {
    double start = bench_now();
    status = call_often(pool, calls, items, results);
    seconds[i] = bench_now() - start;
    for (int k = 0; k < COUNT - 1 && status == FURROW_OK && furrow_is_root(pool); k++)
      if (results[k] != (double)k * k + 1) bench_fail("a result is wrong");
  }
  if (furrow_is_root(pool)) {
    if (status == FURROW_OK) {
      bench_line_begin();
      bench_line_doubles("seconds", seconds, (size_t)reps);
      bench_line_hex("check", calls);
      bench_line_end();
    } else {
      furrow_error_print(stderr, furrow_pool_error(pool));
    }
  }
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
