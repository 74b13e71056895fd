/* Progress reaches rank 0's callback: never backwards, its last call exactly once. */
#include "mpi/common/tools.h"

typedef struct heard {
  uint64_t calls, last_calls, done, count;
  double elapsed;
  bool backwards, after_last, off_label;
} heard;

static void hear(const furrow_progress_report *report, void *user) {
  heard *h = user;
  h->backwards |= report->done < h->done || report->elapsed < h->elapsed || report->done > report->count;
  h->after_last |= h->last_calls > 0;
  h->off_label |= !report->label || strcmp(report->label, "napping") != 0;
  h->calls++;
  h->last_calls += report->last;
  h->done = report->done;
  h->count = report->count;
  h->elapsed = report->elapsed;
}

static int nap_a_little(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  nap(0.002);
  return task->index == *(uint64_t *)task->user ? furrow_fail(task, "on purpose") : 0;
}

static heard run(furrow_pool *pool, furrow_schedule schedule, uint64_t count, uint64_t failing, furrow_status status) {
  heard h = {0};
  furrow_progress progress = {hear, &h, 0.02};
  furrow_options options = options_of(schedule, 1);
  options.progress = &progress;
  options.label = "napping";
  EXPECT_STATUS_ON(pool, status, furrow_map(pool, nap_a_little, &failing, NULL, 0, count, NULL, 0, &options));
  EXPECT_FALSE(h.backwards);
  EXPECT_FALSE(h.after_last);
  EXPECT_FALSE(h.off_label);
  return h;
}

TEST(progress, is_reported_on_rank_0_until_all_is_done) {
  for (int s = 0; s < SCHEDULE_COUNT; s++)
    for (effort e = {0}; try_again(&e);) {
      uint64_t count = 60 * (uint64_t)e.stretch * (uint64_t)test_size();
      heard h = run(test_pool(), SCHEDULES[s], count, UINT64_MAX, FURROW_OK);
      EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
      if (!is_root()) EXPECT_EQ(h.calls, 0);
      if (!is_root()) continue;
      EXPECT_EQ(h.done, count);
      EXPECT_EQ(h.count, count);
      EXPECT_GT(h.elapsed, 0.1);
      if (SCHEDULES[s] != FURROW_SCHEDULE_STATIC) in_time(&e, 2.5, (double)h.calls); /* at least 3, in 0.12 s */
      EXPECT_LE(h.calls, 2 + (uint64_t)(h.elapsed / 0.02));
    }
}

TEST(progress, of_no_tasks_is_one_last_report) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    heard h = run(test_pool(), SCHEDULES[s], 0, UINT64_MAX, FURROW_OK);
    EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
    /* Others come before it where ranks are late, on a busy machine. */
    EXPECT_LE(h.calls, h.last_calls + (uint64_t)(h.elapsed / 0.02));
    if (!is_root()) EXPECT_EQ(h.calls, 0);
  }
}

TEST(progress, ends_also_where_a_task_fails) {
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    heard h = run(test_pool(), SCHEDULES[s], 60, 30, FURROW_E_TASK);
    EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
    EXPECT_LT(h.done, 60);
  }
}

static int nap_with_result(furrow_task *task, const void *item, void *result) {
  (void)item;
  memset(result, 1, 1 << 20);
  nap(0.001);
  return task->index == *(uint64_t *)task->user ? furrow_fail(task, "on purpose") : 0;
}

/* A static map in rounds of 64 MiB that fails in its second. */
TEST(progress, never_goes_back_when_a_later_round_fails) {
  enum { COUNT = 80 };
  uint64_t failing = COUNT - 1;
  heard h = {0};
  furrow_progress progress = {hear, &h, 0.01};
  furrow_options options = options_of(FURROW_SCHEDULE_STATIC, 0);
  options.progress = &progress;
  options.label = "napping";
  char *results = is_root() ? malloc((size_t)COUNT << 20) : NULL;
  EXPECT_STATUS(FURROW_E_TASK,
                furrow_map(test_pool(), nap_with_result, &failing, NULL, 0, COUNT, results, 1 << 20, &options));
  EXPECT_FALSE(h.backwards);
  EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
  free(results);
}

TEST(progress, is_silenced_by_the_environment) {
  setenv("FURROW_PROGRESS", "off", 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_PROGRESS");
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    heard h = run(pool, SCHEDULES[s], 50, UINT64_MAX, FURROW_OK);
    EXPECT_EQ(h.calls, 0);
  }
  furrow_pool_destroy(&pool);
}

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)task;
  (void)item;
  nap(0.001);
  ++*(uint64_t *)accumulator;
  return 0;
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

TEST(progress, of_a_reduction_counts_tasks_not_leaves) {
  furrow_reducer reducer = {0, 8, NULL, fold, add};
  for (int s = 0; s < SCHEDULE_COUNT; s++) {
    heard h = {0};
    uint64_t sum = 0;
    furrow_progress progress = {hear, &h, 0.01};
    furrow_options options = options_of(SCHEDULES[s], 0);
    options.progress = &progress;
    options.label = "napping";
    options.leaf = 3;
    EXPECT_OK(furrow_map_reduce(test_pool(), &reducer, NULL, NULL, 0, 100, &sum, &options));
    if (is_root()) EXPECT_EQ(sum, 100);
    EXPECT_FALSE(h.backwards);
    EXPECT_EQ(h.done, is_root() ? 100 : 0);
    EXPECT_EQ(h.last_calls, is_root() ? 1 : 0);
  }
}
