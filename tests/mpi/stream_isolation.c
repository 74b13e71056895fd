/* A stream's tasks in child processes: whatever kills one costs that task, and the sink hears how. */
#include <signal.h>
#include <sys/mman.h>

#include "mpi/common/streams.h"

static const sizes WORD = {8, false}, MIXED = {70000, true};

typedef enum way { BY_CRASH, BY_ABORT, BY_KILL, BY_EXIT, BY_EXIT_0, BY_LOOP, BY_MEMORY, WAYS } way;

static const struct {
  furrow_failure_kind kind;
  int code;
  const char *words;
} END_OF[WAYS] = {
    [BY_CRASH] = {FURROW_FAILURE_SIGNAL, SIGSEGV, "signal 11 (Segmentation fault)"},
    [BY_ABORT] = {FURROW_FAILURE_SIGNAL, SIGABRT, "signal 6"},
    [BY_KILL] = {FURROW_FAILURE_SIGNAL, SIGKILL, "signal 9 (Killed)"},
    [BY_EXIT] = {FURROW_FAILURE_EXIT, 3, "3"},
    [BY_EXIT_0] = {FURROW_FAILURE_EXIT, 0, "0"},
    [BY_LOOP] = {FURROW_FAILURE_TIMEOUT, 0, "0.5"},
    [BY_MEMORY] = {FURROW_FAILURE_MEMORY, SIGABRT, "memory"},
};

static void take_memory(void) {
  for (int i = 0; i < 1024; i++) {
    void *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) abort();
    *(volatile char *)piece = 1;
  }
}

static void die_by(way how) {
  switch (how) {
    case BY_CRASH:
      raise(SIGSEGV);
      return;
    case BY_ABORT:
      abort();
    case BY_KILL:
      raise(SIGKILL);
      return;
    case BY_EXIT:
    case BY_EXIT_0:
      exit(how == BY_EXIT ? 3 : 0);
    case BY_LOOP:
      for (;;) nap(0.001);
    default:
      take_memory();
  }
}

typedef struct plan {
  way how;
  failing which;
  uint32_t until; /* tasks of `which` die at attempts below it */
  sizes sizes;    /* of items and results */
} plan;

/* Rank 0's view: the flow gives and checks results, this hears of deaths. */
typedef struct watched {
  flow flow; /* first: flow_give() and flow_take() know only it */
  const plan *plan;
} watched;

/* It has written half of its result when it dies. */
static int die_or_work(furrow_task *task, const void *item, size_t size) {
  const plan *p = task->user;
  static unsigned char bytes[1 << 20];
  size_t wanted = size_at(p->sizes, task->index);
  if (size != wanted || !bytes_are(item, size, task->index, 5)) return furrow_fail(task, "a wrong item");
  fill_bytes(bytes, wanted, task->index, 1);
  if (furrow_task_write(task, bytes, wanted / 2) != 0) return 1;
  if (fails(p->which, task->index) && task->attempt < p->until) die_by(p->how);
  return furrow_task_write(task, bytes + wanted / 2, wanted - wanted / 2);
}

static furrow_stream_answer hear(furrow_stream_state *state, const void *result, size_t size) {
  const plan *p = ((const watched *)state->data)->plan;
  if (state->failure) {
    EXPECT_EQ(state->failure->kind, END_OF[p->how].kind);
    EXPECT_EQ(state->failure->code, END_OF[p->how].code);
    EXPECT_CONTAINS(state->failure->message, END_OF[p->how].words);
  }
  return flow_take(state, result, size);
}

static furrow_options isolated(uint32_t retries, bool unordered) {
  struct rlimit none = {0, 0};
  furrow_options options = FURROW_OPTIONS_INIT;
  setrlimit(RLIMIT_CORE, &none);
  options.isolate = FURROW_ISOLATE_ON;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.retries = retries;
  options.unordered = unordered;
  return options;
}

static void expect_isolated(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("%d items, way %d, %d die", (int)count, (int)p.how, (int)failing_count(p.which, count));
  watched w = {flow_of(count, p.sizes, p.sizes), &p};
  uint64_t wanted = p.until > options.retries ? failing_count(p.which, count) : 0;
  if (p.how == BY_LOOP) options.task_timeout = 0.5; /* the others must not take as long, however busy the machine is */
  if (p.how == BY_MEMORY) options.memory_limit = 64 << 20;
  w.flow.which = p.which;
  w.flow.until = p.until;
  w.flow.attempt = options.retries;
  w.flow.unordered = options.unordered;
  w.flow.window = options.window;
  w.flow.had = calloc(count + 1, 1);
  w.flow.buffer = malloc(p.sizes.most + 1);
  EXPECT_STATUS(wanted ? FURROW_E_TASK : FURROW_OK,
                furrow_stream(test_pool(), die_or_work, &p, flow_give, hear, &w, &options));
  expect_had_all(&w.flow, count);
  if (is_root()) EXPECT_EQ(w.flow.failed, wanted);
  if (wanted) EXPECT_TRUE(fails(p.which, furrow_pool_error(test_pool())->task));
  if (wanted) expect_same_error(test_pool());
  flow_free(&w.flow);
}

