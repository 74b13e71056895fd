/* Dealing units to nodes: how many a node gets at a request, and whom to ask for some back. Knows counts and the times it
   is told; does not know where units or their data are. */
#ifndef FURROW_PLAN_DECK_H
#define FURROW_PLAN_DECK_H

#include <stdbool.h>
#include <stdint.h>

/* What one node has got and done. */
typedef struct furrow__hand {
  uint32_t ranks;
  bool recalled;     /* it has been asked to give some back, and has not answered yet */
  uint64_t began;    /* nanoseconds: when it got its first units */
  uint64_t dealt;    /* units, less those it has given back */
  uint64_t finished; /* units */
  double speed;      /* units a nanosecond; 0: not known yet */
} furrow__hand;

/* Node 0 is rank 0's own, whose workers draw their shares themselves. The caller provides the memory of the hands. */
typedef struct furrow__deck {
  int nodes;
  furrow__hand *hands;
  uint64_t ranks;    /* of all nodes */
  uint64_t measured; /* ranks of the nodes whose speed is known */
  double speed;      /* of those together */
} furrow__deck;

/* Start an operation: every hand is empty. hands[].ranks stand already. */
void furrow__deck_start(furrow__deck *deck);

/* How many units to deal to a node, of `left`, if it has room for `room`. 0 only if `left` or `room` is 0. */
uint32_t furrow__deck_lot(const furrow__deck *deck, int node, uint32_t left, uint32_t room);

/* Keep account: a node got units (fewer than none: it gave some back), and has finished some. */
void furrow__deck_dealt(furrow__deck *deck, int node, int64_t units, uint64_t now);
void furrow__deck_finished(furrow__deck *deck, int node, uint64_t units, uint64_t now);

/* The node, other than 0, that has most left to do for its speed and has not been recalled, if that is worth asking for;
   else -1. */
int furrow__deck_richest(const furrow__deck *deck);

/* How many units a worker draws from a pile of `left` that `ranks` workers share; at least `want` if there are. */
uint32_t furrow__deck_share(uint32_t left, uint64_t ranks, uint32_t want);

/* A lot of at most `units` from `begin` on that is one whole subtree of the reduction, as large as can be. */
uint32_t furrow__deck_align(uint32_t begin, uint32_t units);

#endif
