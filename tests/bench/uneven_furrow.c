/* furrow_map() of sleeping tasks over nodes that are not alike, or beside one long task:
 * CASE COUNT MICROSECONDS REPS LONG.
 *
 *  ranks  every task takes MICROSECONDS, wherever it runs; how many ranks a node has is up to who starts this
 *  speed  on the second node, and those after it, three times as long
 *  long   the first task that rank 0 runs takes LONG milliseconds
 *
 * They sleep, so that ranks may exceed the cores. Prints the seconds and the bound that no schedule can beat. */
#include <furrow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { REPS_MAX = 32 };

typedef struct plan {
  uint64_t micros;      /* of a task on this rank */
  uint64_t long_micros; /* of the next task on this rank; 0: like any other */
} plan;

typedef struct nap {
  double seconds;
  int rank;
  bool is_long;
} nap;

static int sleep_for(furrow_task *task, const void *item, void *result) {
  plan *p = task->user;
  nap *n = result;
  (void)item;
  uint64_t micros = p->long_micros ? p->long_micros : p->micros;
  struct timespec wait = {(time_t)(micros / 1000000), (long)(micros % 1000000) * 1000};
  double start = bench_now();
  n->is_long = p->long_micros > 0;
  p->long_micros = 0;
  if (nanosleep(&wait, NULL) != 0) return furrow_fail(task, "the sleep was interrupted");
  n->seconds = bench_now() - start;
  n->rank = task->rank;
  return 0;
}

typedef struct tally {
  double tasks, seconds; /* without the long one */
} tally;

/* With each rank as fast as it has shown, and busy to the end; one that ran no short task, as fast as all of them. */
static double bound(const nap *naps, uint64_t count, int ranks) {
  tally all = {0, 0}, *of = bench_alloc((size_t)ranks * sizeof *of);
  double long_seconds = 0, rate = 0;
  for (int rank = 0; rank < ranks; rank++) of[rank] = all;
  for (uint64_t i = 0; i < count; i++) {
    if (naps[i].is_long) {
      long_seconds = naps[i].seconds;
      continue;
    }
    of[naps[i].rank].tasks++, all.tasks++;
    of[naps[i].rank].seconds += naps[i].seconds, all.seconds += naps[i].seconds;
  }
  for (int rank = 0; rank < ranks; rank++) {
    if (of[rank].tasks == 0) of[rank] = all;
    rate += of[rank].tasks / of[rank].seconds;
  }
  double missed = long_seconds * of[0].tasks / of[0].seconds; /* what rank 0 would have done meanwhile */
  free(of);
  double even = (all.tasks + missed) / rate;
  return even > long_seconds ? even : long_seconds;
}

static plan plan_of(const furrow_pool *pool, const char *what, uint64_t micros, uint64_t long_ms) {
  plan p = {micros, 0};
  if (strcmp(what, "speed") == 0 && furrow_pool_node(pool) > 0) p.micros *= 3;
  if (strcmp(what, "long") == 0 && furrow_is_root(pool)) p.long_micros = 1000 * long_ms;
  return p;
}

static furrow_status measure(furrow_pool *pool, char **argv, int argc) {
  uint64_t count = bench_number(argc, argv, 2), micros = bench_number(argc, argv, 3);
  uint64_t reps = bench_number(argc, argv, 4), long_ms = bench_number(argc, argv, 5);
  double seconds[REPS_MAX], bounds[REPS_MAX];
  if (count < 1 || reps < 1 || reps > REPS_MAX) bench_fail("no tasks, or not 1 to 32 repetitions");
  nap *naps = furrow_is_root(pool) ? bench_alloc(count * sizeof *naps) : NULL;
  furrow_status status = FURROW_OK;
  for (uint64_t i = 0; i < reps && status == FURROW_OK; i++) {
    plan p = plan_of(pool, bench_word(argc, argv, 1), micros, long_ms);
    double start = bench_now();
    status = furrow_map(pool, sleep_for, &p, NULL, 0, count, naps, sizeof *naps, NULL);
    seconds[i] = bench_now() - start;
    if (status == FURROW_OK && naps) bounds[i] = bound(naps, count, furrow_pool_size(pool));
  }
  if (status == FURROW_OK && naps) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, reps);
    bench_line_doubles("bound", bounds, reps);
    bench_line_hex("check", count);
    bench_line_end();
  }
  free(naps);
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = measure(pool, argv, argc);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
