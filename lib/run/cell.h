/* What a rank and its child share, while tasks run in the child. Knows words; does not know what they mean to the operation.

   The child claims from the rank's own share and computes; the rank does all else: it is the one that outlives the tasks, so
   whatever is posted, settled, merged or stolen is its own doing, and nothing is left half done when the child is killed at
   any instruction. Each word has one writer, but for those that the rank changes while the child waits for an answer, or is
   dead, and for `extra`, which the rank sets then, and the child clears.

   A stream's items go by number, and numbers come back; so `at` tells the item's index in the stream. What of it is finished
   stands before `written`, each a furrow__packed; one whose bytes stand in the file says so by `far`, their number. Parts of results stand before `sent`: the rank looks at `written` first, so it posts what a
   task has sent before its result.

   What is in hand when a child dies: `extra`, if there is one; else the unit `claimed`, if the share shows that it was taken
   (its begin moves by claims only). The child forgets both only after the last task. Which task: `at`; it ran if `task` says
   so; it is finished if it stands in the room, from `room` to `end` (a map), or if its leaf is the last in the ring (a
   reduction). */
#ifndef FURROW_RUN_CELL_H
#define FURROW_RUN_CELL_H

#include "node/child.h"
#include "node/gate.h"
#include "plan/leaves.h"
#include "plan/retry.h"

/* What a child waits for. */
typedef enum furrow__need {
  FURROW__NEED_NOTHING,
  FURROW__NEED_UNITS,   /* its share is empty, and so is `extra` */
  FURROW__NEED_ITEMS,   /* of the task `at` */
  FURROW__NEED_ROOM,    /* for its result, or, if the ring is full, for another leaf */
  FURROW__NEED_SENDING, /* of the parts it has sent, so that there is room for more */
  FURROW__NEED_VERDICT, /* its function failed; `code` and `message` say how */
  FURROW__NEED_PITY,    /* worker_begin failed; `message` says how */
} furrow__need;

typedef enum furrow__verdict {
  FURROW__VERDICT_GO_ON, /* with what comes next */
  FURROW__VERDICT_AGAIN, /* fold the leaf again, without what has failed for good */
} furrow__verdict;

typedef struct furrow__cell {
  furrow__child_note note;
  /* The child's: */
  _Alignas(64) furrow__gate asks; /* changes when it needs something, or half of the ring is full */
  _Atomic uint32_t need;
  _Atomic uint32_t ready;   /* worker_begin is over */
  _Atomic uint64_t claimed; /* 1 + the number of the unit; 0: none */
  _Atomic uint64_t at;      /* FURROW__AT_NOTHING: no task of the unit yet */
  _Atomic uint64_t task;    /* 1 + the task that runs; 0: none */
  _Atomic uint64_t started; /* when, if there is a deadline */
  _Atomic uint64_t end;     /* of a map: the finished results in the room end here */
  _Atomic uint32_t leaves;  /* of a reduction: put into the ring, in all */
  _Atomic uint64_t written; /* of a stream: bytes of finished results, each a furrow__packed */
  _Atomic uint32_t
      filed; /* of a stream: the last of them stands in `file`; until the rank has posted it there is no other */
  _Atomic uint64_t sent; /* of a stream: bytes of parts, each a furrow__packed */
  int code;
  bool told; /* with it: that nobody waits for the task */
  char message[FURROW_MESSAGE_SIZE];
  /* The rank's: */
  _Alignas(64) furrow__gate answers;
  _Atomic uint32_t quit;   /* after the task that runs */
  _Atomic uint32_t merged; /* leaves taken out of the ring, in all */
  furrow__verdict verdict;
  _Atomic uint64_t extra_begin, extra_end; /* to be run before the share: tasks of a map, or one leaf; not less: none */
  uint64_t tries;                          /* of it: entries in the list */
  furrow__span items_of;
  const char *items; /* of the first of these */
  uint64_t room;     /* of a map: the task whose result stands first in the results */
  /* Behind it: */
  furrow__tried *tried;
  char *results; /* of a map: `room_tasks` of them; of a stream: `written_most` bytes */
  uint64_t room_tasks;
  size_t written_most;
  int file;    /* of a stream: 1 + the number of a file for a large result; 0: there is none */
  char *parts; /* of a stream: `sent_most` bytes */
  size_t sent_most;
  uint64_t *ring;     /* of a reduction: `ring_size` leaves, twice their number, plus 1 if tasks were left out */
  char *accumulators; /* and theirs, `stride` bytes apart */
  size_t stride;
  uint32_t ring_size;
  size_t size; /* of all */
} furrow__cell;

static const uint64_t FURROW__AT_NOTHING = UINT64_MAX;

/* For one operation: a map of `room` tasks, or a reduction if that is 0. NULL: no memory. */
furrow__cell *furrow__cell_create(uint64_t most_tries, size_t result_size, uint64_t room);
furrow__cell *furrow__cell_create_for_stream(void);
void furrow__cell_destroy(furrow__cell *cell);

static inline char *furrow__cell_accumulator(const furrow__cell *cell, uint32_t leaf) {
  return cell->accumulators + leaf % cell->ring_size * cell->stride;
}

/* Empty, or as it was, or as it is set, at any instruction. */
static inline furrow__span furrow__cell_extra(const furrow__cell *cell) {
  return (furrow__span){atomic_load(&cell->extra_begin), atomic_load(&cell->extra_end)};
}

static inline void furrow__cell_set_extra(furrow__cell *cell, furrow__span extra) {
  atomic_store(&cell->extra_end, 0);
  atomic_store(&cell->extra_begin, extra.begin);
  atomic_store(&cell->extra_end, extra.end);
}

static inline bool furrow__cell_has_extra(const furrow__cell *cell) {
  furrow__span extra = furrow__cell_extra(cell);
  return extra.begin < extra.end;
}

#endif
