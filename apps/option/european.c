/* A European call and put by simulation: one random number leads to the price at maturity, which settles both. */
#include <math.h>

#include "closed_form.h"
#include "option.h"

enum { BLOCK = 1 << 12 }; /* paths a task; their random numbers fit into the first cache */

typedef struct payoffs {
  furrow_moments call, put;
} payoffs;

typedef struct simulation {
  const settings *wanted;
  payoffs sum; /* on rank 0 */
} simulation;

static int simulate(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  const settings *wanted = ((const simulation *)task->user)->wanted;
  const market *m = &wanted->market;
  uint64_t left = wanted->samples - task->index * BLOCK, paths = left < BLOCK ? left : BLOCK;
  double normals[BLOCK];
  furrow_rng_fill_normal(furrow_task_rng(task), normals, paths);

  double drift = (m->rate - m->volatility * m->volatility / 2) * m->maturity;
  double deviation = m->volatility * sqrt(m->maturity), today = discount(m);
  payoffs block = {.call = {0}};
  for (uint64_t i = 0; i < paths; i++) {
    double gain = today * (m->spot * exp(drift + deviation * normals[i]) - m->strike);
    furrow_moments_add(&block.call, gain > 0 ? gain : 0);
    furrow_moments_add(&block.put, gain < 0 ? -gain : 0);
  }
  furrow_moments_merge(&((payoffs *)accumulator)->call, &block.call);
  furrow_moments_merge(&((payoffs *)accumulator)->put, &block.put);
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)user;
  furrow_moments_merge(&((payoffs *)accumulator)->call, &((const payoffs *)later)->call);
  furrow_moments_merge(&((payoffs *)accumulator)->put, &((const payoffs *)later)->put);
}

static furrow_status run(furrow_pool *pool, void *user, uint64_t tasks, const furrow_progress *progress) {
  simulation *s = user;
  app_label label = run_label(s->wanted, "european");
  furrow_options options = run_options(s->wanted, label.text, progress);
  furrow_reducer reducer = {.accumulator_size = sizeof(payoffs), .fold = simulate, .merge = merge};
  return furrow_map_reduce(pool, &reducer, s, NULL, 0, tasks, &s->sum, &options);
}

static app_estimate estimate(const furrow_moments *payoff, double exact) {
  return (app_estimate){payoff->mean, furrow_moments_standard_error(payoff), exact};
}

furrow_status price_european(furrow_pool *pool, const settings *wanted, european *prices) {
  simulation s = {.wanted = wanted};
  uint64_t tasks = (wanted->samples + BLOCK - 1) / BLOCK;
  furrow_status status = app_run_timed(pool, run, &s, tasks, (double)wanted->samples, &wanted->faults, &prices->timing);
  prices->call = estimate(&s.sum.call, black_scholes_call(&wanted->market));
  prices->put = estimate(&s.sum.put, black_scholes_put(&wanted->market));
  return status;
}
