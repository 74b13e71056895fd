/* A stream that watches itself. Failures in the source and the sink are rank 0's; those of tasks fail the task, and
 * so the stream. */
#include "mpi/common/streams.h"

enum { KEPT = 1 << 20 }; /* items of which is remembered whether they came */

size_t size_at(sizes s, uint64_t i) {
  static const size_t usual[] = {0, 1, 15, 16, 17, 100, 1000, 4095, 4096, 65536};
  uint64_t dice = (i + 1) * 0x9e3779b97f4a7c15u >> 32;
  if (!s.mixed) return s.most;
  size_t size = dice % 32 == 0 ? s.most - dice / 32 % (s.most / 8 + 1) : usual[dice % 10];
  return size < s.most ? size : s.most;
}

flow flow_of(uint64_t count, sizes items, sizes results) {
  return (flow){.count = count, .items = items, .results = results, .give_fails = UINT64_MAX, .take_fails = UINT64_MAX};
}

static void complain(flow *f, const char *what, uint64_t i) {
  if (f->wrong++ < 3) TEST_FAIL("%s, at item %d", what, (int)i);
}

/* ---- the source ---- */

static void watch_source(flow *f, const furrow_stream_state *state) {
  uint64_t under_way = f->no_sink ? state->under_way : f->given - f->taken;
  if (f->gave_last || f->took_last) complain(f, "the source is asked after the end", state->index);
  if (state->index != f->given) complain(f, "the source is asked for another index than the next", state->index);
  if (state->data != f) complain(f, "the source has no data", state->index);
  if (state->under_way != under_way) complain(f, "the source is told another number under way", state->index);
  if (f->window && under_way + 1 > f->window) complain(f, "the window is too full", state->index);
  if (f->item_bytes && *f->item_bytes > f->most_bytes) f->most_bytes = *f->item_bytes;
  if (under_way + 1 > f->most_under_way) f->most_under_way = under_way + 1;
}

furrow_stream_answer flow_give(furrow_stream_state *state, const void **item, size_t *size) {
  flow *f = state->data;
  watch_source(f, state);
  f->gives++;
  if (f->give_nap > 0) nap(f->give_nap);
  f->gave_last = f->given == f->count || f->given == f->give_fails;
  if (f->given == f->give_fails) return f->reason ? furrow_stream_fail(state, "%s", f->reason) : FURROW_STREAM_FAILED;
  if (f->given == f->count) return FURROW_STREAM_END;
  *size = size_at(f->items, f->given);
  *item = *size > 0 ? f->buffer : NULL;
  fill_bytes(f->buffer, *size, f->given, 5);
  if (f->item_bytes) *f->item_bytes += *size;
  f->given++;
  return FURROW_STREAM_NEXT;
}

/* ---- the task ---- */

int do_nothing(furrow_task *task, const void *item, size_t size) {
  (void)task;
  (void)item;
  (void)size;
  return 0;
}

int flow_task(furrow_task *task, const void *item, size_t size) {
  const flow *f = task->user;
  uint64_t i = task->index;
  unsigned char piece[1000];
  if (f->ran && i < f->counters) f->ran[i]++;
  if (size != size_at(f->items, i) || !bytes_are(item, size, i, 5)) return furrow_fail(task, "a wrong item");
  if (size > 0 && (uintptr_t)item % 16 != 0) return furrow_fail(task, "an item that is not aligned");
  if (task->rank != test_rank()) return furrow_fail(task, "another rank's task");
  if (f->before) f->before(task, f);
  if (f->task_nap > 0) nap(f->task_nap);
  size_t left = size_at(f->results, i), at = 0;
  bool bad = fails(f->which, i) && task->attempt < f->until;
  if (bad) left /= 2; /* what it has written is in nobody's way */
  for (size_t step; left > 0; left -= step, at += step) {
    step = left < sizeof piece ? left : sizeof piece;
    for (size_t k = 0; k < step; k++) piece[k] = byte_of(i, at + k, 1);
    if (furrow_task_write(task, piece, step) != 0) return 1;
  }
  if (f->item_bytes) *f->item_bytes -= size;
  return bad ? furrow_fail(task, "item %d is rotten", (int)i) : 0;
}

