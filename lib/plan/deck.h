/* Dealing units to nodes: how many a node gets, when it asks for more, and whom to ask for some back. Knows counts and
   the times it is told; does not know where units or their data are. */
#ifndef FURROW_PLAN_DECK_H
#define FURROW_PLAN_DECK_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/leaves.h"

/* What one node has got and done. */
typedef struct furrow__hand {
  uint32_t ranks;    /* times the threads of each: here a worker is as good as a rank */
  bool wants;        /* it has asked for more, and got nothing yet */
  bool hungry;       /* some of its workers have nothing to do */
  bool recalled;     /* it has been asked to give some back, and has not answered yet */
  uint64_t dealt;    /* units, less those it has given back */
  uint64_t finished; /* units, as it reported last */
  uint64_t reported; /* nanoseconds: when that was */
  double speed;      /* units a nanosecond; 0: not known yet */
} furrow__hand;

/* Node 0 is rank 0's own, whose workers draw their shares themselves. The caller provides the memory of the hands. */
typedef struct furrow__deck {
  int nodes;
  furrow__hand *hands;
  uint64_t began;    /* nanoseconds */
  uint64_t now;      /* when the last report came */
  uint64_t ranks;    /* of all nodes */
  uint64_t measured; /* ranks of the nodes whose speed is known */
  double speed;      /* of those together */
  uint64_t looked;   /* how long others had been starving when no node had enough; UINT64_MAX: one had */
} furrow__deck;

/* Units that are dealt by arithmetic alone, before anyone asks: the first ones of the operation. */
uint64_t furrow__deck_first(uint64_t units, uint64_t ranks);

/* Those of a node with `ranks` ranks, `before` of `all` being on the nodes before it. */
furrow__span furrow__deck_first_lot(uint64_t units, uint64_t before, uint32_t ranks, uint64_t all);

/* A worker's share of a lot. */
uint32_t furrow__deck_each(uint64_t lot, uint32_t ranks);

/* Start an operation of so many units. hands[].ranks stand already. */
void furrow__deck_start(furrow__deck *deck, uint64_t units, uint64_t now);

/* How many units a node gets that asks, of `left` that are not dealt yet. 0 only if `left` is 0. */
uint32_t furrow__deck_lot(const furrow__deck *deck, int node, uint64_t left);

/* Keep account: a node got units (fewer than none: it gave some back), and has finished so many in all. */
void furrow__deck_dealt(furrow__deck *deck, int node, int64_t units);
void furrow__deck_finished(furrow__deck *deck, int node, uint64_t units, uint64_t now);

/* The node, other than 0, that has most left to do for its speed and has not been recalled, if that is worth asking for;
   else -1. It counts what nodes will have finished since their last reports; but when others have been `starving` for
   long (nanoseconds), it asks whoever has not reported its units as done. Having found nobody it does not look again for a
   while, since rank 0 has better to do. */
int furrow__deck_richest(furrow__deck *deck, uint64_t starving);

/* Whether so many units that a node has not begun are worth giving to others, which have been starving for so long. */
bool furrow__deck_is_worth(const furrow__deck *deck, int node, uint64_t left, uint64_t starving);

/* Whether a node that has so many units left to claim, of a last lot of `lot`, asks for the next lot. Before it runs dry,
   if it can tell: `finished` units took `elapsed` nanoseconds. */
bool furrow__deck_asks(uint64_t left, uint64_t lot, uint64_t finished, uint64_t elapsed);

/* Nanoseconds between two reports of a node that has nothing else to say. */
uint64_t furrow__deck_interval(int nodes);

/* How many units a worker of rank 0's node draws from what is `left` in the deck for `ranks` workers; at least `want` if
   there are. */
uint32_t furrow__deck_share(uint64_t left, uint64_t ranks, uint32_t want);

/* For a reduction: somewhat fewer than `units` from `begin` on, so that they end where large subtrees do. */
uint32_t furrow__deck_align(uint32_t begin, uint32_t units);

#endif
