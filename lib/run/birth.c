/* How an isolated worker comes to a child: by a fork that finds the library's other threads outside of MPI and of every lock. The
   child has but the thread that forks. Two workers of a rank that fork at a time take the locks in the same order (those of source
   and sink, the courier's, the server's, the ledger's), and what else they do needs none but libc's, which sees to fork(). */
#include <string.h>

#include "run/courier.h"
#include "run/isolate.h"
#include "run/ledger.h"
#include "run/server.h"
#include "run/stream.h"

static void before_fork(const worker *w) {
  furrow_pool *pool = w->pool;
  if (w->work->conductor) furrow__stream_before_fork(w->work->conductor);
  furrow__courier_before_fork(pool);
  furrow__server_before_fork(pool);
  if (pool->ledger) furrow__ledger_before_fork(pool->ledger);
}

static void after_fork(const worker *w) {
  furrow_pool *pool = w->pool;
  if (pool->ledger) furrow__ledger_after_fork(pool->ledger);
  furrow__server_after_fork(pool);
  furrow__courier_after_fork(pool);
  if (w->work->conductor) furrow__stream_after_fork(w->work->conductor);
}

bool isolate_have_child(worker *w) {
  furrow__cell *cell = w->cell;
  if (w->child.state == FURROW__CHILD_RUNNING) return true;
  furrow__child_rules rules = {.memory_limit = w->work->settings.memory_limit};
  atomic_store(&cell->need, FURROW__NEED_NOTHING);
  atomic_store(&cell->ready, 0);
  atomic_store(&cell->task, 0);
  if (!furrow__is_stream(w->work)) cell->items_of = (furrow__span){0, 0};
  before_fork(w);
  bool forked = furrow__child_start(&w->child, &cell->note, rules, inmate_live, w);
  int error = errno;
  after_fork(w);
  if (forked) furrow__undertaker_watch(&w->undertaker, &w->child);
  if (!forked)
    furrow__error_set(&w->running.error, FURROW_E_NOMEM, w->running.where, FURROW_NO_TASK,
                      "the system refuses a child process: %s", strerror(error));
  return forked;
}
