/* A pool that gives silent nodes a minute, and a program that ends in a way its launcher notices when one is lost. */
#include <furrow.h>
#include <stdlib.h>

static int half_of(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(double *)result = (double)task->index / 2;
  return 0;
}

static furrow_status halve(furrow_pool *pool) {
  double halves[10];
  furrow_status status = furrow_map(pool, half_of, NULL, NULL, 0, 10, halves, sizeof *halves, NULL);
  if (status == FURROW_OK && furrow_is_root(pool)) printf("half of 9 is %g\n", halves[9]);
  return status;
}

int main(int argc, char **argv) {
  int threads = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads); /* whoever gets less has no node_timeout */
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.node_timeout = 60;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(MPI_COMM_WORLD, &options, &pool);
  if (status == FURROW_OK) status = halve(pool);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_pool_destroy(&pool);
  /* Not MPI_Finalize, which might wait for the lost node; furrow_finalize knows that. */
  if (status == FURROW_E_MPI) return EXIT_FAILURE;
  MPI_Finalize();
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
half of 9 is 4.5
*/
