/* A plain stream between two ranks, two messages in flight, into and out of arrays that hold all of it: what the link
 * gives. down|up SIZE COUNT REPS; down is from rank 0 to rank 1. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { REPS_MAX = 32, IN_FLIGHT = 2, TAG_DATA = 1, TAG_END };

static void stream(int sends, int peer, char *data, uint64_t size, uint64_t count) {
  MPI_Request requests[IN_FLIGHT] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  for (uint64_t i = 0; i < count; i++) {
    MPI_Request *request = &requests[i % IN_FLIGHT];
    MPI_Wait(request, MPI_STATUS_IGNORE);
    if (sends)
      MPI_Isend(data + i * size, (int)size, MPI_BYTE, peer, TAG_DATA, MPI_COMM_WORLD, request);
    else
      MPI_Irecv(data + i * size, (int)size, MPI_BYTE, peer, TAG_DATA, MPI_COMM_WORLD, request);
  }
  MPI_Waitall(IN_FLIGHT, requests, MPI_STATUSES_IGNORE);
  if (sends) /* the last byte has arrived, not only left */
    MPI_Recv(NULL, 0, MPI_BYTE, peer, TAG_END, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  else
    MPI_Send(NULL, 0, MPI_BYTE, peer, TAG_END, MPI_COMM_WORLD);
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int sends = (strcmp(bench_word(argc, argv, 1), "down") == 0) == (rank == 0);
  uint64_t bytes = bench_number(argc, argv, 2), count = bench_number(argc, argv, 3), reps = bench_number(argc, argv, 4);
  if (size != 2 || bytes < 1 || bytes > 1 << 30 || reps < 1 || reps > REPS_MAX)
    bench_fail("not two ranks, not 1 byte to 1 GiB, or not 1 to 32 repetitions");

  char *data = bench_alloc(bytes * count);
  double seconds[REPS_MAX];
  stream(sends, 1 - rank, data, bytes, count < 10 ? count : 10);
  for (uint64_t i = 0; i < reps; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double start = bench_now();
    stream(sends, 1 - rank, data, bytes, count);
    seconds[i] = bench_now() - start;
  }
  if (rank == 0) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, reps);
    bench_line_hex("check", count);
    bench_line_end();
  }
  free(data);
  MPI_Finalize();
  return EXIT_SUCCESS;
}
