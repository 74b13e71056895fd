#include "plan/pace.h"

/* Long enough that a claim of some 50 ns is lost in it, short enough that the last claims end together. */
static const uint64_t TARGET_NANOSECONDS = 75000;
static const uint64_t LEAST_NANOSECONDS = 1000;
static const uint64_t SHARE_NANOSECONDS = 20000; /* some wake-ups */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

furrow__pace furrow__pace_start(uint64_t fixed) {
  return (furrow__pace){fixed, 1, 1};
}

uint32_t furrow__pace_next(const furrow__pace *pace, uint32_t left) {
  if (pace->fixed) return (uint32_t)min(pace->fixed, UINT32_MAX);
  return (uint32_t)min(pace->want, max(pace->least, left / 2 + left % 2));
}

bool furrow__pace_worth_sharing(uint64_t left, uint64_t done, uint64_t nanoseconds) {
  return done > 0 && left > 1 && nanoseconds / done > SHARE_NANOSECONDS / left;
}

void furrow__pace_learn(furrow__pace *pace, uint64_t units, uint64_t nanoseconds) {
  if (pace->fixed || units == 0) return;
  uint64_t time = max(nanoseconds, 1);
  uint64_t ideal = min(units * TARGET_NANOSECONDS / time, 2 * pace->want); /* one lucky claim proves little */
  pace->want = min(max(ideal, 1), UINT32_MAX);
  pace->least = min(max(units * LEAST_NANOSECONDS / time, 1), pace->want);
}
