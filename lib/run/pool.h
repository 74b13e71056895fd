/* The pool, as the upper floors see it. */
#ifndef FURROW_RUN_POOL_H
#define FURROW_RUN_POOL_H

#include "comm/comm.h"
#include "furrow/metrics.h"
#include "furrow/pool.h"
#include "node/board.h"
#include "node/stop.h"
#include "plan/settings.h"

typedef struct furrow__server furrow__server;
typedef struct furrow__courier furrow__courier;
typedef struct furrow__ledger furrow__ledger;
typedef struct furrow__lead furrow__lead;
typedef struct furrow__shelf furrow__shelf;

struct furrow_pool {
  furrow__comm comm;
  furrow__board board;      /* without memory (arena.base NULL): there is none, and everything is static */
  furrow__server *server;   /* the progress thread of a node's first rank, once one was needed */
  furrow__courier *courier; /* on the first ranks of the nodes of a pool that spans several, with boards */
  furrow__ledger *ledger;   /* on rank 0, once an operation was guarded */
  bool guarded;             /* the operation under way is */
  bool forks;               /* other threads of this rank do, at any time: the one that called looks not after MPI */
  atomic_bool stoppable;    /* SIGUSR1 stops it */
  furrow__stop_watch stop;
  furrow__patience patience;
  int cores; /* that the ranks of this node may run on */
  furrow__defaults defaults;
  furrow_error error;        /* of the last operation */
  furrow_status broken;      /* unless FURROW_OK: every operation returns this, and `error` says why for ever */
  atomic_bool busy;          /* user's functions run: the pool takes no other operation */
  atomic_bool told;          /* and one that was called has been refused */
  uint64_t meetings;         /* held so far */
  uint32_t own;              /* workers of this rank in the operation under way; */
  furrow__turnout all;       /* of all ranks; */
  uint32_t before;           /* on the nodes before this one. See run/roster.h */
  bool uneven;               /* not all ranks have the same number */
  furrow__turnout *turnouts; /* first ranks of several nodes: then of each node */
  uint64_t series;           /* maps and reductions so far */
  furrow_rank_metrics metrics;
  uint64_t dynamic; /* operations scheduled dynamically */
  double elapsed;   /* seconds inside operations */
  char host[FURROW_HOST_SIZE];
  char note[128];                /* why there is no board */
  char *journal;                 /* rank 0: FURROW_JOURNAL, or NULL */
  uint64_t node_timeout;         /* nanoseconds; 0: for ever */
  bool owns_mpi;                 /* furrow_init() initialised MPI */
  furrow__lead *lead;            /* rank 0: the program that leads all ranks; NULL: none */
  const furrow_error *hindrance; /* a rank that is led: why it can't join the next operation; NULL: it can */
  furrow__shelf *shelf;          /* its shares; NULL: there has been none */
};

static inline bool furrow__has_board(const furrow_pool *pool) {
  return pool->board.arena.base != NULL;
}

/* Whether units go between nodes, too. */
static inline bool furrow__spans_nodes(const furrow_pool *pool) {
  return furrow__has_board(pool) && pool->comm.nodes > 1;
}

/* Whether rank 0's side decides when the work of the operation is over: its courier, or its ledger. */
static inline bool furrow__is_led(const furrow_pool *pool) {
  return furrow__spans_nodes(pool) || pool->guarded;
}

/* Whether this rank is the first of its node. */
static inline bool furrow__is_first(const furrow_pool *pool) {
  return pool->comm.node_rank == 0;
}

static inline furrow__where furrow__here(const furrow_pool *pool) {
  return (furrow__where){pool->comm.rank, pool->host};
}

/* Record that communication broke: nothing more can be agreed. Returns FURROW_E_MPI. */
furrow_status furrow__pool_break(furrow_pool *pool, const char *what);

#endif
