/* What comes to the ledger: what workers post, and what a stream's calling thread says. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/ledger_inside.h"
#include "run/stream.h"

/* ---- what workers post ---- */

void ledger_fail(furrow__ledger *ledger, const furrow_error *error) {
  if (ledger->verdict.status == FURROW_OK) ledger->verdict = *error;
}

void ledger_fail_here(furrow__ledger *ledger, furrow_status status, const char *what) {
  furrow_error error;
  furrow__error_set(&error, status, furrow__here(ledger->pool), FURROW_NO_TASK, "%s", what);
  ledger_fail(ledger, &error);
}

void ledger_check_journal(furrow__ledger *ledger) {
  if (ledger->resume.begun && furrow__journal_status(ledger->resume.journal) != FURROW_OK)
    ledger_fail_here(ledger, FURROW_E_IO, furrow__journal_message(ledger->resume.journal));
}

static void take_results(furrow__ledger *ledger, const furrow__post *post, const char *bytes) {
  const furrow__work *work = ledger->work;
  if (post->length) memcpy((char *)work->results + post->offset, bytes, post->length);
  if (post->count == 0) return; /* the first parts of a large one */
  if (work->options.done) memset(work->options.done + post->first, 1, post->count);
  if (!ledger->resume.begun) return;
  const char *results = work->result_size ? (char *)work->results + post->first * work->result_size : NULL;
  if (furrow__journal_append_results(ledger->resume.journal, post->first, post->count, results) != FURROW_OK)
    ledger_check_journal(ledger);
}

void ledger_describe(const furrow__ledger *ledger, furrow_error *error, const char *more) {
  const furrow__failed *lowest = &ledger->lowest;
  furrow__where where = {lowest->rank, lowest->host};
  if (ledger->failures.total > 1 || *more)
    furrow__error_set(error, FURROW_E_TASK, where, lowest->task, "%.300s (%" PRIu64 " tasks failed%s)", lowest->message,
                      ledger->failures.total, more);
  else
    furrow__error_set(error, FURROW_E_TASK, where, lowest->task, "%s", lowest->message);
}

static void count_failure(furrow__ledger *ledger, const furrow__failed *failed) {
  const furrow__settings *settings = &ledger->work->settings;
  if (!furrow__failures_add(&ledger->failures, failed))
    ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for the list of failed tasks");
  if (failed->task < ledger->lowest.task) ledger->lowest = *failed;
  if (furrow__is_reduction(ledger->work) && ledger->work->options.done)
    ledger->work->options.done[failed->task] = LEDGER_LEFT_OUT;
  if (settings->max_failures == 0 || ledger->failures.total <= settings->max_failures) return;
  furrow_error error;
  ledger_describe(ledger, &error, ", more than max_failures allows");
  ledger_fail(ledger, &error);
}

static void take_retry(furrow__ledger *ledger, furrow__retry *retry) {
  uint64_t attempts = 1;
  for (uint32_t i = 0; i < retry->count; i++)
    if (retry->tried[i].attempts > attempts && retry->tried[i].attempts <= ledger->work->settings.retries)
      attempts = retry->tried[i].attempts;
  retry->due = furrow__now() + furrow__retry_delay(ledger->work->settings.retry_delay, attempts);
  if (!furrow__retries_add(&ledger->retries, retry))
    ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for the list of tasks to be tried again");
}

/* The whole of what comes in several blocks; NULL while it is not complete. */
static char *assemble(furrow__ledger *ledger, const furrow__post *post, const char *bytes) {
  staging *whole = &ledger->staging[post->worker];
  size_t size = post->offset + post->length;
  if (post->offset == 0) whole->lost = false;
  if (whole->lost) return NULL;
  if (size > whole->capacity) {
    char *more = realloc(whole->bytes, 2 * size);
    if (!more) {
      whole->lost = true;
      ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for news of tasks");
      return NULL;
    }
    whole->bytes = more;
    whole->capacity = 2 * size;
  }
  memcpy(whole->bytes + post->offset, bytes, post->length);
  return post->last ? whole->bytes : NULL;
}

/* The sink of a stream learns of it in its turn, and then it counts; unless the first one stops all. */
static void take_failure(furrow__ledger *ledger, const furrow__failed *failed, uint64_t number) {
  bool waits = furrow__is_stream(ledger->work) && ledger->work->settings.on_error == FURROW_ON_ERROR_CONTINUE;
  if (!waits)
    count_failure(ledger, failed);
  else if (!furrow__stream_fail(ledger->work->conductor, failed, (uint32_t)number))
    ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for a failed task");
}

