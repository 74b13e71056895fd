/* The communicators of a pool, and all that is sent over them. The only place that calls MPI. Knows ranks and bytes;
   does not know tasks, shared memory or queues.

   Every call here is nonblocking underneath: it waits asleep for ranks that have not come, and drives transfers that
   are under way. All return FURROW_OK or FURROW_E_MPI, after which the communicators are good for nothing.

   A collective call can't be cancelled. One that was given up, because a node was silent, ends after all if that node only
   slept: MPI then writes where it was told to, whoever owns that memory by then. So what is small, and all that stands on a
   caller's stack, travels by way of a desk that stays; and what a caller brings itself it keeps: furrow__comm_free_buffer(). */
#ifndef FURROW_COMM_COMM_H
#define FURROW_COMM_COMM_H

#include <mpi.h>
#include <stdatomic.h>

#include "furrow/status.h"
#include "plan/leaves.h"
#include "plan/meet.h"
#include "plan/settings.h"

enum { FURROW__DESK = 16 << 10 }; /* bytes */

typedef struct furrow__comm {
  MPI_Comm all;     /* our duplicate; MPI_COMM_NULL: there is none */
  MPI_Comm node;    /* the ranks of this node */
  MPI_Comm leaders; /* the first rank of each node; MPI_COMM_NULL on the others */
  MPI_Comm mail;    /* the same for letters; MPI_COMM_NULL where there is one node, or on the others */
  int rank, size;
  int node_rank, node_size;
  int node_index, nodes;
  int ranks_before;          /* on the nodes before this one */
  int *node_sizes;           /* rank 0: of each node */
  bool threads;              /* every rank may call MPI from several threads at a time */
  const atomic_bool *broken; /* NULL, or a word that tells that another part of the library has given up on MPI */
  bool lost;                 /* a call was given up */
  bool crowded;              /* more ranks than cores here: waits yield */
  uint64_t deadline;         /* on the clock: whoever waits gives up then; 0: never */
  int *counts;               /* rank 0: room for the counts and displacements of a collective call */
  uint64_t messages;         /* communication calls started */
  uint64_t sleeps;
  _Alignas(16) char desk[FURROW__DESK]; /* of the one call under way */
} furrow__comm;

/* The most bytes in one transfer. */
enum { FURROW__TRANSFER = 64 << 20 };

/* Initialise MPI unless somebody has; *ours tells whether this call did. */
furrow_status furrow__mpi_start(int *argc, char ***argv, bool *ours);
void furrow__mpi_finish(void);
bool furrow__mpi_is_up(void);
bool furrow__mpi_is_intracomm(MPI_Comm comm);

/* No ranks but this one. */
furrow__comm furrow__comm_none(void);

/* Duplicate the user's communicator, then find the nodes. Collective on it. The first may also return FURROW_E_NOMEM,
   on this rank alone, with a communicator that serves to tell the others. */
furrow_status furrow__comm_create(furrow__comm *comm, MPI_Comm user);
furrow_status furrow__comm_find_nodes(furrow__comm *comm);
void furrow__comm_free(furrow__comm *comm);

/* Wait for a request: asleep if it takes long, or, to drive a transfer that all ranks take part in, without sleeping.
   */
furrow_status furrow__comm_wait(furrow__comm *comm, MPI_Request *request);
furrow_status furrow__comm_drive(furrow__comm *comm, MPI_Request *request);

/* Whether a call was given up, here or by another part of the library: MPI may use what calls were given, until the process
   ends. The communicators must not be freed then, nor the memory that they are in. */
bool furrow__comm_is_lost(const furrow__comm *comm);

/* Free memory that calls were given, or keep it for ever if one was given up. */
void furrow__comm_free_buffer(const furrow__comm *comm, void *buffer);

/* Whether the deadline has passed. */
bool furrow__comm_is_late(const furrow__comm *comm);

/* Let MPI make progress on whatever this process has under way. For waits outside MPI: another rank may be on its way here
   through a receive that needs our help. */
void furrow__comm_poke(furrow__comm *comm);

/* Bitwise or, and maximum, of `n` words, which fit on the desk, for everybody. */
furrow_status furrow__comm_or(furrow__comm *comm, MPI_Comm over, uint64_t *words, int n);
furrow_status furrow__comm_max(furrow__comm *comm, MPI_Comm over, uint64_t *words, int n);

/* Bytes of `root` of `over` to all of it; any size. Here and below: what does not fit on the desk is given to MPI where it
   stands, and must be freed as a buffer. */
furrow_status furrow__comm_bcast(furrow__comm *comm, MPI_Comm over, int root, void *data, size_t size);

/* `size` bytes of every rank of `over` side by side in `all` on its rank 0. `size` must be small. */
furrow_status furrow__comm_gather_records(furrow__comm *comm, MPI_Comm over, const void *mine, void *all, size_t size);

/* Compare the calls of all ranks of `over`, each of which brings those of `n` ranks, `stride` bytes apart: *same tells
   whether all make the same call and nothing is wrong. Rank 0's settings reach all. */
furrow_status furrow__comm_compare(furrow__comm *comm, MPI_Comm over, const furrow__call *calls, size_t stride, int n,
                                   furrow__settings *settings, bool *same);

/* If they are not: find out why, all ranks together. `error`, which holds this rank's own failure if call->status says so,
   becomes the same on every rank. */
furrow_status furrow__comm_find_culprit(furrow__comm *comm, const furrow__call *call, const char *host,
                                        furrow_error *error);

/* The worst of the errors of all ranks of `over`, for everybody; the lowest rank's if there are several. */
furrow_status furrow__comm_verdict(furrow__comm *comm, MPI_Comm over, furrow_error *error);

/* Some units of an array on rank 0, in equal blocks: one to each rank, which finds its own in `mine`; and back. Rank 0
   uses the array itself. Every rank is here when data moves. */
typedef struct furrow__deal {
  const char *from; /* rank 0, to scatter: of all tasks */
  char *into;       /* rank 0, to gather: of all tasks */
  char *mine;       /* other ranks: of this block */
  size_t size;      /* of one task's bytes; 0: nothing moves */
  furrow__units units;
  furrow__span dealt; /* of units */
} furrow__deal;

/* The units of rank `r`. */
furrow__span furrow__deal_block(const furrow__comm *comm, const furrow__deal *deal, int r);

furrow_status furrow__comm_scatter(furrow__comm *comm, const furrow__deal *deal);
furrow_status furrow__comm_gather(furrow__comm *comm, const furrow__deal *deal);

/* A rank of `over` deals with one other at a time: until it calls, that one waits asleep. */
furrow_status furrow__comm_call(furrow__comm *comm, MPI_Comm over, int rank);
furrow_status furrow__comm_await_call(furrow__comm *comm, MPI_Comm over, int caller);

/* One rank of `over` to another, any size; both are talking. */
furrow_status furrow__comm_send(furrow__comm *comm, MPI_Comm over, const void *data, size_t size, int to);
furrow_status furrow__comm_receive(furrow__comm *comm, MPI_Comm over, void *data, size_t size, int from);

#endif