TEST(stream_isolation, confines_every_way_to_die) {
  for (int how = 0; how < WAYS; how++)
    for (int unordered = 0; unordered < 2; unordered++)
      expect_isolated((plan){(way)how, {2, 20, how == BY_LOOP ? 2 : 3}, UINT32_MAX, WORD}, 100, isolated(0, unordered));
}

TEST(stream_isolation, holds_for_any_count_and_size) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, ranks - 1, ranks + 1, 50};
  static const sizes kinds[] = {{0, false}, {8, false}, {200000, true}};
  static const failing which[] = {{0, 0, 0}, {0, 1, 1}, {0, 1, 100}};
  for (int c = 0; c < 5; c++)
    for (int s = 0; s < 3; s++)
      for (int w = 0; w < 3; w++)
        expect_isolated((plan){BY_KILL, which[w], UINT32_MAX, kinds[s]}, counts[c], isolated(0, false));
}

TEST(stream_isolation, holds_for_what_is_larger_than_the_window) {
  furrow_options options = isolated(1, false);
  options.window_bytes = 4096;
  expect_isolated((plan){BY_KILL, {1, 5, 3}, UINT32_MAX, {300000, true}}, 60, options);
  expect_isolated((plan){BY_ABORT, {1, 5, 3}, 1, {1 << 20, false}}, 12, options);
}

TEST(stream_isolation, holds_in_a_small_window) {
  for (uint64_t window = 1; window <= 3; window++) {
    furrow_options options = isolated(0, false);
    options.window = window;
    expect_isolated((plan){BY_CRASH, {3, 7, 10}, UINT32_MAX, MIXED}, 80, options);
  }
}

TEST(stream_isolation, retries_tasks_that_died) {
  for (uint32_t until = 1; until <= 2; until++) {
    expect_isolated((plan){BY_CRASH, {0, 7, 100}, until, MIXED}, 100, isolated(2, until == 1));
    expect_isolated((plan){BY_EXIT, {3, 9, 100}, UINT32_MAX, WORD}, 100, isolated(until, false));
  }
}

TEST(stream_isolation, fails_fast) {
  plan p = {BY_KILL, {50, 1, 1}, UINT32_MAX, WORD};
  flow f = flow_of(UINT64_MAX, WORD, WORD);
  furrow_options options = isolated(0, false);
  options.on_error = FURROW_ON_ERROR_FAIL_FAST;
  f.had = calloc((1 << 20) + 1, 1);
  f.buffer = malloc(9);
  EXPECT_STATUS(FURROW_E_TASK, furrow_stream(test_pool(), die_or_work, &p, flow_give, flow_take, &f, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, 50);
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "signal 9 (Killed)");
  expect_same_error(test_pool());
  flow_free(&f);
  expect_works(test_pool());
}

TEST(stream_isolation, ends_with_the_sink) {
  flow f = flow_of(UINT64_MAX, WORD, WORD);
  f.end_after = 500;
  EXPECT_OK(flow_run(test_pool(), &f, isolated(0, false)));
  if (is_root()) EXPECT_EQ(f.taken, 500);
  flow_free(&f);
  expect_works(test_pool());
}

/* ---- children ---- */

static counter *begun, *ended;

static int begin(void *user, int worker, void **local) {
  (void)user;
  (void)worker;
  *local = &begun;
  begun[0]++;
  return 0;
}

static void end(void *user, int worker, void *local) {
  (void)user;
  (void)worker;
  if (local == &begun) ended[0]++;
}

TEST(stream_isolation, gives_a_child_so_many_tasks) {
  enum { COUNT = 120 };
  begun = counters_make(1);
  ended = counters_make(1);
  for (uint64_t most = 1; most <= 50; most += 7) {
    furrow_options options = isolated(0, false);
    options.isolate = FURROW_ISOLATE_AUTO;
    options.tasks_per_child = most;
    options.worker_begin = begin;
    options.worker_end = end;
    counters_clear(begun, 1);
    counters_clear(ended, 1);
    expect_flow(flow_of(COUNT, WORD, MIXED), options);
    meet_asleep();
    EXPECT_GE(begun[0], (COUNT + most - 1) / most);
    EXPECT_EQ(begun[0], ended[0]);
  }
  counters_free(begun, 1);
  counters_free(ended, 1);
}

