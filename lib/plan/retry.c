#include "plan/retry.h"

#include <string.h>

static const uint64_t LONGEST_DELAY = UINT64_C(1) << 60; /* nanoseconds: 36 years */

/* Where a task stands on the list, or would. */
static uint64_t find(const furrow__tries *tries, uint64_t task) {
  uint64_t low = 0, high = tries->count;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (tries->list[middle].task < task)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool stands_at(const furrow__tries *tries, uint64_t i, uint64_t task) {
  return i < tries->count && tries->list[i].task == task;
}

uint64_t furrow__tries_of(const furrow__tries *tries, uint64_t task) {
  uint64_t i = find(tries, task);
  return stands_at(tries, i, task) ? tries->list[i].attempts : 0;
}

uint64_t furrow__tries_note(furrow__tries *tries, uint64_t task) {
  uint64_t i = find(tries, task);
  if (!stands_at(tries, i, task)) {
    if (tries->count == tries->capacity) return 0;
    memmove(&tries->list[i + 1], &tries->list[i], (tries->count - i) * sizeof *tries->list);
    tries->list[i] = (furrow__tried){task, 0};
    tries->count++;
  }
  return ++tries->list[i].attempts;
}

uint64_t furrow__tries_next(const furrow__tries *tries, uint64_t begin, uint64_t end) {
  uint64_t i = find(tries, begin);
  return i < tries->count && tries->list[i].task < end ? tries->list[i].task : end;
}

size_t furrow__retry_size(const furrow__retry *retry) {
  return offsetof(furrow__retry, tried) + retry->count * sizeof *retry->tried;
}

uint64_t furrow__retry_delay(uint64_t delay, uint64_t attempts) {
  for (; delay && attempts > 1 && delay < LONGEST_DELAY; attempts--) delay *= 2;
  return delay < LONGEST_DELAY ? delay : LONGEST_DELAY;
}
