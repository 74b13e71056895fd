/* Peak resident memory of each rank after a furrow_map_reduce() over COUNT indices; COUNT 0: after MPI_Init alone.
 * COUNT. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "work.h"

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static double peak_kib(void) {
  char line[256];
  double kib = 0;
  FILE *status = fopen("/proc/self/status", "r");
  if (!status) bench_fail("cannot read /proc/self/status");
  while (fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %lf", &kib) == 1) break;
  fclose(status);
  if (kib <= 0) bench_fail("no VmHWM in /proc/self/status");
  return kib;
}

/* Collective on the world. */
static void print(double seconds, double peak, uint64_t sum) {
  int rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  double *all = rank == 0 ? bench_alloc((size_t)size * sizeof *all) : NULL;
  MPI_Gather(&peak, 1, MPI_DOUBLE, all, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  if (rank != 0) return;
  bench_line_begin();
  bench_line_doubles("seconds", &seconds, 1);
  bench_line_doubles("kib", all, (size_t)size);
  bench_line_hex("check", sum);
  bench_line_end();
  free(all);
}

static furrow_status with_furrow(int argc, char **argv, uint64_t count) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  furrow_reducer reducer = {sizeof reducer, sizeof(uint64_t), NULL, fold, merge};
  uint64_t sum = 0, half = count % 2 ? (count - 1) / 2 : count / 2, other = count % 2 ? count : count - 1;
  double start = bench_now();
  if (status == FURROW_OK) status = furrow_map_reduce(pool, &reducer, NULL, NULL, 0, count, &sum, NULL);
  double seconds = bench_now() - start;
  if (status == FURROW_OK) {
    if (furrow_is_root(pool) && sum != half * other) bench_fail("the sum is wrong");
    print(seconds, peak_kib(), sum);
  } else if (furrow_is_root(pool)) {
    furrow_error_print(stderr, furrow_pool_error(pool));
  }
  furrow_finalize(&pool);
  return status;
}

int main(int argc, char **argv) {
  uint64_t count = bench_number(argc, argv, 1);
  if (count > 0) return with_furrow(argc, argv, count) == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
  int provided;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  print(0, peak_kib(), 0);
  MPI_Finalize();
  return EXIT_SUCCESS;
}
