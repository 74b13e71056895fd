/* One node of a simulated cluster: workers that run their shares, draw new ones and steal from each other. Knows the
   time that it is told; does not know messages or other nodes. */
#ifndef TESTS_SIMULATE_NODE_H
#define TESTS_SIMULATE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/pace.h"
#include "simulate/load.h"
#include "simulate/pile.h"

#define NEVER UINT64_MAX

/* Runs units [begin, end), of which the first began at `since`. */
typedef struct worker {
  uint64_t begin, end, since;
} worker;

typedef struct node {
  const load *load;
  double slowness; /* by which its tasks take longer */
  uint32_t ranks, idle;
  worker *workers;
  uint64_t *ends; /* when each worker is through its share; NEVER: it is idle */
  uint64_t next;  /* the earliest of them */
  furrow__pace pace;

  pile own, *from;   /* workers draw from `from`: their own, or on rank 0's node the deck */
  uint64_t divisor;  /* deck only: ranks of all nodes */
  uint64_t lot;      /* of the last one: units */
  uint64_t finished; /* units; as of the last time that each worker was looked at */
  pile coming, back; /* a lot, or what it gives back, while that is under way */
  pile *done;        /* where to note which units were run here, or NULL */
} node;

bool node_make(node *made, const load *of, uint32_t ranks, double slowness);
void node_clear(node *cleared);

/* Units that are dealt to the workers in equal shares, at the start. */
void node_begin(node *of, furrow__span first, uint64_t now);

/* The lot that was coming arrives in the node's pile, and idle workers draw from it. */
void node_deal(node *of, uint64_t now);

/* Let those whose share has ended by now find another one. */
void node_run(node *of, uint64_t now);

/* Idle workers look again for something to do: there may be new units in the deck. */
void node_wake(node *of, uint64_t now);

/* Units that no worker has claimed yet, in the pile and in the shares; brings `finished` up to date. */
uint64_t node_left(node *of, uint64_t now);

/* Take back half of what is not claimed: the pile first, then the back halves of shares, in at most so many spans. */
void node_give_back(node *of, pile *to, uint32_t spans, uint64_t now);

#endif
