/* Sets of cores, and what ranks that run on one machine have of them. Pure. */
#ifndef FURROW_DOCTOR_CORES_H
#define FURROW_DOCTOR_CORES_H

#include "facts.h"

/* "0-3,8", cut with "..." where there is no room; "none" for the empty set. Returns text. */
char *cores_text(const cpu_set_t *cores, char *text, size_t room);

/* The ranks of one machine: usually a node, but hosts that are containers or namespaces of one machine share cores. */
typedef struct crowd {
  const char *host;         /* of its first rank */
  bool several_hosts;       /* there are others */
  int threads;              /* of all its ranks, as far as the environment asks for them; one at least for each rank */
  const char *threads_by;   /* the variable that asks for more than one; NULL: none */
  int count, *ranks;        /* indices of facts->ranks, ascending */
  cpu_set_t bound, allowed; /* of all its ranks together */
  bool known;               /* whether each rank knows its cores */
  int cores;                /* how many they could use: allowed, and within the quota */
  double quota;             /* cores' worth of time; 0: no limit */
  int own;                  /* how many ranks can run at the same time, each on a core of its own */
  int own_whole;            /* the same without hyper-threads */
  int whole, whole_bound;   /* how many cores there are without, and to how many its ranks are bound */
} crowd;

/* All crowds, in the order of their first ranks. NULL: no memory; else free by crowds_free(). */
crowd *crowds_make(const rank_facts *ranks, int count, int *crowds);
void crowds_free(crowd *crowds);

/* The first rank of a crowd with whose cores as many others make do that they are too few; -1: there is none. `sharers`:
 * how many ranks there are, with itself. */
int crowd_squeezed(const crowd *these, const rank_facts *ranks, int *sharers);

#endif
