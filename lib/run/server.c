/* Two threads of rank 0 may serve: the caller's between its tasks, and the progress thread. `lock` lets one at a time;
   the caller's only tries it. Nothing is missed: a worker sets its mailbox bit after it has posted, a server clears it
   before it looks, so what is posted after the look has its bit set. Only a worker that would wait rings the bell; the
   thread reads the bell before it serves and sleeps only while the bell has not rung since. What never rings is copied
   in furrow__server_end(), after all workers have left.

   In a pool of several nodes the first rank of each has the thread, from the beginning, for its courier. Reports have a
   thread of their own there: what the user's function does must not keep other nodes waiting. */
#include "run/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pause.h"
#include "base/thread.h"
#include "run/courier.h"
#include "run/progress.h"

struct furrow__server {
  furrow_pool *pool;
  furrow__board *board;
  pthread_t thread;
  pthread_mutex_t lock;
  bool serving;                /* there is a service; under the lock */
  furrow__service service;     /* under the lock */
  pthread_mutex_t report_lock; /* so that rank 0 can serve while a report is drawn */
  atomic_bool has_reporter;    /* a thread that does nothing but report */
  pthread_t reporter;
  furrow__gate clock;    /* changes when that has a ticker to watch, or is to quit */
  bool reporting;        /* there is a ticker; under the report lock */
  furrow__ticker ticker; /* under the report lock */
  atomic_bool quit;
};

/* Whether there were any. */
static bool serve_items(const furrow__server *server, int w) {
  furrow__rings *rings = &server->board->rings[w];
  const furrow__service *service = &server->service;
  uint32_t served = atomic_load_explicit(&rings->served.word, memory_order_relaxed), before = served;
  while (served != atomic_load_explicit(&rings->asked, memory_order_acquire)) {
    uint32_t slot = served % FURROW__ITEM_SLOTS;
    furrow__piece piece = rings->slot[slot];
    char *to = server->board->data + furrow__layout_slot(&service->layout, w, slot);
    memcpy(to, service->items + piece.offset, piece.length);
    furrow__gate_set(&rings->served, ++served);
  }
  return served != before;
}

/* Whether there were any. *all: none had to stay. */
static bool serve_results(const furrow__server *server, int w, bool *all) {
  furrow__rings *rings = &server->board->rings[w];
  const furrow__service *service = &server->service;
  uint32_t taken = atomic_load_explicit(&rings->taken.word, memory_order_relaxed), before = taken;
  while (*all && taken != furrow__gate_read(&rings->posted)) {
    uint32_t block = taken % FURROW__RESULT_BLOCKS;
    const furrow__post *post = &rings->block[block];
    if (post->kind == FURROW__POST_STREAM) break; /* the collector's */
    const char *from = server->board->data + furrow__layout_block(&service->layout, w, block);
    if (service->ledger)
      *all = furrow__ledger_take(service->ledger, post, from, false);
    else
      memcpy(service->results + post->offset, from, post->length);
    if (*all) furrow__gate_set(&rings->taken, ++taken);
  }
  return taken != before;
}

/* Whether anything could be done. For what had to stay a worker's bit is set again; the bell rings when there is room. */
static bool serve(const furrow__server *server) {
  bool moved = false;
  for (int word = 0; word * 64 < server->board->workers; word++) {
    _Atomic uint64_t *mail = &server->board->mailbox[word];
    if (atomic_load_explicit(mail, memory_order_relaxed) == 0) continue;
    uint64_t bits = atomic_exchange_explicit(mail, 0, memory_order_acq_rel);
    for (; bits != 0; bits &= bits - 1) {
      int w = word * 64 + __builtin_ctzll(bits);
      bool all = true;
      moved = serve_items(server, w) || moved;
      if (server->service.results || server->service.ledger) moved = serve_results(server, w, &all) || moved;
      if (!all) atomic_fetch_or_explicit(mail, bits & -bits, memory_order_relaxed);
    }
  }
  return moved;
}

static uint64_t done_anywhere(const furrow__server *server) {
  uint64_t before = server->service.ledger ? furrow__ledger_before(server->service.ledger) : 0;
  return before + furrow__board_done(server->board) + furrow__courier_elsewhere(server->pool);
}

/* Returns after how many nanoseconds to come back, or 0 for whenever the bell rings. What counts as settled has been posted
   before, so it is in the ledger when the work is closed. */
static uint64_t serve_and_act(const furrow__server *server, bool *moved) {
  furrow__ledger *ledger = server->service.ledger;
  uint64_t settled = ledger ? furrow__board_settled(server->board) : 0;
  *moved = serve(server);
  return ledger ? furrow__ledger_act(ledger, settled) : 0;
}

static uint64_t serve_if_asked(furrow__server *server) {
  uint64_t next = 0;
  bool moved;
  pthread_mutex_lock(&server->lock);
  if (server->serving) next = serve_and_act(server, &moved);
  pthread_mutex_unlock(&server->lock);
  return next;
}

/* Returns after how many nanoseconds a report is due, or 0 for never. */
static uint64_t report_if_due(furrow__server *server) {
  uint64_t next = 0;
  pthread_mutex_lock(&server->report_lock);
  if (server->reporting) next = furrow__ticker_tick(&server->ticker, done_anywhere(server));
  pthread_mutex_unlock(&server->report_lock);
  return next;
}

static void *only_report(void *argument) {
  furrow__server *server = argument;
  furrow__patience patience = {FURROW__SLEEP, 0};
  while (!atomic_load(&server->quit)) {
    uint32_t heard = furrow__gate_read(&server->clock);
    uint64_t next = report_if_due(server);
    if (!atomic_load(&server->quit)) furrow__gate_wait(&server->clock, heard, next, &patience);
  }
  return NULL;
}

