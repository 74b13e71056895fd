/* Two threads of rank 0 may serve: the caller's between its tasks, and the progress thread. `lock` lets one at a time;
   the caller's only tries it. Nothing is missed: a worker sets its mailbox bit after it has posted, a server clears it
   before it looks, so what is posted after the look has its bit set. Only a worker that would wait rings the bell; the
   thread reads the bell before it serves and sleeps only while the bell has not rung since. What never rings is copied
   in furrow__server_end(), after all workers have left.

   In a pool of several nodes the first rank of each has the thread, from the beginning, for its courier. Reports have a
   thread of their own there: what the user's function does must not keep other nodes waiting. */
#include "run/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pause.h"
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

static void serve_items(const furrow__server *server, int w) {
  furrow__rings *rings = &server->board->rings[w];
  const furrow__service *service = &server->service;
  uint32_t served = atomic_load_explicit(&rings->served.word, memory_order_relaxed);
  while (served != atomic_load_explicit(&rings->asked, memory_order_acquire)) {
    uint32_t slot = served % FURROW__ITEM_SLOTS;
    furrow__piece piece = rings->slot[slot];
    char *to = server->board->data + furrow__layout_slot(&service->layout, &service->traffic, w - 1, slot);
    memcpy(to, service->items + piece.offset, piece.length);
    furrow__gate_set(&rings->served, ++served);
  }
}

static void serve_results(const furrow__server *server, int w) {
  furrow__rings *rings = &server->board->rings[w];
  const furrow__service *service = &server->service;
  uint32_t taken = atomic_load_explicit(&rings->taken.word, memory_order_relaxed);
  while (taken != furrow__gate_read(&rings->posted)) {
    uint32_t block = taken % FURROW__RESULT_BLOCKS;
    furrow__piece piece = rings->block[block];
    const char *from = server->board->data + furrow__layout_block(&service->layout, w - 1, block);
    memcpy(service->results + piece.offset, from, piece.length);
    furrow__gate_set(&rings->taken, ++taken);
  }
}

static void serve(const furrow__server *server) {
  for (int word = 0; word * 64 < server->board->ranks; word++) {
    _Atomic uint64_t *mail = &server->board->mailbox[word];
    if (atomic_load_explicit(mail, memory_order_relaxed) == 0) continue;
    uint64_t bits = atomic_exchange_explicit(mail, 0, memory_order_acq_rel);
    for (; bits != 0; bits &= bits - 1) {
      int w = word * 64 + __builtin_ctzll(bits);
      serve_items(server, w);
      if (server->service.results) serve_results(server, w);
    }
  }
}

static uint64_t done_anywhere(const furrow__server *server) {
  return furrow__board_done(server->board) + furrow__courier_elsewhere(server->pool);
}

static void serve_if_asked(furrow__server *server) {
  pthread_mutex_lock(&server->lock);
  if (server->serving) serve(server);
  pthread_mutex_unlock(&server->lock);
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
    serve_if_asked(server);
    uint64_t next = carry(server, server->has_reporter ? 0 : report_if_due(server));
    if (atomic_load(&server->quit)) break;
    if (next == FURROW__NO_NAP)
      furrow__pause();
    else
      furrow__gate_wait(server->board->bell, heard, next, &patience);
  }
  return NULL;
}

/* The user's signal handlers run on the user's threads. */
static bool start_thread(pthread_t *thread, void *(*body)(void *), furrow__server *server) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(thread, NULL, body, server);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error == 0;
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
  if (!start_thread(&server->thread, stand_in, server)) {
    free_server(server);
    return false;
  }
  pool->server = server;
  return true;
}

bool furrow__server_have_reporter(furrow_pool *pool) {
  furrow__server *server = pool->server;
  if (!server || !pool->courier || server->has_reporter) return server != NULL;
  if (!start_thread(&server->reporter, only_report, server)) return false;
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

static bool has_mail(const furrow__board *board) {
  for (int word = 0; word * 64 < board->ranks; word++)
    if (atomic_load_explicit(&board->mailbox[word], memory_order_relaxed) != 0) return true;
  return false;
}

bool furrow__server_help(furrow_pool *pool) {
  furrow__server *server = pool->server;
  if (!server || pool->comm.rank != 0 || !has_mail(&pool->board) || pthread_mutex_trylock(&server->lock) != 0)
    return false;
  if (server->serving) serve(server);
  pthread_mutex_unlock(&server->lock);
  return true;
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
