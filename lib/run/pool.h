/* The pool, as the upper floors see it. */
#ifndef FURROW_RUN_POOL_H
#define FURROW_RUN_POOL_H

#include "comm/comm.h"
#include "furrow/metrics.h"
#include "furrow/pool.h"
#include "node/board.h"
#include "plan/settings.h"

typedef struct furrow__server furrow__server;
typedef struct furrow__courier furrow__courier;

struct furrow_pool {
  furrow__comm comm;
  furrow__board board;      /* without memory (arena.base NULL): there is none, and everything is static */
  furrow__server *server;   /* the progress thread of a node's first rank, once one was needed */
  furrow__courier *courier; /* on the first ranks of the nodes of a pool that spans several, with boards */
  furrow__patience patience;
  furrow__defaults defaults;
  furrow_error error;   /* of the last operation */
  furrow_status broken; /* unless FURROW_OK: every operation returns this, and `error` says why for ever */
  atomic_bool busy;     /* user's functions run: the pool takes no other operation */
  uint64_t meetings;    /* held so far */
  uint64_t series;      /* maps and reductions so far */
  furrow_rank_metrics metrics;
  uint64_t dynamic; /* operations scheduled dynamically */
  double elapsed;   /* seconds inside operations */
  char host[FURROW_HOST_SIZE];
  char note[128];        /* why there is no board */
  uint64_t node_timeout; /* nanoseconds; 0: for ever */
  bool owns_mpi;         /* furrow_init() initialised MPI */
};

static inline bool furrow__has_board(const furrow_pool *pool) {
  return pool->board.arena.base != NULL;
}

/* Whether units go between nodes, too. */
static inline bool furrow__spans_nodes(const furrow_pool *pool) {
  return furrow__has_board(pool) && pool->comm.nodes > 1;
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
