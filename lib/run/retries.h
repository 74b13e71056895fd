/* Tasks to be tried again, by the time when they are due. */
#ifndef FURROW_RUN_RETRIES_H
#define FURROW_RUN_RETRIES_H

#include "plan/retry.h"

typedef struct furrow__retry_heap {
  furrow__retry **list; /* a binary heap: none is due before its parent */
  size_t count, capacity;
} furrow__retry_heap;

/* A copy. False: no memory. */
bool furrow__retries_add(furrow__retry_heap *heap, const furrow__retry *retry);

/* The one that is due first, by `now`. False: there is none. */
bool furrow__retries_take(furrow__retry_heap *heap, uint64_t now, furrow__retry *retry);

/* When the first one is due; UINT64_MAX: there is none. */
uint64_t furrow__retries_due(const furrow__retry_heap *heap);

void furrow__retries_clear(furrow__retry_heap *heap);

#endif
