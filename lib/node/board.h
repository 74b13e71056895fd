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
  _Alignas(64) furrow__gate start;       /* the operation's number, once the verdict stands */
  furrow__settings settings;             /* rank 0's */
  furrow__layout layout;                 /* rank 0's */
  _Alignas(64) _Atomic uint32_t resting; /* ranks that find nothing to do; all of them: no work is left, for good */
  _Alignas(64) furrow__gate news;        /* changes when work came back, and when all rest */
  _Alignas(64) _Atomic uint64_t left;    /* ranks that have finished, where a reduction goes on after the work */
  _Alignas(64) furrow__gate end;         /* the operation's number, once all have */
  _Alignas(64) _Atomic uint32_t failer;  /* 1 + the rank whose failure counts; 0: none. Read at every claim */
  _Alignas(64) furrow_error verdict;     /* of the start, then of the end */
} furrow__record;

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

/* A worker's count of finished tasks, for progress. */
typedef struct furrow__done {
  _Alignas(64) _Atomic uint64_t tasks;
} furrow__done;

typedef struct furrow__board {
  furrow__arena arena;
  int ranks;
  /* Where things stand in the arena: */
  furrow__record *records; /* 2 */
  furrow__seat *seats;     /* 2 * ranks */
  char (*hosts)[FURROW_HOST_SIZE];
  furrow__range_word *ranges;
  furrow__steals *steals;
  furrow__done *done;
  furrow__rings *rings;
  _Atomic uint64_t *mailbox; /* a bit a worker: something has been posted or asked */
  furrow__gate *bell;        /* rings when a worker must not be kept waiting */
  atomic_bool *broken;       /* communication broke on some rank: nobody will meet any more */
  char *data;
} furrow__board;

/* Bytes of all that stands before the data area. */
size_t furrow__board_fixed_size(int ranks);

/* Find everything in an arena, which starts as zero bytes. */
void furrow__board_lay_out(furrow__board *board, furrow__arena arena, int ranks);

/* Bytes of the data area now, and if grown to the limit. */
size_t furrow__board_room(const furrow__board *board);
size_t furrow__board_most_room(const furrow__board *board);

/* Empty all rings and counts, and deal `units` in equal blocks. On rank 0, while no other rank is in an operation. */
void furrow__board_reset(furrow__board *board, uint32_t units);

/* Sum of the workers' finished tasks. */
uint64_t furrow__board_done(const furrow__board *board);

/* Tell the server that worker `w` has posted or asked; `now`: and that it waits. */
void furrow__board_notify(furrow__board *board, int w, bool now);

#endif
