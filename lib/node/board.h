/* What stands in a node's shared memory: two meeting records, each worker's share, rings and counts, then the data
   area. One cache line has one writer. Knows the words; does not know operations, who waits for whom, or MPI. */
#ifndef FURROW_NODE_BOARD_H
#define FURROW_NODE_BOARD_H

#include "furrow/status.h"
#include "node/arena.h"
#include "node/gate.h"
#include "node/range.h"
#include "plan/layout.h"
#include "plan/meet.h"
#include "plan/settings.h"

/* What one rank brings to a meeting. */
typedef struct furrow__seat {
  _Alignas(64) furrow__call call;
  furrow_error error; /* its own failure, if the call's status or the record's `failer` says so */
} furrow__seat;

/* One meeting. Two records alternate: a rank that writes into one for operation s + 2 has left the meeting of s + 1,
   to which everyone came after being done with s. */
typedef struct furrow__record {
  _Alignas(64) _Atomic uint64_t arrived; /* ranks, over all meetings here */
  _Alignas(64) furrow__gate here;  /* the operation's number, once all of this node have come, if there are others */
  _Alignas(64) furrow__gate start; /* the operation's number, once the verdict stands */
  bool differ;                     /* the verdict is still to be found, by messages */
  furrow__settings settings;       /* rank 0's */
  furrow__layout layout;           /* of the node's first rank */
  _Alignas(64) _Atomic uint32_t resting; /* ranks that find nothing to do; all of them: no work is left, for good. Where
                                            there are other nodes, plus FURROW__OTHERS_HUNGRY */
  _Alignas(64) furrow__gate news;        /* changes when work came back, and when all rest */
  _Alignas(64) _Atomic uint64_t left;    /* ranks that have finished, where that is not the end */
  _Alignas(64) furrow__gate end;         /* the operation's number, once all have */
  _Alignas(
      64) _Atomic uint32_t failer;   /* 1 + the rank of the node whose failure counts; 0: none. Read at every claim */
  _Atomic uint32_t over;             /* 1 once the courier says so: then the outcome stands */
  _Alignas(64) furrow_error verdict; /* of the start */
  furrow_error outcome;              /* where there are other nodes: of the work, then of the end */
} furrow__record;

/* Added to `resting` while this node is asked to give work to others: its workers look up from their claims. */
enum { FURROW__OTHERS_HUNGRY = 1 << 30, FURROW__ANOTHER_NODE = INT32_MAX /* as a failer */ };

/* Units for whoever of the node draws them, where there are several nodes. Only the courier fills them, when empty. */
typedef struct furrow__pile {
  furrow__range_word units;
  _Atomic uint32_t share; /* a worker's; 0: these are still rank 0's deck, and other nodes' too */
} furrow__pile;

enum { FURROW__PILES = 2 };

/* A piece of the items or results array, on its way. */
typedef struct furrow__piece {
  uint64_t offset, length; /* in the array, in bytes */
} furrow__piece;

/* A worker's rings. `posted` and `asked` are the worker's, `taken` and `served` are the server's. */
typedef struct furrow__rings {
  _Alignas(64) furrow__gate posted; /* result blocks, in all */
  furrow__piece block[FURROW__RESULT_BLOCKS];
  _Alignas(64) _Atomic uint32_t asked; /* item pieces, in all */
  furrow__piece slot[FURROW__ITEM_SLOTS];
  _Alignas(64) furrow__gate taken;
  _Alignas(64) furrow__gate served;
} furrow__rings;

/* A worker's counts. */
typedef struct furrow__done {
  _Alignas(64) _Atomic uint64_t tasks; /* run, for progress */
  _Atomic uint64_t settled;            /* of these, those whose results have been posted */
} furrow__done;

enum { FURROW__WHY_SIZE = 128 };

typedef struct furrow__board {
  furrow__arena arena;
  int ranks;
  /* Where things stand in the arena: */
  furrow__record *records; /* 2 */
  furrow__seat *seats;     /* 2 * ranks */
  char (*hosts)[FURROW_HOST_SIZE];
  furrow__range_word *ranges;
  furrow__steals *steals;
  furrow__pile *piles; /* FURROW__PILES */
  furrow__done *done;
  furrow__rings *rings;
  _Atomic uint64_t *mailbox; /* a bit a worker: something has been posted or asked */
  furrow__gate *bell;        /* rings when a worker must not be kept waiting */
  atomic_bool *broken;       /* communication broke on some rank: nobody will meet any more */
  char *why;                 /* FURROW__WHY_SIZE bytes: the reason, if it was found between nodes; else "" */
  char *data;
} furrow__board;

/* Bytes of all that stands before the data area. */
size_t furrow__board_fixed_size(int ranks);

/* Find everything in an arena, which starts as zero bytes. */
void furrow__board_lay_out(furrow__board *board, furrow__arena arena, int ranks);

/* Bytes of the data area now, and if grown to the limit. */
size_t furrow__board_room(const furrow__board *board);
size_t furrow__board_most_room(const furrow__board *board);

/* Empty all piles, rings and counts, and deal `units` in equal blocks. On the node's first rank, while no other is in an
   operation. */
void furrow__board_reset(furrow__board *board, uint32_t units);

/* Sum of the workers' finished tasks; of those whose results have been posted. */
uint64_t furrow__board_done(const furrow__board *board);
uint64_t furrow__board_settled(const furrow__board *board);

/* Units that nobody has claimed; where others draw from the same piles, of their own shares only. */
uint64_t furrow__board_unclaimed(const furrow__board *board);

/* Tell the server that worker `w` has posted or asked; `now`: and that it waits. */
void furrow__board_notify(furrow__board *board, int w, bool now);

#endif
