/* Shared memory is refused, in whole or in part, on each rank in turn: the pool works all the same, and metrics say why it is
 * not dynamic.
 * ranks: 1 2 3 8 */
#include <dirent.h>

#include "mpi/common/tools.h"
#include "shim/wrap.h"

static furrow_metrics metrics_of(furrow_pool *pool) {
  furrow_metrics metrics;
  memset(&metrics, 0, sizeof metrics);
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  PMPI_Bcast(&metrics, sizeof metrics, MPI_BYTE, 0, test_comm());
  return metrics;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  return 0;
}

static void expect_all_operations(furrow_pool *pool) {
  static const furrow_reducer SUM = {0, 8, NULL, fold, add};
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 0);
  uint64_t sum = 0;
  furrow_share *share = NULL;
  expect_works(pool);
  EXPECT_OK_ON(pool, furrow_map_reduce(pool, &SUM, NULL, NULL, 0, 1000, &sum, &options));
  if (is_root()) EXPECT_EQ(sum, 499500);
  sum = is_root() ? 7 : 0;
  EXPECT_OK_ON(pool, furrow_share_create(pool, &sum, sizeof sum, &share));
  EXPECT_EQ(*(const uint64_t *)furrow_share_data(share), 7);
  furrow_share_destroy(&share);
  EXPECT_STATUS_ON(pool, FURROW_E_ARG, furrow_bcast(pool, NULL, 1));
  expect_works(pool);
}

static int count_leftovers(void) {
  DIR *directory = opendir("/dev/shm");
  int count = 0;
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    char name[64];
    snprintf(name, sizeof name, "furrow-%ld-", (long)getpid());
    count += strncmp(entry->d_name, name, strlen(name)) == 0;
  }
  if (directory) closedir(directory);
  return count;
}

/* Made while these calls fail on one rank (all of them, for ever). */
static furrow_pool *make_pool_without(wrap_symbol a, wrap_symbol b, int rank) {
  wrap_reset();
  if (test_rank() == rank) wrap_fail_from(a, 1);
  if (test_rank() == rank) wrap_fail_from(b, 1);
  return make_pool(NULL);
}

static void expect_static(furrow_pool *pool, const char *why) {
  expect_all_operations(pool);
  furrow_metrics metrics = metrics_of(pool);
  EXPECT_EQ(metrics.dynamic, 0);
  EXPECT_EQ(metrics.operations, 3);
  EXPECT_EQ(metrics.shared_memory, 0);
  EXPECT_CONTAINS(metrics.note, why);
  wrap_reset();
  EXPECT_EQ(count_leftovers(), 0);
  furrow_pool_destroy(&pool);
}

static void expect_dynamic(furrow_pool *pool) {
  expect_all_operations(pool);
  furrow_metrics metrics = metrics_of(pool);
  EXPECT_EQ(metrics.dynamic, 3);
  EXPECT_GT(metrics.shared_memory, 0);
  EXPECT_EQ_STR(metrics.note, "");
  wrap_reset();
  EXPECT_EQ(count_leftovers(), 0);
  furrow_pool_destroy(&pool);
}

TEST(shared_memory, falls_back_to_shm_open) {
  if (test_size() == 1) return;
  expect_dynamic(make_pool_without(wrap_memfd_create, wrap_memfd_create, 0));
}

TEST(shared_memory, that_cannot_be_made_leaves_a_static_pool) {
  if (test_size() == 1) return;
  expect_static(make_pool_without(wrap_memfd_create, wrap_shm_open, 0), "shm_open");
}

TEST(shared_memory, that_has_no_room_leaves_a_static_pool) {
  if (test_size() == 1) return;
  expect_static(make_pool_without(wrap_posix_fallocate, wrap_posix_fallocate, 0), "posix_fallocate");
}

TEST(shared_memory, that_cannot_be_opened_by_one_rank_leaves_all_static) {
  for (int rank = 1; rank < test_size(); rank++) {
    char who[16];
    snprintf(who, sizeof who, "rank %d", rank);
    expect_static(make_pool_without(wrap_open, wrap_shm_open, rank), who);
  }
}

TEST(shared_memory, that_cannot_be_mapped_by_one_rank_leaves_all_static) {
  for (int rank = 0; rank < test_size(); rank++) {
    char who[16];
    snprintf(who, sizeof who, "rank %d", rank);
    expect_static(make_pool_without(wrap_mmap, wrap_mmap, rank), who);
  }
}

