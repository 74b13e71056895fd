/* What a journal leaves to do: numbers from 0 on, and the units that they stand for. Checked against a plain list. */
#include "plan/todo.h"

#include <string.h>

#include "furrow/rng.h"
#include "shim/test.h"

enum { MOST = 200 };

/* Every number in its order, one by one and in runs. */
static void expect_numbers(const furrow__todo *todo, const uint64_t *left, uint64_t count) {
  ASSERT_EQ(todo->count, count);
  for (uint64_t i = 0; i < count; i++) EXPECT_EQ(furrow__todo_run(todo, i, i + 1).begin, left[i]);
  for (uint64_t i = 0; i < count;) {
    furrow__span run = furrow__todo_run(todo, i, count);
    ASSERT_LT(run.begin, run.end);
    for (uint64_t unit = run.begin; unit < run.end; unit++) EXPECT_EQ(unit, left[i++]);
    if (i < count) EXPECT_NE(left[i], run.end); /* it went as far as it could */
  }
}

/* Some spans of [0, tasks), sorted and apart. */
static uint64_t make_spans(furrow_rng *rng, uint64_t tasks, furrow__span *spans) {
  spans[0] = (furrow__span){0, 0};
  uint64_t count = 0, at = furrow_rng_below(rng, 10);
  while (at < tasks) {
    uint64_t end = at + 1 + furrow_rng_below(rng, 12);
    spans[count++] = (furrow__span){at, end < tasks ? end : tasks};
    at = end + 1 + furrow_rng_below(rng, 9);
  }
  return count;
}

static bool is_inside(const furrow__span *spans, uint64_t count, furrow__span span) {
  for (uint64_t i = 0; i < count; i++)
    if (spans[i].begin <= span.begin && span.end <= spans[i].end) return true;
  return false;
}

static void expect_left(const furrow__units *units, const furrow__span *done, uint64_t done_count, bool of_units) {
  furrow__stretch stretches[MOST + 1];
  uint64_t left[MOST] = {0}, count = 0, tasks = 0;
  for (uint64_t unit = 0; unit < units->count; unit++) {
    furrow__span of = furrow__units_span(units, unit, unit + 1);
    if (is_inside(done, done_count, of_units ? (furrow__span){unit, unit + 1} : of)) continue;
    left[count++] = unit;
    tasks += of.end - of.begin;
  }
  furrow__todo todo = furrow__todo_after(units, done, done_count, of_units, stretches);
  EXPECT_LE(todo.stretch_count, done_count + 1);
  EXPECT_EQ(furrow__todo_tasks(&todo, units), tasks);
  expect_numbers(&todo, left, count);
}

TEST(todo, all_is_every_unit_by_its_place) {
  furrow__units units = furrow__units_of_map(100);
  furrow__todo todo = furrow__todo_all(&units);
  EXPECT_EQ(todo.count, 100);
  EXPECT_EQ(furrow__todo_run(&todo, 10, 90).begin, 10);
  EXPECT_EQ(furrow__todo_run(&todo, 10, 90).end, 90);
  EXPECT_EQ(furrow__todo_tasks(&todo, &units), 100);
}

TEST(todo, of_spans_at_random) {
  furrow_rng rng = furrow_rng_make(3, 0, 0);
  for (int i = 0; i < 3000 && !test_failed(); i++) {
    uint64_t tasks = 1 + furrow_rng_below(&rng, MOST), size = 1 + furrow_rng_below(&rng, 7);
    furrow__units units = {tasks, size, (tasks + size - 1) / size};
    furrow__span spans[MOST] = {{0, 0}};
    uint64_t count = make_spans(&rng, tasks, spans);
    expect_left(&units, spans, count, false);
    count = make_spans(&rng, units.count, spans);
    expect_left(&units, spans, count, true);
  }
}

TEST(todo, everything_done_leaves_nothing) {
  furrow__units units = {1000, 300, 4};
  furrow__span all = {0, 1000}, but_the_last = {0, 999};
  furrow__stretch stretches[2];
  furrow__todo todo = furrow__todo_after(&units, &all, 1, false, stretches);
  EXPECT_EQ(todo.count, 0);
  EXPECT_EQ(furrow__todo_tasks(&todo, &units), 0);
  todo = furrow__todo_after(&units, &but_the_last, 1, false, stretches);
  EXPECT_EQ(todo.count, 1);
  EXPECT_EQ(furrow__todo_run(&todo, 0, 1).begin, 3);
  EXPECT_EQ(furrow__todo_tasks(&todo, &units), 100);
}

/* Beyond 2^31 tasks several are one unit. */
TEST(todo, of_many_tasks) {
  furrow__units units = furrow__units_of_map(UINT64_C(1) << 40);
  furrow__span done[2] = {{5, units.size * 10 + 1}, {UINT64_C(1) << 39, UINT64_C(1) << 40}};
  furrow__stretch stretches[3];
  furrow__todo todo = furrow__todo_after(&units, done, 2, false, stretches);
  EXPECT_EQ(todo.count, units.count / 2 - 9);
  EXPECT_EQ(furrow__todo_run(&todo, 0, 5).end, 1);
  EXPECT_EQ(furrow__todo_run(&todo, 1, 2).begin, 10);
}
