/* Tasks that wait, many at a time in each rank; what a worker needs for all of its tasks is made once. */
#include <furrow.h>
#include <stdlib.h>
#include <time.h>

enum { COUNT = 64 };

/* A connection, say. */
typedef struct line {
  int answered;
} line;

static int open_line(void *user, int worker, void **local) {
  (void)user;
  (void)worker;
  *local = calloc(1, sizeof(line));
  return *local ? 0 : 1;
}

static void close_line(void *user, int worker, void *local) {
  (void)user;
  (void)worker;
  free(local);
}

static int ask(furrow_task *task, const void *item, void *result) {
  const struct timespec answer_time = {0, 5000000};
  nanosleep(&answer_time, NULL);
  ((line *)task->local)->answered++;
  *(int *)result = 2 * *(const int *)item;
  return 0;
}

int main(int argc, char **argv) {
  int questions[COUNT], answers[COUNT], sum = 0;
  for (int i = 0; i < COUNT; i++) questions[i] = i;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) {
    furrow_options options = FURROW_OPTIONS_INIT;
    options.threads = 16;
    options.chunk = 1;
    options.worker_begin = open_line;
    options.worker_end = close_line;
    status = FURROW_MAP(pool, ask, NULL, questions, COUNT, answers, &options);
  }
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  for (int i = 0; status == FURROW_OK && furrow_is_root(pool) && i < COUNT; i++) sum += answers[i];
  if (status == FURROW_OK && furrow_is_root(pool)) printf("%d answers, their sum is %d\n", COUNT, sum);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Output:
 * 64 answers, their sum is 4032
 */
