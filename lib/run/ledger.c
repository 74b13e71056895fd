/* One lock guards all of it: rank 0's own thread, its progress thread and the courier come here. What workers post is kept
   before the work is closed, because it is posted before it counts as settled; a task that is to be tried again is not
   settled, so the work is not closed over it. */
#include "run/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/ledger_inside.h"
#include "run/meet.h"
#include "run/stream.h"

static const uint64_t JOURNAL_NAP = 50000000; /* nanoseconds: workers post what they have done every 100 ms */

static bool have_staging(furrow__ledger *ledger, int workers) {
  if (workers <= ledger->staged) return true;
  staging *more = realloc(ledger->staging, (size_t)workers * sizeof *more);
  if (!more) return false;
  for (int i = ledger->staged; i < workers; i++) more[i] = (staging){.bytes = NULL};
  ledger->staging = more;
  ledger->staged = workers;
  return true;
}

static bool have_ledger(furrow_pool *pool) {
  if (pool->ledger) return true;
  furrow__ledger *ledger = calloc(1, sizeof *ledger);
  if (!ledger) return false;
  ledger->pool = pool;
  pthread_mutex_init(&ledger->lock, NULL);
  pool->ledger = ledger;
  return true;
}

void furrow__ledger_free(furrow_pool *pool) {
  furrow__ledger *ledger = pool->ledger;
  if (!ledger) return;
  furrow__failures_clear(&ledger->failures);
  furrow__retries_clear(&ledger->retries);
  furrow__resume_close(&ledger->resume);
  for (int i = 0; i < ledger->staged; i++) free(ledger->staging[i].bytes);
  free(ledger->staging);
  pthread_mutex_destroy(&ledger->lock);
  free(ledger);
  pool->ledger = NULL;
}

/* ---- the beginning ---- */

/* Before the meeting: other ranks may post before this one has come back from it. */
static furrow_status turn_page(furrow__ledger *ledger, furrow__work *work, char *message) {
  furrow_status status = FURROW_OK;
  pthread_mutex_lock(&ledger->lock);
  if (work->options.done) memset(work->options.done, 0, work->count);
  if (work->settings.journal) status = furrow__resume_begin(&ledger->resume, work, ledger->pool->series, message);
  ledger->work = work;
  ledger->todo = furrow__is_stream(work) ? UINT64_MAX : furrow__todo_tasks(&work->todo, &work->units);
  ledger->enough = false;
  ledger->begun = ledger->closed = false;
  ledger->lowest.task = FURROW_NO_TASK;
  furrow__error_clear(&ledger->verdict);
  ledger->active = status == FURROW_OK;
  pthread_mutex_unlock(&ledger->lock);
  return status;
}

void furrow__ledger_open(furrow_pool *pool, furrow__work *work, furrow__call *call) {
  const char *op = furrow__op_name(work->op);
  if (pool->ledger) furrow__failures_clear(&pool->ledger->failures);
  if (!work->settings.guarded || call->status != FURROW_OK) return;
  if (!furrow__has_board(pool)) {
    const char *who = furrow__is_stream(work) ? "streams" : "failure policies, isolation and the journal";
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: %s need shared memory: %s", op, who, pool->note);
  } else if (!have_ledger(pool) || !have_staging(pool->ledger, pool->comm.size * (int)work->settings.threads)) {
    furrow__call_fail(pool, call, FURROW_E_NOMEM, "%s: no memory for a ledger of its tasks", op);
  } else {
    char message[FURROW_MESSAGE_SIZE];
    furrow_status status = turn_page(pool->ledger, work, message);
    if (status != FURROW_OK) furrow__call_fail(pool, call, status, "%s: %s", op, message);
  }
}

void furrow__ledger_begin(furrow__ledger *ledger) {
  pthread_mutex_lock(&ledger->lock);
  ledger->record = furrow__record_of(ledger->pool);
  ledger->begun = true;
  bool ticks = ledger->resume.begun, alone = ledger->pool->own == 0;
  pthread_mutex_unlock(&ledger->lock);
  /* The thread has looked before, and may sleep until it is rung for: workers of other ranks may all rest by now, and rank 0 may
     have none that will. */
  if (ticks || alone) furrow__gate_bump(ledger->pool->board.bell);
}

