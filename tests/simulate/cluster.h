/* A dynamic operation on a simulated cluster: nodes whose workers run units, and rank 0, which deals them by the real
   lib/plan/deck. Knows the messages between them and what they cost; does not know results, items or their bytes. */
#ifndef TESTS_SIMULATE_CLUSTER_H
#define TESTS_SIMULATE_CLUSTER_H

#include "furrow/rng.h"
#include "plan/deck.h"
#include "simulate/node.h"
#include "simulate/queue.h"

typedef struct cluster_settings {
  const load *load;
  int nodes;
  uint32_t ranks;   /* of a node */
  uint64_t latency; /* nanoseconds that a message is under way */
  uint64_t message; /* nanoseconds that rank 0 spends on one, received or sent */
  uint32_t spans;   /* in which a node may give units back, in one message */
  bool reduce;      /* lots end where large subtrees do */
  int slow;         /* a node that is slower than the others; -1: none */
  double slowness;  /* by which its tasks take longer */
} cluster_settings;

typedef struct cluster_result {
  uint64_t time;     /* nanoseconds until rank 0 knows that all know */
  uint64_t work;     /* nanoseconds until the last unit has ended */
  double efficiency; /* the load divided by the ranks (a slow node counts as what it can do), divided by time */
  double bound;      /* of it: no schedule is faster than the longest unit */
  double busy;       /* part of the time that rank 0 spends on messages */
  uint64_t lots;     /* dealt on request */
  uint64_t recalls;  /* of which `in_vain` brought nothing */
  uint64_t in_vain;
  uint64_t messages;   /* received and sent by rank 0 */
  uint64_t waiting;    /* most messages that waited for rank 0 at once */
  double accumulators; /* reduce: sent by a node, mean of a sample */
} cluster_result;

/* False if there is no memory. */
bool cluster_run(const cluster_settings *settings, cluster_result *result);

/* ---- between cluster.c and root.c ---- */

/* What a node's progress thread has told rank 0, and when. */
typedef struct told {
  uint64_t at, finished, poll; /* poll: when it looks next */
  bool wants, hungry;
} told;

enum { SAMPLE = 16 };

typedef struct cluster {
  const cluster_settings *settings;
  cluster_result *result;
  furrow_rng rng; /* when in their naps threads find a message */
  queue events;
  node *nodes;
  told *told;
  uint64_t last_work;
  pile ran[SAMPLE]; /* reduce: what some of the nodes have run */

  /* Rank 0. */
  furrow__deck deck;
  pile undealt;
  uint64_t finished; /* units, of all nodes, as far as it knows */
  int wanting, hungry, recalled, turn;
  uint64_t starving_since; /* somebody is hungry and nothing is left to deal; NEVER: not so */
  event *inbox;            /* a ring of `room` */
  uint64_t received, served, room;
  bool busy;
  uint64_t clock; /* until when it is busy, or since when it is idle */
} cluster;

/* When somebody who has polled since `idle`, with naps that grow, finds what arrives at `arrival`. */
uint64_t cluster_notice(cluster *c, uint64_t arrival, uint64_t idle);

void root_receive(cluster *c, const event *message);
void root_serve(cluster *c, uint64_t now);

/* Rank 0 looks at its own node, which costs no message. */
void root_look(cluster *c, uint64_t now);

#endif
