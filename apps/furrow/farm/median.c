/* A histogram over the logarithm: adding is O(1), asking is O(bins). Knows numbers only. */
#include "median.h"

#include <math.h>

static const double LEAST = 1e-4, STEP = 0.01;

void median_add(median *of, double seconds) {
  double place = seconds > LEAST ? log(seconds / LEAST) / STEP : 0;
  int bin = place < MEDIAN_BINS - 1 ? (int)place : MEDIAN_BINS - 1;
  of->bins[bin]++;
  of->count++;
}

double median_value(const median *of) {
  if (of->count == 0) return 0;
  uint64_t below = 0;
  int bin = 0;
  while ((below += of->bins[bin]) <= (of->count - 1) / 2) bin++;
  return LEAST * exp((bin + 0.5) * STEP);
}
