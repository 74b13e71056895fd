#include <furrow.h>

static int relax(furrow_task *task, const void *item, void *result) {
  const double *cell = item;
  *(double *)result = *cell / 2 + (double)task->index;
  return 0;
}

static furrow_status step(MPI_Comm simulation, const double *cells, double *next, uint64_t count) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(simulation, NULL, &pool);
  if (status == FURROW_OK) status = FURROW_MAP(pool, relax, NULL, cells, count, next, NULL);
  furrow_pool_destroy(&pool);
  return status;
}

int main(int argc, char **argv) {
  double cells[4] = {8, 6, 4, 2}, next[4] = {0};
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  furrow_status status = step(MPI_COMM_WORLD, cells, next, 4);
  if (rank == 0) printf("%s: %g %g %g %g\n", furrow_strerror(status), next[0], next[1], next[2], next[3]);
  MPI_Finalize();
  return status != FURROW_OK;
}
/* Output:
success: 4 4 4 4
*/
