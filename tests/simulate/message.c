/* What a small message costs rank 0, received or sent: rank 1 sends letters in bursts, rank 0 answers each. Prints
   nanoseconds, the lower quartile of the bursts: on a busy machine most of them are interrupted. Two ranks. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { BURST = 64, BURSTS = 2000, BYTES = 64 };

static void answer_burst(void) {
  char letter[BYTES];
  for (int i = 0; i < BURST; i++) {
    MPI_Status status;
    MPI_Recv(letter, BYTES, MPI_BYTE, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &status);
    MPI_Send(letter, BYTES, MPI_BYTE, status.MPI_SOURCE, 2, MPI_COMM_WORLD);
  }
}

static void send_burst(void) {
  static char letters[BURST][BYTES], answers[BURST][BYTES];
  MPI_Request requests[2 * BURST];
  for (int i = 0; i < BURST; i++) {
    MPI_Irecv(answers[i], BYTES, MPI_BYTE, 0, 2, MPI_COMM_WORLD, &requests[i]);
    MPI_Isend(letters[i], BYTES, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &requests[BURST + i]);
  }
  MPI_Waitall(2 * BURST, requests, MPI_STATUSES_IGNORE);
}

static int ascending(const void *a, const void *b) {
  const double *left = a, *right = b;
  return (*left > *right) - (*left < *right);
}

int main(int argc, char **argv) {
  int rank, size, provided;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided); /* as the library does: it locks */
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size != 2) {
    fputs("message: needs two ranks\n", stderr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  static double took[BURSTS];
  for (int i = 0; i < BURSTS; i++) {
    double began = MPI_Wtime();
    if (rank == 0)
      answer_burst();
    else
      send_burst();
    took[i] = MPI_Wtime() - began;
  }
  qsort(took, BURSTS, sizeof *took, ascending);
  if (rank == 0) printf("%.0f\n", took[BURSTS / 4] * 1e9 / (2.0 * BURST));
  MPI_Finalize();
  return EXIT_SUCCESS;
}
