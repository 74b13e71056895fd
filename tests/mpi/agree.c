/* furrow_agree: the worst of all; furrow_bcast: rank 0's bytes; furrow_gather: everybody's. */
#include "mpi/common/tools.h"

static void expect_agreed(furrow_pool *pool, furrow_status mine, const char *why, furrow_status worst) {
  EXPECT_STATUS_ON(pool, worst, furrow_agree(pool, mine, why));
  EXPECT_EQ(furrow_pool_error(pool)->status, worst);
  expect_same_error(pool);
}

static void check_agree(furrow_pool *pool) {
  bool last = test_rank() == last_rank();
  expect_agreed(pool, FURROW_OK, NULL, FURROW_OK);
  expect_agreed(pool, last ? FURROW_E_IO : FURROW_OK, "no such file", FURROW_E_IO);
  EXPECT_EQ_STR(furrow_pool_error(pool)->message, "no such file");
  EXPECT_EQ(furrow_pool_error(pool)->rank, last_rank());
  EXPECT_NE(furrow_pool_error(pool)->host[0], '\0');

  expect_agreed(pool, is_root() ? FURROW_E_TASK : FURROW_E_IO, is_root() ? "the worst" : "bad", FURROW_E_TASK);
  EXPECT_EQ_STR(furrow_pool_error(pool)->message, "the worst");
  EXPECT_EQ(furrow_pool_error(pool)->rank, 0);

  char why[16];
  snprintf(why, sizeof why, "rank %d", test_rank());
  expect_agreed(pool, FURROW_E_NOMEM, why, FURROW_E_NOMEM);
  EXPECT_EQ_STR(furrow_pool_error(pool)->message, "rank 0");

  expect_agreed(pool, last ? FURROW_E_ARG : FURROW_OK, NULL, FURROW_E_ARG);
  EXPECT_EQ(furrow_pool_error(pool)->rank, last_rank());
  expect_agreed(pool, last ? (furrow_status)99 : FURROW_OK, NULL, FURROW_E_ARG);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "99");
  expect_works(pool);
}

TEST(agree, returns_the_worst_with_the_reason_of_the_lowest_rank) {
  check_agree(test_pool());
}

TEST(agree, works_without_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  check_agree(pool);
  furrow_pool_destroy(&pool);
}

TEST(agree, takes_a_reason_of_any_length) {
  char why[2 * FURROW_MESSAGE_SIZE];
  memset(why, 'x', sizeof why);
  why[sizeof why - 1] = '\0';
  EXPECT_STATUS(FURROW_E_IO, furrow_agree(test_pool(), FURROW_E_IO, why));
  EXPECT_EQ(strlen(furrow_pool_error(test_pool())->message), FURROW_MESSAGE_SIZE - 1);
}

TEST(agree, leaves_the_pool_working_whatever_was_agreed) {
  for (int status = FURROW_OK; status <= FURROW_E_MPI; status++) {
    EXPECT_STATUS((furrow_status)status, furrow_agree(test_pool(), (furrow_status)status, "so it is"));
    expect_works(test_pool());
  }
}

static void expect_bcast(furrow_pool *pool, size_t size) {
  unsigned char *data = malloc(size + 1);
  for (size_t i = 0; i < size; i++) data[i] = (unsigned char)(is_root() ? i * 7 + 1 : 0);
  data[size] = 0xcd;
  EXPECT_OK_ON(pool, furrow_bcast(pool, data, size));
  size_t wrong = 0;
  for (size_t i = 0; i < size; i++) wrong += data[i] != (unsigned char)(i * 7 + 1);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(data[size], 0xcd);
  free(data);
}

TEST(bcast, gives_rank_0s_bytes_to_all) {
  static const size_t sizes[] = {0, 1, 8, 4096, 1000000};
  furrow_pool *bare = make_pool_without_board();
  for (int i = 0; i < 5; i++) {
    expect_bcast(test_pool(), sizes[i]);
    expect_bcast(bare, sizes[i]);
  }
  furrow_pool_destroy(&bare);
}

TEST(bcast, of_nothing_takes_no_address) {
  EXPECT_OK(furrow_bcast(test_pool(), NULL, 0));
}

TEST(bcast, refuses_a_missing_address_on_any_rank) {
  char data[8] = "";
  EXPECT_STATUS(FURROW_E_ARG, furrow_bcast(test_pool(), test_rank() == last_rank() ? NULL : data, 8));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, last_rank());
  expect_same_error(test_pool());
}

static void expect_gather(furrow_pool *pool, size_t size) {
  size_t ranks = (size_t)test_size(), wrong = 0;
  unsigned char *mine = malloc(size + 1), *all = is_root() ? malloc(size * ranks + 1) : NULL;
  for (size_t i = 0; i < size; i++) mine[i] = (unsigned char)(i * 7 + (size_t)test_rank());
  if (all) all[size * ranks] = 0xcd;
  EXPECT_OK_ON(pool, furrow_gather(pool, mine, size, all));
  for (size_t i = 0; all && i < size * ranks; i++) wrong += all[i] != (unsigned char)(i % size * 7 + i / size);
  EXPECT_EQ(wrong, 0);
  if (all) EXPECT_EQ(all[size * ranks], 0xcd);
  free(mine);
  free(all);
}

TEST(gather, brings_everybodys_bytes_to_rank_0) {
  static const size_t sizes[] = {0, 1, 8, 4096, 1000000};
  furrow_pool *bare = make_pool_without_board();
  for (int i = 0; i < 5; i++) {
    expect_gather(test_pool(), sizes[i]);
    expect_gather(bare, sizes[i]);
  }
  furrow_pool_destroy(&bare);
}

TEST(gather, refuses_a_missing_address_and_different_sizes) {
  char data[8] = "", *all = calloc((size_t)test_size(), 8);
  bool last = test_rank() == last_rank();
  EXPECT_STATUS(FURROW_E_ARG, furrow_gather(test_pool(), last ? NULL : data, 8, all));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, last_rank());
  EXPECT_STATUS(FURROW_E_ARG, furrow_gather(test_pool(), data, 8, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
  if (test_size() > 1) EXPECT_STATUS(FURROW_E_ARG, furrow_gather(test_pool(), data, last ? 7 : 8, all));
  EXPECT_STATUS(FURROW_E_ARG, furrow_gather(NULL, data, 8, all));
  expect_works(test_pool());
  free(all);
}

/* The ranks of a node are numbered from 0 on without gaps. */
TEST(pools, know_the_ranks_of_their_node) {
  int mine[3] = {furrow_pool_node(test_pool()), furrow_pool_node_rank(test_pool()), furrow_pool_node_size(test_pool())};
  int(*all)[3] = is_root() ? calloc((size_t)test_size(), sizeof mine) : NULL;
  EXPECT_OK(furrow_gather(test_pool(), mine, sizeof mine, all));
  for (int i = 0; all && i < test_size(); i++) {
    int before = 0, on_it = 0;
    for (int j = 0; j < test_size(); j++) {
      on_it += all[j][0] == all[i][0];
      before += j < i && all[j][0] == all[i][0];
    }
    EXPECT_EQ(all[i][1], before);
    EXPECT_EQ(all[i][2], on_it);
  }
  EXPECT_EQ(furrow_pool_node_rank(NULL), 0);
  EXPECT_EQ(furrow_pool_node_size(NULL), 1);
  free(all);
}
