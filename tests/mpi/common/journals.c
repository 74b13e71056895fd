/* A program for the tests of journals and of the stop signal. Knows the public API only. */
#include "mpi/common/journals.h"

#include <sys/stat.h>

static int map_task(furrow_task *task, const void *item, void *result) {
  const trial *t = task->user;
  t->ran[task->index]++;
  if (t->before) t->before(t, task);
  if (item && !bytes_are(item, t->shape.item_size, task->index, 5)) return furrow_fail(task, "a wrong item");
  fill_bytes(result, t->shape.size, task->index, 1);
  return fails(t->failed, task->index) ? furrow_fail(task, "on purpose") : 0;
}

static int fold_task(furrow_task *task, const void *item, void *accumulator) {
  const trial *t = task->user;
  (void)item;
  t->folded[task->index]++;
  if (t->before) t->before(t, task);
  answer_add(accumulator, task->index);
  return fails(t->failed, task->index) ? furrow_fail(task, "on purpose") : 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  const trial *t = user;
  (*t->merged)++;
  answer_merge(accumulator, later, NULL);
}

static int begin(void *user, int worker, void **local) {
  (void)worker;
  (void)local;
  (*((const trial *)user)->begun)++;
  return 0;
}

trial trial_make(const folder path, shape s) {
  trial t = {.shape = s, .options = FURROW_OPTIONS_INIT};
  snprintf(t.path, sizeof t.path, "%s/journal", path);
  t.options.schedule = s.schedule;
  t.options.chunk = s.chunk;
  t.options.leaf = s.leaf;
  t.options.worker_begin = begin;
  if (s.isolated) t.options.isolate = FURROW_ISOLATE_ON;
  t.counters = 2 * s.count + 2;
  t.ran = counters_make(t.counters);
  t.folded = t.ran + s.count;
  t.merged = t.folded + s.count;
  t.begun = t.merged + 1;
  t.items = root_array(s.count, s.item_size);
  for (uint64_t i = 0; t.items && i < s.count; i++) fill_bytes(t.items + i * s.item_size, s.item_size, i, 5);
  t.results = root_array(s.count, s.size);
  t.done = root_array(s.count, 1);
  return t;
}

void trial_free(trial *t) {
  counters_free(t->ran, t->counters);
  free(t->items);
  free(t->results);
  free(t->done);
}

void trial_forget(trial *t) {
  counters_clear(t->ran, t->counters);
  if (t->results) memset(t->results, 0xee, t->shape.count * t->shape.size);
  if (t->done) memset(t->done, 0xee, t->shape.count);
  t->answer = t->reduced = (answer){0};
}

static furrow_status run_map(trial *t, furrow_pool *pool) {
  furrow_options options = t->options;
  options.journal = t->path;
  options.done = t->done;
  return furrow_map(pool, map_task, t, t->items, t->shape.item_size, t->shape.count, t->results, t->shape.size,
                    &options);
}

static furrow_status run_map_reduce(trial *t, furrow_pool *pool) {
  static const furrow_reducer ANSWER = {sizeof(furrow_reducer), sizeof(answer), answer_init, fold_task, answer_merge};
  furrow_options options = t->options;
  options.journal = t->path;
  return furrow_map_reduce(pool, &ANSWER, t, NULL, 0, t->shape.count, &t->answer, &options);
}

static furrow_status run_reduce(trial *t, furrow_pool *pool) {
  furrow_options options = t->options;
  answer *items = root_array(t->shape.count, sizeof *items);
  for (uint64_t i = 0; items && i < t->shape.count; i++) {
    answer_init(&items[i], NULL);
    answer_add(&items[i], i);
  }
  options.journal = t->path;
  furrow_status status = furrow_reduce(pool, merge, t, items, sizeof *items, t->shape.count, &t->reduced, &options);
  free(items);
  return status;
}

furrow_status trial_run(trial *t, MPI_Comm comm, int operations) {
  static furrow_status (*const run[])(trial *, furrow_pool *) = {run_map, run_map_reduce, run_reduce};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(comm, NULL, &pool);
  for (int i = 0; i < 3; i++) {
    if (status != FURROW_OK || !(operations & 1 << i)) continue;
    status = t->last[i] = run[i](t, pool);
  }
  snprintf(t->message, sizeof t->message, "%s", furrow_pool_error(pool)->message);
  t->failed_task = furrow_pool_error(pool)->task;
  furrow_pool_destroy(&pool);
  return status;
}

void expect_right_answers(const trial *t) {
  for (uint64_t i = 0; t->results && i < t->shape.count; i++) {
    if (bytes_are(t->results + i * t->shape.size, t->shape.size, i, 1)) continue;
    TEST_FAIL("result %d of %d is wrong", (int)i, (int)t->shape.count);
    break;
  }
  expect_done(t->done, NONE, t->shape.count);
  expect_answer(&t->answer, t->shape.count, t->shape.leaf, NONE);
  if (t->shape.count > 0) expect_answer(&t->reduced, t->shape.count, t->shape.leaf, NONE);
}

void expect_ran_once(const trial *t) {
  meet_asleep();
  for (uint64_t i = 0; i < t->shape.count; i++)
    if (t->ran[i] != 1 || t->folded[i] != 1) {
      TEST_FAIL("task %d ran %d times, and was folded %d times", (int)i, (int)t->ran[i], (int)t->folded[i]);
      break;
    }
}

void expect_ran_nothing(const trial *t) {
  uint64_t ran = 0;
  meet_asleep();
  for (uint64_t i = 0; i < t->counters - 2; i++) ran += t->ran[i];
  EXPECT_EQ(ran, 0);
  if (t->shape.count > 0) EXPECT_EQ(*t->begun, 0);
}

off_t file_size(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 ? about.st_size : -1;
}
