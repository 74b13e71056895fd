/* Tasks that sleep, COUNT of them, 50 ms each, REPS times, in as many threads a rank as FURROW_THREADS says. Prints the seconds of
 * each repetition. */
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "furrow.h"

enum { REPS_MAX = 32 };

static int doze(furrow_task *task, const void *item, void *result) {
  (void)task, (void)item, (void)result;
  return nanosleep(&(struct timespec){0, 50000000}, NULL);
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  double seconds[REPS_MAX];
  furrow_status status = furrow_init(&argc, &argv, &pool);
  uint64_t count = bench_number(argc, argv, 1), reps = bench_number(argc, argv, 2);
  if (reps < 1 || reps > REPS_MAX) bench_fail("not 1 to 32 repetitions");
  for (uint64_t i = 0; i < reps && status == FURROW_OK; i++) {
    double start = bench_now();
    status = furrow_map(pool, doze, NULL, NULL, 0, count, NULL, 0, NULL);
    seconds[i] = bench_now() - start;
  }
  if (status == FURROW_OK && furrow_is_root(pool)) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, reps);
    bench_line_hex("check", count);
    bench_line_end();
  }
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
