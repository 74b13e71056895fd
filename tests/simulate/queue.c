#include "simulate/queue.h"

#include <stdio.h>
#include <stdlib.h>

static bool before(const event *a, const event *b) {
  return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void grow(queue *grown) {
  grown->capacity = 2 * grown->capacity + 1024;
  grown->events = realloc(grown->events, grown->capacity * sizeof *grown->events);
  if (grown->events) return;
  fputs("simulate: no memory for events\n", stderr);
  abort();
}

void queue_put(queue *to, event put) {
  if (to->count == to->capacity) grow(to);
  put.order = to->orders++;
  uint64_t i = to->count++;
  for (; i > 0 && before(&put, &to->events[(i - 1) / 2]); i = (i - 1) / 2) to->events[i] = to->events[(i - 1) / 2];
  to->events[i] = put;
}

event queue_take(queue *from) {
  event first = from->events[0], last = from->events[--from->count];
  uint64_t i = 0;
  for (;;) {
    uint64_t child = 2 * i + 1;
    if (child >= from->count) break;
    if (child + 1 < from->count && before(&from->events[child + 1], &from->events[child])) child++;
    if (!before(&from->events[child], &last)) break;
    from->events[i] = from->events[child];
    i = child;
  }
  from->events[i] = last;
  return first;
}

void queue_clear(queue *cleared) {
  free(cleared->events);
  *cleared = (queue){.events = NULL};
}
