#include "plan/todo.h"

#include <stddef.h>

furrow__todo furrow__todo_all(const furrow__units *units) {
  return (furrow__todo){.count = units->count};
}

/* Units wholly inside a span of tasks. */
static furrow__span units_inside(const furrow__units *units, furrow__span tasks) {
  uint64_t begin = tasks.begin / units->size + (tasks.begin % units->size != 0);
  uint64_t end = tasks.end >= units->tasks ? units->count : tasks.end / units->size;
  return (furrow__span){begin, end > begin ? end : begin};
}

static void add(furrow__todo *todo, furrow__stretch *stretches, uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  stretches[todo->stretch_count++] = (furrow__stretch){todo->count, begin};
  todo->count += end - begin;
}

furrow__todo furrow__todo_after(const furrow__units *units, const furrow__span *done, uint64_t done_count,
                                bool of_units, furrow__stretch *stretches) {
  furrow__todo todo = {.stretches = stretches};
  uint64_t from = 0;
  for (uint64_t i = 0; i < done_count; i++) {
    furrow__span gone = of_units ? done[i] : units_inside(units, done[i]);
    if (gone.begin == gone.end) continue;
    add(&todo, stretches, from, gone.begin);
    from = gone.end;
  }
  add(&todo, stretches, from, units->count);
  return todo;
}

/* The last stretch that begins at or before a number. */
static uint64_t find(const furrow__todo *todo, uint64_t number) {
  uint64_t low = 0, high = todo->stretch_count;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    if (todo->stretches[middle].number <= number)
      low = middle;
    else
      high = middle;
  }
  return low;
}

furrow__span furrow__todo_run(const furrow__todo *todo, uint64_t begin, uint64_t end) {
  if (!todo->stretches) return (furrow__span){begin, end};
  uint64_t i = find(todo, begin), unit = todo->stretches[i].unit + (begin - todo->stretches[i].number);
  uint64_t stop = i + 1 < todo->stretch_count ? todo->stretches[i + 1].number : todo->count;
  return (furrow__span){unit, unit + ((end < stop ? end : stop) - begin)};
}

uint64_t furrow__todo_tasks(const furrow__todo *todo, const furrow__units *units) {
  if (todo->count == 0) return 0;
  furrow__span last = furrow__todo_run(todo, todo->count - 1, todo->count);
  furrow__span tasks = furrow__units_span(units, last.begin, last.end);
  return (todo->count - 1) * units->size + (tasks.end - tasks.begin);
}
