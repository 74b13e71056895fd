/* Prefix sums over a pattern of 2^20 random tasks that repeats; where a rank is, binary search says. */
#include "simulate/load.h"

#include <math.h>
#include <stdlib.h>

#include "furrow/rng.h"

enum { PATTERN = 1 << 20, CAP = 100 };

static double factor_of(load_kind kind, furrow_rng *rng) {
  if (kind == LOAD_LOGNORMAL) return exp(furrow_rng_normal(rng) - 0.5);
  return fmin(pow(1 - furrow_rng_uniform(rng), -1 / 1.5) / 3, CAP);
}

static uint64_t tasks_until(const load *of, uint64_t task) {
  if (!of->sums) return task * of->mean;
  return task / PATTERN * of->sums[PATTERN] + of->sums[task % PATTERN];
}

uint64_t load_until(const load *of, uint64_t unit) {
  return tasks_until(of, furrow__units_span(&of->units, unit, unit).begin);
}

/* Of one period: the units of the next ones are the same, or nearly so. */
static uint64_t longest_unit(const load *of) {
  uint64_t longest = 0;
  for (uint64_t unit = 0; unit < of->units.count && unit < PATTERN; unit++) {
    uint64_t lasts = load_until(of, unit + 1) - load_until(of, unit);
    if (lasts > longest) longest = lasts;
  }
  return longest;
}

bool load_make(load *made, load_kind kind, uint64_t mean, furrow__units units) {
  *made = (load){.units = units, .mean = mean};
  if (kind != LOAD_CONSTANT) {
    made->sums = malloc((PATTERN + 1) * sizeof *made->sums);
    if (!made->sums) return false;
    furrow_rng rng = furrow_rng_make(1, 0, 0);
    made->sums[0] = 0;
    for (int i = 0; i < PATTERN; i++)
      made->sums[i + 1] = made->sums[i] + (uint64_t)((double)mean * factor_of(kind, &rng)) + 1;
  }
  made->longest = longest_unit(made);
  return true;
}

void load_clear(load *made) {
  free(made->sums);
  *made = (load){.sums = NULL};
}

uint64_t load_reached(const load *of, uint64_t begin, uint64_t end, uint64_t worked) {
  uint64_t until = load_until(of, begin) + worked;
  while (begin < end) { /* the units before `begin` are done, the unit `end` is not */
    uint64_t middle = begin + (end - begin) / 2;
    if (load_until(of, middle + 1) <= until)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}
