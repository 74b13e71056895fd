/* Tasks in child processes: whatever kills one costs that task and nothing else, and the bits are those without children.
 * What a task changes in memory is lost here, so tasks tell by their results, by counters in shared memory, or by furrow_fail(). */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "mpi/common/faults.h"

/* ---- ways to die ---- */

typedef enum way {
  BY_SEGV,
  BY_BUS,
  BY_FPE,
  BY_ABORT,
  BY_KILL,
  BY_TERM,
  BY_EXIT,
  BY_EXIT_0,
  BY_QUICK_EXIT,
  BY_STACK,
  BY_LOOP,
  BY_MEMORY,
  WAYS
} way;

static const struct {
  furrow_failure_kind kind;
  int code;
} END_OF[WAYS] = {
    [BY_SEGV] = {FURROW_FAILURE_SIGNAL, SIGSEGV}, [BY_BUS] = {FURROW_FAILURE_SIGNAL, SIGBUS},
    [BY_FPE] = {FURROW_FAILURE_SIGNAL, SIGFPE},   [BY_ABORT] = {FURROW_FAILURE_SIGNAL, SIGABRT},
    [BY_KILL] = {FURROW_FAILURE_SIGNAL, SIGKILL}, [BY_TERM] = {FURROW_FAILURE_SIGNAL, SIGTERM},
    [BY_EXIT] = {FURROW_FAILURE_EXIT, 3},         [BY_EXIT_0] = {FURROW_FAILURE_EXIT, 0},
    [BY_QUICK_EXIT] = {FURROW_FAILURE_EXIT, 4},   [BY_STACK] = {FURROW_FAILURE_SIGNAL, SIGSEGV},
    [BY_LOOP] = {FURROW_FAILURE_TIMEOUT, 0},      [BY_MEMORY] = {FURROW_FAILURE_MEMORY, SIGSEGV},
};

enum { MEMORY_LIMIT = 64 << 20 };
static const double LOOP_TIMEOUT = 0.5; /* the others must not take as long, however busy the machine is */

static void touch_beyond_a_file(void) {
  FILE *file = tmpfile();
  volatile char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  map[0] = 1;
}

/* As deep as no stack is. */
static int recurse(volatile char *above, uint64_t more) {
  volatile char here[4096];
  here[0] = (char)(above ? above[0] + 1 : 0);
  return more == 0 ? 0 : recurse(here, more - 1) + here[0];
}

static char *volatile nowhere; /* NULL, which no compiler knows */

#define MAY_STORE_NOWHERE __attribute__((no_sanitize("undefined")))

/* Who does not look whether there is memory, crashes. */
MAY_STORE_NOWHERE static void take_memory(void) {
  for (int i = 0; i < 1024; i++) {
    char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)(piece == MAP_FAILED ? nowhere : piece) = 1;
  }
}

MAY_STORE_NOWHERE static void die_by(way how) {
  switch (how) {
    case BY_SEGV:
      *(volatile char *)nowhere = 1;
      return;
    case BY_BUS:
      touch_beyond_a_file();
      return;
    case BY_ABORT:
      abort();
    case BY_EXIT:
    case BY_EXIT_0:
      exit(how == BY_EXIT ? 3 : 0);
    case BY_QUICK_EXIT:
      _exit(4);
    case BY_STACK:
      recurse(NULL, UINT64_C(1) << 40);
      return;
    case BY_LOOP:
      for (;;) nap(0.001);
    case BY_MEMORY:
      take_memory();
      return;
    default:
      raise(END_OF[how].code);
  }
}

/* ---- tasks ---- */

typedef struct plan {
  way how;
  failing which;
  uint32_t until; /* tasks of `which` die at attempts below it */
  size_t size;    /* of a result */
} plan;

static void die_as_planned(const furrow_task *task, const plan *p) {
  if (fails(p->which, task->index) && task->attempt < p->until) die_by(p->how);
}

