/* Rank 0's side of the rings: copies item pieces out of the caller's array and result pieces into it. Rank 0 does this
   between its own tasks; where workers could be kept waiting by a long one, a progress thread stands in. That thread
   only copies, and reports progress: it calls no MPI. In a guarded operation it also keeps the ledger. */
#ifndef FURROW_RUN_SERVER_H
#define FURROW_RUN_SERVER_H

#include "furrow/options.h"
#include "run/ledger.h"
#include "run/pool.h"

/* What an operation needs served. */
typedef struct furrow__service {
  const char *items;      /* the caller's */
  char *results;          /* the caller's; NULL: result blocks are not the server's business */
  furrow__ledger *ledger; /* of a guarded operation: gets all that workers post; else NULL */
  furrow__layout layout;
  furrow__traffic traffic;
  furrow_progress progress; /* report NULL: none */
  const char *label;
} furrow__service;

/* Have a progress thread, if there is none yet. False: the system refuses threads. */
bool furrow__server_have(furrow_pool *pool);

/* Where there is a courier in the same thread: have another one for reports. False: the system refuses it. */
bool furrow__server_have_reporter(furrow_pool *pool);

/* Serve an operation from here on, to `end`: before rank 0 arrives at its meeting, so that no bell rings unheard. Only
   where a thread was had. */
void furrow__server_begin(furrow_pool *pool, const furrow__service *service);

/* From now on items are asked of this array. */
void furrow__server_set_items(furrow_pool *pool, const char *items);

/* Serve what waits, unless another thread is at it. Between tasks, by any of rank 0's workers. Whether there was anything
   that could be done; if nothing waits, it costs a look at the mailbox. */
bool furrow__server_help(furrow_pool *pool);

/* The same by who sleeps next: what came while another thread was at it is not left to that one, which may have looked before.
   Rank 0, and there is a thread. */
bool furrow__server_serve(furrow_pool *pool);

/* Take all that workers of this node have posted: what counts as settled by then is in the ledger. By the courier. */
void furrow__server_drain(furrow_pool *pool);

/* All workers have left, or the operation has not `begun`: copy what remains. Afterwards the thread touches nothing of the
   caller's. */
void furrow__server_end(furrow_pool *pool, bool begun);

/* Around fork(): no thread of it is in the midst of something. */
void furrow__server_before_fork(furrow_pool *pool);
void furrow__server_after_fork(furrow_pool *pool);

void furrow__server_free(furrow_pool *pool);

#endif
