/* Several tasks at a time in each rank: the same bits as with one, each thread a worker of its own, all at work at once. */
#include <errno.h>

#include "mpi/common/faults.h"

static const int THREADS[] = {1, 2, 3, 8};
enum { THREADS_COUNT = sizeof THREADS / sizeof *THREADS };

static furrow_options with_threads(int threads, uint64_t chunk) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = threads;
  options.chunk = chunk;
  return options;
}

static int workers_of(const furrow_options *options) {
  return test_size() * options->threads;
}

/* ---- the same bits ---- */

typedef struct shape {
  uint64_t count;
  size_t item_size, size;
} shape;

/* Items and results are right to the byte, and random numbers those of the task. */
static int map_task(furrow_task *task, const void *item, void *result) {
  const shape *s = task->user;
  if (s->item_size && !bytes_are(item, s->item_size, task->index, 5)) return furrow_fail(task, "a wrong item");
  if (!bytes_are_all(result, s->size, 0)) return furrow_fail(task, "the result is not zero at first");
  fill_bytes(result, s->size, task->index, 1);
  if (s->size == 8) *(uint64_t *)result = furrow_rng_u64(furrow_task_rng(task));
  return 0;
}

static void expect_results(const shape *s, const unsigned char *results, uint64_t seed) {
  for (uint64_t i = 0; results && i < s->count; i++) {
    const unsigned char *result = results + i * s->size;
    furrow_rng rng = furrow_rng_make(seed, 0, i);
    uint64_t drawn = furrow_rng_u64(&rng);
    if (s->size == 8 ? memcmp(result, &drawn, 8) == 0 : bytes_are(result, s->size, i, 1)) continue;
    TEST_FAIL("result %d of %d is wrong", (int)i, (int)s->count);
    return;
  }
}

static void expect_map(shape s, furrow_options options) {
  TEST_PHASE("map of %d, items of %d, results of %d bytes, %d threads, chunk %d, schedule %d, on_error %d",
             (int)s.count, (int)s.item_size, (int)s.size, options.threads, (int)options.chunk, (int)options.schedule,
             (int)options.on_error);
  unsigned char *items = root_array(s.count, s.item_size), *results = root_array(s.count, s.size);
  for (uint64_t i = 0; items && i < s.count; i++) fill_bytes(items + i * s.item_size, s.item_size, i, 5);
  options.seed = 17;
  options.series = 0;
  EXPECT_OK(furrow_map(test_pool(), map_task, &s, items, s.item_size, s.count, results, s.size, &options));
  expect_results(&s, results, 17);
  free(items);
  free(results);
}

static void expect_maps(shape s) {
  for (int t = 0; t < THREADS_COUNT && !test_failed(); t++)
    for (uint64_t chunk = 0; chunk < 8; chunk += 7)
      for (int schedule = 0; schedule < SCHEDULE_COUNT; schedule++) {
        furrow_options options = with_threads(THREADS[t], chunk);
        options.schedule = SCHEDULES[schedule];
        expect_map(s, options);
        options.on_error = FURROW_ON_ERROR_CONTINUE;
        expect_map(s, options);
      }
}

TEST(threads, map_any_number_of_tasks) {
  const uint64_t counts[] = {0, 1, 2, 7, 100, 20000};
  for (int c = 0; c < 6; c++) expect_maps((shape){counts[c], 0, 8});
}

/* Few stand in windows, many go through rings, large ones in parts. */
TEST(threads, move_items_and_results_of_any_size) {
  expect_maps((shape){300, 24, 8});
  expect_maps((shape){2000, 3000, 300});
  expect_maps((shape){2000, 0, 0});
  expect_maps((shape){17, 300000, 200001});
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  answer_add(accumulator, task->index);
  return 0;
}

static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};

