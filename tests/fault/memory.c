/* Every allocation of the library fails once, on each rank in turn: all ranks return FURROW_E_NOMEM, and the pool works
 * afterwards.
 * ranks: 1 2 3 */
#include "mpi/common/tools.h"
#include "shim/wrap.h"

enum { MOST = 60 }; /* allocations of one call */

static const wrap_symbol ALLOCATORS[] = {wrap_malloc, wrap_calloc, wrap_realloc, wrap_aligned_alloc};
static const char *const ALLOCATOR_NAMES[] = {"malloc", "calloc", "realloc", "aligned_alloc"};

typedef furrow_status operation(furrow_pool *pool);

typedef struct outcome {
  int lowest, highest; /* statuses of all ranks */
  bool failed;         /* an allocation */
} outcome;

static outcome agree_on(furrow_status status, bool failed) {
  int words[3] = {-(int)status, (int)status, failed};
  PMPI_Allreduce(MPI_IN_PLACE, words, 3, MPI_INT, MPI_MAX, test_comm());
  return (outcome){-words[0], words[1], words[2]};
}

/* The nth call of an allocator fails on one rank. */
static outcome run_failing(operation *op, furrow_pool *pool, wrap_symbol allocator, int rank, uint64_t n) {
  wrap_reset();
  if (test_rank() == rank) wrap_fail_nth(allocator, n);
  furrow_status status = op(pool);
  bool failed = wrap_failures(allocator) > 0;
  wrap_reset();
  return agree_on(status, failed);
}

static int provoked;

/* A pool over several nodes does without a thread that there is no memory for. */
static bool is_done_without(outcome got) {
  return got.failed && got.lowest == FURROW_OK && got.highest == FURROW_OK && place_in(test_comm()).nodes > 1;
}

/* `otherwise`: what it returns if nothing fails. */
static void fail_each_call(operation *op, furrow_pool *pool, int a, int rank, furrow_status otherwise) {
  for (uint64_t n = 1; n <= MOST && !test_failed(); n++) {
    TEST_PHASE("call %d of %s fails on rank %d", (int)n, ALLOCATOR_NAMES[a], rank);
    outcome got = run_failing(op, pool, ALLOCATORS[a], rank, n);
    furrow_status wanted = got.failed ? FURROW_E_NOMEM : otherwise;
    if (!is_done_without(got) && (got.lowest != (int)wanted || got.highest != (int)wanted))
      TEST_FAIL("call %d of %s %s on rank %d: statuses from %d to %d, wanted %d", (int)n, ALLOCATOR_NAMES[a],
                got.failed ? "failed" : "was not reached", rank, got.lowest, got.highest, (int)wanted);
    if (!got.failed) return;
    provoked++;
    if (pool) expect_works(pool);
  }
}

static void fail_every_allocation_or(operation *op, furrow_pool *pool, furrow_status otherwise) {
  for (int a = 0; a < 4; a++)
    for (int rank = 0; rank < test_size(); rank++) fail_each_call(op, pool, a, rank, otherwise);
}

static void fail_every_allocation(operation *op, furrow_pool *pool) {
  provoked = 0;
  fail_every_allocation_or(op, pool, FURROW_OK);
}

static furrow_status create(furrow_pool *unused) {
  (void)unused;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(test_comm(), NULL, &pool);
  if (pool && furrow_pool_error(pool)->status != status) TEST_FAIL("the pool does not carry its error");
  furrow_pool_destroy(&pool);
  return status;
}

TEST(memory, of_a_pool_may_be_refused) {
  fail_every_allocation(create, NULL);
  EXPECT_GE(provoked, test_size());
  expect_works(test_pool());
}

/* ---- maps ---- */

enum { COUNT = 40, SIZE = 200000 };

static char *items, *results;

static int copy(furrow_task *task, const void *item, void *result) {
  (void)task;
  memcpy(result, item, SIZE);
  return 0;
}

static furrow_status map_large(furrow_pool *pool) {
  return furrow_map(pool, copy, NULL, items, SIZE, COUNT, results, SIZE, NULL);
}

static furrow_status map_large_in_a_new_pool(furrow_pool *unused) {
  (void)unused;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(test_comm(), NULL, &pool);
  if (status == FURROW_OK) status = map_large(pool);
  furrow_pool_destroy(&pool);
  return status;
}

static furrow_status map_statically(furrow_pool *pool) {
  furrow_options options = options_of(FURROW_SCHEDULE_STATIC, 0);
  return furrow_map(pool, copy, NULL, items, SIZE, COUNT, results, SIZE, &options);
}

static void with_arrays(operation *op, furrow_pool *pool) {
  items = calloc(COUNT, SIZE);
  results = calloc(COUNT, SIZE);
  if (!items || !results) {
    TEST_FAIL("no memory for the test itself");
  } else {
    fail_every_allocation(op, pool);
  }
  free(items);
  free(results);
}

TEST(memory, of_a_map_may_be_refused) {
  with_arrays(map_large, test_pool());
  if (test_size() > 1) EXPECT_GT(provoked, 0);
}

TEST(memory, of_the_first_map_of_a_pool_may_be_refused) {
  with_arrays(map_large_in_a_new_pool, NULL);
}

TEST(memory, of_a_static_map_may_be_refused) {
  with_arrays(map_statically, test_pool());
  if (test_size() > 1) EXPECT_GT(provoked, 0);
}

TEST(memory, of_a_static_map_without_shared_memory_may_be_refused) {
  furrow_pool *pool = make_pool_without_board();
  with_arrays(map_statically, pool);
  furrow_pool_destroy(&pool);
}

/* ---- reductions ---- */

