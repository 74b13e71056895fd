/* The options of the README against failures: one task of ten ends its process. readme_faults [JOURNAL]. */
#include <furrow.h>
#include <stdlib.h>

static int visit(furrow_task *task, const void *item, void *result) {
  (void)item;
  if (task->index == 7) exit(EXIT_FAILURE);
  *(double *)result = (double)task->index / 2;
  return 0;
}

static furrow_status visit_all(furrow_pool *pool, const char *journal, double *halves) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.on_error = FURROW_ON_ERROR_CONTINUE; /* a failed task doesn't stop the others */
  options.task_timeout = 60;                   /* tasks run in child processes: they may crash, or never end */
  options.journal = journal;                   /* run again, the program goes on from this file */
  return furrow_map(pool, visit, NULL, NULL, 0, 10, halves, sizeof *halves, &options);
}

int main(int argc, char **argv) {
  double halves[10] = {0};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = visit_all(pool, argc > 1 ? argv[1] : NULL, halves);
  if (furrow_is_root(pool)) printf("%d failed, half of 9 is %g\n", (int)furrow_pool_failure_count(pool), halves[9]);
  furrow_finalize(&pool);
  return status == FURROW_E_TASK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
1 failed, half of 9 is 4.5
*/
