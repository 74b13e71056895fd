/* Words that rank 0 tells the tasks of a stream while they run: they come to all, also to children and from another thread, the
 * latest counts, and nothing is left of them in the next operation. */
#include <pthread.h>

#include "mpi/common/streams.h"

enum { FIRST = 41, LAST = 2000, LIMIT = 300 /* seconds until a task gives up waiting */ };

/* Both `user` and `data`. What tasks do; and what the source and the sink do with the word. */
typedef struct scene {
  uint64_t count, waiting; /* tasks; of which the last ones wait until they are told LAST */
  bool aside;              /* from another thread */
  bool by_source;          /* the source tells, in its pauses; else the sink, of the first result */
  uint64_t words;          /* so many words are told, one after the other; the last is LAST */
  uint64_t given, laters;  /* on rank 0 */
  counter *seen;
} scene;

/* Tasks that have begun to wait; that were told LAST, and have waited in vain; that began with another word than 0; that saw a
 * word which was never told, or the words go back. */
enum { WAITS, TOLD, IN_VAIN, STALE, WRONG, SEEN };

static bool wait_for_last(const furrow_task *task) {
  const scene *s = task->user;
  double start = now();
  uint64_t word, before = 0;
  while ((word = furrow_task_told(task)) != LAST) {
    if (word < before || (word != 0 && (word < FIRST || word > LAST))) s->seen[WRONG]++;
    if (now() - start > LIMIT * slowness()) return false;
    before = word;
    nap(0.001);
  }
  return true;
}

static void *wait_aside(void *argument) {
  return wait_for_last(argument) ? argument : NULL;
}

static bool was_told(furrow_task *task, const scene *s) {
  pthread_t thread;
  void *told = NULL;
  if (!s->aside || pthread_create(&thread, NULL, wait_aside, task) != 0) return wait_for_last(task);
  pthread_join(thread, &told);
  return told != NULL;
}

/* The sink has this task's result once all others wait. */
static int wait_for_others(const scene *s) {
  for (double start = now(); s->seen[WAITS] < s->waiting && now() - start < LIMIT * slowness();) nap(0.001);
  return 0;
}

static int wait_or_not(furrow_task *task, const void *item, size_t size) {
  const scene *s = task->user;
  (void)item;
  (void)size;
  if (task->index < s->count - s->waiting) return wait_for_others(s);
  if (furrow_task_told(task) != 0) s->seen[STALE]++;
  s->seen[WAITS]++;
  s->seen[was_told(task, s) ? TOLD : IN_VAIN]++;
  return 0;
}

/* The words in the order of their size. */
static void tell_all(furrow_stream_state *state, const scene *s) {
  for (uint64_t i = 1; i < s->words; i++) furrow_stream_tell(state, FIRST + i - 1);
  furrow_stream_tell(state, LAST);
}

/* Nothing is told before all of them wait: each has looked, and saw 0. */
static furrow_stream_answer give_and_tell(furrow_stream_state *state, const void **item, size_t *size) {
  scene *s = state->data;
  *item = NULL;
  *size = 0;
  if (s->given < s->count) return s->given++, FURROW_STREAM_NEXT;
  if (state->under_way == 0) return FURROW_STREAM_END;
  if (s->by_source && s->seen[WAITS] == s->waiting) tell_all(state, s);
  s->laters++;
  state->wait = 0.01;
  return FURROW_STREAM_LATER;
}

static furrow_stream_answer take_and_tell(furrow_stream_state *state, const void *result, size_t size) {
  const scene *s = state->data;
  (void)result;
  (void)size;
  if (!s->by_source) tell_all(state, s);
  return FURROW_STREAM_NEXT;
}

/* Where no thread carries what goes between nodes, tasks of their first ranks hear of it only when they have ended. */
#define NEEDS_SERVED_NODES() \
  if (!nodes_are_served()) TEST_SKIP("tasks of a node's first rank hear nothing of other nodes here")

