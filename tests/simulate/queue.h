/* What is to happen, earliest first; of things at the same time, the one that was put in first. */
#ifndef TESTS_SIMULATE_QUEUE_H
#define TESTS_SIMULATE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum event_kind {
  EVENT_WORK,   /* a node: a share has ended */
  EVENT_POLL,   /* a node's progress thread looks at its workers */
  EVENT_REPORT, /* at rank 0: how many units a node has finished, and whether it asks */
  EVENT_BACK,   /* at rank 0: units that a node gives back */
  EVENT_LOT,    /* at a node: units */
  EVENT_RECALL, /* at a node: give some back */
  EVENT_SERVE   /* rank 0 is through with a message: its effect */
} event_kind;

typedef struct event {
  uint64_t time, order;
  event_kind kind;
  int node;
  bool wants, hungry;
  uint64_t finished;
} event;

/* A heap. */
typedef struct queue {
  event *events;
  uint64_t count, capacity, orders;
} queue;

/* Ends the program if there is no memory. */
void queue_put(queue *to, event put);

/* The next one; there must be one. */
event queue_take(queue *from);

void queue_clear(queue *cleared);

#endif
