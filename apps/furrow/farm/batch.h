/* What the source and the sink of the farm's stream share, on rank 0. One thread calls both. */
#ifndef FARM_BATCH_H
#define FARM_BATCH_H

#include "done.h"
#include "farm.h"
#include "gauge.h"
#include "joblog.h"
#include "median.h"
#include "order.h"
#include "outcome.h"
#include "tally.h"

typedef enum ending {
  ENDING_NOT,
  ENDING_SOON, /* nothing new; what runs may end */
  ENDING_NOW,  /* what runs is not waited for */
} ending;

struct batch {
  const settings *wanted;
  inputs *in;
  done have; /* by the joblog */
  joblog log;
  order *order; /* NULL: without --keep-order */
  tally tally;
  median times; /* of commands that succeeded */
  gauge gauge;
  ending ending;
  bool exhausted; /* the input is */
  double stopped; /* when a command was ended by a signal to the farm first; the clock's seconds; 0: none */
  bool broken;    /* something failed that is no command: exit with 255 */
  bool told;      /* once: the joblog is of other commands */
  int slots, nodes;
  uint64_t sequence; /* of the last set that was read */
  uint64_t sets;     /* so many were, */
  uint64_t blank;    /* and so many that are none, with --no-run-if-empty */
  uint64_t running;  /* commands handed out and not back */
  double next_start; /* --delay; the clock's seconds */
  double input_wait; /* how long the last pause for a pipe was to be */
  job *job;          /* the last one handed out */
  size_t job_room;
};

/* The clock's seconds. */
double batch_now(void);

/* "furrow farm: " and these four on standard error; of a text, a command, of megabytes only its beginning. */
void batch_say(const char *before, const char *text, const char *after, const char *why);

/* Says it on standard error, and lets the farm end. Commands that run go on: their output is not lost. */
void batch_break(batch *all, const char *format, ...) FURROW_PRINTF(2, 3);

/* Takes notice of signals, and shows how far the farm is. */
void batch_look(batch *all);

/* How many commands may be under way at once. */
uint64_t batch_limit(const batch *all);

/* report.c: prints what --keep-order has held back, `last`: also behind commands that have not ended. False, with errno. */
bool report_held(batch *all, bool last);

#endif
