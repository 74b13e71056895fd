/* A reduction: throw a million darts in a thousand tasks and count those within the circle. */
#include <furrow.h>
#include <inttypes.h>
#include <stdlib.h>

enum { TASKS = 1000, DARTS = 1000 };

static int throw_darts(furrow_task *task, const void *item, void *accumulator) {
  (void)item; /* there are no items: a task's own random numbers are all it needs */
  furrow_rng *rng = furrow_task_rng(task);
  uint64_t *hits = accumulator;
  for (int i = 0; i < DARTS; i++) {
    double x = furrow_rng_uniform(rng), y = furrow_rng_uniform(rng);
    *hits += x * x + y * y < 1;
  }
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

int main(int argc, char **argv) {
  furrow_reducer count = {.accumulator_size = sizeof(uint64_t), .fold = throw_darts, .merge = add};
  uint64_t hits = 0;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = furrow_map_reduce(pool, &count, NULL, NULL, 0, TASKS, &hits, NULL);
  if (status == FURROW_OK && furrow_is_root(pool))
    printf("%" PRIu64 " hits: pi is about %.4f\n", hits, 4.0 * (double)hits / (TASKS * DARTS));
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
785775 hits: pi is about 3.1431
*/