static int changed_by_tasks;

static void change(furrow_task *task, const flow *f) {
  (void)task;
  (void)f;
  changed_by_tasks++;
}

TEST(stream_isolation, hides_what_tasks_change_in_memory) {
  flow f = flow_of(300, WORD, MIXED);
  f.before = change;
  changed_by_tasks = 5;
  expect_flow(f, isolated(0, false));
  EXPECT_EQ(changed_by_tasks, 5);
}

/* Few items and many children: whoever draws an item runs it. It does not go from hand to hand while its child wakes. */
TEST(stream_isolation, items_are_not_stolen_over_and_over) {
  furrow_pool *pool = make_pool(NULL);
  furrow_metrics metrics = {0};
  flow f = flow_of(500, WORD, WORD);
  furrow_options options = isolated(0, false);
  options.threads = 16 / test_size() + 1;
  options.window = 4;
  EXPECT_OK_ON(pool, flow_run(pool, &f, options));
  expect_had_all(&f, 500);
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  if (is_root()) EXPECT_LE(metrics.sum.steals, 500);
  flow_free(&f);
  furrow_pool_destroy(&pool);
}

/* ---- later, in an adaptive stream ---- */

typedef struct halving {
  uint64_t waiting[256], first, last, taken;
} halving;

static furrow_stream_answer give_number(furrow_stream_state *state, const void **item, size_t *size) {
  halving *h = state->data;
  if (h->first == h->last) return state->under_way > 0 ? FURROW_STREAM_LATER : FURROW_STREAM_END;
  *item = &h->waiting[h->first++];
  *size = 8;
  return FURROW_STREAM_NEXT;
}

static int halve(furrow_task *task, const void *item, size_t size) {
  uint64_t n = *(const uint64_t *)item, halves[2] = {n / 2, n - n / 2};
  if (size != 8) return furrow_fail(task, "a wrong item");
  if (task->attempt == 0 && task->index % 5 == 2) raise(SIGKILL);
  return n < 2 ? 0 : furrow_task_write(task, halves, sizeof halves);
}

static furrow_stream_answer take_halves(furrow_stream_state *state, const void *result, size_t size) {
  halving *h = state->data;
  h->taken++;
  for (size_t i = 0; i < size / 8 && h->last < 256; i++) h->waiting[h->last++] = ((const uint64_t *)result)[i];
  return FURROW_STREAM_NEXT;
}

TEST(stream_isolation, serves_later) {
  halving h = {.waiting = {64}, .last = 1};
  furrow_options options = isolated(1, false);
  EXPECT_OK(furrow_stream(test_pool(), halve, NULL, give_number, take_halves, &h, &options));
  if (is_root()) EXPECT_EQ(h.taken, 127);
}

/* ---- what the sink writes ---- */

enum { LINES = 2000 };

typedef struct writer {
  uint64_t given;
  FILE *file;
} writer;

static furrow_stream_answer give_nothing(furrow_stream_state *state, const void **item, size_t *size) {
  writer *w = state->data;
  *item = NULL;
  *size = 0;
  return w->given++ < LINES ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

static furrow_stream_answer write_line(furrow_stream_state *state, const void *result, size_t size) {
  writer *w = state->data;
  (void)result;
  (void)size;
  fprintf(w->file, "%d\n", (int)state->index);
  return FURROW_STREAM_NEXT;
}

/* Children are begun all the time, while there are lines in the file's buffer: none is written by a child, too. */
TEST(stream_isolation, lines_of_the_sink_are_written_once) {
  writer w = {0, tmpfile()};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_ON;
  options.tasks_per_child = 10;
  options.threads = 2;
  ASSERT_TRUE(w.file != NULL);
  EXPECT_OK(furrow_stream(test_pool(), do_nothing, NULL, give_nothing, write_line, &w, &options));
  fflush(w.file);
  rewind(w.file);
  int line, next = 0;
  while (is_root() && fscanf(w.file, "%d", &line) == 1 && line == next) next++;
  if (is_root()) EXPECT_EQ(next, LINES);
  if (is_root()) EXPECT_TRUE(feof(w.file) != 0);
  fclose(w.file);
}
