/* Where the error is, intervals are halved. The source keeps a heap of intervals by their error and hands out the
 * halves of the worst ones, many in a task; the sink puts aside what comes back. What to halve next depends on that,
 * so the source answers "later" where it must know more first.
 *
 * Same bits on any number of ranks. Results come in the order of tasks, but when they come depends on the machine. So
 * decisions are made on a clock of their own: it ticks when the source *uses* a result, which the sink may have had
 * long before. The source follows one rule: if halving is worth it, and fewer than AHEAD tasks have not been used, it
 * hands out the next task; else it uses the oldest result, or waits for just that one. Which of the two it does
 * depends on what it has used and given so far, never on what has arrived. So the sequence of tasks and uses is a
 * function of the settings alone.
 *
 * Many ranks stay busy: up to AHEAD tasks are under way, given without a look at each other's results, and a task
 * that takes long holds the others up only when AHEAD - 1 later ones are through. It costs few evaluations: what is
 * under way is taken to come back without error, and more is handed out only if even then the tolerance would be
 * missed.
 *
 * It ends: each turn of the source's loop hands out evaluations, of which there is a limit, or uses a task. It never
 * answers "later" with nothing under way, since it waits for a task that it has given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "quadrature.h"

enum {
  AHEAD = 256,               /* tasks given and not used. Part of the answer, so it does not depend on the ranks */
  BATCH = 128,               /* pieces a task at most: some tens of microseconds for a cheap function */
  HALVING = 2 * RULE_POINTS, /* evaluations for two halves */
  SHARE = 32,                /* a task takes this part of the heap at most, so that few intervals are many tasks */
};

/* A sum that keeps what rounding takes from it (Neumaier). */
typedef struct total {
  double sum, rest;
} total;

static void add(total *t, double x) {
  double sum = t->sum + x;
  t->rest += fabs(t->sum) >= fabs(x) ? (t->sum - sum) + x : (x - sum) + t->sum;
  t->sum = sum;
}

static double value_of(const total *t) {
  return t->sum + t->rest;
}

/* A task: first the pieces that it shall look at, then what came back. */
typedef struct batch {
  size_t count;
  double halved; /* the integral over what was halved, as it was known; it is replaced */
  piece pieces[BATCH];
} batch;

typedef struct refinement {
  const settings *wanted;
  heap open;                                  /* pieces that may be halved, the worst on top */
  heap closed;                                /* pieces that are final; the order means nothing */
  total open_error;                           /* of those in `open`; what is under way counts as exact */
  total final_error;                          /* of those in `closed` */
  total integral;                             /* over everything; what is under way as it was before it was halved */
  uint64_t given, arrived, used, evaluations; /* tasks; tasks in the sink; tasks that the clock has seen */
  batch *batches;                             /* AHEAD of them: task k in k % AHEAD */
} refinement;

/* ---- the task ---- */

