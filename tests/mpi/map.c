/* Every item reaches its task intact, every result its place, whatever the schedule, chunk, count and sizes. */
#include "mpi/common/tools.h"

typedef struct shape {
  furrow_schedule schedule;
  uint64_t chunk, count;
  size_t item_size, result_size;
} shape;

static unsigned char item_byte(uint64_t task, size_t j) {
  return (unsigned char)(task * 31 + j * 7 + (j >> 8) + 1);
}

/* Every third byte is left as it is. */
static unsigned char result_byte(uint64_t task, size_t j) {
  return (unsigned char)(j % 3 == 2 ? 0 : task * 13 + j + (task >> 8) + 3);
}

/* An array of elements of this size is aligned to it, up to 64. */
static bool is_aligned(const void *address, size_t size) {
  size_t alignment = size & ~(size - 1);
  return (uintptr_t)address % (alignment < 64 ? alignment : 64) == 0;
}

static uint64_t tasks_here, index_sum_here;

static int transform(furrow_task *task, const void *item, void *result) {
  const shape *s = task->user;
  const unsigned char *in = item;
  unsigned char *out = result;
  tasks_here++;
  index_sum_here += task->index;
  if ((item == NULL) != (s->item_size == 0)) return furrow_fail(task, "item is %p", item);
  if ((result == NULL) != (s->result_size == 0)) return furrow_fail(task, "result is %p", result);
  if (item && !is_aligned(item, s->item_size)) return furrow_fail(task, "item is misaligned");
  if (result && !is_aligned(result, s->result_size)) return furrow_fail(task, "result is misaligned");
  for (size_t j = 0; j < s->item_size; j++)
    if (in[j] != item_byte(task->index, j)) return furrow_fail(task, "byte %zu of the item is %d", j, in[j]);
  for (size_t j = 0; j < s->result_size; j++)
    if (out[j] != 0) return furrow_fail(task, "byte %zu of the result is %d at its start", j, out[j]);
  for (size_t j = 0; j < s->result_size; j++)
    if (j % 3 != 2) out[j] = result_byte(task->index, j);
  return 0;
}

static unsigned char *make_array(size_t bytes) {
  unsigned char *array = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
  if (array) memset(array, 0xee, bytes);
  return array;
}

static void expect_results(const shape *s, const unsigned char *results) {
  for (uint64_t i = 0; results && i < s->count; i++)
    for (size_t j = 0; j < s->result_size; j++) {
      if (results[i * s->result_size + j] == result_byte(i, j)) continue;
      TEST_FAIL("schedule %d, chunk %d, %d tasks, items of %d and results of %d bytes: byte %d of result %d is wrong",
                (int)s->schedule, (int)s->chunk, (int)s->count, (int)s->item_size, (int)s->result_size, (int)j, (int)i);
      return;
    }
}

static void expect_map_by(furrow_map_fn *fn, shape s) {
  furrow_options options = options_of(s.schedule, s.chunk);
  unsigned char *items = NULL, *results = NULL;
  tasks_here = index_sum_here = 0;
  if (is_root()) {
    items = make_array(s.count * s.item_size);
    results = make_array(s.count * s.result_size);
    for (uint64_t i = 0; i < s.count; i++)
      for (size_t j = 0; j < s.item_size; j++) items[i * s.item_size + j] = item_byte(i, j);
  }
  TEST_PHASE("schedule %d, chunk %d, %d tasks, items of %d and results of %d bytes", (int)s.schedule, (int)s.chunk,
             (int)s.count, (int)s.item_size, (int)s.result_size);
  EXPECT_OK(furrow_map(test_pool(), fn, &s, items, s.item_size, s.count, results, s.result_size, &options));
  EXPECT_EQ(sum_over_ranks(tasks_here), s.count);
  EXPECT_EQ(sum_over_ranks(index_sum_here), s.count ? s.count * (s.count - 1) / 2 : 0);
  if (is_root()) expect_results(&s, results);
  free(items);
  free(results);
}

static void expect_map_under_every_schedule(uint64_t chunk, uint64_t count, size_t item_size, size_t result_size) {
  for (int i = 0; i < SCHEDULE_COUNT; i++)
    expect_map_by(transform, (shape){SCHEDULES[i], chunk, count, item_size, result_size});
}

