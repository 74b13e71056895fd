/* Rank 0's side of the rings: copies item pieces out of the caller's array and result pieces into it. Rank 0 does this
   between its own tasks; where workers could be kept waiting by a long one, a progress thread stands in. That thread
   only copies, and reports progress: it calls no MPI. */
#ifndef FURROW_RUN_SERVER_H
#define FURROW_RUN_SERVER_H

#include "furrow/options.h"
#include "run/pool.h"

/* What an operation needs served. */
typedef struct furrow__service {
  const char *items; /* the caller's */
  char *results;     /* the caller's; NULL: result blocks are not the server's business */
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

/* Serve what waits, unless the thread is at it. Between tasks, from the thread that called the operation. Whether there
   was anything to do; if not, it costs a look at the mailbox. */
bool furrow__server_help(furrow_pool *pool);

/* All workers have left, or the operation has not `begun`: copy what remains. Afterwards the thread touches nothing of the
   caller's. */
void furrow__server_end(furrow_pool *pool, bool begun);

void furrow__server_free(furrow_pool *pool);

#endif