/* ---- retries ---- */

/* One that is due by `now`. Where no other rank has workers the same one tries it again; that is known once the operation has
   begun, here, not when the first workers post. */
static bool take_due(furrow__ledger *ledger, uint64_t now, furrow__retry *retry) {
  if (!furrow__retries_take(&ledger->retries, now, retry)) return false;
  if (ledger->pool->all.ranks == 1) retry->avoid = -1;
  return true;
}

bool furrow__ledger_next_retry(furrow__ledger *ledger, furrow__retry *retry) {
  pthread_mutex_lock(&ledger->lock);
  bool due = take_due(ledger, furrow__now(), retry);
  pthread_mutex_unlock(&ledger->lock);
  return due;
}

void furrow__ledger_put_back(furrow__ledger *ledger, const furrow__retry *retry) {
  pthread_mutex_lock(&ledger->lock);
  if (!furrow__retries_add(&ledger->retries, retry))
    ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for the list of tasks to be tried again");
  pthread_mutex_unlock(&ledger->lock);
}

static const uint64_t ALL_SLOTS_FULL = 1000000; /* nanoseconds until the next look */

/* Returns nanoseconds until the next is due, or 0. */
static uint64_t offer_retries(furrow__ledger *ledger) {
  furrow__retry retry;
  bool offered = false;
  uint64_t now = furrow__now(), wait = 0;
  while (wait == 0 && take_due(ledger, now, &retry)) {
    if (furrow__board_offer(&ledger->pool->board, &retry)) {
      offered = true;
    } else {
      if (!furrow__retries_add(&ledger->retries, &retry))
        ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for the list of tasks to be tried again");
      wait = ALL_SLOTS_FULL;
    }
  }
  if (offered) furrow__gate_bump(&ledger->record->news);
  uint64_t due = furrow__retries_due(&ledger->retries);
  return wait ? wait : due == UINT64_MAX ? 0 : due > now ? due - now : 1;
}

/* ---- the end ---- */

static void look_for_stop(furrow__ledger *ledger) {
  furrow_pool *pool = ledger->pool;
  if (!pool->stoppable || !furrow__stop_asked(&pool->stop)) return;
  furrow_error error;
  furrow__interrupted(pool, &error);
  ledger_fail(ledger, &error);
}

/* When all is done. */
static void outcome(const furrow__ledger *ledger, furrow_error *error) {
  furrow__error_clear(error);
  if (ledger->failures.total > 0) ledger_describe(ledger, error, "");
}

/* False: but for that the journal is not on the disk. */
static bool conclude(furrow__ledger *ledger, furrow_error *error) {
  if (ledger->resume.begun && furrow__journal_flush(ledger->resume.journal) != FURROW_OK) ledger_check_journal(ledger);
  *error = ledger->verdict;
  if (error->status != FURROW_OK) return false;
  outcome(ledger, error);
  return true;
}

bool furrow__ledger_stops(furrow__ledger *ledger, furrow_error *error) {
  pthread_mutex_lock(&ledger->lock);
  ledger_check_journal(ledger);
  look_for_stop(ledger);
  *error = ledger->verdict;
  bool stops = ledger->enough || error->status != FURROW_OK;
  if (ledger->enough && error->status == FURROW_OK) (void)conclude(ledger, error);
  pthread_mutex_unlock(&ledger->lock);
  return stops;
}

bool furrow__ledger_conclude(furrow__ledger *ledger, furrow_error *error) {
  pthread_mutex_lock(&ledger->lock);
  bool complete = conclude(ledger, error);
  pthread_mutex_unlock(&ledger->lock);
  return complete;
}