TEST(shared_memory, refused_to_ranks_that_need_not_make_it_matters_not) {
  for (int rank = 1; rank < test_size(); rank++)
    expect_dynamic(make_pool_without(wrap_memfd_create, wrap_posix_fallocate, rank));
}

enum { COUNT = 500000 };

static uint64_t *items, *results;

static int copy(furrow_task *task, const void *item, void *result) {
  (void)task;
  *(uint64_t *)result = *(const uint64_t *)item;
  return 0;
}

static void expect_large_map(furrow_pool *pool) {
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 0);
  memset(results, 0xff, COUNT * sizeof *results);
  EXPECT_OK_ON(pool, furrow_map(pool, copy, NULL, items, 8, COUNT, results, 8, &options));
  uint64_t wrong = 0;
  for (uint64_t i = 0; is_root() && i < COUNT; i++) wrong += results[i] != i * 3;
  EXPECT_EQ(wrong, 0);
}

/* The queue wants to grow for the arrays, and can't. */
TEST(shared_memory, that_cannot_grow_serves_as_it_is) {
  furrow_pool *pool = make_pool(NULL);
  size_t before = metrics_of(pool).shared_memory;
  items = malloc(COUNT * sizeof *items);
  results = malloc(COUNT * sizeof *results);
  for (uint64_t i = 0; i < COUNT; i++) items[i] = i * 3;
  wrap_fail_from(wrap_posix_fallocate, 1);
  expect_large_map(pool);
  EXPECT_EQ(metrics_of(pool).shared_memory, before);
  EXPECT_EQ(metrics_of(pool).dynamic, 1);
  bool tried = is_root() && wrap_failures(wrap_posix_fallocate) > 0;
  if (is_root() && test_size() == 8) EXPECT_TRUE(tried);
  wrap_reset();
  expect_large_map(pool); /* now it may */
  EXPECT_EQ(metrics_of(pool).dynamic, 2);
  furrow_pool_destroy(&pool);
  free(items);
  free(results);
}

TEST(shared_memory, of_a_share_that_is_refused_is_private_to_each_rank) {
  enum { SIZE = 100000 };
  static const wrap_symbol calls[] = {wrap_memfd_create, wrap_open, wrap_mmap, wrap_posix_fallocate};
  for (int rank = 0; rank < test_size(); rank++)
    for (int c = 0; c < 4; c++) {
      furrow_share *share = NULL;
      char *data = is_root() ? malloc(SIZE) : NULL;
      if (data) memset(data, 5 + c, SIZE);
      if (test_rank() == rank) wrap_fail_from(calls[c], 1);
      if (test_rank() == rank) wrap_fail_from(wrap_shm_open, 1);
      EXPECT_OK(furrow_share_create(test_pool(), data, SIZE, &share));
      wrap_reset();
      const char *mine = furrow_share_data(share);
      EXPECT_EQ((uintptr_t)mine % 4096, 0);
      EXPECT_TRUE(mine && mine[0] == 5 + c && memcmp(mine, mine + 1, SIZE - 1) == 0);
      furrow_share_destroy(&share);
      free(data);
    }
}

/* The kernel would kill somebody for it: so it is not even asked. */
TEST(shared_memory, of_more_than_there_is_is_not_asked_for) {
  furrow_share *share = NULL;
  int word = 1;
  wrap_fail_from(wrap_posix_fallocate, 1);
  EXPECT_STATUS(FURROW_E_NOMEM, furrow_share_create(test_pool(), &word, SIZE_MAX / 8, &share));
  EXPECT_EQ(wrap_calls(wrap_posix_fallocate), 0);
  wrap_reset();
  EXPECT_EQ(share, NULL);
  expect_same_error(test_pool());
  expect_works(test_pool());
}

static int count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int count = 0;
  while (directory && readdir(directory)) count++;
  if (directory) closedir(directory);
  return count;
}

TEST(shared_memory, that_is_refused_leaves_no_descriptor_behind) {
  static const wrap_symbol calls[] = {wrap_memfd_create, wrap_open, wrap_mmap, wrap_posix_fallocate};
  int before = count_descriptors();
  for (int rank = 0; rank < test_size(); rank++)
    for (int c = 0; c < 4; c++) {
      furrow_pool *pool = make_pool_without(calls[c], wrap_shm_open, rank);
      furrow_pool_destroy(&pool);
    }
  wrap_reset();
  EXPECT_EQ(count_descriptors(), before);
}