static uint64_t workers_of(const furrow_options *options) {
  return (uint64_t)test_size() * (uint64_t)options->threads;
}

/* All workers wait at a time if the source tells; all but one if it is the sink, since that is of the first one's result. */
static void expect_told(scene s, const furrow_options *options) {
  s.count = workers_of(options);
  s.waiting = s.count - !s.by_source;
  s.seen = counters_make(SEEN);
  double start = now();
  TEST_PHASE("threads %d, isolate %d, aside %d, %d words, by the %s", options->threads, (int)options->isolate, s.aside,
             (int)s.words, s.by_source ? "source" : "sink");
  EXPECT_OK(furrow_stream(test_pool(), wait_or_not, &s, give_and_tell, take_and_tell, &s, options));
  meet_asleep();
  EXPECT_EQ(s.seen[TOLD], s.waiting);
  EXPECT_EQ(s.seen[IN_VAIN], 0);
  EXPECT_EQ(s.seen[STALE], 0);
  EXPECT_EQ(s.seen[WRONG], 0);
  EXPECT_LT(now() - start, soon());
  meet_asleep();
  counters_free(s.seen, SEEN);
}

static void expect_told_in_all_ways(const furrow_options *options, bool aside) {
  for (int by_source = 0; by_source < 2; by_source++) {
    expect_told((scene){.by_source = by_source, .aside = aside, .words = 1}, options);
    expect_told((scene){.by_source = by_source, .aside = aside, .words = 500}, options);
  }
}

TEST(stream_told, tasks_hear_it_while_they_run) {
  NEEDS_SERVED_NODES();
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = true;
  options.chunk = 1;
  for (int threads = 1; threads < 4; threads += 2) {
    options.threads = threads;
    expect_told_in_all_ways(&options, false);
    expect_told_in_all_ways(&options, true);
  }
}

TEST(stream_told, children_hear_it_too) {
  NEEDS_SERVED_NODES();
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = true;
  options.chunk = 1;
  options.isolate = FURROW_ISOLATE_ON;
  for (int threads = 1; threads < 4; threads += 2) {
    options.threads = threads;
    expect_told_in_all_ways(&options, false);
  }
}

/* ---- from the first to the last --------------------------------------------------------------------------------------- */

static int write_word(furrow_task *task, const void *item, size_t size) {
  uint64_t word = furrow_task_told(task);
  (void)item;
  (void)size;
  return furrow_task_write(task, &word, sizeof word);
}

/* What tasks begin with. Both `data` and what rank 0 saw. */
typedef struct rounds {
  uint64_t given, count, told, behind, wrong;
  bool late;
} rounds;

/* The next item when the last one's result is in: and what has been told meanwhile has had time to come. */
static furrow_stream_answer give_one(furrow_stream_state *state, const void **item, size_t *size) {
  rounds *r = state->data;
  *item = NULL;
  *size = 0;
  if (r->given == r->count) return FURROW_STREAM_END;
  if (state->under_way > 0) return FURROW_STREAM_LATER;
  if (r->told && !r->late) {
    r->late = true;
    state->wait = 0.1 * slowness();
    return FURROW_STREAM_LATER;
  }
  r->late = false;
  r->given++;
  return FURROW_STREAM_NEXT;
}

/* Also back to what was told before, and to 0. */
static uint64_t word_at(uint64_t i) {
  static const uint64_t WORDS[] = {7, UINT64_MAX, 7, 0, 1, 0};
  return WORDS[i % 6];
}

static furrow_stream_answer compare_word(furrow_stream_state *state, const void *result, size_t size) {
  rounds *r = state->data;
  uint64_t word = 0, wanted = r->told == 0 ? 0 : word_at(r->told - 1);
  if (size == sizeof word) memcpy(&word, result, size);
  bool known = word == 0 || (r->told > 1 && word == word_at(r->told - 2));
  if (word != wanted && known) r->behind++;
  if (word != wanted && !known) r->wrong++;
  furrow_stream_tell(state, word_at(r->told++));
  return FURROW_STREAM_NEXT;
}

