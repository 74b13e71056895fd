#include <furrow.h>
#include <math.h>
#include <stdlib.h>

static int root_of(furrow_task *task, const void *item, void *result) {
  const double x = *(const double *)item;
  if (x < 0) return furrow_fail(task, "%g has no square root", x);
  *(double *)result = sqrt(x);
  return 0;
}

static furrow_status program(furrow_pool *pool, void *unused) { /* on rank 0; the others help where it calls furrow */
  (void)unused;
  double numbers[1000], roots[1000], sum = 0;
  for (int i = 0; i < 1000; i++) numbers[i] = i;
  furrow_status status = FURROW_MAP(pool, root_of, NULL, numbers, 1000, roots, NULL);
  for (int i = 0; status == FURROW_OK && i < 1000; i++) sum += roots[i];
  if (status == FURROW_OK) printf("%.12f\n", sum);
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = furrow_lead(pool, program, NULL);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
21065.833110879048
*/
