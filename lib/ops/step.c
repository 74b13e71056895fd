/* A step is a meeting, in which the others wait asleep, and then one broadcast of a letter of fixed size. Only a large
   `user` comes in a broadcast of its own, once all have memory for it. */
#include "ops/step.h"

#include <stdlib.h>
#include <string.h>

enum { BEGIN = FURROW__STEP_FUNCTIONS, FINISH, FUNCTIONS, SMALL_USER = 1024, ALIGNMENT = 64 };

typedef enum user_kind { NO_USER, USER_BYTES, USER_SHARED } user_kind;

typedef struct letter {
  uint64_t kind; /* furrow__order_kind */
  uint64_t op, numbers[FURROW__CALL_NUMBERS];
  furrow__place functions[FUNCTIONS];
  uint64_t user_kind, user_size;
  furrow__shared user;
  uint64_t share;
  furrow_options options; /* its addresses mean nothing */
  furrow_error error;
  char small_user[SMALL_USER];
} letter;
_Static_assert(sizeof(letter) <= FURROW__DESK, "what stands on the stack goes by way of the desk");

/* How the caller knows a function. */
static const char *name_of(furrow__op op, int function) {
  static const char *const reducer[] = {"reducer.init", "reducer.fold", "reducer.merge"};
  if (function == BEGIN) return "options.worker_begin";
  if (function == FINISH) return "options.worker_end";
  if (op == FURROW__OP_MAP_REDUCE) return reducer[function];
  return op == FURROW__OP_REDUCE ? "merge" : "fn";
}

/* ---- rank 0 ---- */

static void write_functions(furrow_pool *pool, furrow__call *call, const furrow__step *step, letter *l) {
  furrow__function functions[FUNCTIONS] = {step->functions[0], step->functions[1], step->functions[2]};
  if (step->options) {
    functions[BEGIN] = (furrow__function)step->options->worker_begin;
    functions[FINISH] = (furrow__function)step->options->worker_end;
  }
  for (int i = 0; i < FUNCTIONS; i++)
    if (!furrow__place_of(functions[i], &l->functions[i]))
      furrow__call_fail(
          pool, call, FURROW_E_ARG,
          "%s: %s is in no program or library, so the other ranks don't have it: it was made at run time, "
          "such as for a nested function",
          furrow__op_name(step->op), name_of(step->op, i));
}

static void write_user(furrow_pool *pool, furrow__call *call, const furrow__step *step, letter *l) {
  size_t size = step->options ? step->options->user_size : 0;
  if (!step->user) return;
  if (furrow__shelf_locate(pool, step->user, size, &l->user)) {
    l->user_kind = USER_SHARED;
  } else if (size) {
    l->user_kind = USER_BYTES;
    l->user_size = size;
    if (size <= SMALL_USER) memcpy(l->small_user, step->user, size);
  } else {
    furrow__call_fail(
        pool, call, FURROW_E_ARG,
        "%s: user is not NULL, but options.user_size is 0. In a program under furrow_lead user is copied to "
        "the other ranks: say how large it is, or let it point into a furrow_share",
        furrow__op_name(step->op));
  }
}

static void write_options(const furrow__step *step, letter *l) {
  if (!step->options) return;
  l->options = *step->options;
  l->options.worker_begin = NULL;
  l->options.worker_end = NULL;
  l->options.label = l->options.journal = NULL;
  l->options.progress = NULL;
  l->options.done = NULL;
  l->options.own_threads = FURROW_THREADS_ALL; /* rank 0's is its own */
}

/* The pool's error is that of the last operation, whatever is told meanwhile. */
static furrow_status send(furrow_pool *pool, letter *l) {
  furrow__call call = {.op = FURROW__OP_LEAD};
  furrow_error before = pool->error;
  if (pool->broken != FURROW_OK) return pool->broken;
  if (pool->comm.size == 1) return FURROW_OK;
  furrow__error_clear(&pool->error);
  furrow_status status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK) return status;
  if (furrow__comm_bcast(&pool->comm, pool->comm.all, 0, l, sizeof *l) != FURROW_OK)
    return furrow__pool_break(pool, "furrow_lead");
  pool->error = before;
  return FURROW_OK;
}

/* `error`: this rank has no memory for it. Then all have that error. */
static furrow_status pass_large_user(furrow_pool *pool, void *user, size_t size, furrow_error *error) {
  furrow__comm *comm = &pool->comm;
  if (comm->size == 1 || size <= SMALL_USER) return FURROW_OK;
  furrow_status status = furrow__comm_verdict(comm, comm->all, error);
  if (status == FURROW_OK) status = furrow__comm_bcast(comm, comm->all, 0, user, size);
  if (status == FURROW_E_MPI) return furrow__pool_break(pool, "furrow_lead");
  return status;
}

furrow_status furrow__step_tell(furrow_pool *pool, furrow__call *call, const furrow__step *step) {
  letter l;
  memset(&l, 0, sizeof l); /* all of its bytes are sent */
  l.kind = FURROW__JOIN;
  l.op = step->op;
  memcpy(l.numbers, step->numbers, sizeof l.numbers);
  write_options(step, &l);
  if (call->status == FURROW_OK) write_functions(pool, call, step, &l);
  if (call->status == FURROW_OK) write_user(pool, call, step, &l);
  if (call->status != FURROW_OK) return pool->error.status;
  furrow_status status = send(pool, &l);
  return status == FURROW_OK ? pass_large_user(pool, step->user, l.user_size, &pool->error) : status;
}

