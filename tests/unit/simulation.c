/* Whole operations on a simulated cluster, in virtual time: tests/simulate/ at sizes that take a moment. Efficiency is
   measured against what is possible, messages against what they are worth. */
#include "shim/test.h"
#include "simulate/cluster.h"
#include "simulate/greedy.h"

enum { RANKS = 128 };

static const uint64_t MILLISECOND = 1000000, MICROSECOND = 1000;

/* As a cluster with a fast network; the caller changes what it is about. */
static cluster_settings usual(const load *of, int nodes) {
  return (cluster_settings){.load = of,
                            .nodes = nodes,
                            .ranks = RANKS,
                            .latency = 5 * MICROSECOND,
                            .message = 2 * MICROSECOND,
                            .spans = 64,
                            .slow = -1,
                            .slowness = 1};
}

static void make_load(load *of, load_kind kind, uint64_t mean, uint64_t tasks) {
  if (!load_make(of, kind, mean, furrow__units_of_map(tasks))) TEST_FAIL("no memory for a load");
}

static cluster_result simulate(const cluster_settings *settings) {
  cluster_result result = {.time = 0};
  if (!cluster_run(settings, &result)) TEST_FAIL("no memory for a cluster");
  return result;
}

static double best(const load *of, int nodes) {
  uint64_t ends = 0;
  if (!greedy_run(of, (uint64_t)nodes * RANKS, &ends)) TEST_FAIL("no memory for the best");
  return (double)ends;
}

TEST(simulation, a_thousand_nodes_waste_less_than_5_percent) {
  load of;
  make_load(&of, LOAD_CONSTANT, 10 * MILLISECOND, 10000000);
  cluster_settings settings = usual(&of, 1000);
  cluster_result result = simulate(&settings);
  EXPECT_GE(result.efficiency, 0.96);
  EXPECT_LE(result.efficiency, 1.0);
  EXPECT_LE(result.lots, 9000u);
  EXPECT_LE(result.messages, 30000u);
  EXPECT_LE(result.busy, 0.1);
  load_clear(&of);
}

TEST(simulation, uneven_tasks_end_as_early_as_they_can) {
  for (int kind = LOAD_CONSTANT; kind <= LOAD_PARETO && !test_failed(); kind++) {
    load of;
    make_load(&of, (load_kind)kind, 10 * MILLISECOND, 2000000);
    cluster_settings settings = usual(&of, 64);
    cluster_result result = simulate(&settings);
    EXPECT_LE((double)result.time, 1.05 * best(&of, 64));             /* which long task begins late is luck */
    EXPECT_GE(result.efficiency, kind == LOAD_CONSTANT ? 0.99 : 0.7); /* the longest lasts for half of it all */
    load_clear(&of);
  }
}

TEST(simulation, small_tasks_are_dealt_in_few_lots) {
  load of;
  make_load(&of, LOAD_LOGNORMAL, MICROSECOND, UINT64_C(1) << 30);
  cluster_settings settings = usual(&of, 64);
  cluster_result result = simulate(&settings);
  EXPECT_GE(result.efficiency, 0.98);
  EXPECT_LE(result.lots, 1280u); /* 20 a node */
  EXPECT_LE(result.messages, 6400 + 2 * (result.lots + result.recalls));
  load_clear(&of);
}

TEST(simulation, a_slow_node_is_relieved) {
  load of;
  make_load(&of, LOAD_CONSTANT, 10 * MILLISECOND, 2000000);
  cluster_settings settings = usual(&of, 64);
  settings.slow = 17;
  settings.slowness = 3;
  cluster_result result = simulate(&settings);
  EXPECT_GE(result.efficiency, 0.97); /* of what the nodes can do; left alone it would take half as long again */
  EXPECT_GE(result.recalls, 1u);
  settings.spans = 1; /* relief in crumbs comes too late */
  EXPECT_LT(simulate(&settings).efficiency, result.efficiency);
  load_clear(&of);
}

TEST(simulation, slow_messages_cost_little_at_a_hundred_nodes) {
  load of;
  make_load(&of, LOAD_CONSTANT, 10 * MILLISECOND, 2000000);
  cluster_settings settings = usual(&of, 100);
  settings.latency = 50 * MICROSECOND;
  settings.message = 10 * MICROSECOND;
  cluster_result result = simulate(&settings);
  EXPECT_GE(result.efficiency, 0.95);
  load_clear(&of);
}

TEST(simulation, a_reduction_sends_few_accumulators) {
  load of;
  if (!load_make(&of, LOAD_LOGNORMAL, MILLISECOND, furrow__units_of_leaves(4000000, 8, 0)))
    TEST_FAIL("no memory for a load");
  cluster_settings settings = usual(&of, 64);
  cluster_result crooked = simulate(&settings);
  EXPECT_EQ(crooked.accumulators, 0.0); /* a map has none */
  settings.reduce = true;
  cluster_result result = simulate(&settings);
  EXPECT_GE(result.accumulators, 1.0);
  EXPECT_LE(result.accumulators, 150.0);
  load_clear(&of);
}

TEST(simulation, one_node_and_few_units) {
  const uint64_t tasks[] = {1, 2, 127, 128, 129, 1000};
  const int nodes[] = {1, 2, 3, 64};
  for (int t = 0; t < 6; t++)
    for (int n = 0; n < 4 && !test_failed(); n++) {
      load of;
      make_load(&of, LOAD_CONSTANT, 10 * MILLISECOND, tasks[t]);
      cluster_settings settings = usual(&of, nodes[n]);
      cluster_result result = simulate(&settings);
      EXPECT_LE((double)result.time,
                best(&of, nodes[n]) + 16.0 * (double)MILLISECOND); /* one task more, and some naps */
      load_clear(&of);
    }
}
