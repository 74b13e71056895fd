/* What is under way is bounded, by items and by bytes; and whoever waits, sleeps. */
#include <inttypes.h>

#include "mpi/common/streams.h"

static const sizes WORD = {8, false};

static furrow_options within(uint64_t window, size_t window_bytes, bool unordered) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  options.window = window;
  options.window_bytes = window_bytes;
  return options;
}

/* ---- items ---- */

/* The source is never asked for more than the window holds: flow_give() sees to it. */
TEST(stream_window, is_never_exceeded) {
  static const uint64_t windows[] = {1, 2, 3, 10, 100};
  for (int w = 0; w < 5; w++)
    for (int unordered = 0; unordered < 2; unordered++) {
      flow f = flow_of(700, WORD, (sizes){200, true});
      expect_flow(f, within(windows[w], 0, unordered));
      f = flow_of(60, WORD, WORD);
      f.task_nap = 0.001;
      expect_flow(f, within(windows[w], 0, unordered));
    }
}

/* A window that is wide enough is used, as far as workers need it: tasks do not come one by one. */
TEST(stream_window, is_used) {
  flow f = flow_of(400, WORD, WORD);
  f.task_nap = 0.002;
  EXPECT_OK(flow_run(test_pool(), &f, within(50, 0, false)));
  if (is_root()) EXPECT_GT(f.most_under_way, furrow_pool_size(test_pool()));
  flow_free(&f);
}

static double long_time;

static void be_long_once(furrow_task *task, const flow *f) {
  (void)f;
  if (task->index == 10) nap(long_time);
}

/* While one task is slow, the others fill it. */
TEST(stream_window, has_a_default) {
  for (effort e = {0}; try_again(&e);) {
    flow f = flow_of(40000, WORD, WORD);
    f.before = be_long_once;
    long_time = test_size() > 1 ? 0.5 * e.stretch : 0.1;
    EXPECT_OK(flow_run(test_pool(), &f, within(0, 0, false)));
    if (is_root()) EXPECT_LE(f.most_under_way, 16384);
    if (is_root() && test_size() > 1) in_time(&e, 16384, (double)f.most_under_way + 1); /* it is full at last */
    expect_had_all(&f, 40000);
    flow_free(&f);
  }
}

TEST(stream_window, may_come_from_the_environment) {
  setenv("FURROW_WINDOW", "3", 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_WINDOW");
  flow f = flow_of(500, WORD, WORD);
  EXPECT_OK_ON(pool, flow_run(pool, &f, within(0, 0, false)));
  if (is_root()) EXPECT_LE(f.most_under_way, 3);
  expect_had_all(&f, 500);
  flow_free(&f);
  furrow_pool_destroy(&pool);
}

/* ---- bytes ---- */

/* Bytes of items that the source has given and whose task has not ended: no more than the window, or one item alone. */
static void expect_bytes(size_t most_item, size_t window_bytes, bool unordered) {
  flow f = flow_of(400, (sizes){most_item, true}, (sizes){most_item, true});
  TEST_PHASE("items up to %d bytes in a window of %d", (int)most_item, (int)window_bytes);
  f.item_bytes = counters_make(1);
  f.task_nap = 0.0002;
  EXPECT_OK(flow_run(test_pool(), &f, within(0, window_bytes, unordered)));
  expect_had_all(&f, 400);
  if (is_root()) EXPECT_LE(f.most_bytes, most_item > window_bytes ? most_item : window_bytes);
  counters_free(f.item_bytes, 1);
  flow_free(&f);
}

TEST(stream_window, bounds_the_bytes_of_items) {
  for (int unordered = 0; unordered < 2; unordered++) {
    expect_bytes(1000, 4096, unordered);
    expect_bytes(4096, 4096, unordered);
    expect_bytes(60000, 4096, unordered);
    expect_bytes(100000, 300000, unordered);
  }
}

static uint64_t kib_of(const char *name) {
  char line[128];
  uint64_t kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), ": %" SCNu64, &kib);
  if (file) fclose(file);
  return kib;
}

/* A slow sink of large results: what waits for it is bounded too, or memory would grow. */
TEST(stream_window, bounds_the_bytes_of_results) {
  enum { SIZE = 1 << 20, COUNT = 300, WINDOW = 4 << 20 };
  if (slowness() > 1) TEST_SKIP("a tool keeps memory that was freed");
  flow f = flow_of(COUNT, WORD, (sizes){SIZE, false});
  EXPECT_OK(flow_run(test_pool(), &f, within(0, WINDOW, false))); /* what is needed once is there now */
  flow_free(&f);
  uint64_t before = kib_of("VmRSS");
  f = flow_of(COUNT, WORD, (sizes){SIZE, false});
  f.take_nap = 0.001;
  EXPECT_OK(flow_run(test_pool(), &f, within(0, WINDOW, false)));
  expect_had_all(&f, COUNT);
  flow_free(&f);
  EXPECT_LT(kib_of("VmRSS"), before + (64 << 10)); /* of 300 MiB */
}

/* ---- memory, however many items: STREAM_ITEMS in the environment says how many ---- */

enum { MIDST = 1 << 18 };

typedef struct long_flow {
  uint64_t count, given, taken, sum, kib_in_the_midst;
} long_flow;

static furrow_stream_answer give_index(furrow_stream_state *state, const void **item, size_t *size) {
  long_flow *f = state->data;
  static char bytes[64];
  if (f->given == f->count) return FURROW_STREAM_END;
  memcpy(bytes, &f->given, sizeof f->given);
  f->given++;
  *item = bytes;
  *size = f->given % sizeof bytes < 8 ? 8 : f->given % sizeof bytes;
  return FURROW_STREAM_NEXT;
}

