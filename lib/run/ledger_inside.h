/* The inside of the ledger, for the files that make it up: ledger.c (from its opening to its end), ledger_take.c (what comes to
   it). Everything here is called under its lock. */
#ifndef FURROW_RUN_LEDGER_INSIDE_H
#define FURROW_RUN_LEDGER_INSIDE_H

#include <pthread.h>

#include "run/arrivals.h"
#include "run/failures.h"
#include "run/ledger.h"
#include "run/resume.h"
#include "run/retries.h"

/* What one worker sends in several blocks, until it is complete. */
typedef struct staging {
  char *bytes;
  size_t capacity;
  bool lost;              /* there was no memory for a part of it */
  furrow__packet *packet; /* the same of a large result; NULL: none, or it is lost */
} staging;

struct furrow__ledger {
  furrow_pool *pool;
  pthread_mutex_t lock;
  const furrow__work *work;
  bool active, begun, closed; /* there is an operation; all ranks have met; its work is closed */
  furrow__meeting *record;    /* of this node */
  uint64_t todo;              /* tasks; UINT64_MAX: not known yet */
  bool enough;                /* of a stream: the rest is not wanted */
  furrow__failures failures;
  furrow__failed lowest; /* of the failures, the one of the lowest task */
  furrow__retry_heap retries;
  furrow__resume resume; /* the journal, if there is one */
  furrow_error verdict;
  staging *staging; /* of each worker */
  int staged;       /* how many there are */
};

enum { LEDGER_LEFT_OUT = 2 }; /* in `done`, until it is known whether all else is in the answer */

/* The operation is to end with this; the first one counts. */
void ledger_fail(furrow__ledger *ledger, const furrow_error *error);
void ledger_fail_here(furrow__ledger *ledger, furrow_status status, const char *what);

/* It fails if its journal has. */
void ledger_check_journal(furrow__ledger *ledger);

/* The error of the failed tasks: of the lowest one, with their number and what there is to say `more`. */
void ledger_describe(const furrow__ledger *ledger, furrow_error *error, const char *more);

#endif