/* It has written half of its result when it dies. */
static int map_task(furrow_task *task, const void *item, void *result) {
  const plan *p = task->user;
  if (item && !bytes_are(item, p->size, task->index, 5)) return furrow_fail(task, "a wrong item");
  if (!bytes_are_all(result, p->size, 0)) return furrow_fail(task, "the result is not zero at first");
  fill_bytes(result, p->size / 2, task->index, 1);
  die_as_planned(task, p);
  fill_bytes(result, p->size, task->index, 1);
  return 0;
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  answer_add(accumulator, task->index);
  die_as_planned(task, task->user);
  return 0;
}

static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};

static furrow_options isolated(void) {
  struct rlimit none = {0, 0};
  furrow_options options = FURROW_OPTIONS_INIT;
  setrlimit(RLIMIT_CORE, &none);
  options.isolate = FURROW_ISOLATE_ON;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  return options;
}

static void expect_ends(const plan *p, bool known) {
  for (uint64_t i = 0; i < furrow_pool_failure_count(test_pool()); i++) {
    const furrow_failure *failure = furrow_pool_failure(test_pool(), i);
    if (known) EXPECT_EQ(failure->kind, END_OF[p->how].kind);
    if (known) EXPECT_EQ(failure->code, END_OF[p->how].code);
    EXPECT_NE(failure->kind, FURROW_FAILURE_RETURNED);
  }
}

static void expect_map(plan p, uint64_t count, bool items, furrow_options options) {
  TEST_PHASE("map of %d, way %d, results of %d bytes, %d failing", (int)count, (int)p.how, (int)p.size,
             (int)failing_count(p.which, count));
  failing failed = p.until == UINT32_MAX ? p.which : NONE;
  unsigned char *results = root_array(count, p.size), *in = items ? root_array(count, p.size) : NULL;
  uint8_t *done = root_array(count, 1);
  for (uint64_t i = 0; in && i < count; i++) fill_bytes(in + i * p.size, p.size, i, 5);
  options.done = done;
  furrow_status wanted = failing_count(failed, count) ? FURROW_E_TASK : FURROW_OK;
  EXPECT_STATUS(wanted,
                furrow_map(test_pool(), map_task, &p, in, items ? p.size : 0, count, results, p.size, &options));
  expect_failing_tasks(test_pool(), failed, count);
  expect_done(done, failed, count);
  for (uint64_t i = 0; results && i < count; i++) {
    const unsigned char *result = results + i * p.size;
    if (fails(failed, i) ? bytes_are_all(result, p.size, 0xee) : bytes_are(result, p.size, i, 1)) continue;
    TEST_FAIL("result %d of %d is wrong", (int)i, (int)count);
    break;
  }
  free(results);
  free(in);
  free(done);
}

static void expect_reduction(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("reduction of %d, leaf %d, way %d", (int)count, (int)options.leaf, (int)p.how);
  answer got = {0};
  failing failed = p.until == UINT32_MAX ? p.which : NONE;
  furrow_status wanted = failing_count(failed, count) ? FURROW_E_TASK : FURROW_OK;
  EXPECT_STATUS(wanted, furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, count, &got, &options));
  expect_answer(&got, count, options.leaf, failed);
  expect_failing_tasks(test_pool(), failed, count);
}

static furrow_options with_limits(way how) {
  furrow_options options = isolated();
  if (how == BY_LOOP) options.task_timeout = LOOP_TIMEOUT;
  if (how == BY_MEMORY) options.memory_limit = MEMORY_LIMIT;
  return options;
}

TEST(isolation, confines_every_way_to_die) {
  for (int how = 0; how < WAYS; how++) {
    plan p = {(way)how, {2, 20, how == BY_LOOP ? 2 : 3}, UINT32_MAX, 24};
    furrow_options options = with_limits(p.how);
    options.leaf = 10;
    expect_map(p, 100, false, options);
    expect_ends(&p, true);
    expect_reduction(p, 100, options);
    expect_ends(&p, true);
  }
}

