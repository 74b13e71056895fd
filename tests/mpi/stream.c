/* Streams that go well: each item's result reaches the sink, in order or once, whatever the sizes. */
#include "mpi/common/streams.h"

static furrow_options streaming(bool unordered, uint64_t window, size_t window_bytes) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  options.window = window;
  options.window_bytes = window_bytes;
  return options;
}

static const sizes NOTHING = {0, false}, WORD = {8, false};

/* ---- order and counts ---- */

TEST(stream, gives_each_result_in_order_or_once) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, 2, ranks - 1, ranks, ranks + 1, 100, 5000};
  for (int c = 0; c < 8; c++)
    for (int unordered = 0; unordered < 2; unordered++)
      expect_flow(flow_of(counts[c], WORD, WORD), streaming(unordered, 0, 0));
}

TEST(stream, takes_no_options_for_the_defaults) {
  flow f = flow_of(300, WORD, WORD);
  f.had = calloc(301, 1);
  f.buffer = malloc(9);
  EXPECT_OK(
      furrow_stream(test_pool(), flow_task, &f, is_root() ? flow_give : NULL, is_root() ? flow_take : NULL, &f, NULL));
  expect_had_all(&f, 300);
  flow_free(&f);
}

/* A random length of each task, so that they end in another order than they began. */
static void be_uneven(furrow_task *task, const flow *f) {
  (void)f;
  nap((double)(task->index * 0x9e3779b97f4a7c15u >> 60) * 1e-4);
}

TEST(stream, keeps_the_order_of_uneven_tasks) {
  flow f = flow_of(300, WORD, WORD);
  f.before = be_uneven;
  expect_flow(f, streaming(false, 0, 0));
  expect_flow(f, streaming(false, 5, 0));
  expect_flow(f, streaming(true, 0, 0));
}

/* The first task outlives most others: unordered results do not wait for it. */
enum { OUTLIVED = 150 };

static counter *had_so_far; /* results in the sink; NULL: nobody asks */

typedef struct places {
  uint64_t count, given, taken, place_of_first;
} places;