/* 0 is never. */
static uint64_t sooner(uint64_t a, uint64_t b) {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The courier's nap may be so short that it is none. */
static uint64_t carry(furrow__server *server, uint64_t next) {
  if (!server->pool->courier || furrow__courier_is_ours(server->pool)) return next;
  uint64_t nap = furrow__courier_step(server->pool);
  return next && next < nap ? next : nap;
}

static void *stand_in(void *argument) {
  furrow__server *server = argument;
  furrow__patience patience = {FURROW__SLEEP, 0};
  prctl(PR_SET_TIMERSLACK, 1UL); /* of this thread: its naps are short */
  while (!atomic_load(&server->quit)) {
    uint32_t heard = furrow__gate_read(server->board->bell);
    uint64_t next = sooner(serve_if_asked(server), server->has_reporter ? 0 : report_if_due(server));
    next = carry(server, next);
    if (atomic_load(&server->quit)) break;
    if (next == FURROW__NO_NAP)
      furrow__pause();
    else
      furrow__gate_wait(server->board->bell, heard, next, &patience);
  }
  return NULL;
}

static void free_server(furrow__server *server) {
  pthread_mutex_destroy(&server->report_lock);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

bool furrow__server_have(furrow_pool *pool) {
  if (pool->server) return true;
  furrow__server *server = calloc(1, sizeof *server);
  if (!server) return false;
  server->pool = pool;
  server->board = &pool->board;
  pthread_mutex_init(&server->lock, NULL);
  pthread_mutex_init(&server->report_lock, NULL);
  if (!furrow__thread_start(&server->thread, stand_in, server)) {
    free_server(server);
    return false;
  }
  pool->server = server;
  return true;
}

bool furrow__server_have_reporter(furrow_pool *pool) {
  furrow__server *server = pool->server;
  if (!server || !pool->courier || server->has_reporter) return server != NULL;
  if (!furrow__thread_start(&server->reporter, only_report, server)) return false;
  atomic_store(&server->has_reporter, true);
  return true;
}

void furrow__server_begin(furrow_pool *pool, const furrow__service *service) {
  furrow__server *server = pool->server;
  furrow__courier_forget(pool);
  pthread_mutex_lock(&server->lock);
  server->service = *service;
  server->serving = true;
  pthread_mutex_unlock(&server->lock);
  if (!service->progress.report) return;
  pthread_mutex_lock(&server->report_lock);
  server->ticker = furrow__ticker_start(&service->progress, service->label, service->traffic.count);
  server->reporting = true;
  pthread_mutex_unlock(&server->report_lock);
  furrow__gate_bump(server->has_reporter ? &server->clock : pool->board.bell); /* it has a clock to watch now */
}

void furrow__server_set_items(furrow_pool *pool, const char *items) {
  pthread_mutex_lock(&pool->server->lock);
  pool->server->service.items = items;
  pthread_mutex_unlock(&pool->server->lock);
}

static bool has_mail(const furrow__board *board) {
  for (int word = 0; word * 64 < board->workers; word++)
    if (atomic_load_explicit(&board->mailbox[word], memory_order_relaxed) != 0) return true;
  return false;
}

/* What the ledger then does next the thread learns by the bell that rang for it. */
static bool serve_locked(furrow__server *server) {
  bool moved = false;
  if (server->serving) serve_and_act(server, &moved);
  pthread_mutex_unlock(&server->lock);
  return moved;
}

bool furrow__server_help(furrow_pool *pool) {
  furrow__server *server = pool->server;
  if (!server || pool->comm.rank != 0 || !has_mail(&pool->board) || pthread_mutex_trylock(&server->lock) != 0)
    return false;
  return serve_locked(server);
}

bool furrow__server_serve(furrow_pool *pool) {
  if (!has_mail(&pool->board)) return false;
  pthread_mutex_lock(&pool->server->lock);
  return serve_locked(pool->server);
}

void furrow__server_drain(furrow_pool *pool) {
  furrow__server *server = pool->server;
  pthread_mutex_lock(&server->lock);
  if (server->serving) serve(server);
  pthread_mutex_unlock(&server->lock);
}

void furrow__server_end(furrow_pool *pool, bool begun) {
  furrow__server *server = pool->server;
  if (!server) return;
  pthread_mutex_lock(&server->lock);
  if (server->serving) serve(server);
  server->serving = false;
  pthread_mutex_unlock(&server->lock);
  pthread_mutex_lock(&server->report_lock);
  if (server->reporting) furrow__ticker_stop(&server->ticker, done_anywhere(server), begun);
  server->reporting = false;
  pthread_mutex_unlock(&server->report_lock);
}

void furrow__server_before_fork(furrow_pool *pool) {
  if (!pool->server) return;
  pthread_mutex_lock(&pool->server->report_lock);
  pthread_mutex_lock(&pool->server->lock);
}

void furrow__server_after_fork(furrow_pool *pool) {
  if (!pool->server) return;
  pthread_mutex_unlock(&pool->server->lock);
  pthread_mutex_unlock(&pool->server->report_lock);
}

void furrow__server_free(furrow_pool *pool) {
  furrow__server *server = pool->server;
  if (!server) return;
  atomic_store(&server->quit, true);
  furrow__gate_bump(server->board->bell);
  pthread_join(server->thread, NULL);
  furrow__gate_bump(&server->clock);
  if (server->has_reporter) pthread_join(server->reporter, NULL);
  free_server(server);
  pool->server = NULL;
}