static void expect_reductions(uint64_t count, furrow_options options) {
  TEST_PHASE("reductions of %d, %d threads, chunk %d, leaf %d, on_error %d", (int)count, options.threads,
             (int)options.chunk, (int)options.leaf, (int)options.on_error);
  answer got = {0}, *items = root_array(count, sizeof *items);
  EXPECT_OK(furrow_map_reduce(test_pool(), &ANSWER, NULL, NULL, 0, count, &got, &options));
  expect_answer(&got, count, options.leaf, NONE);
  for (uint64_t i = 0; items && i < count; i++) {
    answer_init(&items[i], NULL);
    answer_add(&items[i], i);
  }
  EXPECT_OK(furrow_reduce(test_pool(), answer_merge, NULL, items, sizeof *items, count, &got, &options));
  if (count > 0) expect_answer(&got, count, options.leaf, NONE);
  free(items);
}

TEST(threads, reduce_to_the_bits_of_the_documented_tree) {
  const uint64_t counts[] = {0, 1, 7, 1000, 30001}, chunks[] = {0, 1, 50};
  for (int c = 0; c < 5; c++)
    for (int t = 0; t < THREADS_COUNT; t++)
      for (int k = 0; k < 3; k++) {
        furrow_options options = with_threads(THREADS[t], chunks[k]);
        expect_reductions(counts[c], options);
        options.leaf = 5;
        expect_reductions(counts[c], options);
        options.on_error = FURROW_ON_ERROR_CONTINUE;
        expect_reductions(counts[c], options);
      }
}

/* As many accumulators as threads are there at once, each of some MB. */
enum { LARGE = 3 << 20 };

static int fold_large(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  *(uint64_t *)accumulator += task->index;
  ((unsigned char *)accumulator)[8 + task->index % (LARGE - 8)]++;
  return 0;
}

static void merge_large(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
  for (size_t i = 8; i < LARGE; i++) ((unsigned char *)accumulator)[i] += ((const unsigned char *)later)[i];
}

TEST(threads, reduce_large_accumulators) {
  static const furrow_reducer reducer = {0, LARGE, NULL, fold_large, merge_large};
  furrow_options options = with_threads(3, 1);
  options.leaf = 10;
  unsigned char *result = root_array(1, LARGE);
  EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, NULL, NULL, 0, 300, result, &options));
  if (is_root()) EXPECT_EQ(*(uint64_t *)(void *)result, 300 * 299 / 2);
  for (int i = 0; is_root() && i < 300; i++) EXPECT_EQ(result[8 + i], 1);
  free(result);
}

/* Operations of one pool need not have the same: what stands on the board moves each time. */
TEST(threads, differ_from_one_operation_to_the_next) {
  furrow_rng rng = furrow_rng_make(3, 0, 0);
  for (int i = 0; i < 300 && !test_failed(); i++) {
    furrow_options options = with_threads(1 + (int)furrow_rng_below(&rng, 6), furrow_rng_below(&rng, 3));
    if (furrow_rng_below(&rng, 2)) options.on_error = FURROW_ON_ERROR_CONTINUE;
    uint64_t count = furrow_rng_below(&rng, 200);
    size_t size = furrow_rng_below(&rng, 2) ? 8 : 2000;
    if (furrow_rng_below(&rng, 3) > 0)
      expect_map((shape){count, size, 8 * furrow_rng_below(&rng, 3)}, options);
    else
      expect_reductions(count, options);
  }
}

/* ---- workers ---- */

enum { MOST = 16 };

/* What each worker was seen to do, and on which thread. */
typedef struct seen {
  counter begun, ended, thread;
} seen;

static int note_begin(void *user, int worker, void **local) {
  seen *mine = (seen *)user + worker;
  mine->begun++;
  mine->thread = (uint64_t)gettid();
  *local = mine;
  return 0;
}

static int note_task(furrow_task *task, const void *item, void *result) {
  seen *mine = (seen *)task->user + task->worker;
  (void)item;
  *(int *)result = task->worker;
  if (task->local != mine || mine->begun != 1 || mine->ended != 0) return furrow_fail(task, "not this worker's");
  if (mine->thread != (uint64_t)gettid()) return furrow_fail(task, "another thread's");
  if (task->rank != test_rank()) return furrow_fail(task, "rank is %d", task->rank);
  nap(0.001);
  return 0;
}

