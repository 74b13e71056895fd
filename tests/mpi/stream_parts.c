/* Parts that tasks send before their results: the sink has them early, in order, all of them; whoever is not heard any more does
 * not hang. */
#include <signal.h>

#include "mpi/common/journals.h"
#include "mpi/common/streams.h"

enum { MOST_ITEMS = 400, PART_SALT = 7 };

/* What tasks do, and what the sink has seen of it. Both `user` and `data`. */
typedef struct scene {
  uint64_t count;
  sizes parts; /* bytes that a task sends in all */
  size_t step; /* bytes at a time */
  sizes result;
  failing which; /* these tasks fail in their first attempt, when they have sent all */
  bool by_death;
  uint64_t end_at, fail_at; /* the sink ends, or fails, at this part; 0: never */
  double take_nap;
  bool no_sink;
  /* seen on rank 0 */
  uint64_t given, parts_taken, taken, failed, wrong;
  size_t had[MOST_ITEMS]; /* bytes of parts */
  bool had_result[MOST_ITEMS];
  bool ended;
} scene;

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  scene *s = state->data;
  *item = NULL;
  *size = 0;
  return s->given < s->count ? (s->given++, FURROW_STREAM_NEXT) : FURROW_STREAM_END;
}

/* A part, then a piece of the result, and so on. */
static int send_and_write(furrow_task *task, const void *item, size_t size) {
  const scene *s = task->user;
  size_t all = size_at(s->parts, task->index), result = size_at(s->result, task->index), sent = 0, written = 0;
  unsigned char *bytes = malloc(all + result + 1), *results = bytes + all;
  (void)item;
  (void)size;
  fill_bytes(bytes, all, task->index, PART_SALT + task->attempt);
  fill_bytes(results, result, task->index, 1);
  bool good = true;
  while (good && (sent < all || written < result)) {
    size_t more = s->step < all - sent ? s->step : all - sent,
           piece = s->step < result - written ? s->step : result - written;
    good = furrow_task_send(task, bytes + sent, more) == 0 && furrow_task_write(task, results + written, piece) == 0;
    sent += more;
    written += piece;
  }
  free(bytes);
  if (!good) return 1;
  if (!fails(s->which, task->index) || task->attempt > 0) return 0;
  if (s->by_death) raise(SIGKILL);
  return furrow_fail(task, "rotten");
}

static void complain(scene *s, const char *what, uint64_t i) {
  if (s->wrong++ < 3) TEST_FAIL("%s, at item %d", what, (int)i);
}

/* The first attempt's bytes, then the second's. */
static void watch_part(scene *s, uint64_t i, const unsigned char *bytes, size_t size) {
  size_t all = size_at(s->parts, i), at = s->had[i], attempts = fails(s->which, i) ? 2 : 1;
  if (size == 0 || size > 65536) complain(s, "a part of a wrong size", i);
  if ((uintptr_t)bytes % 16 != 0) complain(s, "a part that is not aligned", i);
  if (s->had_result[i]) complain(s, "a part behind its result", i);
  if (at + size > attempts * all) complain(s, "more parts than were sent", i);
  for (size_t k = 0; k < size && s->wrong == 0; k++)
    if (bytes[k] != byte_of(i, (at + k) % all, PART_SALT + (unsigned)((at + k) / all))) complain(s, "a wrong byte", i);
  s->had[i] += size;
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  scene *s = state->data;
  uint64_t i = state->index;
  if (s->ended) complain(s, "the sink is asked after its end", i);
  if (state->under_way != s->given - s->taken - 1) complain(s, "another number under way", i);
  if (s->take_nap > 0) nap(s->take_nap);
  if (state->part) {
    watch_part(s, i, result, size);
    s->parts_taken++;
    s->ended = s->parts_taken == s->end_at || s->parts_taken == s->fail_at;
    if (s->parts_taken == s->fail_at) return furrow_stream_fail(state, "enough of parts");
    return s->ended ? FURROW_STREAM_END : FURROW_STREAM_NEXT;
  }
  size_t attempts = fails(s->which, i) ? 2 : 1;
  if (s->had[i] != attempts * size_at(s->parts, i)) complain(s, "a result before its parts", i);
  if (size != size_at(s->result, i) || !bytes_are(result, size, i, 1)) complain(s, "a wrong result", i);
  s->had_result[i] = true;
  s->taken++;
  return FURROW_STREAM_NEXT;
}

