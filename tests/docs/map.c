/* A map: rank 0 brings numbers, every rank squares some of them, rank 0 gets the squares in their order. */
#include <furrow.h>
#include <stdlib.h>

static int square(furrow_task *task, const void *item, void *result) {
  double x = *(const double *)item;
  if (x > 1e150) return furrow_fail(task, "%g is too large to be squared", x);
  *(double *)result = x * x;
  return 0;
}

int main(int argc, char **argv) {
  double numbers[] = {1, 2, 3, 0.5, -4}, squares[5];
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = FURROW_MAP(pool, square, NULL, numbers, 5, squares, NULL);
  for (int i = 0; i < 5 && status == FURROW_OK && furrow_is_root(pool); i++) printf("%g\n", squares[i]);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
1
4
9
0.25
16
*/