static const uint64_t CHUNKS[] = {0, 1, 3, 1000};
enum { CHUNK_COUNT = sizeof CHUNKS / sizeof *CHUNKS };

TEST(map, gives_each_task_its_item_for_any_count_and_chunk) {
  uint64_t ranks = (uint64_t)test_size();
  const uint64_t counts[] = {0, 1, 2, ranks - 1, ranks, ranks + 1, 7, 1000, 16385};
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
    for (int k = 0; k < CHUNK_COUNT; k++) expect_map_under_every_schedule(CHUNKS[k], counts[c], 8, 8);
}

TEST(map, takes_items_and_results_of_any_size) {
  static const size_t sizes[] = {0, 1, 8, 24, 100, 4096};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  for (int i = 0; i < SIZES; i++)
    for (int j = 0; j < SIZES; j++) {
      expect_map_under_every_schedule(0, 7, sizes[i], sizes[j]);
      expect_map_under_every_schedule(3, 300, sizes[i], sizes[j]);
    }
}

TEST(map, moves_many_small_items_and_results) {
  expect_map_under_every_schedule(0, 300000, 8, 8);
  expect_map_under_every_schedule(0, 100000, 24, 1);
  expect_map_under_every_schedule(1000, 100000, 1, 24);
}

TEST(map, moves_items_and_results_larger_than_a_piece) {
  expect_map_under_every_schedule(0, 23, 200000, 100);
  expect_map_under_every_schedule(0, 23, 100, 200000);
  expect_map_under_every_schedule(0, 23, 200001, 131073);
  expect_map_under_every_schedule(0, 3, 5000000, 5000000);
}

/* Most tasks take no time, some take 0.1 ms, few sleep: shares are stolen, and given back, all the time. */
static void be_uneven(uint64_t index) {
  uint64_t dice = index * 0x9e3779b97f4a7c15u >> 54;
  if (dice == 0) nap(0.001);
  if (dice % 64 != 1) return;
  for (double start = now(); now() - start < 1e-4;) continue;
}

static int transform_unevenly(furrow_task *task, const void *item, void *result) {
  be_uneven(task->index + (uint64_t)(((const shape *)task->user)->chunk));
  return transform(task, item, result);
}

TEST(map, moves_data_of_uneven_tasks) {
  static const size_t sizes[][2] = {{0, 0}, {24, 8}, {8, 1000}, {3000, 0}, {0, 100}};
  for (int i = 0; i < 5; i++)
    for (uint64_t chunk = 0; chunk < 3; chunk++)
      expect_map_by(transform_unevenly, (shape){FURROW_SCHEDULE_DYNAMIC, chunk, 4000, sizes[i][0], sizes[i][1]});
}

enum { FAST = 2000, SLOW = 30 };
static const double SLOW_NAP = 0.01;

static int nap_at_the_end(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->index >= FAST) nap(*(double *)task->user);
  return 0;
}

/* A claim was made large because tasks had been fast; then they are slow, and the other ranks have nothing left. */
TEST(map, shares_a_claim_that_turns_out_to_be_slow) {
  bool helped = test_size() > 1 && nodes_are_served();
  for (effort e = {0}; try_again(&e);) {
    double seconds = SLOW_NAP * e.stretch, start = now();
    EXPECT_OK(furrow_map(test_pool(), nap_at_the_end, &seconds, NULL, 0, FAST + SLOW, NULL, 0, NULL));
    if (helped) in_time(&e, now() - start, 0.75 * SLOW * seconds * slowness());
  }
}

TEST(map, of_a_result_size_of_zero_is_a_for_each) {
  for (int k = 0; k < CHUNK_COUNT; k++) {
    expect_map_under_every_schedule(CHUNKS[k], 1000, 0, 0);
    expect_map_under_every_schedule(CHUNKS[k], 1000, 24, 0);
  }
}

TEST(map, ignores_the_arrays_of_other_ranks) {
  char nowhere[1] = "";
  uint64_t items[50] = {0}, results[50] = {0};
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_map(test_pool(), store_index, NULL, is_root() ? (char *)items : nowhere, 8, 50,
                         is_root() ? (char *)results : nowhere, 8, &options));
    for (uint64_t i = 0; is_root() && i < 50; i++) EXPECT_EQ(results[i], i);
  }
}