static furrow_status run(scene *s, furrow_options options) {
  return furrow_stream(test_pool(), send_and_write, s, give, s->no_sink ? NULL : take, s, &options);
}

static furrow_options parting(bool unordered, int threads) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  options.threads = threads;
  return options;
}

static void expect_parts(scene s, furrow_options options) {
  TEST_PHASE("%d items, parts of %d bytes, %d at a time, results of %d, %d threads, isolation %d", (int)s.count,
             (int)s.parts.most, (int)s.step, (int)s.result.most, options.threads, (int)options.isolate);
  EXPECT_OK(run(&s, options));
  if (!is_root() || s.no_sink) return;
  EXPECT_EQ(s.taken, s.count);
}

static const sizes NOTHING = {0, false}, WORD = {8, false};

/* ---- in order, all, before the result ---- */

static const sizes PARTS[] = {{1, false}, {100, true}, {70000, true}, {400000, false}};
static const size_t STEPS[] = {1, 10, 20000, 1 << 20};

TEST(stream_parts, come_in_order_before_the_result) {
  for (int i = 0; i < 4; i++)
    for (int unordered = 0; unordered < 2; unordered++)
      for (int threads = 1; threads < 4; threads += 2) {
        scene s = {.count = 100, .parts = PARTS[i], .step = STEPS[i], .result = NOTHING};
        expect_parts(s, parting(unordered, threads));
        s.result = (sizes){100000, true};
        expect_parts(s, parting(unordered, threads));
      }
}

TEST(stream_parts, come_in_order_from_children) {
  for (int i = 0; i < 4; i++)
    for (int threads = 1; threads < 3; threads++) {
      scene s = {.count = 60, .parts = PARTS[i], .step = STEPS[i], .result = {100000, true}};
      furrow_options options = parting(i % 2, threads);
      options.isolate = FURROW_ISOLATE_ON;
      expect_parts(s, options);
    }
}

TEST(stream_parts, may_be_many_mebibytes) {
  scene s = {.count = 6, .parts = {20000003, false}, .step = SIZE_MAX / 4, .result = WORD};
  furrow_options options = parting(false, 1);
  expect_parts(s, options);
  options.isolate = FURROW_ISOLATE_ON;
  expect_parts(s, options);
}

TEST(stream_parts, may_be_many_tiny_ones) {
  expect_parts((scene){.count = 20, .parts = {20000, false}, .step = 1, .result = WORD}, parting(false, 1));
  expect_parts((scene){.count = 20, .parts = {20000, false}, .step = 1, .result = {20000, false}}, parting(true, 2));
}

TEST(stream_parts, are_sent_again_by_a_retry) {
  for (int death = 0; death < 2; death++)
    for (int i = 0; i < 4; i++) {
      scene s = {.count = 50, .parts = PARTS[i], .step = STEPS[i], .result = WORD, .which = {3, 4, 100}};
      furrow_options options = parting(i % 2, 1);
      s.by_death = death;
      if (death) options.isolate = FURROW_ISOLATE_ON;
      options.retries = 1;
      expect_parts(s, options);
    }
}

TEST(stream_parts, of_failed_tasks_come_too) {
  scene s = {.count = 50, .parts = {5000, false}, .step = 700, .result = WORD, .which = {49, 1, 1}};
  furrow_options options = parting(false, 1);
  options.on_error = FURROW_ON_ERROR_FAIL_FAST;
  options.window = 1;
  EXPECT_STATUS(FURROW_E_TASK, run(&s, options));
  if (is_root()) EXPECT_EQ(s.taken, 49);
  expect_works(test_pool());
}

TEST(stream_parts, vanish_without_a_sink) {
  expect_parts((scene){.count = 40, .parts = {3000000, false}, .step = 50000, .result = WORD, .no_sink = true},
               parting(false, 1));
}

/* ---- early ---- */

static counter *heard;

