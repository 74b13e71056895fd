/* Children that are killed at any instruction: each rank has a sibling that kills its child hundreds of times a second. A kill
 * may cost the task that runs an attempt, and nothing else: no task is lost, run twice for the answer, or told twice. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "mpi/common/faults.h"

/* ---- the killer ---- */

enum { LONGEST_PEACE = 1500 }; /* microseconds */

typedef struct target {
  _Atomic int child; /* 0: none */
  counter kills;
  pid_t killer;
} target;

static _Noreturn void kill_for_ever(target *t) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (furrow_rng rng = furrow_rng_make((uint64_t)getpid(), 0, 0);;) {
    nap(1e-6 * (double)furrow_rng_below(&rng, LONGEST_PEACE));
    int child = atomic_exchange(&t->child, 0);
    if (child && kill(child, SIGKILL) == 0) t->kills++;
  }
}

static target *start_killer(void) {
  target *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t killer = fork();
  if (killer == 0) kill_for_ever(t);
  t->killer = killer;
  return t;
}

/* All ranks' killers have killed that often, or more. Collective. */
static void end_killer(target *t, uint64_t least) {
  kill(t->killer, SIGKILL);
  waitpid(t->killer, NULL, 0);
  EXPECT_GE(sum_over_ranks(t->kills), least);
  munmap(t, sizeof *t);
}

/* ---- tasks ---- */

typedef struct plan {
  target *target;
  failing which; /* fail, at their first attempt or at each */
  uint32_t until;
} plan;

static bool is_to_fail(const furrow_task *task) {
  const plan *p = task->user;
  if (atomic_load(&p->target->child) != getpid()) atomic_store(&p->target->child, getpid());
  return fails(p->which, task->index) && task->attempt < p->until;
}

static int map_task(furrow_task *task, const void *item, void *result) {
  (void)item;
  if (*(uint64_t *)result != 0) return furrow_fail(task, "the result is not zero at first");
  *(uint64_t *)result = 1;
  if (is_to_fail(task)) return furrow_fail(task, "as planned");
  *(uint64_t *)result = ~task->index;
  return 0;
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  answer_add(accumulator, task->index);
  return is_to_fail(task) ? furrow_fail(task, "as planned") : 0;
}

/* ---- what must have come of it ---- */

/* Each task is done, or has failed once and for good: killed, or as planned. */
static void expect_each_once(const plan *p, const uint8_t *done, uint64_t count) {
  uint64_t failures = furrow_pool_failure_count(test_pool()), next = 0;
  for (uint64_t i = 0; i < count; i++) {
    const furrow_failure *failure = next < failures ? furrow_pool_failure(test_pool(), next) : NULL;
    bool failed = failure && failure->task == i;
    next += failed;
    EXPECT_EQ(done[i], !failed);
    if (!failed) continue;
    bool killed = failure->kind == FURROW_FAILURE_SIGNAL && failure->code == SIGKILL;
    EXPECT_TRUE(killed || (fails(p->which, i) && strcmp(failure->message, "as planned") == 0));
  }
  EXPECT_EQ(next, failures);
}

static void expect_map(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("map of %d, %d retries, failing from %d", (int)count, (int)options.retries, (int)p.which.first);
  uint64_t *results = root_array(count, sizeof *results), untouched;
  options.done = root_array(count, 1);
  memset(&untouched, 0xee, sizeof untouched);
  furrow_status status = furrow_map(test_pool(), map_task, &p, NULL, 0, count, results, sizeof *results, &options);
  EXPECT_TRUE(status == FURROW_OK || status == FURROW_E_TASK);
  if (is_root()) expect_each_once(&p, options.done, count);
  for (uint64_t i = 0; is_root() && i < count; i++) EXPECT_EQ(results[i], options.done[i] ? ~i : untouched);
  free(results);
  free(options.done);
}

static void expect_reduction(plan p, uint64_t count, furrow_options options) {
  TEST_PHASE("reduction of %d, leaf %d, %d retries", (int)count, (int)options.leaf, (int)options.retries);
  static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};
  answer got = {0}, wanted = {0};
  options.done = root_array(count, 1);
  furrow_status status = furrow_map_reduce(test_pool(), &ANSWER, &p, NULL, 0, count, &got, &options);
  EXPECT_TRUE(status == FURROW_OK || status == FURROW_E_TASK);
  if (is_root()) expect_each_once(&p, options.done, count);
  answer_init(&wanted, NULL);
  for (uint64_t i = 0; is_root() && i < count; i++)
    if (options.done[i]) answer_add(&wanted, i);
  if (is_root()) EXPECT_EQ(got.a, wanted.a);
  if (is_root()) EXPECT_EQ(got.b, wanted.b);
  if (is_root()) EXPECT_EQ(got.tasks, wanted.tasks);
  free(options.done);
}

enum { ROUNDS = 16, TASKS = 1000, ITEMS = 800 };

