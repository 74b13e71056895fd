/* Every allocation, fork and thread that an operation of three threads a rank asks for is refused once, on each rank in turn:
 * all ranks return FURROW_E_NOMEM, and the pool works afterwards.
 * ranks: 1 3 */
#include <errno.h>
#include <sys/wait.h>

#include "mpi/common/tools.h"
#include "shim/wrap.h"

enum { MOST = 80, COUNT = 60, SIZE = 200000, ACCUMULATOR = 100000 };

typedef furrow_status operation(furrow_pool *pool, const furrow_options *options);

static const struct {
  wrap_symbol symbol;
  const char *name;
} CALLS[] = {{wrap_malloc, "malloc"},
             {wrap_calloc, "calloc"},
             {wrap_realloc, "realloc"},
             {wrap_aligned_alloc, "aligned_alloc"},
             {wrap_mmap, "mmap"},
             {wrap_fork, "fork"},
             {wrap_pthread_create, "pthread_create"}};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

static char *items, *results;

static int copy(furrow_task *task, const void *item, void *result) {
  (void)task;
  memcpy(result, item, SIZE);
  return 0;
}

static furrow_status map_large(furrow_pool *pool, const furrow_options *options) {
  return furrow_map(pool, copy, NULL, items, SIZE, COUNT, results, SIZE, options);
}

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static furrow_status reduce(furrow_pool *pool, const furrow_options *options) {
  static const furrow_reducer SUM = {0, ACCUMULATOR, NULL, fold, add};
  static uint64_t result[ACCUMULATOR / 8];
  furrow_options all = *options;
  all.leaf = 1;
  furrow_status status = furrow_map_reduce(pool, &SUM, NULL, NULL, 0, 300, result, &all);
  if (status == FURROW_OK && furrow_is_root(pool) && result[0] != 300 * 299 / 2) TEST_FAIL("a wrong sum");
  return status;
}

/* False: there are no more calls. */
static bool fail_one(operation *op, const furrow_options *options, int c, int rank, uint64_t n) {
  furrow_pool *pool = make_pool(NULL);
  wrap_reset();
  if (test_rank() == rank) wrap_fail_nth(CALLS[c].symbol, n);
  furrow_status status = op(pool, options);
  bool failed = wrap_failures(CALLS[c].symbol) > 0;
  wrap_reset();
  int words[3] = {-(int)status, (int)status, failed};
  PMPI_Allreduce(MPI_IN_PLACE, words, 3, MPI_INT, MPI_MAX, test_comm());
  int lowest = -words[0], highest = words[1], wanted = words[2] ? FURROW_E_NOMEM : FURROW_OK;
  if (lowest != wanted || highest != wanted)
    TEST_FAIL("call %d of %s %s on rank %d: statuses from %d to %d (%s)", (int)n, CALLS[c].name,
              words[2] ? "failed" : "was not reached", rank, lowest, highest, furrow_pool_error(pool)->message);
  if (status != FURROW_OK) expect_same_error(pool);
  expect_works(pool);
  furrow_pool_destroy(&pool);
  if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) TEST_FAIL("a child is left");
  return words[2];
}

static void fail_each(operation *op, furrow_options options) {
  int provoked = 0;
  options.threads = 3;
  options.chunk = 1;
  items = calloc(COUNT, SIZE);
  results = calloc(COUNT, SIZE);
  for (int c = 0; c < CALL_COUNT; c++)
    for (int rank = 0; rank < test_size(); rank++)
      for (uint64_t n = 1; n <= MOST && !test_failed(); n++) {
        TEST_PHASE("call %d of %s fails on rank %d", (int)n, CALLS[c].name, rank);
        if (!fail_one(op, &options, c, rank, n)) break;
        provoked++;
      }
  EXPECT_GE(provoked / 2, test_size()); /* each thread but the first, at least */
  free(items);
  free(results);
}

TEST_TIMEOUT(threads, of_a_map_may_be_refused, 120) {
  fail_each(map_large, (furrow_options)FURROW_OPTIONS_INIT);
}

TEST_TIMEOUT(threads, of_a_guarded_map_may_be_refused, 120) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.retries = 1;
  fail_each(map_large, options);
}

TEST_TIMEOUT(threads, of_a_reduction_may_be_refused, 120) {
  fail_each(reduce, (furrow_options)FURROW_OPTIONS_INIT);
}

TEST_TIMEOUT(threads, of_isolated_operations_may_be_refused, 240) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_ON;
  fail_each(map_large, options);
  fail_each(reduce, options);
}

/* Ranks of 0 to 3 threads; rank 0 has none, where there is another. */
TEST_TIMEOUT(threads, of_each_ranks_own_number_may_be_refused, 240) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.own_threads = test_size() > 1 ? test_rank() % 4 : 2;
  fail_each(map_large, options);
  fail_each(reduce, options);
  options.isolate = FURROW_ISOLATE_ON;
  fail_each(reduce, options);
}

TEST(threads, that_are_refused_are_told) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = 3;
  for (int rank = 0; rank < test_size(); rank++)
    for (int n = 1; n < 3; n++) {
      furrow_pool *pool = make_pool(NULL);
      wrap_reset();
      if (test_rank() == rank) wrap_fail_nth(wrap_pthread_create, (uint64_t)n);
      furrow_status status = furrow_map(pool, store_index, NULL, NULL, 0, 5, (uint64_t[5]){0}, 8, &options);
      wrap_reset();
      EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, status);
      EXPECT_EQ(furrow_pool_error(pool)->rank, rank);
      EXPECT_CONTAINS(furrow_pool_error(pool)->message, "the system refuses 2 threads");
      expect_same_error(pool);
      expect_works(pool);
      furrow_pool_destroy(&pool);
    }
}
