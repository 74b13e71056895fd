/* Pools on any communicator, side by side, made and destroyed many times; and what they leave as it was. */
#include <dirent.h>

#include "mpi/common/tools.h"

static void expect_pool_on(MPI_Comm comm) {
  furrow_pool *pool = NULL;
  int rank = 0, size = 0;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  EXPECT_OK_ON(pool, furrow_pool_create(comm, NULL, &pool));
  EXPECT_EQ(furrow_pool_rank(pool), rank);
  EXPECT_EQ(furrow_pool_size(pool), size);
  place here = place_in(comm);
  EXPECT_EQ(furrow_pool_node(pool), here.node);
  EXPECT_EQ(furrow_pool_nodes(pool), here.nodes);
  EXPECT_EQ(furrow_is_root(pool), rank == 0);
  EXPECT_EQ(furrow_pool_error(pool)->status, FURROW_OK);
  EXPECT_TRUE(furrow_pool_error(pool)->task == FURROW_NO_TASK);
  expect_works(pool);
  furrow_pool_destroy(&pool);
  EXPECT_EQ(pool, NULL);
}

TEST(pools, work_on_dup_split_self_and_reversed_communicators) {
  MPI_Comm comm;
  expect_pool_on(test_comm());
  expect_pool_on(MPI_COMM_SELF);
  MPI_Comm_dup(test_comm(), &comm);
  expect_pool_on(comm);
  MPI_Comm_free(&comm);
  MPI_Comm_split(test_comm(), test_rank() % 2, 0, &comm);
  expect_pool_on(comm);
  MPI_Comm_free(&comm);
  MPI_Comm_split(test_comm(), 0, -test_rank(), &comm);
  expect_pool_on(comm);
  MPI_Comm_free(&comm);
}

TEST(pools, come_from_init_where_mpi_is_up_already) {
  furrow_pool *pool = NULL;
  int finalized = 1, size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  EXPECT_OK(furrow_init(NULL, NULL, &pool));
  EXPECT_EQ(furrow_pool_size(pool), size);
  expect_works(pool);
  EXPECT_OK(furrow_finalize(&pool));
  MPI_Finalized(&finalized);
  EXPECT_FALSE(finalized); /* who initialised it finalizes it */
}

TEST(pools, outlive_the_communicator_they_were_made_on) {
  MPI_Comm comm;
  furrow_pool *pool = NULL;
  MPI_Comm_dup(test_comm(), &comm);
  EXPECT_OK(furrow_pool_create(comm, NULL, &pool));
  MPI_Comm_free(&comm);
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

typedef struct nested {
  furrow_pool *inner;
} nested;

static int map_inside(furrow_task *task, const void *item, void *result) {
  (void)item;
  uint64_t squares[10];
  nested *mine = task->user;
  furrow_status status = furrow_map(mine->inner, store_index, NULL, NULL, 0, 10, squares, 8, NULL);
  *(uint64_t *)result = squares[9] + task->index;
  return status == FURROW_OK ? 0 : furrow_fail(task, "%s", furrow_pool_error(mine->inner)->message);
}

TEST(pools, of_one_rank_serve_inside_a_task) {
  uint64_t results[100];
  nested user = {NULL};
  EXPECT_OK(furrow_pool_create(MPI_COMM_SELF, NULL, &user.inner));
  EXPECT_OK(furrow_map(test_pool(), map_inside, &user, NULL, 0, 100, results, 8, NULL));
  for (uint64_t i = 0; is_root() && i < 100; i++) EXPECT_EQ(results[i], i + 9);
  furrow_pool_destroy(&user.inner);
}

static int use_own_pool(furrow_task *task, const void *item, void *result) {
  (void)item;
  furrow_pool *pool = test_pool();
  furrow_status *status = result;
  status[0] = furrow_agree(pool, FURROW_OK, NULL);
  status[1] = furrow_map(pool, store_index, NULL, NULL, 0, 1, (uint64_t[1]){task->index}, 8, NULL);
  status[2] = furrow_bcast(pool, NULL, 0);
  furrow_pool_destroy(&pool);
  return 0;
}

TEST(pools, refuse_a_task_that_uses_the_pool_it_runs_in) {
  furrow_status statuses[40][3];
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_map(test_pool(), use_own_pool, NULL, NULL, 0, 40, statuses, sizeof *statuses, &options));
    EXPECT_EQ(furrow_pool_error(test_pool())->status, FURROW_OK);
    for (int i = 0; is_root() && i < 40; i++)
      for (int k = 0; k < 3; k++) EXPECT_EQ(statuses[i][k], FURROW_E_ARG);
  }
  expect_works(test_pool());
}