void furrow__step_forget(furrow_pool *pool, uint64_t share) {
  const furrow__lead *lead = pool->lead;
  bool mine = lead && lead->first_share <= share && pthread_equal(lead->thread, pthread_self());
  letter l;
  if (!mine || atomic_load(&pool->busy)) return; /* the end of the program tells */
  memset(&l, 0, sizeof l);
  l.kind = FURROW__FORGET;
  l.share = share;
  furrow_status status = send(pool, &l);
  (void)status; /* a pool that broke tells with its next operation */
}

furrow_status furrow__step_end(furrow_pool *pool, const furrow_error *error) {
  letter l;
  memset(&l, 0, sizeof l);
  l.kind = FURROW__END;
  l.error = *error;
  return send(pool, &l);
}

/* ---- the others ---- */

/* What comes first counts. */
static void cannot(furrow_pool *pool, furrow__order *order, furrow_status status, const char *format, ...)
    FURROW_PRINTF(4, 5);
static void cannot(furrow_pool *pool, furrow__order *order, furrow_status status, const char *format, ...) {
  if (order->error.status != FURROW_OK) return;
  char message[FURROW_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  furrow__error_set(&order->error, status, furrow__here(pool), FURROW_NO_TASK, "%s", message);
}

static void read_functions(furrow_pool *pool, const letter *l, furrow__order *order) {
  furrow__function functions[FUNCTIONS];
  furrow__step *step = &order->step;
  for (int i = 0; i < FUNCTIONS; i++) {
    const furrow__place *place = &l->functions[i];
    furrow__finding finding = furrow__place_find(place, &functions[i]);
    if (finding == FURROW__FOUND) continue;
    cannot(pool, order, FURROW_E_ARG,
           finding == FURROW__NOT_LOADED ? "%s: %s is in %s, which is not loaded here"
                                         : "%s: %s is in %s, of which another build is loaded here",
           furrow__op_name(step->op), name_of(step->op, i), place->module[0] ? place->module : "the program");
  }
  memcpy(step->functions, functions, sizeof step->functions);
  order->options.worker_begin = (int (*)(void *, int, void **))functions[BEGIN];
  order->options.worker_end = (void (*)(void *, int, void *))functions[FINISH];
}

static furrow_status read_user(furrow_pool *pool, const letter *l, furrow__order *order) {
  furrow__step *step = &order->step;
  if (l->user_kind == USER_SHARED) {
    step->user = furrow__shelf_address(pool, &l->user);
    if (!step->user)
      cannot(pool, order, FURROW_E_ARG, "%s: user points into a furrow_share that this rank has no more",
             furrow__op_name(step->op));
  }
  if (l->user_kind != USER_BYTES) return FURROW_OK;
  furrow_error refused;
  furrow__error_clear(&refused);
  size_t room = (l->user_size / ALIGNMENT + 1) * ALIGNMENT;
  step->user = order->copy = room > l->user_size ? aligned_alloc(ALIGNMENT, room) : NULL;
  if (!order->copy) {
    furrow__error_set(&refused, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK,
                      "%s: no memory for the %zu bytes of user", furrow__op_name(step->op), (size_t)l->user_size);
    cannot(pool, order, FURROW_E_NOMEM, "%s", refused.message);
  } else if (l->user_size <= SMALL_USER) {
    memcpy(order->copy, l->small_user, l->user_size);
  }
  return pass_large_user(pool, order->copy, l->user_size, &refused);
}

furrow_status furrow__step_learn(furrow_pool *pool, furrow__order *order) {
  letter l;
  furrow__call call;
  *order = (furrow__order){.kind = FURROW__NOTHING};
  furrow__error_clear(&order->error);
  furrow_status status = furrow__call_begin(pool, &call, FURROW__OP_LEAD);
  if (status == FURROW_OK) status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK) return status;
  if (furrow__comm_bcast(&pool->comm, pool->comm.all, 0, &l, sizeof l) != FURROW_OK)
    return furrow__pool_break(pool, "furrow_lead");
  order->kind = (furrow__order_kind)l.kind;
  order->share = l.share;
  if (order->kind == FURROW__END) order->error = l.error;
  if (order->kind != FURROW__JOIN) return FURROW_OK;
  order->options = l.options;
  order->step = (furrow__step){.op = (furrow__op)l.op};
  memcpy(order->step.numbers, l.numbers, sizeof l.numbers);
  read_functions(pool, &l, order);
  status = read_user(pool, &l, order);
  if (status == FURROW_E_MPI) return status;
  if (status != FURROW_OK) order->kind = FURROW__NOTHING; /* rank 0 knows, and has given up the operation */
  return FURROW_OK;
}

void furrow__order_clear(const furrow_pool *pool, furrow__order *order) {
  furrow__comm_free_buffer(&pool->comm, order->copy);
  order->copy = NULL;
}
