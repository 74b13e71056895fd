/* Tasks that crash, end their process or never end, and cost only themselves. */
#include <furrow.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { COUNT = 8 };

static int visit(furrow_task *task, const void *item, void *result) {
  (void)item;
  if (task->index == 2) abort();
  if (task->index == 3) exit(4);
  for (volatile bool lost = task->index == 5; lost;) continue;
  *(uint64_t *)result = task->index * task->index;
  return 0;
}

/* In each new child: no core file for a crash that is expected. */
static int begin(void *user, int worker, void **local) {
  (void)user, (void)worker, (void)local;
  return setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static furrow_status visit_all(furrow_pool *pool, uint64_t *squares) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.task_timeout = 0.5; /* seconds; tasks now run in child processes */
  options.worker_begin = begin;
  return furrow_map(pool, visit, NULL, NULL, 0, COUNT, squares, sizeof *squares, &options);
}

int main(int argc, char **argv) {
  uint64_t squares[COUNT] = {0};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = visit_all(pool, squares);
  for (uint64_t i = 0; i < furrow_pool_failure_count(pool); i++) {
    const furrow_failure *failure = furrow_pool_failure(pool, i);
    printf("task %" PRIu64 ": %s %d\n", failure->task, furrow_failure_name(failure->kind), failure->code);
  }
  if (furrow_is_root(pool)) printf("7 squared is %" PRIu64 "\n", squares[7]);
  furrow_finalize(&pool);
  return status == FURROW_E_TASK ? EXIT_SUCCESS : EXIT_FAILURE;
}
/* Output:
task 2: signal 6
task 3: exit 4
task 5: timeout 0
7 squared is 49
*/
