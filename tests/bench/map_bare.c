/* What the cores give to tasks that nobody has to hand out: each rank computes one equal block, all at the same time.
 * WORK COUNT LOOPS REPS; the ranks must divide the tasks, and these must cost alike. */
#include <mpi.h>
#include <stdlib.h>

#include "bench.h"
#include "work.h"

enum { REPS_MAX = 32 };

/* Returns how long all tasks would take if each rank did as many as it can, at the speed it has shown. */
static double compute_block(const work *kind, work_params *params, char *results, int rank, int size) {
  uint64_t share = params->count / (uint64_t)size;
  furrow_task task = {.user = params, .rank = rank, .index = (uint64_t)rank * share};
  MPI_Barrier(MPI_COMM_WORLD);
  double start = bench_now();
  for (uint64_t i = 0; i < share; i++, task.index++)
    if (kind->fn(&task, NULL, results + i * kind->result_size) != 0) abort();
  double rate = (double)share / (bench_now() - start), rates = 0;
  MPI_Allreduce(&rate, &rates, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return (double)params->count / rates;
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const work *kind = work_find(bench_word(argc, argv, 1));
  work_params params = {bench_number(argc, argv, 2), bench_number(argc, argv, 3)};
  int reps = (int)bench_number(argc, argv, 4);
  if (!kind || reps < 1 || reps > REPS_MAX || params.count < 1 || params.count % (uint64_t)size != 0)
    bench_fail("no such work, not 1 to 32 repetitions, or the ranks don't divide the tasks");

  size_t bytes = params.count / (uint64_t)size * kind->result_size;
  char *block = bench_alloc(bytes), *results = rank == 0 ? bench_alloc(bytes * (size_t)size) : NULL;
  double seconds[REPS_MAX];
  work_params warm = {params.count, 1};
  compute_block(kind, &warm, block, rank, size);
  for (int i = 0; i < reps; i++) seconds[i] = compute_block(kind, &params, block, rank, size);
  MPI_Gather(block, (int)bytes, MPI_BYTE, results, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
  if (rank == 0) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, (size_t)reps);
    bench_line_hex("check", work_check(kind, results, params.count));
    bench_line_end();
  }
  free(results);
  free(block);
  MPI_Finalize();
  return EXIT_SUCCESS;
}