static int echo(furrow_task *task, const void *item, size_t size) {
  (void)size;
  return furrow_task_write(task, item, 8);
}

static furrow_stream_answer take_index(furrow_stream_state *state, const void *result, size_t size) {
  long_flow *f = state->data;
  uint64_t index = UINT64_MAX;
  if (size == 8) memcpy(&index, result, 8);
  if (index != f->taken || state->index != f->taken) return furrow_stream_fail(state, "a wrong result");
  if (++f->taken == MIDST) f->kib_in_the_midst = kib_of("VmRSS");
  return FURROW_STREAM_NEXT;
}

TEST_TIMEOUT(stream_window, keeps_memory_constant, 600) {
  if (slowness() > 1) TEST_SKIP("a tool keeps memory that was freed");
  const char *text = getenv("STREAM_ITEMS");
  long_flow f = {.count = text ? strtoull(text, NULL, 10) : 1 << 19};
  uint64_t peak_before = kib_of("VmHWM"), now_before = kib_of("VmRSS");
  EXPECT_OK(furrow_stream(test_pool(), echo, NULL, give_index, take_index, &f, NULL));
  uint64_t after = kib_of("VmRSS"), most = kib_of("VmHWM");
  if (is_root()) EXPECT_EQ(f.taken, f.count);
  if (is_root()) EXPECT_LT(after, f.kib_in_the_midst + 1024);
  EXPECT_LT(after, now_before + (64 << 10)); /* a window of items and of results, and their indices */
  EXPECT_LT(most, (peak_before > now_before + (64 << 10) ? peak_before : now_before + (64 << 10)) + 1024);
}

/* ---- whoever waits, sleeps ---- */

/* Processor time of each rank is a small part of the time that passes. */
static void expect_sleep(const flow *plan, furrow_options options, double least) {
  for (effort e = {0}; try_again(&e);) {
    flow f = *plan;
    double start = now(), cpu = cpu_now();
    f.give_nap *= e.stretch;
    f.take_nap *= e.stretch;
    long_time = least * e.stretch;
    EXPECT_OK(flow_run(test_pool(), &f, options));
    expect_had_all(&f, f.count);
    double elapsed = now() - start, used = cpu_now() - cpu;
    EXPECT_GE(elapsed, least * e.stretch);
    in_time(&e, used, (0.15 * elapsed + 0.05 * e.stretch) * slowness());
    flow_free(&f);
  }
}

TEST(stream_window, sleeps_while_the_source_is_slow) {
  flow f = flow_of(400, WORD, WORD);
  f.give_nap = 0.001;
  expect_sleep(&f, within(0, 0, false), 0.4);
  expect_sleep(&f, within(0, 0, true), 0.4);
}

TEST(stream_window, sleeps_while_the_sink_is_slow) {
  flow f = flow_of(400, WORD, WORD);
  f.take_nap = 0.001;
  expect_sleep(&f, within(4, 0, false), 0.4);
  expect_sleep(&f, within(0, 0, true), 0.4);
}

/* The window is full of results that wait for one; then the end is waited for. */
TEST(stream_window, sleeps_while_one_task_is_slow) {
  flow f = flow_of(100, WORD, WORD);
  f.before = be_long_once;
  expect_sleep(&f, within(5, 0, false), 0.4);
  expect_sleep(&f, within(0, 0, false), 0.4);
  expect_sleep(&f, within(0, 0, true), 0.4);
}

/* A source that takes its time does not keep tasks from running: both together take less than one after the other. */
TEST(stream_window, runs_tasks_while_the_source_is_slow) {
  enum { COUNT = 100 };
  for (effort e = {0}; try_again(&e);) {
    flow f = flow_of(COUNT, WORD, WORD);
    double start = now(), each = 0.005 * e.stretch;
    f.give_nap = f.task_nap = each;
    EXPECT_OK(flow_run(test_pool(), &f, within(0, 0, false)));
    double elapsed = now() - start;
    expect_had_all(&f, COUNT);
    EXPECT_GE(elapsed, COUNT * each);
    in_time(&e, elapsed, COUNT * 1.6 * each * slowness());
    flow_free(&f);
  }
}

/* Items, and results, are handed on at once, not kept until there are more. */
typedef struct trickle {
  uint64_t given, taken, late;
  double pause;
} trickle;

static furrow_stream_answer give_rarely(furrow_stream_state *state, const void **item, size_t *size) {
  trickle *t = state->data;
  if (t->given == 20) return FURROW_STREAM_END;
  *item = NULL;
  *size = 0;
  t->late += t->given - t->taken > 2;
  nap(t->pause);
  t->given++;
  return FURROW_STREAM_NEXT;
}

static furrow_stream_answer take_soon(furrow_stream_state *state, const void *result, size_t size) {
  trickle *t = state->data;
  (void)result;
  (void)size;
  t->taken++;
  return FURROW_STREAM_NEXT;
}

TEST(stream_window, hands_on_what_there_is) {
  for (effort e = {0}; try_again(&e);) {
    trickle t = {.pause = 0.02 * e.stretch};
    EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, give_rarely, take_soon, &t, NULL));
    if (is_root()) EXPECT_EQ(t.taken, 20);
    in_time(&e, (double)t.late, 5); /* two naps are enough for a result to reach the sink, but for a hiccup */
  }
}