TEST(isolation, says_how_a_task_died) {
  static const struct {
    way how;
    const char *words;
  } told[] = {{BY_SEGV, "signal 11 (Segmentation fault)"},
              {BY_KILL, "signal 9 (Killed)"},
              {BY_EXIT, "3"},
              {BY_LOOP, "0.5"},
              {BY_MEMORY, "memory"}};
  for (int i = 0; i < 5; i++) {
    plan p = {told[i].how, {2, 1, 1}, UINT32_MAX, 8};
    furrow_options options = with_limits(p.how);
    options.on_error = FURROW_ON_ERROR_FAIL_FAST;
    uint64_t results[10];
    EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), map_task, &p, NULL, 0, 10, results, 8, &options));
    EXPECT_EQ(furrow_pool_error(test_pool())->task, 2);
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, told[i].words);
    expect_same_error(test_pool());
  }
}

TEST(isolation, holds_for_any_count_and_size) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, 2, ranks - 1, ranks + 1, 50};
  static const size_t sizes[] = {0, 8, 1000, 200000};
  static const failing which[] = {{0, 0, 0}, {0, 1, 1}, {0, 1, 100}};
  for (int c = 0; c < 6; c++)
    for (int s = 0; s < 4; s++)
      for (int w = 0; w < 3; w++)
        expect_map((plan){BY_KILL, which[w], UINT32_MAX, sizes[s]}, counts[c], s > 0, isolated());
}

TEST(isolation, holds_for_large_results_and_items) {
  expect_map((plan){BY_KILL, {1, 5, 3}, UINT32_MAX, 1 << 20}, 20, false, isolated());
  expect_map((plan){BY_SEGV, {1, 5, 3}, UINT32_MAX, 5000001}, 8, true, isolated());
  expect_map((plan){BY_ABORT, {0, 1000, 20}, UINT32_MAX, 600}, 20000, true, isolated());
}

TEST(isolation, holds_for_leaves_of_any_size) {
  static const uint64_t leaves[] = {0, 1, 10, 1000}, counts[] = {1, 9, 10, 11, 99, 101};
  for (int c = 0; c < 6; c++)
    for (int l = 0; l < 4; l++) {
      furrow_options options = isolated();
      options.leaf = leaves[l];
      expect_reduction((plan){BY_KILL, {3, 2, 4}, UINT32_MAX, 0}, counts[c], options);
      expect_reduction((plan){BY_EXIT_0, {0, 30, 4}, UINT32_MAX, 0}, counts[c], options);
    }
}

TEST(isolation, retries_tasks_that_died) {
  for (uint32_t until = 1; until <= 2; until++) {
    furrow_options options = isolated();
    options.retries = until;
    options.leaf = 10;
    expect_map((plan){BY_SEGV, {0, 7, 100}, until, 3000}, 100, true, options);
    expect_reduction((plan){BY_KILL, {0, 7, 100}, until, 0}, 100, options);
    options.retries--;
    expect_map((plan){BY_EXIT, {3, 9, 100}, UINT32_MAX, 8}, 100, false, options);
  }
}

/* ---- accumulators of 1 MiB, with several deaths in a leaf ---- */

enum { WORDS = 1 << 17 };

static int fold_large(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  for (uint64_t i = 0; i < WORDS; i++) {
    ((uint64_t *)accumulator)[i] += task->index * i;
    if (i == WORDS / 2) die_as_planned(task, task->user);
  }
  return 0;
}

static void merge_large(void *accumulator, const void *later, void *user) {
  (void)user;
  for (uint64_t i = 0; i < WORDS; i++) ((uint64_t *)accumulator)[i] += ((const uint64_t *)later)[i];
}

