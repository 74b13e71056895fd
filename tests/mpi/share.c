/* Read-only data that every rank sees. */
#include <setjmp.h>
#include <signal.h>

#include "mpi/common/tools.h"

static unsigned char byte_of(size_t i) {
  return (unsigned char)(i * 11 + (i >> 8) + 5);
}

static furrow_share *make_share(furrow_pool *pool, size_t size) {
  furrow_share *share = NULL;
  unsigned char *data = is_root() ? malloc(size + 1) : NULL;
  for (size_t i = 0; data && i < size; i++) data[i] = byte_of(i);
  EXPECT_OK_ON(pool, furrow_share_create(pool, data, size, &share));
  if (data) memset(data, 0, size); /* it was borrowed for the call only */
  free(data);
  return share;
}

static void expect_contents(const furrow_share *share, size_t size) {
  const unsigned char *data = furrow_share_data(share);
  size_t wrong = 0;
  EXPECT_EQ(furrow_share_size(share), size);
  EXPECT_NE(data, NULL);
  EXPECT_EQ((uintptr_t)data % 4096, 0);
  for (size_t i = 0; i < size; i++) wrong += data[i] != byte_of(i);
  EXPECT_EQ(wrong, 0);
}

TEST(share, is_the_same_on_every_rank) {
  static const size_t sizes[] = {1, 100, 4096, 100001, 9000000};
  for (int i = 0; i < 5; i++) {
    furrow_share *share = make_share(test_pool(), sizes[i]);
    expect_contents(share, sizes[i]);
    furrow_share_destroy(&share);
    EXPECT_EQ(share, NULL);
  }
}

TEST(share, works_in_a_pool_without_shared_memory_for_its_queue) {
  furrow_pool *pool = make_pool_without_board();
  furrow_share *share = make_share(pool, 100001);
  expect_contents(share, 100001);
  furrow_share_destroy(&share);
  furrow_pool_destroy(&pool);
}

TEST(share, may_be_empty) {
  furrow_share *share = NULL;
  EXPECT_OK(furrow_share_create(test_pool(), NULL, 0, &share));
  EXPECT_NE(share, NULL);
  EXPECT_EQ(furrow_share_size(share), 0);
  furrow_share_destroy(&share);
}

TEST(share, outlives_the_pool) {
  furrow_pool *pool = make_pool(NULL);
  furrow_share *share = make_share(pool, 50000);
  furrow_pool_destroy(&pool);
  expect_contents(share, 50000);
  furrow_share_destroy(&share);
}

TEST(share, may_be_destroyed_by_each_rank_when_it_likes) {
  furrow_share *share = make_share(test_pool(), 50000);
  if (is_root()) furrow_share_destroy(&share);
  PMPI_Barrier(test_comm());
  if (!is_root()) expect_contents(share, 50000);
  furrow_share_destroy(&share);
  furrow_share_destroy(&share);
  furrow_share_destroy(NULL);
}

static int sum_share(furrow_task *task, const void *item, void *result) {
  (void)item;
  const furrow_share *share = task->user;
  *(unsigned char *)result = ((const unsigned char *)furrow_share_data(share))[task->index];
  return 0;
}

TEST(share, is_what_tasks_read) {
  furrow_share *share = make_share(test_pool(), 2000);
  unsigned char results[2000];
  EXPECT_OK(furrow_map(test_pool(), sum_share, share, NULL, 0, 2000, results, 1, NULL));
  for (size_t i = 0; is_root() && i < sizeof results; i++) EXPECT_EQ(results[i], byte_of(i));
  furrow_share_destroy(&share);
}

static sigjmp_buf after_fault;

static void jump(int signal) {
  (void)signal;
  siglongjmp(after_fault, 1);
}

static bool can_write(volatile unsigned char *address) {
  struct sigaction action = {.sa_handler = jump}, before;
  sigaction(SIGSEGV, &action, &before);
  volatile bool wrote = false;
  if (sigsetjmp(after_fault, 1) == 0) {
    *address = 1;
    wrote = true;
  }
  sigaction(SIGSEGV, &before, NULL);
  return wrote;
}

TEST(share, is_read_only) {
  if (test_size() == 1) return; /* there it is a private copy */
  furrow_share *share = make_share(test_pool(), 100);
  EXPECT_FALSE(can_write((unsigned char *)furrow_share_data(share)));
  furrow_share_destroy(&share);
}

TEST(share, refuses_missing_data_and_a_missing_address) {
  furrow_share *share = NULL;
  int word = 1;
  EXPECT_STATUS(FURROW_E_ARG, furrow_share_create(test_pool(), NULL, 8, &share));
  EXPECT_EQ(share, NULL);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "data is NULL");
  expect_same_error(test_pool());
  bool odd = test_rank() == last_rank();
  EXPECT_STATUS(FURROW_E_ARG, furrow_share_create(test_pool(), &word, 4, odd ? NULL : &share));
  EXPECT_EQ(share, NULL);
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, last_rank());
  EXPECT_STATUS(FURROW_E_ARG, furrow_share_create(test_pool(), &word, SIZE_MAX - 5, &share));
  EXPECT_EQ(share, NULL);
}

/* The limit on files keeps the kernel from looking for so much memory in earnest. */
TEST(share, that_cannot_be_had_fails_on_all) {
  struct rlimit before, small = {1 << 30, RLIM_INFINITY};
  struct sigaction ignore = {.sa_handler = SIG_IGN}, action;
  furrow_share *share = NULL;
  int word = 1;
  getrlimit(RLIMIT_FSIZE, &before);
  small.rlim_max = before.rlim_max;
  sigaction(SIGXFSZ, &ignore, &action);
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_STATUS(FURROW_E_NOMEM, furrow_share_create(test_pool(), &word, SIZE_MAX / 8, &share));
  setrlimit(RLIMIT_FSIZE, &before);
  sigaction(SIGXFSZ, &action, NULL);
  EXPECT_EQ(share, NULL);
  expect_same_error(test_pool());
  expect_works(test_pool());
}

TEST(share, that_does_not_exist_is_empty) {
  EXPECT_EQ(furrow_share_data(NULL), NULL);
  EXPECT_EQ(furrow_share_size(NULL), 0);
}
