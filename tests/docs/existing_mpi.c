/* Inside an MPI program that exists already: a pool on one of its communicators. */
#include <furrow.h>
#include <stdlib.h>

static int cube(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(double *)result = (double)task->index * (double)task->index * (double)task->index;
  return 0;
}

static int simulate(MPI_Comm comm) {
  double cubes[10];
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(comm, NULL, &pool); /* prints nothing, works on its own duplicate */
  if (status == FURROW_OK) status = furrow_map(pool, cube, NULL, NULL, 0, 10, cubes, sizeof *cubes, NULL);
  if (status == FURROW_OK && furrow_is_root(pool)) printf("9 cubed is %g\n", cubes[9]);
  furrow_pool_destroy(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int status = simulate(MPI_COMM_WORLD);
  MPI_Finalize();
  return status;
}
/* Output:
9 cubed is 729
*/