TEST(pools, live_side_by_side) {
  MPI_Comm split;
  furrow_pool *pools[4] = {make_pool(NULL), make_pool_without_board(), NULL, NULL};
  MPI_Comm_split(test_comm(), test_rank() % 2, 0, &split);
  EXPECT_OK(furrow_pool_create(split, NULL, &pools[2]));
  EXPECT_OK(furrow_pool_create(MPI_COMM_SELF, NULL, &pools[3]));
  MPI_Comm_free(&split);
  for (int round = 0; round < 10; round++)
    for (int i = 0; i < 4; i++) expect_works(pools[(round + i) % 4]);
  for (int i = 0; i < 4; i++) furrow_pool_destroy(&pools[i]); /* not in the order of their birth backwards */
}

TEST(pools, of_the_two_halves_work_at_the_same_time) {
  MPI_Comm half;
  furrow_pool *pool = NULL;
  int mine = test_rank() < test_size() / 2;
  MPI_Comm_split(test_comm(), mine, 0, &half);
  EXPECT_OK(furrow_pool_create(half, NULL, &pool));
  for (int i = 0; i < (mine ? 20 : 5); i++) expect_works(pool); /* one half is done sooner */
  furrow_pool_destroy(&pool);
  MPI_Comm_free(&half);
}

static void expect_no_pool_on(MPI_Comm comm) {
  furrow_pool *pool = NULL;
  uint64_t result = 0;
  EXPECT_EQ(furrow_pool_create(comm, NULL, &pool), FURROW_E_ARG);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "comm");
  EXPECT_EQ(furrow_map(pool, store_index, NULL, NULL, 0, 1, &result, 8, NULL), FURROW_E_ARG);
  EXPECT_EQ(furrow_finalize(&pool), FURROW_E_ARG);
  EXPECT_EQ(pool, NULL);
}

TEST(pools, need_an_intracommunicator) {
  expect_no_pool_on(MPI_COMM_NULL);
  if (test_size() == 1) return;
  MPI_Comm half, inter;
  int mine = test_rank() == 0;
  MPI_Comm_split(test_comm(), mine, 0, &half);
  MPI_Intercomm_create(half, 0, test_comm(), mine ? 1 : 0, 0, &inter);
  expect_no_pool_on(inter);
  MPI_Comm_free(&inter);
  MPI_Comm_free(&half);
}

TEST(pools, need_options_that_were_initialised) {
  for (int culprit = 0; culprit < test_size(); culprit++) {
    furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
    furrow_pool *pool = NULL;
    if (test_rank() == culprit) options.size = 1;
    EXPECT_EQ(furrow_pool_create(test_comm(), &options, &pool), FURROW_E_ARG);
    EXPECT_EQ(furrow_pool_error(pool)->rank, culprit);
    EXPECT_CONTAINS(furrow_pool_error(pool)->message, "options.size is 1");
    expect_same_error(pool);
    furrow_pool_destroy(&pool);
  }
}

TEST(pools, hear_the_lowest_rank_if_several_are_wrong) {
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  furrow_pool *pool = NULL;
  options.size = 100 + (size_t)test_rank();
  EXPECT_EQ(furrow_pool_create(test_comm(), &options, &pool), FURROW_E_ARG);
  EXPECT_EQ(furrow_pool_error(pool)->rank, 0);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "options.size is 100");
  furrow_pool_destroy(&pool);
}

TEST(pools, need_an_address_on_every_rank) {
  furrow_pool *pool = NULL;
  bool odd = test_rank() == last_rank();
  EXPECT_EQ(furrow_pool_create(test_comm(), NULL, odd ? NULL : &pool), FURROW_E_ARG);
  if (!odd) EXPECT_CONTAINS(furrow_pool_error(pool)->message, "pool is NULL");
  if (!odd) EXPECT_EQ(furrow_pool_error(pool)->rank, last_rank());
  furrow_pool_destroy(&pool);
}

