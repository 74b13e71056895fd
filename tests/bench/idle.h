/* CPU time of waiting ranks: what idle_furrow and idle_mpi measure in the same way. */
#ifndef IDLE_H
#define IDLE_H

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench.h"

/** Seconds of CPU time of this process so far, all its threads, user and system. */
static inline double idle_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
         1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}

/** Rank 0 prints every rank's CPU time over the same wall time, and who had the task. Collective on the world. */
static inline void idle_print(double cpu, double wall, int busy_rank, uint64_t check, int rank, int size) {
  double *all = rank == 0 ? bench_alloc((size_t)size * sizeof *all) : NULL;
  MPI_Gather(&cpu, 1, MPI_DOUBLE, all, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  if (rank != 0) return;
  double busy = busy_rank;
  bench_line_begin();
  bench_line_doubles("seconds", &wall, 1);
  bench_line_doubles("cpu", all, (size_t)size);
  bench_line_doubles("busy", &busy, 1);
  bench_line_hex("check", check);
  bench_line_end();
  free(all);
}

#endif