TEST(kills, cost_the_task_that_runs_and_nothing_else) {
  static const uint64_t leaves[] = {1, 20};
  target *t = start_killer();
  for (int round = 0; round < ROUNDS; round++) {
    plan p = {t, {1, round & 1 ? 3 : 11, TASKS}, round & 2 ? UINT32_MAX : 1};
    furrow_options options = FURROW_OPTIONS_INIT;
    options.isolate = FURROW_ISOLATE_ON;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.retries = round & 4 ? 2 : 0;
    options.leaf = leaves[round >> 3];
    expect_map(p, TASKS, options);
    expect_reduction(p, TASKS, options);
  }
  end_killer(t, UINT64_C(4) * ROUNDS);
}

/* ---- streams ---- */

enum { WORDS = 40 };

/* What rank 0 gives and has had. */
typedef struct sight {
  const plan *p;
  bool unordered;
  uint64_t item[WORDS], given, had[ITEMS], next, failures;
} sight;

static size_t words_of(uint64_t i) {
  return 1 + i % WORDS;
}

static furrow_stream_answer give_item(furrow_stream_state *state, const void **item, size_t *size) {
  sight *s = state->data;
  if (s->given == ITEMS) return FURROW_STREAM_END;
  for (size_t k = 0; k < WORDS; k++) s->item[k] = s->given + k;
  *item = s->item;
  *size = words_of(s->given++) * 8;
  return FURROW_STREAM_NEXT;
}

static int stream_task(furrow_task *task, const void *item, size_t size) {
  uint64_t first;
  memcpy(&first, item, sizeof first);
  if (first != task->index || size != words_of(first) * 8) return furrow_fail(task, "another one's item");
  if (furrow_task_write(task, item, size) != 0) return 1;
  return is_to_fail(task) ? furrow_fail(task, "as planned") : 0;
}

static furrow_stream_answer take_result(furrow_stream_state *state, const void *result, size_t size) {
  sight *s = state->data;
  const uint64_t *words = result;
  uint64_t i = state->index;
  const furrow_failure *failure = state->failure;
  EXPECT_TRUE(s->unordered || i == s->next);
  s->next++;
  s->had[i]++;
  s->failures += failure != NULL;
  if (failure) {
    bool killed = failure->kind == FURROW_FAILURE_SIGNAL && failure->code == SIGKILL;
    EXPECT_TRUE(killed || (fails(s->p->which, i) && strcmp(failure->message, "as planned") == 0));
  } else {
    EXPECT_EQ(size, words_of(i) * 8);
    EXPECT_EQ(words[0], i);
    EXPECT_EQ(words[size / 8 - 1], i + size / 8 - 1);
  }
  return FURROW_STREAM_NEXT;
}

static void expect_stream(plan p, furrow_options options) {
  TEST_PHASE("stream, window %d, %d retries, failing from %d", (int)options.window, (int)options.retries,
             (int)p.which.first);
  sight *s = calloc(1, sizeof *s);
  *s = (sight){.p = &p, .unordered = options.unordered};
  furrow_status status = furrow_stream(test_pool(), stream_task, &p, give_item, take_result, s, &options);
  if (is_root()) EXPECT_EQ(status, s->failures ? FURROW_E_TASK : FURROW_OK);
  if (is_root()) EXPECT_EQ(furrow_pool_failure_count(test_pool()), s->failures);
  for (uint64_t i = 0; is_root() && i < ITEMS; i++)
    if (s->had[i] != 1) TEST_FAIL("item %d came %d times", (int)i, (int)s->had[i]);
  free(s);
}

/* A small window lets the numbers under which items are kept come back soon. */
TEST(kills, cost_the_item_that_runs_and_nothing_else) {
  target *t = start_killer();
  for (int round = 0; round < ROUNDS; round++) {
    plan p = {t, {1, round & 1 ? 3 : 11, ITEMS}, round & 2 ? UINT32_MAX : 1};
    furrow_options options = FURROW_OPTIONS_INIT;
    options.isolate = FURROW_ISOLATE_ON;
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.retries = round & 4 ? 2 : 0;
    options.unordered = round & 8;
    options.window = round & 1 ? 0 : 20;
    expect_stream(p, options);
  }
  end_killer(t, UINT64_C(4) * ROUNDS);
}

/* ---- at birth ---- */

static counter *births_to_end; /* of this rank; shared with its children */

/* In each child, before all else. */
static void end_birth(void) {
  if (!births_to_end || atomic_load(births_to_end) == 0) return;
  atomic_fetch_sub(births_to_end, 1);
  raise(SIGKILL);
}

TEST(kills, before_the_first_task_are_forgiven_a_few_times) {
  static bool registered;
  counter *births = mmap(NULL, sizeof *births, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_ON;
  if (!registered) pthread_atfork(NULL, NULL, end_birth);
  registered = true;
  births_to_end = births;
  atomic_store(births, 3);
  uint64_t results[100];
  EXPECT_OK(furrow_map(test_pool(), store_index, NULL, NULL, 0, 100, results, sizeof *results, &options));
  for (uint64_t i = 0; is_root() && i < 100; i++) EXPECT_EQ(results[i], i);
  atomic_store(births, UINT64_MAX);
  EXPECT_STATUS(FURROW_E_TASK, furrow_map(test_pool(), store_index, NULL, NULL, 0, 100, results, 8, &options));
  EXPECT_EQ(furrow_pool_error(test_pool())->task, FURROW_NO_TASK);
  births_to_end = NULL;
  munmap((void *)births, sizeof *births);
}
