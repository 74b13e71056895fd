/* The second program: a map. Numbers go in, their squares come back, in order.
 *
 *   mpirun build/bin/square */
#include <furrow.h>
#include <stdlib.h>

enum { COUNT = 1000 };

static int square(furrow_task *task, const void *item, void *result) {
  (void)task;
  const double *x = item;
  double *x_squared = result;
  *x_squared = *x * *x;
  return 0;
}

/* Rank 0 brings the items and gets the results. Every rank calls the map, because every rank computes. */
static furrow_status print_squares(furrow_pool *pool) {
  double numbers[COUNT], squares[COUNT];
  if (furrow_is_root(pool))
    for (int i = 0; i < COUNT; i++) numbers[i] = i / 8.0;

  furrow_status status = FURROW_MAP(pool, square, NULL, numbers, COUNT, squares, NULL);
  if (status != FURROW_OK || !furrow_is_root(pool)) return status;

  for (int i = COUNT - 10; i < COUNT; i++) printf("%8.3f squared is %12.6f\n", numbers[i], squares[i]);
  return FURROW_OK;
}

int main(int argc, char **argv) { /* the failure of a run reaches the shell */
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = print_squares(pool);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