enum { ACCUMULATOR = 100000 };

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static furrow_status reduce_under(furrow_pool *pool, furrow_schedule schedule) {
  static const furrow_reducer SUM = {0, ACCUMULATOR, NULL, fold, add};
  static uint64_t result[ACCUMULATOR / 8];
  furrow_options options = options_of(schedule, 1);
  options.leaf = 1;
  furrow_status status = furrow_map_reduce(pool, &SUM, NULL, NULL, 0, 300, result, &options);
  if (status == FURROW_OK && furrow_is_root(pool) && result[0] != 300 * 299 / 2) TEST_FAIL("a wrong sum");
  return status;
}

static furrow_status reduce_dynamically(furrow_pool *pool) {
  return reduce_under(pool, FURROW_SCHEDULE_DYNAMIC);
}

static furrow_status reduce_statically(furrow_pool *pool) {
  return reduce_under(pool, FURROW_SCHEDULE_STATIC);
}

TEST(memory, of_a_reduction_may_be_refused) {
  /* Who folds which leaf varies, so what one rank needs does too: only statuses and the pool are checked. */
  fail_every_allocation(reduce_dynamically, test_pool());
  EXPECT_GT(provoked, 0);
}

TEST(memory, of_a_static_reduction_may_be_refused) {
  fail_every_allocation(reduce_statically, test_pool());
  EXPECT_GT(provoked, 0);
}

static furrow_status reduce_array(furrow_pool *pool) {
  static uint64_t array[5000], result;
  return furrow_reduce(pool, add, NULL, array, sizeof *array, 5000, &result, NULL);
}

TEST(memory, of_a_reduced_array_may_be_refused) {
  fail_every_allocation(reduce_array, test_pool());
  EXPECT_GT(provoked, 0);
}

/* ---- the rest ---- */

static furrow_status share(furrow_pool *pool) {
  static const char data[5000];
  furrow_share *made = NULL;
  furrow_status status = furrow_share_create(pool, data, sizeof data, &made);
  if ((status == FURROW_OK) != (made != NULL)) TEST_FAIL("status %d, share %p", (int)status, (void *)made);
  furrow_share_destroy(&made);
  return status;
}

TEST(memory, of_a_share_may_be_refused) {
  fail_every_allocation(share, test_pool());
  EXPECT_GE(provoked, test_size());
}

static int sum_user(furrow_task *task, const void *item, void *result) {
  (void)item;
  for (int i = 0; i < 1000; i++) *(uint64_t *)result += ((const unsigned char *)task->user)[i];
  return 0;
}

/* A user that goes with the step, one that goes apart, a share. */
static furrow_status program(furrow_pool *pool, void *argument) {
  uint64_t sums[10];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.user_size = 1000;
  (void)argument;
  furrow_status status = furrow_map(pool, sum_user, results, NULL, 0, 10, sums, sizeof *sums, &options);
  options.user_size = 100000;
  if (status == FURROW_OK) status = furrow_map(pool, sum_user, results, NULL, 0, 10, sums, sizeof *sums, &options);
  return status == FURROW_OK ? share(pool) : status;
}

static furrow_status lead(furrow_pool *pool) {
  return furrow_lead(pool, program, NULL);
}

TEST(memory, of_a_led_program_may_be_refused) {
  results = calloc(1, 100000);
  fail_every_allocation(lead, test_pool());
  EXPECT_GE(provoked, test_size());
  free(results);
}

static furrow_status collect_metrics(furrow_pool *pool) {
  furrow_metrics metrics;
  return furrow_metrics_get(pool, &metrics, NULL);
}

TEST(memory, of_metrics_may_be_refused) {
  fail_every_allocation(collect_metrics, test_pool());
  EXPECT_GT(provoked, 0);
}

static furrow_status differ(furrow_pool *pool) {
  char data[8] = "";
  return furrow_bcast(pool, data, test_rank() == last_rank() ? 7 : 8);
}

TEST(memory, to_find_out_who_differs_may_be_refused) {
  if (test_size() == 1) return;
  furrow_pool *pool = make_pool_without_board();
  fail_every_allocation_or(differ, pool, FURROW_E_ARG);
  furrow_pool_destroy(&pool);
}

/* ---- the progress thread ---- */

/* Over several nodes the thread is made with the pool, and if it is refused on one node, none has one. */
TEST(memory, of_a_thread_between_nodes_may_be_refused) {
  if (place_in(test_comm()).nodes == 1) return;
  for (int rank = 0; rank < test_size(); rank++) {
    if (test_rank() == rank) wrap_fail_nth(wrap_pthread_create, 1);
    furrow_pool *pool = make_pool(NULL);
    bool refused = sum_over_ranks(wrap_failures(wrap_pthread_create)) > 0;
    wrap_reset();
    furrow_metrics metrics = {.progress_threads = !refused};
    expect_works(pool);
    EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
    EXPECT_EQ(metrics.progress_threads, !refused);
    furrow_pool_destroy(&pool);
  }
}

TEST(memory, of_a_thread_may_be_refused) {
  if (test_size() == 1 || place_in(test_comm()).nodes > 1) return;
  furrow_pool *pool = make_pool(NULL);
  items = calloc(COUNT, SIZE);
  results = calloc(COUNT, SIZE);
  if (is_root()) wrap_fail_nth(wrap_pthread_create, 1);
  EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, map_large(pool));
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "thread");
  expect_same_error(pool);
  if (is_root()) EXPECT_EQ(wrap_failures(wrap_pthread_create), 1);
  wrap_reset();
  EXPECT_OK_ON(pool, map_large(pool));
  expect_works(pool);
  free(items);
  free(results);
  furrow_pool_destroy(&pool);
}