static furrow_stream_answer give_place(furrow_stream_state *state, const void **item, size_t *size) {
  places *p = state->data;
  *item = NULL;
  *size = 0;
  return p->given++ < p->count ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

static furrow_stream_answer take_place(furrow_stream_state *state, const void *result, size_t size) {
  places *p = state->data;
  (void)result;
  (void)size;
  if (state->index == 0) p->place_of_first = p->taken;
  p->taken++;
  if (had_so_far) ++*had_so_far;
  return FURROW_STREAM_NEXT;
}

/* Some seconds at most, so that a failure is no hang; alone it can't wait for others. */
static int sleep_first(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  bool waits = task->index == 0 && test_size() > 1;
  for (double start = now(); waits && *had_so_far < OUTLIVED && now() - start < 20;) nap(0.001);
  return 0;
}

TEST(stream, unordered_results_go_as_they_are_finished) {
  places p = {.count = 200};
  furrow_options options = streaming(true, 0, 0);
  options.chunk = 1;
  had_so_far = counters_make(1);
  EXPECT_OK(furrow_stream(test_pool(), sleep_first, NULL, give_place, take_place, &p, &options));
  if (is_root()) EXPECT_EQ(p.taken, 200);
  if (is_root() && test_size() > 1) EXPECT_GE(p.place_of_first, OUTLIVED);
  counters_free(had_so_far, 1);
  had_so_far = NULL;
}

TEST(stream, holds_for_any_chunk) {
  for (uint64_t chunk = 1; chunk <= 1000; chunk *= 10)
    for (int unordered = 0; unordered < 2; unordered++) {
      furrow_options options = streaming(unordered, 0, 0);
      options.chunk = chunk;
      expect_flow(flow_of(2500, WORD, (sizes){100, true}), options);
    }
}

TEST(stream, runs_tasks_on_every_rank) {
  const uint64_t count = 100 * (uint64_t)test_size();
  for (effort e = {0}; try_again(&e);) {
    furrow_pool *pool = make_pool(NULL);
    furrow_rank_metrics ranks[64];
    furrow_metrics all;
    flow f = flow_of(count, WORD, WORD);
    f.task_nap = 0.001 * e.stretch;
    EXPECT_OK_ON(pool, flow_run(pool, &f, streaming(false, 0, 0)));
    expect_had_all(&f, count);
    EXPECT_OK_ON(pool, furrow_metrics_get(pool, &all, ranks));
    for (int r = 0; is_root() && r < test_size(); r++) in_time(&e, 1, (double)ranks[r].tasks + 0.5); /* one at least */
    if (is_root()) EXPECT_EQ(all.sum.tasks, count);
    if (is_root()) EXPECT_EQ(all.operations, 1);
    flow_free(&f);
    furrow_pool_destroy(&pool);
  }
}

TEST(stream, without_a_sink_runs_each_task_once) {
  enum { COUNT = 1000 };
  flow f = flow_of(COUNT, WORD, (sizes){300, true});
  f.no_sink = true;
  f.ran = counters_make(f.counters = COUNT);
  EXPECT_OK(flow_run(test_pool(), &f, streaming(false, 10, 0)));
  meet_asleep();
  if (is_root()) EXPECT_EQ(f.given, COUNT);
  for (int i = 0; i < COUNT; i++) ASSERT_EQ(f.ran[i], 1);
  counters_free(f.ran, COUNT);
  flow_free(&f);
}

/* ---- sizes ---- */

TEST(stream, carries_items_and_results_of_any_size) {
  static const sizes kinds[] = {{0, false}, {1, false}, {17, false}, {4096, false}, {100000, true}};
  for (int i = 0; i < 5; i++)
    for (int r = 0; r < 5; r++)
      for (int unordered = 0; unordered < 2; unordered++)
        expect_flow(flow_of(300, kinds[i], kinds[r]), streaming(unordered, 0, 0));
}

TEST(stream, mixes_sizes_up_to_a_mebibyte) {
  const sizes large = {1 << 20, true};
  expect_flow(flow_of(1500, large, NOTHING), streaming(false, 0, 0));
  expect_flow(flow_of(1500, NOTHING, large), streaming(false, 0, 0));
  expect_flow(flow_of(1000, large, large), streaming(false, 0, 0));
  expect_flow(flow_of(1000, large, large), streaming(true, 0, 1 << 21));
}

/* More than the default window, and more than is shared by default. */
TEST(stream, carries_what_is_larger_than_the_window) {
  const sizes large = {100001, false}, huge = {20000003, false};
  for (int unordered = 0; unordered < 2; unordered++) {
    expect_flow(flow_of(40, large, large), streaming(unordered, 0, 4096));
    expect_flow(flow_of(40, large, WORD), streaming(unordered, 0, 100000));
    expect_flow(flow_of(40, WORD, large), streaming(unordered, 0, 1));
    expect_flow(flow_of(300, (sizes){200000, true}, (sizes){200000, true}), streaming(unordered, 0, 16384));
  }
  expect_flow(flow_of(3, huge, huge), streaming(false, 0, 0));
  expect_flow(flow_of(2, (sizes){70000001, false}, WORD), streaming(false, 0, 0));
  expect_flow(flow_of(2, WORD, (sizes){70000001, false}), streaming(false, 0, 0));
}

static int write_nothing(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  return furrow_task_write(task, NULL, 0) + furrow_task_write(task, "", 0);
}

static furrow_stream_answer take_nothing(furrow_stream_state *state, const void *result, size_t size) {
  (void)result;
  EXPECT_EQ(size, 0);
  return take_place(state, result, size);
}

TEST(stream, takes_no_bytes_for_a_result) {
  places p = {.count = 50};
  EXPECT_OK(furrow_stream(test_pool(), write_nothing, NULL, give_place, take_nothing, &p, NULL));
  if (is_root()) EXPECT_EQ(p.taken, 50);
}

/* ---- many ---- */

TEST(stream, carries_many_tiny_items) {
  expect_flow(flow_of(100000, WORD, WORD), streaming(false, 0, 0));
  expect_flow(flow_of(100000, WORD, NOTHING), streaming(true, 0, 0));
  expect_flow(flow_of(20000, NOTHING, WORD), streaming(false, 7, 0));
}

/* ---- the same bits ---- */

typedef struct draws {
  uint64_t count, given;
  double *sums; /* on rank 0 */
} draws;

static furrow_stream_answer give_number(furrow_stream_state *state, const void **item, size_t *size) {
  draws *d = state->data;
  static uint64_t number; /* it outlives the call */
  if (d->given == d->count) return FURROW_STREAM_END;
  number = d->given++;
  *item = &number;
  *size = sizeof number;
  return FURROW_STREAM_NEXT;
}

static double draw(furrow_task *task) {
  double sum = 0;
  for (int i = 0; i < 10; i++) sum += furrow_rng_normal(furrow_task_rng(task));
  return sum;
}

static int stream_draw(furrow_task *task, const void *item, size_t size) {
  if (size != 8 || *(const uint64_t *)item != task->index) return furrow_fail(task, "a wrong item");
  double sum = draw(task);
  return furrow_task_write(task, &sum, sizeof sum);
}

static int map_draw(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(double *)result = draw(task);
  return 0;
}

static furrow_stream_answer take_number(furrow_stream_state *state, const void *result, size_t size) {
  draws *d = state->data;
  EXPECT_EQ(size, 8);
  memcpy(&d->sums[state->index], result, sizeof(double));
  return FURROW_STREAM_NEXT;
}

TEST(stream, draws_the_random_numbers_of_a_map) {
  enum { COUNT = 3000 };
  static double streamed[COUNT], mapped[COUNT];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.seed = 11;
  options.series = 5;
  EXPECT_OK(furrow_map(test_pool(), map_draw, NULL, NULL, 0, COUNT, mapped, sizeof *mapped, &options));
  for (int unordered = 0; unordered < 2; unordered++) {
    draws d = {.count = COUNT, .sums = streamed};
    options.unordered = unordered;
    memset(streamed, 0, sizeof streamed);
    EXPECT_OK(furrow_stream(test_pool(), stream_draw, NULL, give_number, take_number, &d, &options));
    if (is_root()) EXPECT_BYTES_EQ(streamed, mapped, sizeof mapped);
  }
}

TEST(stream, gives_the_same_bits_on_one_rank_and_on_all) {
  enum { COUNT = 3000 };
  static double all[COUNT], one[COUNT];
  furrow_options options = FURROW_OPTIONS_INIT;
  furrow_pool *alone = NULL;
  options.series = 9;
  draws d = {.count = COUNT, .sums = all};
  EXPECT_OK(furrow_stream(test_pool(), stream_draw, NULL, give_number, take_number, &d, &options));
  EXPECT_OK_ON(alone, furrow_pool_create(MPI_COMM_SELF, NULL, &alone)); /* on each rank its own */
  d = (draws){.count = COUNT, .sums = one};
  EXPECT_OK_ON(alone, furrow_stream(alone, stream_draw, NULL, give_number, take_number, &d, &options));
  furrow_pool_destroy(&alone);
  if (is_root()) EXPECT_BYTES_EQ(all, one, sizeof all);
}

/* ---- one after the other ---- */

TEST(stream, follows_another_and_a_map) {
  furrow_pool *pool = make_pool(NULL);
  for (int round = 0; round < 10; round++) {
    flow f = flow_of((uint64_t)round * 37, WORD, (sizes){3000, true});
    EXPECT_OK_ON(pool, flow_run(pool, &f, streaming(round % 2, 0, (size_t)round * 1000)));
    expect_had_all(&f, f.count);
    flow_free(&f);
    if (round % 3 == 0) expect_works(pool);
  }
  furrow_pool_destroy(&pool);
}

TEST(stream, follows_one_that_failed) {
  for (int round = 0; round < 5; round++) {
    flow f = flow_of(UINT64_MAX, WORD, WORD);
    f.which = (failing){100, 1, 1};
    f.until = UINT32_MAX;
    EXPECT_STATUS(FURROW_E_TASK, flow_run(test_pool(), &f, streaming(round % 2, 0, 0)));
    flow_free(&f);
    expect_flow(flow_of(200, WORD, WORD), streaming(round % 2, 0, 0));
    expect_works(test_pool());
  }
}
