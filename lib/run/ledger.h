/* Rank 0's book of a guarded operation: which tasks are finished, which failed, what is to be tried again, and what the
   whole came to. Fed with what workers post; keeps the journal. Knows tasks and failures; does not know who moves bytes.

   Several threads of rank 0 use it; each call takes its lock. */
#ifndef FURROW_RUN_LEDGER_H
#define FURROW_RUN_LEDGER_H

#include "furrow/failure.h"
#include "journal/journal.h"
#include "run/pool.h"
#include "run/reduction.h"
#include "run/work.h"

/* Open it for an operation, before the meeting, with work->settings; find what a journal has of it already: what is left to
   do is in work->todo then. What is wrong is in `call`. */
void furrow__ledger_open(furrow_pool *pool, furrow__work *work, furrow__call *call);

/* All ranks have met: the operation has begun. */
void furrow__ledger_begin(furrow__ledger *ledger);

/* What a worker of this node has posted, or one from `far`: the bytes of one block. False: there is no room for it before the
   sink has had more; then the bell rings. What the worker posts next must wait behind it. */
bool furrow__ledger_take(furrow__ledger *ledger, const furrow__post *post, const char *bytes, bool far);

/* In a pool of one node: offer retries that are due, and close the work when `settled` says that it is done, or when it
   is to stop. Returns after how many nanoseconds to come back, or 0 for when there is news. */
uint64_t furrow__ledger_act(furrow__ledger *ledger, uint64_t settled);

/* Of a stream: all is done once so many items are settled; or the sink has seen enough: what is under way is dropped; or the
   operation ends with an error. */
void furrow__ledger_expect(furrow__ledger *ledger, uint64_t items);
uint64_t furrow__ledger_expected(furrow__ledger *ledger);                        /* UINT64_MAX: not known yet */
void furrow__ledger_count(furrow__ledger *ledger, const furrow__failed *failed); /* the sink has had this failure */
void furrow__ledger_have_enough(furrow__ledger *ledger);
void furrow__ledger_fail(furrow__ledger *ledger, const furrow_error *error);

/* For the courier of rank 0: the next retry that is due, if any. */
bool furrow__ledger_next_retry(furrow__ledger *ledger, furrow__retry *retry);
void furrow__ledger_put_back(furrow__ledger *ledger, const furrow__retry *retry);

/* Whether all is to stop; then `error` says why; FURROW_OK if that is no failure. */
bool furrow__ledger_stops(furrow__ledger *ledger, furrow_error *error);

/* All is done: what that comes to, FURROW_OK or FURROW_E_TASK if tasks have failed for good. False: it can't be kept. */
bool furrow__ledger_conclude(furrow__ledger *ledger, furrow_error *error);

/* Tasks that were finished before it began. */
uint64_t furrow__ledger_before(const furrow__ledger *ledger);

/* Give the accumulators that the journal has to rank 0's reduction, which has none yet. */
void furrow__ledger_hand_over(furrow__ledger *ledger, furrow__reduction *reduction);

/* The journal, if the operation has one; and its file, or -1. */
furrow__journal *furrow__ledger_journal(const furrow__ledger *ledger);
int furrow__ledger_file(const furrow__ledger *ledger);

/* Around fork(), in the parent; and in the child, which never uses it. */
void furrow__ledger_before_fork(furrow__ledger *ledger);
void furrow__ledger_after_fork(furrow__ledger *ledger);
void furrow__ledger_leave(furrow__ledger *ledger);

/* The operation is over on rank 0; `status` is what it came to. Failures can be asked for from now on. */
furrow_status furrow__ledger_close(furrow__ledger *ledger, furrow_status status);

void furrow__ledger_free(furrow_pool *pool);

uint64_t furrow__ledger_failure_count(const furrow__ledger *ledger);
const furrow_failure *furrow__ledger_failure(const furrow__ledger *ledger, uint64_t i);

#endif