/* It does not end before the sink has had its part. */
static int wait_for_the_sink(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  if (furrow_task_send(task, "here", 4) != 0) return 1;
  double start = now();
  while (heard[task->index] == 0 && now() - start < 20 * slowness()) nap(0.0005);
  return heard[task->index] ? furrow_task_write(task, "done", 4) : furrow_fail(task, "nobody has heard of it");
}

static furrow_stream_answer hear(furrow_stream_state *state, const void *result, size_t size) {
  scene *s = state->data;
  EXPECT_EQ(size, 4);
  EXPECT_BYTES_EQ(result, state->part ? "here" : "done", 4);
  if (state->part) heard[state->index]++;
  if (!state->part) s->taken++;
  return FURROW_STREAM_NEXT;
}

static void expect_early(furrow_options options) {
  scene s = {.count = 60};
  counters_clear(heard, 60);
  EXPECT_OK(furrow_stream(test_pool(), wait_for_the_sink, NULL, give, hear, &s, &options));
  for (int i = 0; i < 60 && is_root(); i++) EXPECT_EQ(heard[i], 1);
  if (is_root()) EXPECT_EQ(s.taken, 60);
}

TEST(stream_parts, come_while_the_task_runs) {
  if (!nodes_are_served()) TEST_SKIP("parts of other nodes wait for the tasks of their first ranks here");
  heard = counters_make(60);
  for (int unordered = 0; unordered < 2; unordered++) {
    furrow_options options = parting(unordered, 1);
    expect_early(options);
    options.threads = 3;
    expect_early(options);
    options.isolate = FURROW_ISOLATE_ON;
    expect_early(options);
  }
  counters_free(heard, 60);
}

/* ---- a sink that is slow, or ends ---- */

TEST(stream_parts, wait_for_a_slow_sink_asleep) {
  scene s = {.count = 8, .parts = {4 << 20, false}, .step = 1 << 16, .result = WORD, .take_nap = 0.002};
  for (effort e = {0}; try_again(&e);) {
    double start = now(), cpu = cpu_now();
    expect_parts(s, parting(false, 1));
    double elapsed = now() - start;
    EXPECT_GT(elapsed, 1);
    in_time(&e, cpu_now() - cpu, (0.2 * elapsed + 0.3 * e.stretch) * slowness());
  }
}

static furrow_stream_answer take_forty_winks(furrow_stream_state *state, const void *result, size_t size) {
  scene *s = state->data;
  (void)result;
  (void)size;
  if (state->part && s->parts_taken++ == 3) nap(2.5);
  return FURROW_STREAM_NEXT;
}

/* While the sink sleeps every way to rank 0 is blocked. No node is lost by that. */
TEST(stream_parts, wait_for_longer_than_nodes_may_be_silent) {
  furrow_pool_options patience = FURROW_POOL_OPTIONS_INIT;
  patience.node_timeout = 1;
  furrow_pool *pool = make_pool(&patience);
  scene s = {.count = 30, .parts = {2 << 20, false}, .step = 60000, .result = WORD};
  EXPECT_OK_ON(pool, furrow_stream(pool, send_and_write, &s, give, take_forty_winks, &s, NULL));
  expect_works(pool);
  furrow_pool_destroy(&pool);
}

/* More than all queues on the way hold. */
TEST(stream_parts, do_not_hang_when_the_sink_ends) {
  static const uint64_t ends[] = {1, 2, 30, 300};
  for (int i = 0; i < 4; i++)
    for (int isolated = 0; isolated < 2; isolated++) {
      scene s = {.count = 40, .parts = {30 << 20, false}, .step = 60000, .end_at = ends[i]};
      furrow_options options = parting(i % 2, 1 + i % 2);
      options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
      TEST_PHASE("the sink ends at part %d, isolation %d", (int)ends[i], isolated);
      EXPECT_OK(run(&s, options));
      if (is_root()) EXPECT_EQ(s.parts_taken, ends[i]);
      expect_works(test_pool());
    }
}

TEST(stream_parts, do_not_hang_when_the_sink_fails) {
  for (int isolated = 0; isolated < 2; isolated++) {
    scene s = {.count = 40, .parts = {30 << 20, false}, .step = 60000, .fail_at = 20};
    furrow_options options = parting(false, 1);
    options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
    EXPECT_STATUS(FURROW_E_IO, run(&s, options));
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "enough of parts");
    expect_same_error(test_pool());
    if (is_root()) EXPECT_EQ(s.parts_taken, 20);
    expect_works(test_pool());
  }
}

