#include "node/affinity.h"

#include <sched.h>
#include <string.h>

void furrow__affinity_read(uint64_t cores[FURROW__CORE_WORDS]) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) {
    memset(cores, 0xff, FURROW__CORE_WORDS * sizeof *cores);
    return;
  }
  memset(cores, 0, FURROW__CORE_WORDS * sizeof *cores);
  for (size_t i = 0; i < CPU_SETSIZE && i < (size_t)64 * FURROW__CORE_WORDS; i++)
    if (CPU_ISSET(i, &set)) cores[i / 64] |= UINT64_C(1) << (i % 64);
}

int furrow__affinity_count(const uint64_t cores[FURROW__CORE_WORDS]) {
  int count = 0;
  for (int i = 0; i < FURROW__CORE_WORDS; i++) count += __builtin_popcountll(cores[i]);
  return count;
}
