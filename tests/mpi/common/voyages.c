#include "mpi/common/voyages.h"

voyage voyage_make(uint64_t count, sizes items, sizes results) {
  voyage v = {.plan = flow_of(count, items, results), .give = flow_give, .take = flow_take};
  v.options = (furrow_options)FURROW_OPTIONS_INIT;
  folder_make(v.path);
  snprintf(v.journal, sizeof v.journal, "%s/journal", v.path);
  v.plan.ran = counters_make(v.plan.counters = count + 1);
  return v;
}

void voyage_free(voyage *v) {
  flow_free(&v->last);
  counters_free(v->plan.ran, v->plan.counters);
  folder_remove(v->path);
}

static furrow_status run(const voyage *v, furrow_pool *pool, flow *f) {
  furrow_options options = v->options;
  options.journal = v->journal;
  f->had = calloc(f->count + 1, 1);
  f->buffer = malloc(f->items.most + 1);
  f->unordered = options.unordered;
  f->window = options.window;
  f->attempt = options.retries;
  return furrow_stream(pool, flow_task, f, is_root() ? v->give : NULL, is_root() ? v->take : NULL, f, &options);
}

furrow_status sail_on(voyage *v, MPI_Comm comm) {
  furrow_pool *pool = NULL;
  flow_free(&v->last);
  v->last = v->plan;
  furrow_status status = furrow_pool_create(comm, NULL, &pool);
  if (status == FURROW_OK) status = run(v, pool, &v->last);
  snprintf(v->message, sizeof v->message, "%s", furrow_pool_error(pool)->message);
  furrow_pool_destroy(&pool);
  return status;
}

furrow_status sail(voyage *v) {
  furrow_status status = sail_on(v, test_comm());
  meet_asleep();
  return status;
}

uint64_t count_runs(const voyage *v) {
  uint64_t runs = 0;
  for (size_t i = 0; i < v->plan.counters; i++) runs += v->plan.ran[i];
  return runs;
}

void expect_each_ran_once(const voyage *v) {
  for (uint64_t i = 0; i < v->plan.count; i++) {
    if (v->plan.ran[i] == 1) continue;
    TEST_FAIL("task %d ran %d times", (int)i, (int)v->plan.ran[i]);
    break;
  }
}

void expect_goes_on(voyage *v) {
  flow first = v->last;
  uint64_t runs = count_runs(v);
  v->last.had = NULL;
  EXPECT_OK(sail(v));
  expect_had_all(&v->last, v->plan.count);
  for (uint64_t i = 0; is_root() && i < v->plan.count; i++)
    if (i < first.count && first.had[i] && v->plan.ran[i] != 1) TEST_FAIL("task %d was run again", (int)i);
  EXPECT_LE(count_runs(v) - runs, v->plan.count - (is_root() ? first.taken : 0));
  runs = count_runs(v);
  EXPECT_OK(sail(v));
  expect_had_all(&v->last, v->plan.count);
  EXPECT_EQ(count_runs(v), runs);
  free(first.had);
}
