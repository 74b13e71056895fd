#include <furrow.h>
#include <math.h>
#include <stdlib.h>

static int root_of(furrow_task *task, const void *item, void *result) {
  const double x = *(const double *)item;
  if (x < 0) return furrow_fail(task, "%g has no square root", x);
  *(double *)result = sqrt(x);
  return 0;
}

int main(int argc, char **argv) {
  double numbers[1000], roots[1000], sum = 0;
  for (int i = 0; i < 1000; i++) numbers[i] = i;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = FURROW_MAP(pool, root_of, NULL, numbers, 1000, roots, NULL);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  for (int i = 0; status == FURROW_OK && i < 1000; i++) sum += furrow_is_root(pool) ? roots[i] : 0;
  if (status == FURROW_OK && furrow_is_root(pool)) printf("%.12f\n", sum);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
21065.833110879048
*/
