/* The thread that conducts a stream is held up after each look whether the work is over: it misses no ring.
 * ranks: 1 3 */
#define FURROW__POINTS
#include "run/stream.c" /* NOLINT(bugprone-suspicious-include): stands in for the library's, which has no points */

#include "mpi/common/tools.h"

enum { TIMES = 40, COUNT = 20 };

void furrow__point(const char *name) {
  (void)name;
  nap(2e-3);
}

static furrow_stream_answer count_up(furrow_stream_state *state, const void **item, size_t *size) {
  (void)item;
  (void)size;
  return state->index < COUNT ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

static furrow_stream_answer count_down(furrow_stream_state *state, const void *result, size_t size) {
  (void)result;
  (void)size;
  --*(int *)state->data;
  return FURROW_STREAM_NEXT;
}

/* The last tasks take so long that the conductor sleeps. */
static int fail_at(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  if (task->index >= COUNT - 2) nap(15e-3);
  return task->index == *(const uint64_t *)task->user ? furrow_fail(task, "on purpose") : 0;
}

static void run_often(uint64_t failing, furrow_status wanted) {
  furrow_pool *pool = make_pool(NULL);
  for (int i = 0; i < TIMES && !test_failed(); i++) {
    int left = COUNT;
    TEST_PHASE("stream %d", i);
    EXPECT_STATUS_ON(pool, wanted, furrow_stream(pool, fail_at, &failing, count_up, count_down, &left, NULL));
    if (is_root() && wanted == FURROW_OK) EXPECT_EQ(left, 0);
  }
  furrow_pool_destroy(&pool);
}

TEST_TIMEOUT(conductor, hears_of_the_end, 60) {
  run_often(COUNT, FURROW_OK);
}

TEST_TIMEOUT(conductor, hears_of_a_failure, 60) {
  run_often(COUNT - 1, FURROW_E_TASK);
}
