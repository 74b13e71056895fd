/* One long task, and ranks that have nothing to do but wait: their CPU time. LOOPS. */
#include "idle.h"
#include "work.h"

typedef struct answer {
  uint64_t value;
  int rank;
} answer;

static int compute(furrow_task *task, const void *item, void *result) {
  answer *a = result;
  (void)item;
  a->value = work_spin(1, *(uint64_t *)task->user);
  a->rank = task->rank;
  return 0;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  uint64_t loops = bench_number(argc, argv, 1), few = 1000;
  answer a[8] = {{0, 0}};

  if (status == FURROW_OK) status = furrow_map(pool, compute, &few, NULL, 0, 8, a, sizeof *a, NULL);
  double cpu = idle_cpu_seconds(), start = bench_now();
  if (status == FURROW_OK) status = furrow_map(pool, compute, &loops, NULL, 0, 1, a, sizeof *a, NULL);
  cpu = idle_cpu_seconds() - cpu;
  double wall = bench_now() - start;
  if (status == FURROW_OK)
    idle_print(cpu, wall, a->rank, a->value, furrow_pool_rank(pool), furrow_pool_size(pool));
  else if (furrow_is_root(pool))
    furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
