/* Ranks are alike, so it is enough to count how many become free in each moment. Moments are a thousandth of the mean
   unit long and stand on a wheel that is longer than the longest unit: one step a unit, however many ranks. */
#include "simulate/greedy.h"

#include <stdlib.h>

enum { STEPS = 1000 };

bool greedy_run(const load *of, uint64_t ranks, uint64_t *ends) {
  uint64_t count = of->units.count, step = load_until(of, count) / (count * STEPS) + 1, last = 0;
  uint64_t moments = of->longest / step + 2;
  uint64_t *freed = calloc(moments, sizeof *freed);
  if (!freed) return false;
  freed[0] = ranks;
  for (uint64_t now = 0, next = 0, begin = 0; next < count; now++) {
    uint64_t free_now = freed[now % moments];
    freed[now % moments] = 0;
    for (; free_now > 0 && next < count; free_now--, next++) {
      uint64_t end = load_until(of, next + 1), lasts = (end - begin + step / 2) / step;
      freed[(now + (lasts ? lasts : 1)) % moments]++;
      if (now + lasts > last) last = now + lasts;
      begin = end;
    }
  }
  free(freed);
  *ends = last * step;
  return true;
}
