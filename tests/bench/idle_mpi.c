/* The peer of idle_furrow: rank 0 computes while the others wait in MPI_Bcast. LOOPS. */
#include "idle.h"
#include "work.h"

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  uint64_t loops = bench_number(argc, argv, 1), value = 0;

  MPI_Barrier(MPI_COMM_WORLD);
  double cpu = idle_cpu_seconds(), start = bench_now();
  if (rank == 0) value = work_spin(1, loops);
  MPI_Bcast(&value, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  cpu = idle_cpu_seconds() - cpu;
  idle_print(cpu, bench_now() - start, 0, value, rank, size);
  MPI_Finalize();
  return EXIT_SUCCESS;
}
