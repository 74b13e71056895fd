/* For tests/hosts/cut: an operation that would last for long, or that one rank does not come to; says when it ended and
 * why. */
#include <furrow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int rest(furrow_task *task, const void *item, void *result) {
  struct timespec time = {0, 1000000};
  (void)task;
  (void)item;
  (void)result;
  nanosleep(&time, NULL);
  return 0;
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  (void)state;
  *item = NULL;
  *size = 0;
  return FURROW_STREAM_NEXT;
}

static int rest_in_stream(furrow_task *task, const void *item, size_t size) {
  (void)size;
  return rest(task, item, NULL);
}

/* Its thread is in here when the host falls silent, most of the time. */
static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  (void)state;
  (void)result;
  (void)size;
  nanosleep(&(struct timespec){0, 300000000}, NULL);
  return FURROW_STREAM_NEXT;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  bool waits = argc > 1 && strcmp(argv[1], "wait") == 0;
  if (status == FURROW_OK) status = furrow_map(pool, rest, NULL, NULL, 0, 100, NULL, 0, NULL); /* connects all */
  if (status == FURROW_OK && furrow_is_root(pool)) fprintf(stderr, "begins\n");
  double start = now();
  if (waits && furrow_pool_rank(pool) == 2)
    nanosleep(&(struct timespec){60, 0}, NULL); /* on the host that is cut off */
  bool streams = argc > 1 && strcmp(argv[1], "stream") == 0, slowly = argc > 1 && strcmp(argv[1], "slow-stream") == 0;
  if (status == FURROW_OK && (streams || slowly))
    status = furrow_stream(pool, rest_in_stream, NULL, give, slowly ? take : NULL, NULL, NULL);
  else if (status == FURROW_OK)
    status = furrow_map(pool, rest, NULL, NULL, 0, 200000, NULL, 0, NULL);
  fprintf(stderr, "rank %d: %s after %.1f s: %s\n", furrow_pool_rank(pool), furrow_strerror(status), now() - start,
          furrow_pool_error(pool)->message);
  nanosleep(&(struct timespec){1, 0}, NULL); /* mpirun ends the other ranks as soon as one has failed */
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
