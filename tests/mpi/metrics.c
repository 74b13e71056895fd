/* What each rank did, added up. */
#include "mpi/common/tools.h"

typedef struct collected {
  furrow_metrics all;
  furrow_rank_metrics ranks[64];
} collected;

/* On rank 0; zero elsewhere. */
static collected collect(furrow_pool *pool) {
  collected c;
  memset(&c, 0, sizeof c);
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, is_root() ? &c.all : NULL, is_root() ? c.ranks : NULL));
  return c;
}

static int spin(furrow_task *task, const void *item, void *result) {
  (void)item;
  for (double start = now(); now() - start < 20e-6;) continue;
  if (result) *(uint64_t *)result = task->index;
  return 0;
}

static int count_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)task;
  (void)item;
  ++*(uint64_t *)accumulator;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static const furrow_reducer COUNTING = {0, 8, NULL, count_fold, add};

TEST(metrics, of_a_new_pool_are_zero) {
  furrow_pool *pool = make_pool(NULL);
  collected c = collect(pool);
  EXPECT_EQ(c.all.operations, 0);
  EXPECT_EQ(c.all.sum.tasks, 0);
  EXPECT_EQ(c.all.imbalance, 0.0);
  furrow_pool_destroy(&pool);
}

TEST(metrics, add_up) {
  furrow_pool *pool = make_pool(NULL);
  uint64_t results[2000], sum;
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK_ON(pool, furrow_map(pool, spin, NULL, NULL, 0, 2000, results, 8, &options));
    EXPECT_OK_ON(pool, furrow_map_reduce(pool, &COUNTING, NULL, NULL, 0, 3000, &sum, &options));
  }
  collected c = collect(pool);
  int nodes = place_in(test_comm()).nodes;
  furrow_rank_metrics sums;
  memset(&sums, 0, sizeof sums);
  for (int r = 0; is_root() && r < test_size(); r++) {
    const furrow_rank_metrics *m = &c.ranks[r];
    EXPECT_EQ(m->rank, r);
    EXPECT_LT(m->node, nodes);
    EXPECT_NE(m->host[0], '\0');
    EXPECT_GE(m->idle, 0.0);
    EXPECT_LE(m->busy + m->idle, c.all.elapsed * 1.5 + 0.1);
    sums.tasks += m->tasks;
    sums.claims += m->claims;
    sums.busy += m->busy;
  }
  if (is_root()) {
    EXPECT_EQ(c.all.operations, 6);
    EXPECT_EQ(c.all.dynamic, 4);
    EXPECT_EQ(c.all.sum.tasks, 15000);
    EXPECT_EQ(sums.tasks, 15000);
    EXPECT_EQ(c.all.sum.claims, sums.claims);
    EXPECT_NEAR(c.all.sum.busy, sums.busy, 1e-9);
    EXPECT_EQ(c.all.sum.rank, -1);
    EXPECT_GE(c.all.sum.busy, 6000 * 20e-6);
    EXPECT_GE(c.all.imbalance, 1.0);
    EXPECT_LE(c.all.imbalance, (double)test_size());
    EXPECT_GT(c.all.elapsed, 0.0);
    EXPECT_GT(c.all.shared_memory, 0);
    EXPECT_EQ_STR(c.all.note, "");
  }
  furrow_pool_destroy(&pool);
}

/* Of every schedule: what other ranks worked on came from rank 0, and went back there. */
TEST(metrics, count_the_bytes_that_moved) {
  enum { COUNT = 100000 };
  uint64_t *items = is_root() ? calloc(COUNT, 8) : NULL, *results = is_root() ? calloc(COUNT, 8) : NULL;
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    furrow_pool *pool = make_pool(NULL);
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, items, 8, COUNT, results, 8, &options));
    collected c = collect(pool);
    uint64_t elsewhere = c.all.sum.tasks - c.ranks[0].tasks;
    if (is_root()) EXPECT_EQ(c.all.sum.bytes_out, 8 * elsewhere);
    if (is_root()) EXPECT_GE(c.all.sum.bytes_in, 8 * elsewhere); /* more if something was fetched in vain */
    if (is_root()) EXPECT_LE(c.all.sum.bytes_in, UINT64_C(16) * COUNT);
    furrow_pool_destroy(&pool);
  }
  free(items);
  free(results);
}

TEST(metrics, count_the_bytes_of_few_tasks_too) {
  uint64_t items[64] = {0}, results[64];
  for (int s = 1; s < SCHEDULE_COUNT; s++) {
    furrow_pool *pool = make_pool(NULL);
    furrow_options options = options_of(SCHEDULES[s], 1);
    EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, items, 8, 64, results, 8, &options));
    collected c = collect(pool);
    uint64_t elsewhere = c.all.sum.tasks - c.ranks[0].tasks;
    if (is_root()) EXPECT_EQ(c.all.sum.bytes_out, 8 * elsewhere);
    if (is_root()) EXPECT_GE(c.all.sum.bytes_in, 8 * elsewhere);
    furrow_pool_destroy(&pool);
  }
}

TEST(metrics, say_why_there_is_no_dynamic_scheduling) {
  furrow_pool *pool = make_pool_without_board();
  expect_works(pool);
  collected c = collect(pool);
  if (is_root()) EXPECT_CONTAINS(c.all.note, "shared memory");
  if (is_root()) EXPECT_EQ(c.all.shared_memory, 0);
  if (is_root()) EXPECT_EQ(c.all.dynamic, 0);
  if (is_root() && test_size() > 1) EXPECT_GT(c.all.sum.messages, 0);
  furrow_pool_destroy(&pool);
}

static int steal_bait(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  nap(task->index < 50 ? 0.002 : 0); /* only the first share is work */
  return 0;
}

TEST(metrics, count_steals) {
  furrow_pool *pool = make_pool(NULL);
  furrow_options options = options_of(FURROW_SCHEDULE_DYNAMIC, 1);
  EXPECT_OK_ON(pool, furrow_map(pool, steal_bait, NULL, NULL, 0, 50 * (uint64_t)test_size(), NULL, 0, &options));
  collected c = collect(pool);
  bool one_node = place_in(test_comm()).nodes == 1, can_steal = ranks_share_nodes();
  if (is_root() && can_steal && one_node)
    EXPECT_GT(c.all.sum.steals, 0); /* else it may be enough to draw from a pile */
  if (is_root() && !can_steal) EXPECT_EQ(c.all.sum.steals, 0);
  furrow_pool_destroy(&pool);
}

TEST(metrics, need_an_address_on_rank_0) {
  furrow_metrics metrics;
  EXPECT_STATUS(FURROW_E_ARG, furrow_metrics_get(test_pool(), is_root() ? NULL : &metrics, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "metrics is NULL");
  expect_same_error(test_pool());
}

TEST(metrics, print_a_table) {
  furrow_pool *pool = make_pool_without_board();
  expect_works(pool);
  collected c = collect(pool);
  char text[8192] = "", who[96];
  FILE *stream = fmemopen(text, sizeof text, "w");
  furrow_metrics_print(stream, &c.all, c.ranks, test_size());
  fclose(stream);
  snprintf(who, sizeof who, "%d (%s)", last_rank(), c.ranks[last_rank()].host);
  if (is_root()) EXPECT_CONTAINS(text, "furrow: 1 operations (0 dynamic)");
  if (is_root()) EXPECT_CONTAINS(text, c.all.note);
  if (is_root()) EXPECT_CONTAINS(text, who);
  if (is_root()) EXPECT_CONTAINS(text, "all ");
  furrow_metrics_print(stdout, NULL, NULL, 0);
  furrow_pool_destroy(&pool);
}
