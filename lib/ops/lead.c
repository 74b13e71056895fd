/* furrow_lead: rank 0 runs the program, and the other ranks do with it what it does with the pool. They call the same
   public functions, so the operations know next to nothing of this: rank 0 tells the step first (ops/step.h), and who
   can't join it brings that to the operation's own meeting. */
#include "furrow/lead.h"

#include <unistd.h>

#include "furrow/map.h"
#include "furrow/reduce.h"
#include "furrow/stream.h"
#include "ops/lead_exit.h"
#include "ops/step.h"

/* ---- rank 0 ---- */

/* The error of the last operation is the reason, if the program returns its status. */
static furrow_error verdict_of(const furrow_pool *pool, furrow_status returned) {
  furrow_error error = pool->error;
  if ((unsigned)returned > FURROW_E_MPI)
    furrow__error_set(&error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                      "furrow_lead: the program returned %d, which is no furrow_status", (int)returned);
  else if (returned == FURROW_OK)
    furrow__error_clear(&error);
  else if (returned != error.status)
    furrow__error_set(&error, returned, furrow__here(pool), FURROW_NO_TASK, "%s", "");
  return error;
}

static furrow_status lead(furrow_pool *pool, furrow_program *program, void *argument) {
  furrow__lead self = {
      .pool = pool, .thread = pthread_self(), .process = getpid(), .first_share = furrow__shelf_next(pool)};
  pool->lead = &self;
  furrow__lead_enter(&self);
  furrow_status returned = program(pool, argument);
  furrow__lead_leave(&self);
  pool->lead = NULL;
  if (pool->broken != FURROW_OK) return pool->broken;
  furrow_error verdict = verdict_of(pool, returned);
  furrow_status status = furrow__step_end(pool, &verdict);
  if (status != FURROW_OK) return status;
  pool->error = verdict;
  return verdict.status;
}

/* ---- the others ---- */

/* The outcome is rank 0's to judge. */
static void join(furrow_pool *pool, furrow__order *order) {
  const furrow__step *step = &order->step;
  const furrow__function *functions = step->functions;
  const uint64_t *numbers = step->numbers;
  furrow_reducer reducer = {sizeof reducer, numbers[2], (void (*)(void *, void *))functions[0],
                            (int (*)(furrow_task *, const void *, void *))functions[1],
                            (void (*)(void *, const void *, void *))functions[2]};
  furrow_share *share = NULL; /* stays on the pool's shelf */
  furrow_status status = FURROW_OK;
  pool->hindrance = order->error.status != FURROW_OK ? &order->error : NULL;
  switch (step->op) {
    case FURROW__OP_MAP:
      status = furrow_map(pool, (furrow_map_fn *)functions[0], step->user, NULL, numbers[1], numbers[0], NULL,
                          numbers[2], &order->options);
      break;
    case FURROW__OP_MAP_REDUCE:
      status = furrow_map_reduce(pool, &reducer, step->user, NULL, numbers[1], numbers[0], NULL, &order->options);
      break;
    case FURROW__OP_REDUCE:
      status = furrow_reduce(pool, (void (*)(void *, const void *, void *))functions[0], step->user, NULL, numbers[1],
                             numbers[0], NULL, &order->options);
      break;
    case FURROW__OP_STREAM:
      status = furrow_stream(pool, (furrow_stream_fn *)functions[0], step->user, NULL, NULL, NULL, &order->options);
      break;
    case FURROW__OP_SHARE:
      status = furrow_share_create(pool, NULL, numbers[0], &share);
      break;
    case FURROW__OP_METRICS:
      status = furrow_metrics_get(pool, NULL, NULL);
      break;
    default: /* all others are rank 0's alone */
      break;
  }
  (void)status;
  pool->hindrance = NULL;
}

/* Shares of the program have no other handle here. */
static void forget(furrow_pool *pool, uint64_t number) {
  furrow__shared where = {.number = number, .is_handle = 1};
  furrow_share *share = furrow__shelf_address(pool, &where);
  furrow_share_destroy(&share);
}

static void forget_from(furrow_pool *pool, uint64_t first) {
  for (furrow_share *share; (share = furrow__shelf_from(pool, first));) furrow_share_destroy(&share);
}

static furrow_status follow(furrow_pool *pool) {
  furrow__order order;
  uint64_t first_share = furrow__shelf_next(pool);
  furrow_status status;
  while ((status = furrow__step_learn(pool, &order)) == FURROW_OK && order.kind != FURROW__END) {
    if (order.kind == FURROW__JOIN) join(pool, &order);
    if (order.kind == FURROW__FORGET) forget(pool, order.share);
    furrow__order_clear(pool, &order);
  }
  furrow__order_clear(pool, &order);
  forget_from(pool, first_share);
  if (status != FURROW_OK) return status;
  pool->error = order.error;
  return order.error.status;
}

/* ---- all ---- */

furrow_status furrow_lead(furrow_pool *pool, furrow_program *program, void *argument) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_LEAD);
  if (begun != FURROW_OK) return begun;
  bool root = pool->comm.rank == 0;
  if (pool->lead)
    return furrow__error_set(&pool->error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                             "furrow_lead: called inside a program that leads the same pool");
  if (root && !program) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_lead: program is NULL");
  if (root && !furrow__lead_hear_exit())
    furrow__call_fail(pool, &call, FURROW_E_NOMEM, "furrow_lead: no memory for a call of atexit()");
  furrow_status status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK) return status;
  FURROW__KNOWN(!root || program);
  return root ? lead(pool, program, argument) : follow(pool);
}
