/* The peer of map_furrow in OpenMP: WORK COUNT LOOPS REPS guided|dynamic. Threads by OMP_NUM_THREADS. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "work.h"

enum { REPS_MAX = 32 };

static void map(const work *kind, work_params *params, char *results) {
  furrow_map_fn *fn = kind->fn;
  size_t size = kind->result_size;
  int64_t count = (int64_t)params->count;
#pragma omp parallel
  {
    furrow_task task = {.user = params, .rank = omp_get_thread_num()};
#pragma omp for schedule(runtime)
    for (int64_t i = 0; i < count; i++) {
      task.index = (uint64_t)i;
      if (fn(&task, NULL, results + (size_t)i * size) != 0) abort();
    }
  }
}

int main(int argc, char **argv) {
  const work *kind = work_find(bench_word(argc, argv, 1));
  work_params params = {bench_number(argc, argv, 2), bench_number(argc, argv, 3)};
  int reps = (int)bench_number(argc, argv, 4);
  bool guided = strcmp(bench_word(argc, argv, 5), "guided") == 0;
  if (!kind || reps < 1 || reps > REPS_MAX) bench_fail("no such work, or not 1 to 32 repetitions");
  omp_set_schedule(guided ? omp_sched_guided : omp_sched_dynamic, 1);

  work_params warm = {params.count, 1};
  char *results = bench_alloc(params.count * kind->result_size);
  double seconds[REPS_MAX], bound[REPS_MAX];
  uint64_t check = 0;
  map(kind, &warm, results);
  for (int i = 0; i < reps; i++) {
    double start = bench_now();
    map(kind, &params, results);
    seconds[i] = bench_now() - start;
    bound[i] = work_bound(kind, results, params.count, omp_get_max_threads());
    check = work_check(kind, results, params.count);
  }
  bench_line_begin();
  bench_line_doubles("seconds", seconds, (size_t)reps);
  if (kind->timed) bench_line_doubles("bound", bound, (size_t)reps);
  bench_line_hex("check", check);
  bench_line_end();
  free(results);
  return EXIT_SUCCESS;
}
