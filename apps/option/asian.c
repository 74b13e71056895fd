/* An Asian call on a basket by simulation: correlated prices at every fixing, averaged. The arithmetic average has no
 * closed form. The geometric one has, and the two move together, so that how far the geometric price is off
 * tells how far the arithmetic one is: a control variate. */
#include <math.h>

#include "closed_form.h"
#include "option.h"
#include "pairs.h"

enum { FIXINGS_A_TASK = 1 << 16 }; /* so many prices a task: about a millisecond */

/* What a path needs, worked out once. */
typedef struct basket_model {
  const settings *wanted;
  uint64_t block;                           /* paths a task */
  double drift;                             /* of a log price between two fixings */
  double loading[MOST_ASSETS][MOST_ASSETS]; /* what each random number adds to each log price between two fixings */
  pairs sum;                                /* of the payoffs: x geometric, y arithmetic; on rank 0 */
} basket_model;

/* Cholesky: the lower triangle whose product with its transpose is the matrix of correlations, times `scale`. A pivot
 * of 0, as with correlation 1, leaves its column 0. */
static void load(const market *m, double scale, double loading[MOST_ASSETS][MOST_ASSETS]) {
  for (uint64_t j = 0; j < m->assets; j++) {
    for (uint64_t i = j; i < m->assets; i++) {
      double rest = i == j ? 1 : m->correlation;
      for (uint64_t k = 0; k < j; k++) rest -= loading[i][k] * loading[j][k];
      if (i == j)
        loading[j][j] = rest > 1e-12 ? sqrt(rest) : 0;
      else
        loading[i][j] = loading[j][j] > 0 ? rest / loading[j][j] : 0;
    }
  }
  for (uint64_t i = 0; i < m->assets; i++)
    for (uint64_t j = 0; j <= i; j++) loading[i][j] *= scale;
}

static void build(const settings *wanted, basket_model *model) {
  const market *m = &wanted->market;
  double step = m->maturity / (double)m->fixings;
  uint64_t block = FIXINGS_A_TASK / (m->assets * m->fixings);
  model->wanted = wanted;
  model->block = block > 0 ? block : 1;
  model->drift = (m->rate - m->volatility * m->volatility / 2) * step;
  load(m, m->volatility * sqrt(step), model->loading);
}

/* One path: both averages over all assets and fixings. */
static void walk(const basket_model *model, furrow_rng *rng, double *geometric, double *arithmetic) {
  const market *m = &model->wanted->market;
  double normals[MOST_ASSETS], logs[MOST_ASSETS], sum = 0, sum_of_logs = 0;
  for (uint64_t i = 0; i < m->assets; i++) logs[i] = 0;
  for (uint64_t fixing = 0; fixing < m->fixings; fixing++) {
    furrow_rng_fill_normal(rng, normals, m->assets);
    for (uint64_t i = 0; i < m->assets; i++) {
      logs[i] += model->drift;
      for (uint64_t j = 0; j <= i; j++) logs[i] += model->loading[i][j] * normals[j];
      sum += exp(logs[i]);
      sum_of_logs += logs[i];
    }
  }
  double count = (double)(m->assets * m->fixings);
  *geometric = m->spot * exp(sum_of_logs / count);
  *arithmetic = m->spot * sum / count;
}

static int simulate(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  const basket_model *model = task->user;
  const market *m = &model->wanted->market;
  furrow_rng *rng = furrow_task_rng(task);
  uint64_t left = model->wanted->samples - task->index * model->block;
  double today = discount(m), geometric, arithmetic;
  pairs block = {0};
  for (uint64_t i = 0; i < model->block && i < left; i++) {
    walk(model, rng, &geometric, &arithmetic);
    pairs_add(&block, today * fmax(geometric - m->strike, 0), today * fmax(arithmetic - m->strike, 0));
  }
  pairs_merge(accumulator, &block);
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)user;
  pairs_merge(accumulator, later);
}

static furrow_status run(furrow_pool *pool, void *user, uint64_t tasks, const furrow_progress *progress) {
  basket_model *model = user;
  app_label label = run_label(model->wanted, "asian");
  furrow_options options = run_options(model->wanted, label.text, progress);
  furrow_reducer reducer = {.accumulator_size = sizeof(pairs), .fold = simulate, .merge = merge};
  return furrow_map_reduce(pool, &reducer, model, NULL, 0, tasks, &model->sum, &options);
}

static app_estimate estimate(double mean, double squares, uint64_t n, double exact) {
  double variance = n > 1 ? squares / (double)(n - 1) : 0;
  return (app_estimate){mean, sqrt(variance / (double)n), exact};
}

/* The line through the pairs tells by how much to correct y for what x is off; what is left is scatter around it. */
static void conclude(const pairs *p, const market *m, asian *prices) {
  double known = geometric_asian_call(m);
  double slope = p->xx > 0 ? p->xy / p->xx : 0, scatter = fmax(p->yy - slope * p->xy, 0);
  prices->plain = estimate(p->mean_y, p->yy, p->n, NAN);
  prices->geometric = estimate(p->mean_x, p->xx, p->n, known);
  prices->controlled = estimate(p->mean_y - slope * (p->mean_x - known), scatter, p->n, NAN);
  prices->variance_reduction = scatter > 0 ? p->yy / scatter : NAN;
}

furrow_status price_asian(furrow_pool *pool, const settings *wanted, asian *prices) {
  basket_model model = {.wanted = wanted};
  build(wanted, &model);
  uint64_t tasks = (wanted->samples + model.block - 1) / model.block;
  furrow_status status =
      app_run_timed(pool, run, &model, tasks, (double)wanted->samples, &wanted->faults, &prices->timing);
  conclude(&model.sum, &wanted->market, prices);
  return status;
}
