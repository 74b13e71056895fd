/* The workers of a rank. One is the thread that called the operation, which alone calls MPI, carries what goes between nodes,
   and writes to the pool; the others, if the options ask for more, run in threads of their own from the beginning of the
   work to its end. Knows threads; does not know what a worker does.

   A worker's struct is its thread's alone from its start to its join. They meet on the board, like workers of different
   ranks, so what holds there holds here: every wait of theirs ends, since nobody stops who has not rested, or failed and then
   rested. What they share beside the board: the pool, which they read, and where a flag may change while they do, that is
   atomic (stoppable); this rank's seat, on which the first to fail writes its error (meet.c); and rank 0's server and
   ledger, which have locks. A thread that the system refuses is a worker that failed before its first claim: the operation
   fails with it, and it counts among those that rest. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "run/worker_inside.h"

typedef struct hand {
  worker *w;
  pthread_t thread;
  bool runs;
  furrow__gate *done; /* the crew's */
} hand;

typedef struct crew {
  int count;         /* of workers in threads of their own */
  hand *hands;       /* NULL: no memory */
  worker *workers;   /* those but the rank's first */
  furrow__gate done; /* how many have ended */
} crew;

/* Task functions run in it, so unlike in the library's own threads signals stay as the caller has them. */
static void *live(void *argument) {
  hand *self = argument;
  worker_work(self->w);
  furrow__gate_bump(self->done);
  return NULL;
}

/* The rank's first worker is one of them if the caller conducts, and there are any. */
static crew crew_of(worker *first) {
  int threads = (int)first->pool->own, others = threads - 1;
  crew all = {.count = threads > 0 ? others + first->waiter.aside : 0};
  if (all.count == 0) return all;
  all.hands = calloc((size_t)all.count, sizeof *all.hands);
  if (others > 0) all.workers = aligned_alloc(_Alignof(worker), (size_t)others * sizeof *all.workers);
  bool good = all.hands && (all.workers || others == 0);
  for (int i = 0; i < others && good; i++) {
    worker_start(&all.workers[i], first->pool, first->work, &first->layout, first->traffic, i + 1, true);
    all.hands[i].w = &all.workers[i];
  }
  if (good && first->waiter.aside) all.hands[others].w = first;
  if (good) return all;
  free(all.hands);
  free(all.workers);
  return (crew){.count = all.count};
}

/* False: not all of them. */
static bool start(crew *all) {
  int running = 0;
  for (int i = 0; i < all->count && all->hands; i++) {
    hand *one = &all->hands[i];
    one->done = &all->done;
    one->runs = pthread_create(&one->thread, NULL, live, one) == 0;
    if (!one->runs) break;
    running++;
  }
  return running == all->count;
}

static void fail(const worker *first, const crew *all) {
  furrow_error error;
  uint32_t absent = 0;
  for (int i = 0; i < all->count; i++) absent += !all->hands || !all->hands[i].runs;
  furrow__error_set(&error, FURROW_E_NOMEM, first->running.where, FURROW_NO_TASK,
                    all->hands ? "the system refuses %d threads" : "no memory for %d threads", all->count);
  furrow__record_fail(first->pool, &error);
  furrow__rest_absent(first->pool, absent);
}

static void add_metrics(furrow_pool *pool, const worker *w) {
  furrow_rank_metrics *sum = &pool->metrics;
  const furrow_rank_metrics *one = &w->own_metrics;
  sum->tasks += one->tasks;
  sum->claims += one->claims;
  sum->steals += one->steals;
  sum->bytes_in += one->bytes_in;
  sum->bytes_out += one->bytes_out;
  sum->busy += one->busy;
  pool->patience.sleeps += w->waiter.patience.sleeps;
}

/* The thread is gone. What its worker holds goes to the first: the same nodes of the same tree, whoever merges them. */
static void dismiss(worker *first, worker *w) {
  furrow_pool *pool = first->pool;
  add_metrics(pool, w);
  if (w->waiter.lost && pool->broken == FURROW_OK) furrow__pool_break(pool, "an operation");
  if (w == first) return;
  if (worker_is_to_bring(first) && !first->lacks)
    first->lacks = !furrow__reduction_adopt(&first->reduction, &w->reduction);
  worker_free(w);
}

/* What they still have in hand may need what only this thread does: it carries what goes between nodes, and looks after MPI,
   until the last has ended. If communication broke they know, too, and come soon. */
static void wait_for(furrow_pool *pool, crew *all) {
  uint32_t running = 0, done;
  for (int i = 0; i < all->count && all->hands; i++) running += all->hands[i].runs;
  while ((done = furrow__gate_read(&all->done)) < running)
    if (!furrow__await(pool, &all->done, done)) return;
}

static void end(worker *first, crew *all) {
  wait_for(first->pool, all);
  for (int i = 0; i < all->count && all->hands; i++)
    if (all->hands[i].runs) pthread_join(all->hands[i].thread, NULL);
  for (int i = 0; i < all->count && all->hands; i++) dismiss(first, all->hands[i].w);
  free(all->hands);
  free(all->workers);
}

/* Threads that share cores yield before they sleep; so do the others, since they have the same cores. */
static furrow__manner manner_of(const worker *first) {
  int busy = first->pool->board.present + first->waiter.aside;
  return busy > first->pool->cores ? FURROW__YIELD : FURROW__SPIN;
}

void crew_work(worker *first) {
  furrow_pool *pool = first->pool;
  if (pool->board.threads == 1 && pool->own == 1 && !first->waiter.aside) {
    worker_work(first);
    return;
  }
  furrow__manner before = pool->patience.manner;
  pool->patience.manner = first->waiter.patience.manner = manner_of(first);
  crew all = crew_of(first);
  pool->forks = first->work->settings.isolate && all.count > 0;
  if (!start(&all)) fail(first, &all);
  if (first->waiter.aside)
    first->work->conduct(first->work->conduct_context);
  else if (pool->own == 0)
    worker_stand_by(first);
  else
    worker_work(first);
  end(first, &all);
  pool->forks = false;
  pool->patience.manner = before;
}