/* ---- the sink ---- */

static void watch_result(flow *f, uint64_t i, const void *result, size_t size) {
  if (fails(f->which, i) && f->until > f->attempt) complain(f, "a failed task has a result", i);
  if (size != size_at(f->results, i)) complain(f, "a result of another size", i);
  if (size > 0 && !bytes_are(result, size, i, 1)) complain(f, "a wrong result", i);
  if (size > 0 && (uintptr_t)result % 16 != 0) complain(f, "a result that is not aligned", i);
}

static void watch_failure(flow *f, uint64_t i, const furrow_failure *failure, const void *result, size_t size) {
  f->failed++;
  if (!fails(f->which, i)) complain(f, "a failure of a good task", i);
  if (result || size != 0) complain(f, "a result of a failed task", i);
  if (failure->task != i) complain(f, "a failure of another task", i);
  if (failure->attempt != f->attempt) complain(f, "a failure of another attempt", i);
  if (failure->rank < 0 || failure->rank >= test_size()) complain(f, "a failure of no rank", i);
  if (!failure->host || !*failure->host) complain(f, "a failure without a host", i);
  if (!failure->message || !*failure->message) complain(f, "a failure without a message", i);
}

static void watch_sink(flow *f, const furrow_stream_state *state) {
  uint64_t i = state->index;
  if (f->took_last) complain(f, "the sink is asked after the end", i);
  if (state->data != f) complain(f, "the sink has no data", i);
  if (i >= f->given) complain(f, "a result of an item that was not given", i);
  if (!f->unordered && i != f->taken) complain(f, "results are out of order", i);
  if (i < KEPT && f->had[i]++ > 0) complain(f, "a result comes twice", i);
  if (state->under_way != f->given - f->taken - 1) complain(f, "the sink is told another number under way", i);
}

furrow_stream_answer flow_take(furrow_stream_state *state, const void *result, size_t size) {
  flow *f = state->data;
  watch_sink(f, state);
  f->takes++;
  if (state->failure)
    watch_failure(f, state->index, state->failure, result, size);
  else
    watch_result(f, state->index, result, size);
  if (f->take_nap > 0) nap(f->take_nap);
  if (f->taken == f->take_fails) {
    f->took_last = true;
    return f->reason ? furrow_stream_fail(state, "%s", f->reason) : FURROW_STREAM_FAILED;
  }
  f->taken++;
  if (!f->end_after || f->taken < f->end_after) return FURROW_STREAM_NEXT;
  f->took_last = true;
  return FURROW_STREAM_END;
}

/* ---- all of it ---- */

furrow_status flow_run(furrow_pool *pool, flow *f, furrow_options options) {
  size_t kept = f->count < KEPT ? f->count : KEPT;
  f->had = calloc(kept + 1, 1);
  f->buffer = malloc(f->items.most + 1);
  f->unordered = options.unordered;
  f->window = options.window;
  f->attempt = options.retries;
  if (!is_root()) return furrow_stream(pool, flow_task, f, NULL, NULL, NULL, &options);
  return furrow_stream(pool, flow_task, f, flow_give, f->no_sink ? NULL : flow_take, f, &options);
}

void flow_free(flow *f) {
  free(f->had);
  free(f->buffer);
  f->had = NULL;
  f->buffer = NULL;
}

void expect_had_all(const flow *f, uint64_t count) {
  if (!is_root()) return;
  EXPECT_EQ(f->given, count);
  EXPECT_EQ(f->taken, count);
  for (uint64_t i = 0; i < count && i < KEPT; i++) {
    if (f->had[i] == 1) continue;
    TEST_FAIL("the sink had item %d %d times", (int)i, f->had[i]);
    return;
  }
}

void expect_flow(flow f, furrow_options options) {
  TEST_PHASE("%d items of %d bytes, results of %d, window %d, %d bytes, %s", (int)f.count, (int)f.items.most,
             (int)f.results.most, (int)options.window, (int)options.window_bytes,
             options.unordered ? "unordered" : "ordered");
  EXPECT_OK(flow_run(test_pool(), &f, options));
  expect_had_all(&f, f.count);
  flow_free(&f);
}
