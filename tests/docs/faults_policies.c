/* Failed tasks that don't stop the others: tried again, then listed, while all other results are valid. */
#include <furrow.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { COUNT = 6 };

/* Negative numbers have no root, and 25 is moody: it fails at the first try. */
static int root_of(furrow_task *task, const void *item, void *result) {
  double x = *(const double *)item;
  if (x < 0) return furrow_fail(task, "%g has no square root", x);
  if (x == 25 && task->attempt == 0) return furrow_fail(task, "not today");
  *(double *)result = sqrt(x);
  return 0;
}

static void print_roots(const furrow_pool *pool, const double *roots, const uint8_t *done) {
  for (int i = 0; i < COUNT; i++)
    if (done[i]) printf("root %d: %g\n", i, roots[i]);
  for (uint64_t i = 0; i < furrow_pool_failure_count(pool); i++) {
    const furrow_failure *failure = furrow_pool_failure(pool, i);
    printf("task %" PRIu64 ", attempt %u: %s\n", failure->task, failure->attempt, failure->message);
  }
}

int main(int argc, char **argv) {
  double numbers[COUNT] = {0, 1, -4, 9, 16, 25}, roots[COUNT];
  uint8_t done[COUNT];
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.retries = 2;
    options.done = done;
    status = FURROW_MAP(pool, root_of, NULL, numbers, COUNT, roots, &options);
    bool answer = status == FURROW_OK || (status == FURROW_E_TASK && furrow_pool_failure_count(pool) > 0);
    if (answer && furrow_is_root(pool)) print_roots(pool, roots, done);
  }
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK || status == FURROW_E_TASK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
root 0: 0
root 1: 1
root 3: 3
root 4: 4
root 5: 5
task 2, attempt 2: -4 has no square root
*/
