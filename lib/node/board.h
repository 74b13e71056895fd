/* What stands in a node's shared memory: two meeting records, each worker's share, rings and counts, then the data
   area. One cache line has one writer. Knows the words; does not know operations, who waits for whom, or MPI.

   Each rank is one worker, or several threads of it are; worker t of rank r of the node is number r * threads + t. */
#ifndef FURROW_NODE_BOARD_H
#define FURROW_NODE_BOARD_H

#include "furrow/status.h"
#include "node/arena.h"
#include "node/gate.h"
#include "node/range.h"
#include "plan/layout.h"
#include "plan/meet.h"
#include "plan/retry.h"
#include "plan/settings.h"

/* What one rank brings to a meeting. */
typedef struct furrow__seat {
  _Alignas(64) furrow__call call;
  _Atomic uint32_t said; /* 1 once a thread of the rank has set out to fail the operation: the error is its */
  furrow_error error;    /* its own failure, if the call's status or the record's `failer` says so */
} furrow__seat;

/* Who works on a node, or on all. */
typedef struct furrow__turnout {
  uint32_t workers; /* that there are */
  uint32_t ranks;   /* that have any */
} furrow__turnout;

/* One meeting. Two records alternate: a rank that writes into one for operation s + 2 has left the meeting of s + 1,
   to which everyone came after being done with s. */
typedef struct furrow__meeting {
  _Alignas(64) _Atomic uint64_t arrived; /* ranks, over all meetings here */
  _Alignas(64) furrow__gate here;  /* the operation's number, once all of this node have come, if there are others */
  _Alignas(64) furrow__gate start; /* the operation's number, once the verdict stands */
  bool differ;                     /* the verdict is still to be found, by messages */
  furrow__settings settings;       /* rank 0's */
  furrow__layout layout;           /* of the node's first rank */
  furrow__layout second_layout;    /* the same, of another node than rank 0's where ranks have several threads */
  furrow__turnout near, all;       /* if ranks have own numbers of threads: on this node, and in all; */
  uint32_t before;                 /* and workers on the nodes before this one */
  _Alignas(
      64) _Atomic uint32_t resting;   /* workers that find nothing to do; all of them: no work is left, for good. Where
                                            there are other nodes, plus FURROW__OTHERS_HUNGRY */
  _Alignas(64) furrow__gate news;     /* changes when work came back, and when all rest */
  _Alignas(64) _Atomic uint64_t left; /* ranks that have finished, where that is not the end */
  _Alignas(64) furrow__gate end;      /* the operation's number, once all have */
  _Alignas(64) _Atomic uint64_t through; /* ranks that have left the work, if it is led by rank 0's ledger */
  furrow__gate all_through;              /* the operation's number, once all have */
  _Alignas(
      64) _Atomic uint32_t failer;    /* 1 + the rank of the node whose failure counts; 0: none. Read at every claim */
  _Atomic uint32_t over;              /* 1 once the courier or the ledger says so: then the outcome stands */
  bool complete;                      /* with it: all tasks have been run, though some may have failed */
  _Alignas(64) furrow__gate turn;     /* of a stream: changes when rank 0's calling thread has something to do */
  _Atomic uint32_t eager;             /* and it wants to know of every result */
  _Alignas(64) _Atomic uint64_t word; /* of a stream: what rank 0 has told its tasks last */
  _Alignas(64) furrow_error verdict;  /* of the start */
  furrow_error outcome;               /* where there are other nodes or a ledger: of the work, then of the end */
} furrow__meeting;

/* Added to `resting` while this node is asked to give work to others: its workers look up from their claims. */
enum { FURROW__OTHERS_HUNGRY = 1 << 30, FURROW__ANOTHER_NODE = INT32_MAX /* as a failer */ };

/* The same once a led operation is to stop. */
enum { FURROW__STOPPED = 1 << 29 };

/* Units for whoever of the node draws them, where there are several nodes. Only the courier fills them, when empty. */
typedef struct furrow__pile {
  furrow__range_word units;
  _Atomic uint32_t share; /* a worker's; 0: these are still rank 0's deck, and other nodes' too */
} furrow__pile;

enum {
  FURROW__PILES = 3,
  FURROW__STREAM_PILES = 2, /* of these, rank 0's calling thread fills the first ones in a stream */
};

/* A piece of the items array, on its way. */
typedef struct furrow__piece {
  uint64_t offset, length; /* in the array, in bytes */
} furrow__piece;

