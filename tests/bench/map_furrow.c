/* furrow_map() of a kind of task: WORK COUNT LOOPS REPS CHUNK auto|static. CHUNK 0 is the default.
 * Prints the seconds of each repetition and the bound that no schedule can beat. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "work.h"

enum { REPS_MAX = 32 };

typedef struct job {
  const work *kind;
  work_params params;
  furrow_options options;
  int reps;
  void *results;
  double seconds[REPS_MAX], bound[REPS_MAX];
  uint64_t check;
} job;

static furrow_status run(furrow_pool *pool, job *j) {
  work_params warm = {j->params.count, 1};
  furrow_status status =
      furrow_map(pool, j->kind->fn, &warm, NULL, 0, warm.count, j->results, j->kind->result_size, &j->options);
  for (int i = 0; i < j->reps && status == FURROW_OK; i++) {
    double start = bench_now();
    status = furrow_map(pool, j->kind->fn, &j->params, NULL, 0, j->params.count, j->results, j->kind->result_size,
                        &j->options);
    j->seconds[i] = bench_now() - start;
    if (status != FURROW_OK || !furrow_is_root(pool)) continue;
    j->bound[i] = work_bound(j->kind, j->results, j->params.count, furrow_pool_size(pool));
    j->check = work_check(j->kind, j->results, j->params.count);
  }
  return status;
}

static void print(const job *j) {
  bench_line_begin();
  bench_line_doubles("seconds", j->seconds, (size_t)j->reps);
  if (j->kind->timed) bench_line_doubles("bound", j->bound, (size_t)j->reps);
  bench_line_hex("check", j->check);
  bench_line_end();
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  job j = {.kind = work_find(bench_word(argc, argv, 1)), .options = FURROW_OPTIONS_INIT};
  j.params = (work_params){bench_number(argc, argv, 2), bench_number(argc, argv, 3)};
  j.reps = (int)bench_number(argc, argv, 4);
  j.options.chunk = bench_number(argc, argv, 5);
  if (strcmp(bench_word(argc, argv, 6), "static") == 0) j.options.schedule = FURROW_SCHEDULE_STATIC;
  if (!j.kind || j.reps < 1 || j.reps > REPS_MAX) bench_fail("no such work, or not 1 to 32 repetitions");

  if (furrow_is_root(pool)) j.results = bench_alloc(j.params.count * j.kind->result_size);
  if (status == FURROW_OK) status = run(pool, &j);
  if (furrow_is_root(pool)) {
    if (status == FURROW_OK)
      print(&j);
    else
      furrow_error_print(stderr, furrow_pool_error(pool));
  }
  free(j.results);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