/* Whatever is told last stands for the tasks that begin later, on every node; in the next operation it is gone. */
TEST(stream_told, the_latest_counts_until_the_operation_ends) {
  for (int i = 0; i < 3; i++) {
    rounds r = {.count = 12};
    EXPECT_OK(furrow_stream(test_pool(), write_word, NULL, give_one, compare_word, &r, NULL));
    if (!is_root()) continue;
    EXPECT_EQ(r.told, 12);
    EXPECT_EQ(r.wrong, 0);
    EXPECT_LE(r.behind, 3); /* on another node, where the machine was busy */
  }
}

static int look(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = furrow_task_told(task);
  return 0;
}

static void expect_silence(furrow_pool *pool, furrow_schedule schedule) {
  enum { COUNT = 100 };
  furrow_options options = options_of(schedule, 0);
  uint64_t results[COUNT] = {0};
  EXPECT_STATUS_ON(pool, FURROW_OK, furrow_map(pool, look, NULL, NULL, 0, COUNT, results, 8, &options));
  for (int i = 0; i < COUNT; i++) EXPECT_EQ(results[i], 0);
}

/* The next operations have the same two records in turn. */
TEST(stream_told, a_map_after_it_hears_nothing) {
  for (int i = 0; i < 2 * SCHEDULE_COUNT; i++) {
    rounds r = {.count = 2};
    EXPECT_OK(furrow_stream(test_pool(), write_word, NULL, give_one, compare_word, &r, NULL));
    for (int k = 0; k < 3; k++) expect_silence(test_pool(), SCHEDULES[i / 2]);
  }
}

TEST(stream_told, there_is_none_without_shared_memory) {
  furrow_pool *pool = make_pool_without_board();
  expect_silence(pool, FURROW_SCHEDULE_AUTO);
  furrow_pool_destroy(&pool);
}

/* ---- under furrow_lead() ---------------------------------------------------------------------------------------------- */

static int answer_when_told(furrow_task *task, const void *item, size_t size) {
  double start = now();
  (void)item;
  (void)size;
  while (furrow_task_told(task) != LAST && now() - start < LIMIT) nap(0.001);
  uint64_t word = furrow_task_told(task);
  return furrow_task_write(task, &word, sizeof word);
}

static furrow_stream_answer give_then_tell(furrow_stream_state *state, const void **item, size_t *size) {
  rounds *r = state->data;
  *item = NULL;
  *size = 0;
  if (r->given < r->count) return r->given++, FURROW_STREAM_NEXT;
  if (r->late) {
    furrow_stream_tell(state, LAST);
    return FURROW_STREAM_END;
  }
  r->late = true;
  state->wait = 0.1;
  return FURROW_STREAM_LATER;
}

static furrow_stream_answer count_told(furrow_stream_state *state, const void *result, size_t size) {
  rounds *r = state->data;
  uint64_t word = 0;
  if (size == sizeof word) memcpy(&word, result, size);
  if (word == LAST) r->told++;
  return FURROW_STREAM_NEXT;
}

static furrow_status tell_them(furrow_pool *pool, void *argument) {
  return furrow_stream(pool, answer_when_told, NULL, give_then_tell, count_told, argument, NULL);
}

/* The source ends with it: those that run then hear it all the same. There are no more of them than the source gives before any
 * has ended. */
TEST(stream_told, tasks_of_a_program_that_leads_hear_it) {
  NEEDS_SERVED_NODES();
  rounds r = {.count = (uint64_t)test_size()};
  EXPECT_OK(furrow_lead(test_pool(), is_root() ? tell_them : NULL, is_root() ? &r : NULL));
  if (is_root()) EXPECT_EQ(r.told, r.count);
}
