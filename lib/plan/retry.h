/* Failed tasks, on their way to rank 0 and from there to another try. Plain words and text: they cross processes. */
#ifndef FURROW_PLAN_RETRY_H
#define FURROW_PLAN_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "furrow/status.h"

/* One attempt that failed. */
typedef struct furrow__failed {
  uint64_t task;
  uint32_t attempt;
  int32_t rank, kind, code; /* kind: furrow_failure_kind */
  char host[FURROW_HOST_SIZE];
  char message[FURROW_MESSAGE_SIZE];
} furrow__failed;

/* A task that has failed so many times. */
typedef struct furrow__tried {
  uint64_t task;
  uint64_t attempts;
} furrow__tried;

/* Such tasks, in their order. The caller provides the memory. */
typedef struct furrow__tries {
  furrow__tried *list;
  uint64_t count, capacity;
} furrow__tries;

/* How often a task has failed. */
uint64_t furrow__tries_of(const furrow__tries *tries, uint64_t task);

/* Count one more failure of a task; returns how often it has failed now, or 0 if it is new and the list is full. */
uint64_t furrow__tries_note(furrow__tries *tries, uint64_t task);

/* The first task of [begin, end) that is on the list; else `end`. */
uint64_t furrow__tries_next(const furrow__tries *tries, uint64_t begin, uint64_t end);

enum { FURROW__RETRY_SLOTS = 8, FURROW__MOST_TRIED = 60 };

/* What is to be tried again: a task of a map, or a leaf in which tasks have failed, some of them for good. */
typedef struct furrow__retry {
  uint64_t place; /* a map's task, or a leaf's number */
  uint64_t due;   /* nanoseconds on rank 0's clock */
  int32_t avoid;  /* the rank where it failed last; -1: any may try */
  int32_t node;   /* of that rank */
  uint64_t count; /* of `tried` */
  furrow__tried tried[FURROW__MOST_TRIED];
} furrow__retry;

/* How many bytes of it are used. */
size_t furrow__retry_size(const furrow__retry *retry);

/* How long after its failure a task that has failed `attempts` times is tried again: `delay`, doubled each time. */
uint64_t furrow__retry_delay(uint64_t delay, uint64_t attempts);

#endif