TEST(map, without_tasks_takes_no_arrays) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 0);
    EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 8, 0, NULL, 8, &options));
  }
}

static int check_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->attempt != 0) return furrow_fail(task, "attempt is %u", (unsigned)task->attempt);
  if (task->rank != test_rank()) return furrow_fail(task, "rank is %d", task->rank);
  if (task->worker < 0 || task->worker >= test_size()) return furrow_fail(task, "worker is %d", task->worker);
  if (task->user != &tasks_here) return furrow_fail(task, "user is %p", task->user);
  if (task->local != NULL) return furrow_fail(task, "local is %p", task->local);
  return 0;
}

TEST(map, tells_a_task_who_runs_it) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    furrow_options options = options_of(SCHEDULES[s], 1);
    EXPECT_OK(furrow_map(test_pool(), check_task, &tasks_here, NULL, 0, 500, NULL, 0, &options));
  }
}

TEST(map, macro_takes_the_sizes_from_the_arrays) {
  int items[20];
  uint64_t results[20];
  EXPECT_OK(FURROW_MAP(test_pool(), store_index, NULL, items, 20, results, NULL));
  for (uint64_t i = 0; is_root() && i < 20; i++) EXPECT_EQ(results[i], i);
}

TEST(map, stays_within_the_shared_memory_it_was_allowed) {
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.shared_memory = 1 << 20;
  furrow_pool *pool = make_pool(&options);
  enum { COUNT = 1000000 };
  uint64_t *items = is_root() ? calloc(COUNT, sizeof *items) : NULL;
  uint64_t *results = is_root() ? calloc(COUNT, sizeof *results) : NULL;
  furrow_metrics metrics = {0};
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, items, 8, COUNT, results, 8, NULL));
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  uint64_t wrong = 0;
  for (uint64_t i = 0; results && i < COUNT; i++) wrong += results[i] != i;
  EXPECT_EQ(wrong, 0);
  if (is_root()) EXPECT_LE(metrics.shared_memory, options.shared_memory);
  if (is_root()) EXPECT_EQ(metrics.dynamic, 1);
  free(items);
  free(results);
  furrow_pool_destroy(&pool);
}

typedef struct stamp {
  double end;
  int rank;
  char rest[(1 << 20) - 16];
} stamp;

/* Rank 0 is busy once, for as long as `user` says. */
static int be_slow_on_rank_0(furrow_task *task, const void *item, void *result) {
  (void)item;
  double *seconds = task->user;
  stamp *mine = result;
  memset(mine->rest, 1, sizeof mine->rest);
  if (task->rank == 0 && *seconds > 0) {
    nap(*seconds);
    *seconds = 0;
  }
  mine->rank = task->rank;
  mine->end = now();
  return 0;
}

static void do_not_wait_for_rank_0(effort *e, stamp *results, uint64_t count) {
  double busy = e->stretch, last = 0;
  if (results) memset(results, 2, count * sizeof *results); /* page faults are not what this measures */
  PMPI_Barrier(test_comm());
  double start = now();
  EXPECT_OK(furrow_map(test_pool(), be_slow_on_rank_0, &busy, NULL, 0, count, results, sizeof *results, NULL));
  double took = now() - start;
  for (uint64_t i = 0; results && i < count; i++) {
    EXPECT_EQ(results[i].rest[0], 1);
    if (results[i].rank != 0 && results[i].end > last) last = results[i].end;
  }
  bool served = nodes_are_served();
  if (is_root() && busy == 0 && served) { /* rank 0 got a task at all */
    in_time(e, last - start, 0.9 * e->stretch * slowness());
    in_time(e, took, 1.6 * e->stretch * slowness());
  }
}

/* 256 MiB in a schedule where rank 0's share is stolen from it. */
TEST(map, results_do_not_wait_for_a_long_task_on_rank_0) {
  enum { COUNT = 256 };
  if (test_size() == 1) return;
  stamp *results = is_root() ? malloc(COUNT * sizeof *results) : NULL;
  for (effort e = {0}; try_again(&e);) do_not_wait_for_rank_0(&e, results, COUNT);
  free(results);
}
