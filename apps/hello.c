/* The first program: sixteen tasks, spread over the ranks, each say where they ran.
 *
 *   mpirun -n 4 build/bin/hello */
#include <furrow.h>
#include <stdlib.h>
#include <unistd.h>

enum { TASKS = 16 };

typedef struct greeting {
  int rank;
  char host[64];
} greeting;

static int greet(furrow_task *task, const void *item, void *result) {
  (void)item; /* there are no items: a task's index is all it needs */
  greeting *mine = result;
  mine->rank = task->rank;
  usleep(10000); /* as if there were work: else one rank is through before another is awake */
  return gethostname(mine->host, sizeof mine->host - 1) == 0 ? 0 : furrow_fail(task, "this host has no name");
}

int main(int argc, char **argv) {
  greeting greetings[TASKS]; /* rank 0's are filled */
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = furrow_map(pool, greet, NULL, NULL, 0, TASKS, greetings, sizeof *greetings, NULL);
  for (int i = 0; status == FURROW_OK && furrow_is_root(pool) && i < TASKS; i++)
    printf("hello from task %d, run by rank %d on %s\n", i, greetings[i].rank, greetings[i].host);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
