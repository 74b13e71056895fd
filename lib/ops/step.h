/* What the program on rank 0 of a led pool does next, told to the other ranks, so that they can join. Knows what an
   operation needs on those ranks; does not know how it is run. */
#ifndef FURROW_OPS_STEP_H
#define FURROW_OPS_STEP_H

#include <pthread.h>

#include "base/module.h"
#include "ops/shelf.h"
#include "run/meet.h"

enum { FURROW__STEP_FUNCTIONS = 3 };

/* An operation, as rank 0 calls it. Arrays and callbacks are rank 0's alone. */
typedef struct furrow__step {
  furrow__op op;
  furrow__function functions[FURROW__STEP_FUNCTIONS]; /* map: fn; map_reduce: init, fold, merge; reduce: merge */
  void *user;
  uint64_t numbers[FURROW__CALL_NUMBERS]; /* as in the call */
  const furrow_options *options;          /* NULL: it has none */
} furrow__step;

/* The program, as its pool knows it. On the stack of furrow_lead(). */
struct furrow__lead {
  furrow_pool *pool;
  furrow__lead *outer; /* that was begun before in this process, and has not ended */
  pthread_t thread;
  pid_t process;
  uint64_t first_share; /* those from this number on are the program's: the other ranks have no handles of their own */
};

/* On rank 0 of a led pool, for furrow__step_lead(). */
furrow_status furrow__step_tell(furrow_pool *pool, furrow__call *call, const furrow__step *step);

/* To be called by each operation once its arguments have been checked, before its meeting. Where the pool is led, the
   others are told; what is wrong already, or can't be told, is rank 0's error alone. Unless FURROW_OK the operation is
   over. */
static inline furrow_status furrow__step_lead(furrow_pool *pool, furrow__call *call, const furrow__step *step) {
  return pool->lead ? furrow__step_tell(pool, call, step) : FURROW_OK;
}

/* The program has destroyed a share, or has ended, as `error` says. */
void furrow__step_forget(furrow_pool *pool, uint64_t share);
furrow_status furrow__step_end(furrow_pool *pool, const furrow_error *error);

typedef enum furrow__order_kind { FURROW__JOIN, FURROW__FORGET, FURROW__END, FURROW__NOTHING } furrow__order_kind;

/* What another rank has learnt. */
typedef struct furrow__order {
  furrow__order_kind kind;
  furrow__step step;      /* to join; its functions and user are this rank's own */
  furrow_options options; /* of it */
  furrow_error error;     /* why this rank can't; or how the program has ended */
  uint64_t share;         /* to forget */
  void *copy;             /* of user */
} furrow__order;

/* Wait asleep for rank 0's next step. FURROW_OK, or FURROW_E_MPI. The order is to be cleared. */
furrow_status furrow__step_learn(furrow_pool *pool, furrow__order *order);
void furrow__order_clear(const furrow_pool *pool, furrow__order *order);

#endif