static void note_end(void *user, int worker, void *local) {
  seen *mine = (seen *)user + worker;
  if (local == mine) mine->ended++;
}

/* Each in a thread of its own, the first of a rank in that which called. */
TEST(threads, are_workers_that_begin_and_end_once) {
  const size_t n = (size_t)test_size() * MOST, words = sizeof(seen) / sizeof(counter);
  for (int guarded = 0; guarded < 2; guarded++) {
    counter *counters = counters_make(n * words);
    seen *logs = (seen *)(void *)counters;
    int worker[500];
    furrow_options options = with_threads(MOST, 1);
    options.worker_begin = note_begin;
    options.worker_end = note_end;
    if (guarded) options.on_error = FURROW_ON_ERROR_CONTINUE;
    EXPECT_OK(furrow_map(test_pool(), note_task, logs, NULL, 0, 500, worker, sizeof *worker, &options));
    for (int i = 0; is_root() && i < 500; i++) EXPECT_TRUE(worker[i] >= 0 && worker[i] < test_size() * MOST);
    meet_asleep();
    for (size_t w = 0; w < n; w++) {
      EXPECT_EQ(logs[w].begun, 1);
      EXPECT_EQ(logs[w].ended, 1);
      for (size_t v = w / MOST * MOST; v < w; v++) EXPECT_NE(logs[w].thread, logs[v].thread); /* of the same rank */
    }
    EXPECT_EQ(logs[(size_t)test_rank() * MOST].thread, (uint64_t)gettid());
    counters_free(counters, n * words);
  }
}

/* ---- all at once ---- */

typedef struct crowd {
  counter *here;
  uint64_t all;
} crowd;

/* Waits until all tasks run: it never would if one had to end before another begins. */
static int wait_for_all(furrow_task *task, const void *item, void *result) {
  const crowd *c = task->user;
  (void)item;
  (void)result;
  ++*c->here;
  for (double start = now(); *c->here < c->all; nap(0.0005))
    if (now() - start > 30) return furrow_fail(task, "%d of %d run", (int)*c->here, (int)c->all);
  return 0;
}

static void expect_all_at_once(furrow_options options) {
  counter *here = counters_make(1);
  crowd c = {here, (uint64_t)workers_of(&options)};
  TEST_PHASE("%d tasks at a time", (int)c.all);
  EXPECT_OK(furrow_map(test_pool(), wait_for_all, &c, NULL, 0, c.all, NULL, 0, &options));
  counters_free(here, 1);
}

TEST(threads, run_tasks_at_the_same_time) {
  const int threads[] = {2, 5, 64};
  for (int t = 0; t < 3; t++) {
    furrow_options options = with_threads(threads[t], 1);
    expect_all_at_once(options);
    options.retries = 1;
    expect_all_at_once(options);
    options.chunk = 0;
    expect_all_at_once(options);
  }
}

static int sleep_some(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  nap(task->user ? *(double *)task->user : 0.05);
  return 0;
}

/* What there is to take is shared out, whoever has more of it. */
TEST(threads, of_sleeping_tasks_are_never_idle) {
  const uint64_t count = 100 * (uint64_t)test_size();
  furrow_options options = with_threads(16, 0);
  for (effort e = {0}; try_again(&e);) {
    double start = now(), seconds = 0.05 * e.stretch;
    EXPECT_OK(furrow_map(test_pool(), sleep_some, &seconds, NULL, 0, count, NULL, 0, &options));
    in_time(&e, now() - start, 30 * seconds * slowness()); /* 7 rounds; one after the other, 100 */
  }
}

/* ---- many ---- */

TEST(threads, may_be_more_than_tasks) {
  for (uint64_t count = 0; count < 5; count++) {
    expect_map((shape){count, 8, 24}, with_threads(64, 0));
    expect_map((shape){count, 300000, 300000}, with_threads(64, 1));
    expect_reductions(count, with_threads(64, 0));
  }
}