/* One task fails while the others send without end, and the sink is slow. */
static int send_much_or_fail(furrow_task *task, const void *item, size_t size) {
  static const char bytes[60000];
  (void)item;
  (void)size;
  if (task->index == 3) nap(0.05);
  if (task->index == 3) return furrow_fail(task, "rotten");
  for (int i = 0; i < 500; i++)
    if (furrow_task_send(task, bytes, sizeof bytes) != 0) return 1;
  return 0;
}

static furrow_stream_answer take_slowly(furrow_stream_state *state, const void *result, size_t size) {
  (void)state;
  (void)result;
  (void)size;
  nap(0.005);
  return FURROW_STREAM_NEXT;
}

TEST(stream_parts, do_not_hang_when_a_task_fails) {
  for (int isolated = 0; isolated < 2; isolated++) {
    scene s = {.count = 100};
    furrow_options options = parting(false, 4);
    options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
    double start = now();
    EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), send_much_or_fail, NULL, give, take_slowly, &s, &options));
    EXPECT_LT(now() - start, soon()); /* of 4000 s */
    expect_same_error(test_pool());
    expect_works(test_pool());
  }
}

/* Some tasks send without end, until the sink has had the results of those that do not. */
static counter *had_results;

enum { SHORT_ONES = 8 };

static int send_until_heard(furrow_task *task, const void *item, size_t size) {
  static const char bytes[20000];
  double start = now();
  (void)item;
  (void)size;
  if (task->index >= 2) return 0;
  while (*had_results < SHORT_ONES && now() - start < 20 * slowness())
    if (furrow_task_send(task, bytes, sizeof bytes) != 0) return 1;
  return *had_results < SHORT_ONES ? furrow_fail(task, "the sink has had %d results", (int)*had_results) : 0;
}

static furrow_stream_answer count_results(furrow_stream_state *state, const void *result, size_t size) {
  (void)result;
  (void)size;
  nap(0.006); /* longer than the calling thread goes on with one thing */
  *had_results += !state->part;
  return FURROW_STREAM_NEXT;
}

TEST(stream_parts, leave_room_for_results) {
  had_results = counters_make(1);
  scene s = {.count = 2 + SHORT_ONES};
  furrow_options options = parting(true, 3);
  EXPECT_OK(furrow_stream(test_pool(), send_until_heard, NULL, give, count_results, &s, &options));
  counters_free(had_results, 1);
}

/* ---- a journal ---- */

TEST(stream_parts, are_not_in_the_journal) {
  folder path;
  char file[96];
  folder_make(path);
  snprintf(file, sizeof file, "%s/parts", path);
  for (int round = 0; round < 2; round++) {
    furrow_pool *pool = make_pool(NULL);
    scene s = {.count = 30, .parts = {round == 0 ? 3000 : 0, false}, .step = 1000, .result = {500, true}};
    furrow_options options = parting(false, 1);
    options.journal = file;
    EXPECT_OK_ON(pool, furrow_stream(pool, send_and_write, &s, give, take, &s, &options));
    if (is_root()) EXPECT_EQ(s.taken, 30);
    if (is_root()) EXPECT_EQ(s.parts_taken, round == 0 ? 90 : 0);
    furrow_pool_destroy(&pool);
  }
  folder_remove(path);
}

/* ---- wrong calls ---- */

static int send_null(furrow_task *task, const void *item, size_t size) {
  (void)item;
  (void)size;
  return furrow_task_send(task, NULL, task->index == 5);
}

TEST(stream_parts, are_refused_if_they_are_null) {
  scene s = {.count = 10};
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), send_null, NULL, give, NULL, &s, NULL));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 5);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "furrow_task_send: data is NULL");
}

static int send_from_a_map(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  return furrow_task_send(task, "x", 1);
}

TEST(stream_parts, are_refused_outside_of_streams) {
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), send_from_a_map, NULL, NULL, 0, 10, NULL, 0, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "furrow_task_send: this is no task of a stream");
}