TEST(pools, that_do_not_exist_are_one_rank_and_need_no_destroying) {
  furrow_pool *none = NULL;
  EXPECT_TRUE(furrow_is_root(NULL));
  EXPECT_EQ(furrow_pool_rank(NULL), 0);
  EXPECT_EQ(furrow_pool_size(NULL), 1);
  EXPECT_EQ(furrow_pool_node(NULL), 0);
  EXPECT_EQ(furrow_pool_nodes(NULL), 1);
  furrow_pool_destroy(NULL);
  furrow_pool_destroy(&none);
  EXPECT_EQ(furrow_finalize(NULL), FURROW_OK);
  EXPECT_EQ(furrow_finalize(&none), FURROW_OK);
}

/* ---- the user's communicator ---- */

static int value = 17, deleted;

static int delete_value(MPI_Comm comm, int key, void *attribute, void *extra) {
  (void)comm;
  (void)key;
  (void)attribute;
  (void)extra;
  deleted++;
  return MPI_SUCCESS;
}

static void handle(MPI_Comm *comm, int *code, ...) {
  (void)comm;
  (void)code;
  TEST_FAIL("the user's error handler was called");
}

TEST(pools, leave_the_users_communicator_as_it_was) {
  MPI_Comm comm;
  MPI_Errhandler mine, after;
  int key = MPI_KEYVAL_INVALID, found = 0, pending = 1;
  int *kept = NULL;
  deleted = 0;
  MPI_Comm_dup(test_comm(), &comm);
  MPI_Comm_create_errhandler(handle, &mine);
  MPI_Comm_set_errhandler(comm, mine);
  MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, delete_value, &key, NULL);
  MPI_Comm_set_attr(comm, key, &value);

  furrow_pool *pool = NULL;
  EXPECT_OK(furrow_pool_create(comm, NULL, &pool));
  expect_works(pool);
  furrow_pool_destroy(&pool);

  MPI_Comm_get_errhandler(comm, &after);
  EXPECT_TRUE(after == mine);
  MPI_Comm_get_attr(comm, key, &kept, &found);
  EXPECT_TRUE(found && kept == &value);
  EXPECT_EQ(deleted, 0);
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &pending, MPI_STATUS_IGNORE);
  EXPECT_FALSE(pending);
  MPI_Comm_delete_attr(comm, key);
  MPI_Comm_free_keyval(&key);
  MPI_Errhandler_free(&after);
  MPI_Errhandler_free(&mine);
  MPI_Comm_free(&comm);
}

/* A message of the user's with a wildcard receive posted: the pool takes none of it. */
TEST(pools, take_no_message_of_the_users) {
  int sent = 1000 + test_rank(), got = -1;
  MPI_Request request;
  MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, test_comm(), &request);
  furrow_pool *pool = make_pool_without_board();
  expect_works(pool);
  expect_works(test_pool());
  MPI_Send(&sent, 1, MPI_INT, (test_rank() + 1) % test_size(), 3, test_comm());
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  EXPECT_EQ(got, 1000 + (test_rank() + last_rank()) % test_size());
  furrow_pool_destroy(&pool);
}

/* ---- many of them ---- */

static int count_entries(const char *path) {
  DIR *directory = opendir(path);
  int count = 0;
  while (directory && readdir(directory)) count++;
  if (directory) closedir(directory);
  return count;
}

static void make_use_and_destroy(int i) {
  furrow_pool *pool = i % 4 ? make_pool(NULL) : make_pool_without_board();
  furrow_share *share = NULL;
  if (i % 3 == 0) expect_works(pool);
  EXPECT_OK_ON(pool, furrow_share_create(pool, &value, sizeof value, &share));
  furrow_pool_destroy(&pool);
  furrow_share_destroy(&share);
}

TEST(pools, leave_no_descriptor_mapping_or_thread_behind) {
  for (int i = 0; i < 4; i++) make_use_and_destroy(i);
  int descriptors = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
  for (int i = 0; i < 50; i++) make_use_and_destroy(i);
  EXPECT_LE(count_entries("/proc/self/fd"), descriptors);
  EXPECT_LE(count_entries("/proc/self/task"), threads);
}