/* Most come in one piece. */
static void take_packed(furrow__ledger *ledger, const furrow__post *post, const char *bytes) {
  char why[FURROW__SCRATCH_WHY];
  furrow__stream *stream = ledger->work->conductor;
  furrow__packet **packet = &ledger->staging[post->worker].packet;
  bool whole = post->offset == 0 && post->last;
  furrow_status status =
      whole ? furrow__stream_take(stream, bytes, post->length, why)
            : furrow__stream_take_piece(stream, packet, post->offset, bytes, post->length, post->last != 0, why);
  if (status != FURROW_OK) ledger_fail_here(ledger, status, why);
}

/* Bytes for the sink that come before a result. False: there is no room for all of them. */
static bool take_part(furrow__ledger *ledger, const furrow__post *post, const char *bytes, bool far) {
  furrow__stream *stream = ledger->work->conductor;
  bool whole = post->offset == 0 && post->last;
  size_t size = post->offset + post->length;
  if (post->last && !furrow__stream_has_room(stream, size, far)) return false;
  if (!whole) bytes = assemble(ledger, post, bytes);
  if (bytes && !furrow__stream_take_part(stream, post->first, bytes, size, far))
    ledger_fail_here(ledger, FURROW_E_NOMEM, "no memory for a part of a result");
  return true;
}

static void take_news(furrow__ledger *ledger, const furrow__post *post, const char *bytes) {
  char *whole = assemble(ledger, post, bytes);
  if (!whole) return;
  furrow__failed failed;
  furrow__retry retry;
  size_t size = post->offset + post->length;
  if (post->kind == FURROW__POST_FAILURE) {
    memcpy(&failed, whole, sizeof failed);
    take_failure(ledger, &failed, post->first);
  } else if (post->kind == FURROW__POST_RETRY) {
    memcpy(&retry, whole, size);
    take_retry(ledger, &retry);
  } else if (post->kind == FURROW__POST_NODE && ledger->resume.begun &&
             furrow__journal_append_node(ledger->resume.journal, post->first, (uint32_t)post->count, whole) !=
                 FURROW_OK) {
    ledger_check_journal(ledger);
  }
}

bool furrow__ledger_take(furrow__ledger *ledger, const furrow__post *post, const char *bytes, bool far) {
  bool taken = true;
  pthread_mutex_lock(&ledger->lock);
  if (!ledger->active) { /* the caller's arrays are gone */
  } else if (post->kind == FURROW__POST_RESULTS) {
    take_results(ledger, post, bytes);
  } else if (post->kind == FURROW__POST_PACKED) {
    take_packed(ledger, post, bytes);
  } else if (post->kind == FURROW__POST_PART) {
    taken = take_part(ledger, post, bytes, far);
  } else {
    take_news(ledger, post, bytes);
  }
  pthread_mutex_unlock(&ledger->lock);
  return taken;
}

/* ---- what a stream says ---- */

static void tell(furrow__ledger *ledger, uint64_t todo, bool enough, const furrow_error *error) {
  pthread_mutex_lock(&ledger->lock);
  ledger->todo = todo;
  ledger->enough = enough;
  if (error) ledger_fail(ledger, error);
  pthread_mutex_unlock(&ledger->lock);
  furrow__gate_bump(ledger->pool->board.bell);
}

void furrow__ledger_expect(furrow__ledger *ledger, uint64_t items) {
  tell(ledger, items, false, NULL);
}

uint64_t furrow__ledger_expected(furrow__ledger *ledger) {
  pthread_mutex_lock(&ledger->lock);
  uint64_t items = ledger->todo;
  pthread_mutex_unlock(&ledger->lock);
  return items;
}

void furrow__ledger_count(furrow__ledger *ledger, const furrow__failed *failed) {
  pthread_mutex_lock(&ledger->lock);
  count_failure(ledger, failed);
  bool stops = ledger->verdict.status != FURROW_OK;
  pthread_mutex_unlock(&ledger->lock);
  if (stops) furrow__gate_bump(ledger->pool->board.bell);
}

void furrow__ledger_have_enough(furrow__ledger *ledger) {
  tell(ledger, UINT64_MAX, true, NULL);
}

void furrow__ledger_fail(furrow__ledger *ledger, const furrow_error *error) {
  tell(ledger, UINT64_MAX, false, error);
}
