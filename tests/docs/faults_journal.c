/* A sum that can be stopped by SIGUSR1, or killed, and goes on from its journal: faults_journal [MILLIONS [JOURNAL]]. */
#include <furrow.h>
#include <stdlib.h>

enum { INTERRUPTED = 75 };

/* Task i adds a million terms of 4 - 4/3 + 4/5 - ... */
static int add_terms(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  double sum = 0;
  for (uint64_t i = task->index * 1000000; i < (task->index + 1) * 1000000; i++)
    sum += (i % 2 ? -4.0 : 4.0) / (double)(2 * i + 1);
  *(double *)accumulator += sum;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(double *)accumulator += *(const double *)later;
}

int main(int argc, char **argv) {
  uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
  double pi = 0;
  furrow_reducer sum = {.accumulator_size = sizeof pi, .fold = add_terms, .merge = add};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.journal = argc > 2 ? argv[2] : NULL;
    options.label = "Leibniz";
    status = furrow_map_reduce(pool, &sum, NULL, NULL, 0, millions, &pi, &options);
  }
  if (status == FURROW_OK && furrow_is_root(pool)) printf("%.9f\n", pi);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : status == FURROW_E_INTERRUPTED ? INTERRUPTED : EXIT_FAILURE;
}
/* Output:
3.141592554
*/