/* As many as an option may ask for; or on many ranks so many together, since they are one machine's. */
TEST(threads, may_be_a_thousand) {
  int most = test_size() > 3 ? FURROW_THREADS_MOST / test_size() : FURROW_THREADS_MOST;
  furrow_options options = with_threads(most, 1);
  expect_map((shape){5000, 8, 8}, options);
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  expect_map((shape){5000, 8, 8}, options);
}

/* ---- refusals ---- */

TEST(threads, out_of_bounds_are_refused_on_all_ranks) {
  const int bad[] = {0, -1, FURROW_THREADS_MOST + 1};
  for (int i = 0; i < 3; i++)
    for (int rank = 0; rank < test_size(); rank++) {
      furrow_options options = with_threads(test_rank() == rank ? bad[i] : 1, 0);
      EXPECT_STATUS(FURROW_E_ARG, furrow_map(test_pool(), sleep_some, NULL, NULL, 0, 1, NULL, 0, &options));
      EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "it must be 1 to 1024");
      expect_same_error(test_pool());
    }
}

TEST(threads, need_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  furrow_options options = with_threads(2, 0);
  EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, furrow_map(pool, sleep_some, NULL, NULL, 0, 1, NULL, 0, &options));
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "threads need shared memory");
  expect_same_error(pool);
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

TEST(threads, need_room_in_shared_memory) {
  furrow_pool_options small = FURROW_POOL_OPTIONS_INIT;
  small.shared_memory = 1 << 20;
  furrow_pool *pool = make_pool(&small);
  furrow_options many = with_threads(FURROW_THREADS_MOST, 0), some = with_threads(16, 0);
  uint64_t results[100];
  EXPECT_STATUS_ON(pool, FURROW_E_NOMEM, furrow_map(pool, sleep_some, NULL, NULL, 0, 1, NULL, 0, &many));
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "no room in shared memory for 1024 threads a rank");
  expect_same_error(pool);
  memset(results, 0xff, sizeof results);
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, 100, results, 8, &some));
  for (uint64_t i = 0; is_root() && i < 100; i++) EXPECT_EQ(results[i], i);
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

/* ---- where else they show ---- */

TEST(threads, are_dynamic_and_counted_in_metrics) {
  furrow_pool *pool = make_pool(NULL);
  furrow_options options = with_threads(4, 1);
  furrow_metrics metrics = {0};
  furrow_rank_metrics *ranks = calloc((size_t)test_size(), sizeof *ranks);
  options.schedule = FURROW_SCHEDULE_STATIC;
  EXPECT_OK_ON(pool, furrow_map(pool, sleep_some, NULL, NULL, 0, 8 * (uint64_t)test_size(), NULL, 0, &options));
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, ranks));
  if (is_root()) {
    EXPECT_EQ(metrics.dynamic, 1);
    EXPECT_EQ(metrics.sum.tasks, 8 * (uint64_t)test_size());
    EXPECT_GE(metrics.sum.busy, 0.05 * 8 * test_size()); /* of all threads */
  }
  for (int r = 0; is_root() && r < test_size(); r++) EXPECT_GE(ranks[r].idle, -1e-3);
  free(ranks);
  furrow_pool_destroy(&pool);
}

TEST(threads, are_as_many_as_the_environment_says) {
  setenv("FURROW_THREADS", "3", 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_THREADS");
  for (int own = 1; own < 3; own++) { /* 1 is the default, which gives way */
    furrow_options options = with_threads(own, 1);
    counter *here = counters_make(1);
    crowd c = {here, (uint64_t)test_size() * (own == 1 ? 3 : 2)};
    EXPECT_OK_ON(pool, furrow_map(pool, wait_for_all, &c, NULL, 0, c.all, NULL, 0, &options));
    counters_free(here, 1);
  }
  furrow_pool_destroy(&pool);
}
