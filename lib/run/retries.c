#include "run/retries.h"

#include <stdlib.h>
#include <string.h>

static bool have_room(furrow__retry_heap *heap) {
  if (heap->count < heap->capacity) return true;
  size_t more = heap->capacity ? 2 * heap->capacity : 64;
  furrow__retry **list = realloc(heap->list, more * sizeof(furrow__retry *));
  if (!list) return false;
  heap->list = list;
  heap->capacity = more;
  return true;
}

static bool is_before(const furrow__retry_heap *heap, size_t a, size_t b) {
  return heap->list[a]->due < heap->list[b]->due;
}

static void swap(furrow__retry_heap *heap, size_t a, size_t b) {
  furrow__retry *one = heap->list[a];
  heap->list[a] = heap->list[b];
  heap->list[b] = one;
}

bool furrow__retries_add(furrow__retry_heap *heap, const furrow__retry *retry) {
  furrow__retry *copy = have_room(heap) ? malloc(furrow__retry_size(retry)) : NULL;
  if (!copy) return false;
  memcpy(copy, retry, furrow__retry_size(retry));
  size_t i = heap->count++;
  heap->list[i] = copy;
  for (; i > 0 && is_before(heap, i, (i - 1) / 2); i = (i - 1) / 2) swap(heap, i, (i - 1) / 2);
  return true;
}

static void sink(furrow__retry_heap *heap) {
  for (size_t i = 0, first = 0;; i = first) {
    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
      if (is_before(heap, child, first)) first = child;
    if (first == i) return;
    swap(heap, i, first);
  }
}

bool furrow__retries_take(furrow__retry_heap *heap, uint64_t now, furrow__retry *retry) {
  if (furrow__retries_due(heap) > now) return false;
  memcpy(retry, heap->list[0], furrow__retry_size(heap->list[0]));
  free(heap->list[0]);
  heap->list[0] = heap->list[--heap->count];
  sink(heap);
  return true;
}

uint64_t furrow__retries_due(const furrow__retry_heap *heap) {
  return heap->count ? heap->list[0]->due : UINT64_MAX;
}

void furrow__retries_clear(furrow__retry_heap *heap) {
  while (heap->count > 0) free(heap->list[--heap->count]);
  free(heap->list);
  *heap = (furrow__retry_heap){0};
}