/* Every worker must rest, since worker_begin may fail late. Whoever failed has said so before it rests. */
static void close_if_done(furrow__ledger *ledger, uint64_t settled) {
  furrow_pool *pool = ledger->pool;
  bool idle = furrow__resting(ledger->record) == (uint32_t)pool->board.present;
  uint32_t failer = atomic_load_explicit(&ledger->record->failer, memory_order_acquire);
  if (failer) ledger_fail(ledger, furrow__failer_error(pool, failer));
  bool stops = ledger->enough || ledger->verdict.status != FURROW_OK,
       complete = !stops && idle && settled == ledger->todo;
  if (!stops && !complete) return;
  furrow_error error = ledger->verdict;
  if (error.status == FURROW_OK) complete = conclude(ledger, &error) && complete;
  furrow__close_work(ledger->record, &error, complete);
  ledger->closed = true;
}

uint64_t furrow__ledger_act(furrow__ledger *ledger, uint64_t settled) {
  uint64_t next = 0;
  pthread_mutex_lock(&ledger->lock);
  if (ledger->begun && !ledger->closed && !furrow__spans_nodes(ledger->pool)) {
    next = offer_retries(ledger);
    if (ledger->resume.begun && (next == 0 || next > JOURNAL_NAP)) next = JOURNAL_NAP;
    ledger_check_journal(ledger);
    look_for_stop(ledger);
    close_if_done(ledger, settled);
  }
  pthread_mutex_unlock(&ledger->lock);
  return next;
}

uint64_t furrow__ledger_before(const furrow__ledger *ledger) {
  bool known = ledger->active && !furrow__is_stream(ledger->work);
  return known ? ledger->work->count - ledger->todo : 0;
}

void furrow__ledger_hand_over(furrow__ledger *ledger, furrow__reduction *reduction) {
  furrow__resume_hand_over(&ledger->resume, reduction);
}

furrow__journal *furrow__ledger_journal(const furrow__ledger *ledger) {
  return ledger->resume.begun ? ledger->resume.journal : NULL;
}

int furrow__ledger_file(const furrow__ledger *ledger) {
  return ledger->resume.begun ? furrow__journal_fd(ledger->resume.journal) : -1;
}

void furrow__ledger_before_fork(furrow__ledger *ledger) {
  pthread_mutex_lock(&ledger->lock);
  if (ledger->resume.journal) furrow__journal_before_fork(ledger->resume.journal);
}

void furrow__ledger_after_fork(furrow__ledger *ledger) {
  if (ledger->resume.journal) furrow__journal_after_fork(ledger->resume.journal);
  pthread_mutex_unlock(&ledger->lock);
}

void furrow__ledger_leave(furrow__ledger *ledger) {
  if (ledger->resume.journal) furrow__journal_leave(ledger->resume.journal);
}

/* A reduction's answer holds all tasks but those that failed, or there is none. */
static void settle_done(const furrow__ledger *ledger, bool complete) {
  uint8_t *done = ledger->work->options.done;
  if (!done || !furrow__is_reduction(ledger->work)) return;
  for (uint64_t i = 0; i < ledger->work->count; i++) done[i] = complete && done[i] != LEDGER_LEFT_OUT;
}

furrow_status furrow__ledger_close(furrow__ledger *ledger, furrow_status status) {
  pthread_mutex_lock(&ledger->lock);
  if (ledger->begun) {
    settle_done(ledger, status == FURROW_OK || (status == FURROW_E_TASK && ledger->record->complete));
    furrow__failures_sort(&ledger->failures);
    furrow__retries_clear(&ledger->retries);
  }
  for (int i = 0; i < ledger->staged; i++)
    if (ledger->staging[i].packet) furrow__stream_drop_piece(ledger->work->conductor, &ledger->staging[i].packet);
  furrow__resume_end(&ledger->resume); /* what it could not write has been told, unless the operation failed anyway */
  ledger->active = ledger->begun = false;
  pthread_mutex_unlock(&ledger->lock);
  return status;
}

uint64_t furrow__ledger_failure_count(const furrow__ledger *ledger) {
  return ledger ? ledger->failures.total : 0;
}

const furrow_failure *furrow__ledger_failure(const furrow__ledger *ledger, uint64_t i) {
  return ledger && i < ledger->failures.count ? &ledger->failures.list[i] : NULL;
}