TEST(isolation, never_counts_half_of_an_accumulator) {
  static uint64_t got[WORDS];
  static const furrow_reducer LARGE = {sizeof(furrow_reducer), sizeof got, NULL, fold_large, merge_large};
  plan p = {BY_KILL, {2, 5, 12}, UINT32_MAX, 0};
  uint64_t sum = 0, wrong = 0;
  furrow_options options = isolated();
  options.leaf = 10;
  EXPECT_STATUS(FURROW_E_TASK, furrow_map_reduce(test_pool(), &LARGE, &p, NULL, 0, 100, got, &options));
  for (uint64_t task = 0; task < 100; task++) sum += fails(p.which, task) ? 0 : task;
  for (uint64_t i = 0; is_root() && i < WORDS; i++) wrong += got[i] != sum * i;
  EXPECT_EQ(wrong, 0);
}

/* ---- the same bits ---- */

static int draw(furrow_task *task, const void *item, void *result) {
  (void)item;
  double sum = 0;
  for (int i = 0; i < 10; i++) sum += furrow_rng_normal(furrow_task_rng(task));
  *(double *)result = sum;
  return 0;
}

TEST(isolation, gives_the_same_bits) {
  enum { COUNT = 20000 };
  static double with[COUNT], without[COUNT];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.series = 5;
  EXPECT_OK(furrow_map(test_pool(), draw, NULL, NULL, 0, COUNT, without, sizeof *without, &options));
  options.isolate = FURROW_ISOLATE_ON;
  EXPECT_OK(furrow_map(test_pool(), draw, NULL, NULL, 0, COUNT, with, sizeof *with, &options));
  if (is_root()) EXPECT_BYTES_EQ(with, without, sizeof with);
  expect_reduction((plan){BY_KILL, NONE, 0, 0}, 100000, options);
}

/* ---- limits ---- */

static int nap_a_little(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  nap(task->index == 3 && task->user ? 300 : 0.01);
  return 0;
}

TEST(isolation, times_each_task_and_not_a_claim) {
  furrow_options options = isolated();
  options.chunk = 100;
  options.task_timeout = 0.6 * slowness();
  EXPECT_OK(furrow_map(test_pool(), nap_a_little, NULL, NULL, 0, 100, NULL, 0, &options));
}

TEST(isolation, ends_a_task_soon_after_its_time) {
  furrow_options options = isolated();
  options.task_timeout = 0.3;
  double start = now();
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), nap_a_little, &options, NULL, 0, 20, NULL, 0, &options));
  EXPECT_GE(now() - start, 0.3);
  EXPECT_LT(now() - start, soon()); /* of 300 s */
  expect_failing_tasks(test_pool(), (failing){3, 1, 1}, 20);
}

static int take_within(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  size_t size = MEMORY_LIMIT / 2;
  char *piece = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED) return furrow_fail(task, "no memory within the limit");
  memset(piece, 1, size);
  munmap(piece, size);
  return 0;
}

/* What the rank has already does not count. */
TEST(isolation, lets_tasks_have_memory_within_the_limit) {
  size_t size = (size_t)MEMORY_LIMIT * 2;
  char *mine = malloc(size);
  memset(mine, 1, size);
  furrow_options options = isolated();
  options.memory_limit = MEMORY_LIMIT;
  EXPECT_OK(furrow_map(test_pool(), take_within, NULL, NULL, 0, 50, NULL, 0, &options));
  free(mine);
}

/* ---- many children ---- */

static int write_index(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  return 0;
}

/* Whoever claims tasks runs at least the first: they do not go from hand to hand while its child wakes. */
TEST(isolation, tasks_are_not_stolen_over_and_over) {
  enum { COUNT = 100, ROUNDS = 10 };
  static uint64_t results[COUNT];
  furrow_pool *pool = make_pool(NULL);
  furrow_metrics metrics = {0};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_ON;
  options.threads = 32 / test_size() + 1;
  for (int round = 0; round < ROUNDS; round++)
    EXPECT_OK_ON(pool, furrow_map(pool, write_index, NULL, NULL, 0, COUNT, results, sizeof *results, &options));
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &metrics, NULL));
  if (is_root()) EXPECT_LE(metrics.sum.steals, (int64_t)ROUNDS * COUNT);
  for (uint64_t i = 0; is_root() && i < COUNT; i++) EXPECT_EQ(results[i], i);
  furrow_pool_destroy(&pool);
}
