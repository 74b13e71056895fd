/* The units of an operation that are still to be done, numbered through: some may be finished in a journal. Knows
   intervals; does not know who finished them. */
#ifndef FURROW_PLAN_TODO_H
#define FURROW_PLAN_TODO_H

#include <stdbool.h>

#include "plan/leaves.h"

/* From number `number` on stand the units from `unit` on, up to the next stretch's number. */
typedef struct furrow__stretch {
  uint64_t number, unit;
} furrow__stretch;

typedef struct furrow__todo {
  uint64_t count;                   /* numbers */
  const furrow__stretch *stretches; /* borrowed; NULL: every unit, and its number is its place */
  uint64_t stretch_count;
} furrow__todo;

/* Everything. */
furrow__todo furrow__todo_all(const furrow__units *units);

/* What `done` leaves, which is sorted and disjoint: of a map spans of tasks, a unit being done if all of its tasks are
   (`of_units` false); else spans of units. The stretches go to `stretches`, which has room for done_count + 1. */
furrow__todo furrow__todo_after(const furrow__units *units, const furrow__span *done, uint64_t done_count,
                                bool of_units, furrow__stretch *stretches);

/* The units from number `begin` on, up to `end`, that are next to each other. */
furrow__span furrow__todo_run(const furrow__todo *todo, uint64_t begin, uint64_t end);

/* Tasks of all numbers together. */
uint64_t furrow__todo_tasks(const furrow__todo *todo, const furrow__units *units);

#endif