/* What a block brings to rank 0. */
typedef enum furrow__post_kind {
  FURROW__POST_RESULTS, /* of tasks; the address is a byte offset in the array */
  FURROW__POST_FAILURE, /* a furrow__failed */
  FURROW__POST_RETRY,   /* a furrow__retry */
  FURROW__POST_NODE,    /* an accumulator: of the node (first, count) of the tree of leaves */
  FURROW__POST_STREAM,  /* bytes for the collector of the node, not for the server */
  FURROW__POST_PACKED,  /* `count` results of a stream, each a furrow__packed */
  FURROW__POST_PART,    /* bytes that the task of item `first` has sent before its result */
} furrow__post_kind;

/* The bytes of a block. What is too long for one comes in several, in order. */
typedef struct furrow__post {
  uint64_t offset, length; /* in the results array, or in the whole that they are a part of */
  uint64_t first, count;   /* tasks that are finished with this; a node's index and level */
  int32_t worker;          /* of the pool: whose it is */
  uint16_t kind;
  uint16_t last; /* 1: the whole is complete */
} furrow__post;

/* A worker's rings. `posted` and `asked` are the worker's, `taken` and `served` are the server's. */
typedef struct furrow__rings {
  _Alignas(64) furrow__gate posted; /* result blocks, in all */
  furrow__post block[FURROW__RESULT_BLOCKS];
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

/* Failed tasks, to be tried again by any rank of the node but one. A slot's word is FREE, TAKEN, or tells which rank may not
   take it. Rank 0's side fills free slots; a worker takes one by a compare-and-swap, copies it, and frees it. */
typedef struct furrow__retries {
  _Alignas(64) _Atomic uint32_t words[FURROW__RETRY_SLOTS];
  furrow__retry slots[FURROW__RETRY_SLOTS];
} furrow__retries;

enum { FURROW__WHY_SIZE = 128 };

typedef struct furrow__board {
  furrow__arena arena;
  int ranks;
  int threads, workers; /* of each rank, and of all, in the operation under way, so far as there is room for them */
  int present;          /* of these, those that there are: all, but where ranks have own numbers of threads */
  /* Where things stand in the arena: */
  furrow__meeting *records; /* 2 */
  furrow__seat *seats;      /* 2 * ranks */
  char (*hosts)[FURROW_HOST_SIZE];
  furrow__range_word *ranges;
  furrow__steals *steals;
  furrow__pile *piles; /* FURROW__PILES */
  furrow__done *done;
  furrow__rings *rings;
  furrow__retries *retries;
  _Atomic uint64_t *mailbox; /* a bit a worker: something has been posted or asked */
  furrow__gate *bell;        /* rings when a worker must not be kept waiting */
  atomic_bool *broken;       /* communication broke on some rank: nobody will meet any more */
  char *why;                 /* FURROW__WHY_SIZE bytes: the reason, if it was found between nodes; else "" */
  size_t pages_begin;        /* of a stream's items in the arena, on the node's first rank */
  char *data;                /* behind what stands at its begin for several threads a rank */
} furrow__board;

/* Bytes of all that stands before the data area. */
size_t furrow__board_fixed_size(int ranks);

/* Find everything in an arena, which starts as zero bytes. */
void furrow__board_lay_out(furrow__board *board, furrow__arena arena, int ranks);

/* Bytes that an arena must have for so many threads a rank: with the least of a data area. */
size_t furrow__board_least_size(int ranks, int threads);

/* Have so many threads a rank from now on. Each process finds things so for itself; none that reads the board in another
   thread may be in an operation. For more than one thread the arena has the least size, of which the node's first rank
   has made sure. */
void furrow__board_set_threads(furrow__board *board, int threads);

/* Bytes of the data area now, and if grown to the limit. */
size_t furrow__board_room(const furrow__board *board);
size_t furrow__board_most_room(const furrow__board *board);

/* Empty all piles, rings and counts, and deal `units` in equal blocks to all workers. On the node's first rank, while no
   other is in an operation. */
void furrow__board_reset(furrow__board *board, uint32_t units);

/* Sum of the workers' finished tasks; of those whose results have been posted. */
uint64_t furrow__board_done(const furrow__board *board);
uint64_t furrow__board_settled(const furrow__board *board);

/* Units that nobody has claimed; where others draw from the same piles, of their own shares only. */
uint64_t furrow__board_unclaimed(const furrow__board *board);

/* Offer a retry to the ranks of the node. False: no slot is free. One thread at a time. */
bool furrow__board_offer(furrow__board *board, const furrow__retry *retry);

/* Take one that rank `me` of the pool may run. */
bool furrow__board_take_retry(furrow__board *board, int me, furrow__retry *retry);

/* Tell the server that worker `w` has posted or asked; `now`: and that it waits. */
void furrow__board_notify(furrow__board *board, int w, bool now);

#endif
