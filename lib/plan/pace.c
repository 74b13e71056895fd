#include "plan/pace.h"

/* Long enough that a claim of some 50 ns is lost in it, short enough that the last claims end together. */
static const uint64_t TARGET_NANOSECONDS = 75000;

furrow__pace furrow__pace_start(uint64_t fixed) {
  return (furrow__pace){fixed, 1};
}

uint32_t furrow__pace_next(const furrow__pace *pace, uint32_t left) {
  if (pace->fixed) return pace->fixed < UINT32_MAX ? (uint32_t)pace->fixed : UINT32_MAX;
  uint32_t half = left / 2 + left % 2;
  if (half == 0) half = 1;
  return pace->want < half ? (uint32_t)pace->want : half;
}

void furrow__pace_learn(furrow__pace *pace, uint64_t units, uint64_t nanoseconds) {
  if (pace->fixed || units == 0) return;
  uint64_t ideal = nanoseconds == 0 ? UINT32_MAX : units * TARGET_NANOSECONDS / nanoseconds;
  if (ideal > 2 * pace->want) ideal = 2 * pace->want; /* one lucky claim proves little */
  if (ideal > UINT32_MAX) ideal = UINT32_MAX;
  pace->want = ideal ? ideal : 1;
}
