/* What the doctor knows of a run, once rank 0 has heard of all ranks: plain data, filled by examine.c and the measurements,
 * judged by judge.c, shown by show_text.c and show_json.c. */
#ifndef FURROW_DOCTOR_FACTS_H
#define FURROW_DOCTOR_FACTS_H

#include <furrow.h>
#include <sched.h>

#include "common/launch.h"

enum { MOST_CORES = CPU_SETSIZE, NAME_ROOM = 64, VARIABLES_ROOM = 512 };

/* What a rank finds out about itself. It travels to rank 0 as bytes. */
typedef struct rank_facts {
  int rank, node;
  char host[FURROW_HOST_SIZE];
  uint64_t machine;      /* hosts with the same number are one machine: they share its cores */
  cpu_set_t bound;       /* the cores that it may run on; empty: not known */
  cpu_set_t allowed;     /* the cores that it could be bound to */
  cpu_set_t whole_bound; /* the same without hyper-threads: the first sibling stands for each core */
  cpu_set_t whole_allowed;
  double quota;                   /* cores' worth of time that its control group may use; 0: no limit */
  int threads;                    /* that the environment asks of each rank, or 0 */
  char threads_by[32];            /* the variable that does */
  int thread_level;               /* of MPI: MPI_THREAD_SINGLE … MPI_THREAD_MULTIPLE */
  char mpi[NAME_ROOM];            /* such as "Open MPI 4.1.4" */
  char cpu[NAME_ROOM];            /* such as "AMD EPYC" */
  uint64_t shm;                   /* size of /dev/shm, where MPI puts its own shared memory; 0: not known */
  double clock;                   /* seconds that a reading of the clock takes */
  char variables[VARIABLES_ROOM]; /* the environment's FURROW_ variables, NAME=value, a line each */
} rank_facts;

/* The worst of some pairs of ranks. */
typedef struct link_facts {
  int pairs;                      /* how many were measured; 0: not measured */
  double round_trip;              /* seconds, of 8 bytes */
  double bandwidth;               /* bytes a second, of messages of 1 MiB */
  char where[2 * NAME_ROOM + 16]; /* that pair's host or hosts */
  char transport[2 * NAME_ROOM];  /* what carries it, or "unknown" */
} link_facts;

/* How the other ranks fared while rank 0 was in one long task. */
typedef struct service_facts {
  bool measured, dynamic;
  bool threads; /* progress threads carry what goes between nodes */
  double task;  /* seconds that rank 0 computed */
  double stall; /* the longest time in which another rank had no task */
  int rank;     /* that one */
} service_facts;

typedef struct facts {
  launch launch;
  rank_facts *ranks; /* `count` of them, in order */
  int count, nodes;
  furrow_status status; /* of the pool and what was run on it */
  const char *failed;   /* the call that did, where status tells of a failure; and why */
  char error[FURROW_MESSAGE_SIZE];
  uint64_t shared_memory; /* bytes of furrow's own on rank 0's node; 0: refused */
  char shared_note[128];  /* why */
  link_facts inside, between;
  service_facts service;
  bool quick; /* measure nothing */
  double seconds;
} facts;

/* Note what failed: the call, and why. */
void facts_fail(facts *known, furrow_status status, const char *call, const char *why);

/* Number the nodes by their hosts' names, where no pool has done it. */
void facts_number_nodes(facts *known);

#endif