/* Extra work that no compiler can drop: it never gets to 0, but who knows that. */
static bool toil(uint64_t work) {
  uint64_t state = 1;
  for (uint64_t i = 0; i < work; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return state == 0;
}

static double evaluate(double x, const void *user) {
  const settings *wanted = user;
  return toil(wanted->work) ? NAN : wanted->integrand->f(x);
}

static int look_at(furrow_task *task, const void *item, size_t size) {
  const settings *wanted = task->user;
  piece pieces[BATCH];
  double x;
  memcpy(pieces, item, size);
  for (size_t i = 0; i < size / sizeof *pieces; i++)
    if (!rule_apply(&pieces[i], evaluate, wanted, &x))
      return furrow_fail(task, "%s is not finite at %.17g", wanted->integrand->formula, x);
  return furrow_task_write(task, pieces, size);
}

/* ---- the decisions, on rank 0 ---- */

static double allowed_error(const refinement *r) {
  double relative = r->wanted->tolerance * fabs(value_of(&r->integral));
  return relative > r->wanted->absolute ? relative : r->wanted->absolute;
}

/* Whether more should be halved now: nothing while the first pieces are not all known, nothing beyond the limit, and
 * nothing if it is enough that what is under way gets better, or if what can't get better is too much already. */
static bool is_worth_it(const refinement *r) {
  if (r->given < PIECES) return true;
  double allowed = allowed_error(r), final = value_of(&r->final_error);
  return r->used >= PIECES && r->open.count > 0 && r->evaluations + HALVING <= r->wanted->limit && final <= allowed &&
         value_of(&r->open_error) + final > allowed;
}

static void put(batch *b, double lower, double upper) {
  b->pieces[b->count++] = (piece){.lower = lower, .upper = upper};
}

static void halve_the_worst(refinement *r, batch *b) {
  size_t share = r->open.count / SHARE, pieces = share < 1 ? 2 : 2 * share > BATCH ? BATCH : 2 * share;
  while (b->count < pieces && is_worth_it(r)) {
    piece worst = heap_take(&r->open);
    double middle = piece_middle(&worst);
    put(b, worst.lower, middle);
    put(b, middle, worst.upper);
    b->halved += worst.value;
    add(&r->open_error, -worst.error);
    r->evaluations += HALVING;
  }
}

static void put_first_piece(refinement *r, batch *b) {
  double lower = r->wanted->lower, upper = r->wanted->upper, i = (double)r->given;
  double next = r->given + 1 < PIECES ? lower + (upper - lower) * ((i + 1) / PIECES) : upper;
  put(b, lower + (upper - lower) * (i / PIECES), next);
  r->evaluations += RULE_POINTS;
}

/* The clock ticks: what a task has found is known from here on. False: no memory. */
static bool use(refinement *r, const batch *b) {
  add(&r->integral, -b->halved);
  for (size_t i = 0; i < b->count; i++) {
    const piece *p = &b->pieces[i];
    if (!heap_put(p->final != 0 ? &r->closed : &r->open, p)) return false;
    add(p->final != 0 ? &r->final_error : &r->open_error, p->error);
    add(&r->integral, p->value);
  }
  return true;
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  refinement *r = state->data;
  while (!is_worth_it(r) || r->given - r->used == AHEAD) {
    if (r->used == r->given) return FURROW_STREAM_END;
    if (r->used == r->arrived) return FURROW_STREAM_LATER;
    if (!use(r, &r->batches[r->used++ % AHEAD]))
      return furrow_stream_fail(state, "no memory for %zu intervals", r->open.count + r->closed.count);
  }
  batch *b = &r->batches[r->given % AHEAD];
  b->count = 0;
  b->halved = 0;
  if (r->given < PIECES)
    put_first_piece(r, b);
  else
    halve_the_worst(r, b);
  r->given++;
  *item = b->pieces;
  *size = b->count * sizeof *b->pieces;
  return FURROW_STREAM_NEXT;
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  refinement *r = state->data;
  memcpy(r->batches[r->arrived++ % AHEAD].pieces, result, size);
  return FURROW_STREAM_NEXT;
}

/* ---- the answer ---- */

static int by_place(const void *a, const void *b) {
  double x = ((const piece *)a)->lower, y = ((const piece *)b)->lower;
  return (x > y) - (x < y);
}

static ending ending_of(const refinement *r, const answer *a) {
  if (a->error <= a->allowed) return BY_TOLERANCE;
  return r->evaluations + HALVING > r->wanted->limit ? BY_LIMIT : BY_ROUNDING;
}

/* Added up afresh from left to right. False: no memory. */
static bool conclude(refinement *r, answer *a) {
  total value = {0}, error = {0};
  for (; r->closed.count > 0; r->closed.count--)
    if (!heap_put(&r->open, &r->closed.pieces[r->closed.count - 1])) return false;
  qsort(r->open.pieces, r->open.count, sizeof *r->open.pieces, by_place);
  for (size_t i = 0; i < r->open.count; i++) {
    add(&value, r->open.pieces[i].value);
    add(&error, r->open.pieces[i].error);
  }
  a->value = value_of(&value);
  a->error = value_of(&error);
  a->allowed = allowed_error(r);
  a->exact =
      r->wanted->integrand->antiderivative(r->wanted->upper) - r->wanted->integrand->antiderivative(r->wanted->lower);
  a->ending = ending_of(r, a);
  a->evaluations = r->evaluations;
  a->intervals = r->open.count;
  a->tasks = r->given;
  return true;
}

static furrow_status refine(furrow_pool *pool, refinement *r, answer *a) {
  settings mine = *r->wanted; /* a task's user is no const */
  furrow_options options = FURROW_OPTIONS_INIT;
  options.label = "quadrature";
  options.window = AHEAD;
  double start = app_seconds();
  furrow_status status = furrow_stream(pool, look_at, &mine, give, take, r, &options);
  a->timing = (app_timing){.ranks = furrow_pool_size(pool), .seconds = app_seconds() - start};
  a->timing.rate = (double)r->evaluations / a->timing.seconds;
  return status;
}

furrow_status integrate(furrow_pool *pool, const settings *wanted, answer *a) {
  refinement r = {.wanted = wanted};
  if (furrow_is_root(pool)) r.batches = calloc(AHEAD, sizeof *r.batches);
  bool memory = r.batches || !furrow_is_root(pool);
  furrow_status status = furrow_agree(pool, memory ? FURROW_OK : FURROW_E_NOMEM, "no memory for tasks");
  if (status == FURROW_OK) status = refine(pool, &r, a);
  if (status == FURROW_OK) {
    memory = !furrow_is_root(pool) || conclude(&r, a);
    status = furrow_agree(pool, memory ? FURROW_OK : FURROW_E_NOMEM, "no memory for the answer");
  }
  heap_free(&r.open);
  heap_free(&r.closed);
  free(r.batches);
  return status;
}
