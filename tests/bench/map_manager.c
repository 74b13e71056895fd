/* The peer of map_furrow as people write it by hand: rank 0 sends a task to whoever brought a result, the others
 * compute. WORK COUNT LOOPS REPS. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "work.h"

enum { REPS_MAX = 32, TAG_TASK = 1, TAG_RESULT, TAG_END };

/* A result travels with its index in front: `message` is 8 + result_size bytes. */
static void manage(const work *kind, uint64_t count, char *results, char *message, int size) {
  uint64_t next = 0, out = 0, index;
  for (int worker = 1; worker < size && next < count; worker++, next++, out++)
    MPI_Send(&next, 1, MPI_UINT64_T, worker, TAG_TASK, MPI_COMM_WORLD);
  for (; out > 0; out--) {
    MPI_Status from;
    MPI_Recv(message, (int)(sizeof index + kind->result_size), MPI_BYTE, MPI_ANY_SOURCE, TAG_RESULT, MPI_COMM_WORLD,
             &from);
    if (next < count) {
      MPI_Send(&next, 1, MPI_UINT64_T, from.MPI_SOURCE, TAG_TASK, MPI_COMM_WORLD);
      next++;
      out++;
    }
    memcpy(&index, message, sizeof index);
    memcpy(results + index * kind->result_size, message + sizeof index, kind->result_size);
  }
  for (int worker = 1; worker < size; worker++) MPI_Send(NULL, 0, MPI_UINT64_T, worker, TAG_END, MPI_COMM_WORLD);
}

static void serve(const work *kind, work_params *params, char *message, int rank) {
  furrow_task task = {.user = params, .rank = rank};
  for (;;) {
    MPI_Status status;
    MPI_Recv(&task.index, 1, MPI_UINT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    if (status.MPI_TAG == TAG_END) return;
    memcpy(message, &task.index, sizeof task.index);
    if (kind->fn(&task, NULL, message + sizeof task.index) != 0) abort();
    MPI_Send(message, (int)(sizeof task.index + kind->result_size), MPI_BYTE, 0, TAG_RESULT, MPI_COMM_WORLD);
  }
}

static void map(const work *kind, work_params *params, char *results, char *message, int rank, int size) {
  if (rank == 0)
    manage(kind, params->count, results, message, size);
  else
    serve(kind, params, message, rank);
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const work *kind = work_find(bench_word(argc, argv, 1));
  work_params params = {bench_number(argc, argv, 2), bench_number(argc, argv, 3)};
  int reps = (int)bench_number(argc, argv, 4);
  if (!kind || reps < 1 || reps > REPS_MAX || size < 2)
    bench_fail("no such work, not 1 to 32 repetitions, or one rank");

  work_params warm = {params.count < 1000 ? params.count : 1000, 1};
  char *results = rank == 0 ? bench_alloc(params.count * kind->result_size) : NULL;
  char *message = bench_alloc(sizeof(uint64_t) + kind->result_size);
  double seconds[REPS_MAX];
  uint64_t check = 0;
  map(kind, &warm, results, message, rank, size);
  for (int i = 0; i < reps; i++) {
    double start = bench_now();
    map(kind, &params, results, message, rank, size);
    seconds[i] = bench_now() - start;
    if (rank == 0) check = work_check(kind, results, params.count);
  }
  if (rank == 0) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, (size_t)reps);
    bench_line_hex("check", check);
    bench_line_end();
  }
  free(message);
  free(results);
  MPI_Finalize();
  return EXIT_SUCCESS;
}
