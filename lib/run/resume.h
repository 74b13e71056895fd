/* An operation and its journal, on rank 0: what of it earlier runs of the program have finished, and where this one's goes.
   Knows the operation; does not know who computes what is left. */
#ifndef FURROW_RUN_RESUME_H
#define FURROW_RUN_RESUME_H

#include "journal/journal.h"
#include "run/pool.h"
#include "run/reduction.h"
#include "run/work.h"

typedef struct furrow__resume {
  furrow__journal *journal; /* of the last operation that had one: kept open, and locked, as long as its path is used */
  char *path;
  bool begun;                 /* there is an operation */
  furrow__stretch *stretches; /* what is left of it */
  furrow__reduction restored; /* of a reduction: what is finished */
} furrow__resume;

/* Begin an operation in the journal of work->options.journal. What is left to do is in work->todo then; finished results
   stand in the caller's array, and in its `done`; finished accumulators are restored. Else nothing has begun, and `message`
   (FURROW_MESSAGE_SIZE bytes) says why. */
furrow_status furrow__resume_begin(furrow__resume *resume, furrow__work *work, uint64_t number, char *message);

/* Hand over the accumulators that were restored, to a reduction that has none. */
void furrow__resume_hand_over(furrow__resume *resume, furrow__reduction *reduction);

/* The operation is over. Returns whether everything that was appended is on the disk. */
furrow_status furrow__resume_end(furrow__resume *resume);

void furrow__resume_close(furrow__resume *resume);

#endif
