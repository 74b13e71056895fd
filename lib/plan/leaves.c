/* Arithmetic on task counts that may come near 2^64: every product is bounded before it is made. */
#include "plan/leaves.h"

static const uint64_t MOST_UNITS = UINT64_C(1) << 31; /* a range holds two 32-bit numbers */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t ceil_div(uint64_t a, uint64_t b) {
  return a / b + (a % b != 0);
}

static furrow__units units_of_size(uint64_t tasks, uint64_t size) {
  size = max(size, max(1, ceil_div(tasks, MOST_UNITS)));
  return (furrow__units){tasks, size, ceil_div(tasks, size)};
}

furrow__units furrow__units_of_leaves(uint64_t tasks, size_t accumulator_size, uint64_t leaf) {
  uint64_t by_memory = (UINT64_C(1) << 36) / max(1, accumulator_size);
  uint64_t leaves = min(tasks, min(UINT64_C(1) << 22, max(UINT64_C(1) << 14, by_memory)));
  return units_of_size(tasks, leaf ? leaf : ceil_div(tasks, max(1, leaves)));
}

furrow__units furrow__units_of_map(uint64_t tasks) {
  return units_of_size(tasks, 1);
}

furrow__span furrow__units_span(const furrow__units *units, uint64_t begin, uint64_t end) {
  uint64_t last = end >= units->count ? units->tasks : end * units->size;
  return (furrow__span){begin >= units->count ? units->tasks : begin * units->size, last};
}

/* The first count % of blocks get one more. */
static uint64_t block_begin(uint64_t count, uint64_t i, uint64_t of) {
  return i * (count / of) + min(i, count % of);
}

furrow__span furrow__blocks(uint64_t count, uint64_t i, uint64_t end, uint64_t of) {
  return (furrow__span){block_begin(count, i, of), block_begin(count, end, of)};
}

furrow__span furrow__block(uint64_t count, uint64_t i, uint64_t of) {
  return furrow__blocks(count, i, i + 1, of);
}
