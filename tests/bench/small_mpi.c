/* The peer of small_furrow by hand: MPI_Scatter, compute, MPI_Gather. CALLS REPS. The ranks must divide 100. */
#include <mpi.h>
#include <stdlib.h>

#include "bench.h"
#include "work.h"

enum { COUNT = 100, REPS_MAX = 32 };

static void call_often(furrow_map_fn *fn, uint64_t calls, double *items, double *results, int rank, int size) {
  double in[COUNT], out[COUNT];
  int share = COUNT / size;
  furrow_task task = {.rank = rank};
  for (uint64_t call = 0; call < calls; call++) {
    if (rank == 0) items[COUNT - 1] = (double)call;
    MPI_Scatter(items, share, MPI_DOUBLE, in, share, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    for (int i = 0; i < share; i++) {
      task.index = (uint64_t)(rank * share + i);
      if (fn(&task, &in[i], &out[i]) != 0) abort();
    }
    MPI_Gather(out, share, MPI_DOUBLE, results, share, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    if (rank == 0 && results[COUNT - 1] != (double)call * (double)call + 1) bench_fail("a result is wrong");
  }
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  uint64_t calls = bench_number(argc, argv, 1);
  int reps = (int)bench_number(argc, argv, 2);
  double items[COUNT], results[COUNT], seconds[REPS_MAX];
  furrow_map_fn *volatile fn = work_tiny; /* volatile: a call through a pointer, as furrow's */
  if (reps < 1 || reps > REPS_MAX || COUNT % size != 0) bench_fail("not 1 to 32 repetitions, or 100 % ranks is not 0");
  for (int i = 0; i < COUNT; i++) items[i] = i;

  call_often(fn, calls / 10 + 1, items, results, rank, size);
  for (int i = 0; i < reps; i++) {
    double start = bench_now();
    call_often(fn, calls, items, results, rank, size);
    seconds[i] = bench_now() - start;
    for (int k = 0; k < COUNT - 1 && rank == 0; k++)
      if (results[k] != (double)k * k + 1) bench_fail("a result is wrong");
  }
  if (rank == 0) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, (size_t)reps);
    bench_line_hex("check", calls);
    bench_line_end();
  }
  MPI_Finalize();
  return EXIT_SUCCESS;
}
