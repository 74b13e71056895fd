/* The reduction tree with a symbolic merge that neither commutes nor associates: whoever folds which leaves, and in
   whatever order the nodes meet, the expression is the serial one. */
#include "plan/tree.h"

#include <stdlib.h>

#include "furrow/rng.h"
#include "shim/test.h"

/* ---- expressions, as hashes ---- */

static uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static uint64_t leaf_value(uint64_t leaf) {
  return mixed(leaf + 1);
}

static uint64_t merged(uint64_t earlier, uint64_t later) {
  return mixed(3 * earlier + mixed(later) + 1);
}

/* Level by level: neighbours merge in pairs, one without a neighbour rises as it is. */
static uint64_t serially(uint64_t leaves) {
  uint64_t *values = malloc(leaves * sizeof *values);
  for (uint64_t i = 0; i < leaves; i++) values[i] = leaf_value(i);
  for (uint64_t n = leaves; n > 1; n = n / 2 + n % 2) {
    for (uint64_t i = 0; i < n / 2; i++) values[i] = merged(values[2 * i], values[2 * i + 1]);
    if (n % 2) values[n / 2] = values[n - 1];
  }
  uint64_t root = values[0];
  free(values);
  return root;
}

/* ---- workers: each has a forest; the accumulators stand in one array, in the slot of their first leaf ---- */

enum { MOST_WORKERS = 9 };

typedef struct crowd {
  uint64_t leaves, merges;
  uint64_t *values; /* 0: merged into another */
  furrow__forest forests[MOST_WORKERS];
} crowd;

static void crowd_start(crowd *all, uint64_t leaves, uint32_t capacity) {
  all->leaves = leaves;
  all->merges = 0;
  all->values = calloc(leaves, sizeof *all->values);
  for (int w = 0; w < MOST_WORKERS; w++)
    all->forests[w] = (furrow__forest){leaves, malloc(capacity * sizeof(furrow__node)), 0, capacity};
}

static void crowd_end(crowd *all) {
  free(all->values);
  for (int w = 0; w < MOST_WORKERS; w++) free(all->forests[w].nodes);
}

static void offer(crowd *all, int w, furrow__node node) {
  furrow__forest *forest = &all->forests[w];
  for (;;) {
    ASSERT_LT(forest->count, forest->capacity);
    furrow__merge merge = furrow__forest_offer(forest, node);
    if (!merge.ready) return;
    ASSERT_NE(all->values[merge.earlier], 0u);
    ASSERT_NE(all->values[merge.later], 0u);
    ASSERT_EQ(merge.parent.slot, merge.earlier);
    all->values[merge.earlier] = merged(all->values[merge.earlier], all->values[merge.later]);
    all->values[merge.later] = 0;
    all->merges++;
    node = merge.parent;
  }
}

static void fold(crowd *all, int w, uint64_t leaf) {
  all->values[leaf] = leaf_value(leaf);
  offer(all, w, (furrow__node){leaf, 0, (uint32_t)leaf});
}

/* All workers' nodes travel to worker 0, in any order. */
static void gather(crowd *all, furrow_rng *rng) {
  int left = MOST_WORKERS - 1;
  while (left > 0 && !test_failed()) {
    int w = 1 + (int)furrow_rng_below(rng, MOST_WORKERS - 1);
    furrow__forest *forest = &all->forests[w];
    if (forest->capacity == 0) continue; /* had been emptied */
    if (forest->count == 0) {
      forest->capacity = 0;
      left--;
      continue;
    }
    uint64_t i = furrow_rng_below(rng, forest->count);
    furrow__node node = forest->nodes[i];
    forest->nodes[i] = forest->nodes[--forest->count];
    offer(all, 0, node);
  }
}

static void expect_serial(const crowd *all) {
  const furrow__forest *root = &all->forests[0];
  ASSERT_EQ(root->count, 1u);
  EXPECT_TRUE(furrow__node_is_root(root->nodes[0], all->leaves));
  EXPECT_EQ(all->merges, all->leaves - 1); /* each pair once: a merge less for each leaf */
  EXPECT_EQ(root->nodes[0].slot, 0u);
  EXPECT_EQ(all->values[0], serially(all->leaves));
}

/* Leaves go to workers one by one, in any order. */
static void scattered(uint64_t leaves, furrow_rng *rng) {
  crowd all;
  crowd_start(&all, leaves, (uint32_t)leaves + 1);
  uint32_t *order = malloc(leaves * sizeof *order);
  for (uint32_t i = 0; i < leaves; i++) {
    uint64_t j = furrow_rng_below(rng, i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  int workers = 1 + (int)furrow_rng_below(rng, MOST_WORKERS);
  for (uint64_t i = 0; i < leaves; i++) fold(&all, (int)furrow_rng_below(rng, (uint64_t)workers), order[i]);
  gather(&all, rng);
  if (!test_failed()) expect_serial(&all);
  free(order);
  crowd_end(&all);
}

/* Runs of neighbours go to workers, as claims do. */
static void in_runs(uint64_t leaves, uint64_t runs, furrow_rng *rng) {
  crowd all;
  crowd_start(&all, leaves, leaves < 1 << 14 ? (uint32_t)leaves + 1 : 1 << 14);
  int workers = 1 + (int)furrow_rng_below(rng, MOST_WORKERS);
  for (uint64_t begin = 0, end; begin < leaves && !test_failed(); begin = end) {
    end = begin + 1 + furrow_rng_below(rng, 2 * leaves / runs + 1);
    if (end > leaves) end = leaves;
    int w = (int)furrow_rng_below(rng, (uint64_t)workers);
    for (uint64_t i = begin; i < end; i++) fold(&all, w, i);
  }
  gather(&all, rng);
  if (!test_failed()) expect_serial(&all);
  crowd_end(&all);
}

TEST(tree, one_expression_whoever_folds_and_whenever) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (uint64_t leaves = 1; leaves <= 300; leaves++)
    for (int i = 0; i < 10 && !test_failed(); i++) {
      TEST_PHASE("%d leaves", (int)leaves);
      scattered(leaves, &rng);
      in_runs(leaves, 1 + furrow_rng_below(&rng, leaves), &rng);
    }
}

TEST(tree, one_expression_of_millions_of_leaves) {
  furrow_rng rng = furrow_rng_make(2, 0, 0);
  in_runs((1 << 22) - 1, 20, &rng);
  for (int i = 0; i < 10 && !test_failed(); i++) {
    uint64_t leaves = 1 + (furrow_rng_below(&rng, 1 << 20) >> furrow_rng_below(&rng, 12));
    in_runs(leaves, 1 + furrow_rng_below(&rng, 60), &rng);
  }
}

/* ---- expressions to be read ---- */

/* Fold all leaves with text accumulators, from the last to the first. */
static void as_text(int leaves, char text[16][128]) {
  furrow__node nodes[16];
  furrow__forest forest = {(uint64_t)leaves, nodes, 0, 16};
  for (int leaf = leaves; leaf-- > 0;) {
    snprintf(text[leaf], sizeof text[leaf], "%d", leaf);
    furrow__node node = {(uint64_t)leaf, 0, (uint32_t)leaf};
    for (furrow__merge merge; merge = furrow__forest_offer(&forest, node), merge.ready; node = merge.parent) {
      char both[256];
      snprintf(both, sizeof both, "(%s %s)", text[merge.earlier], text[merge.later]);
      snprintf(text[merge.earlier], sizeof text[0], "%.127s", both);
    }
  }
}

TEST(tree, one_without_a_sibling_rises) {
  char text[16][128];
  as_text(1, text);
  EXPECT_EQ_STR(text[0], "0");
  as_text(3, text);
  EXPECT_EQ_STR(text[0], "((0 1) 2)");
  as_text(5, text);
  EXPECT_EQ_STR(text[0], "(((0 1) (2 3)) 4)");
  as_text(7, text);
  EXPECT_EQ_STR(text[0], "(((0 1) (2 3)) ((4 5) 6))");
  as_text(11, text);
  EXPECT_EQ_STR(text[0], "((((0 1) (2 3)) ((4 5) (6 7))) ((8 9) 10))");
}

TEST(tree, a_kept_node_has_risen) {
  furrow__node nodes[4];
  furrow__forest forest = {5, nodes, 0, 4};
  EXPECT_FALSE(furrow__forest_offer(&forest, (furrow__node){4, 0, 9}).ready);
  EXPECT_EQ(nodes[0].level, 2u); /* it waits for the four others */
  EXPECT_EQ(nodes[0].index, 1u);
  EXPECT_EQ(nodes[0].slot, 9u);
  furrow__merge merge = furrow__forest_offer(&forest, (furrow__node){0, 2, 7});
  EXPECT_TRUE(merge.ready);
  EXPECT_EQ(merge.earlier, 7u);
  EXPECT_EQ(merge.later, 9u);
  EXPECT_EQ(forest.count, 0u);
  EXPECT_TRUE(furrow__node_is_root(merge.parent, 5));
}

TEST(tree, the_root_covers_all) {
  EXPECT_TRUE(furrow__node_is_root((furrow__node){0, 0, 0}, 1));
  EXPECT_FALSE(furrow__node_is_root((furrow__node){0, 0, 0}, 2));
  EXPECT_TRUE(furrow__node_is_root((furrow__node){0, 2, 0}, 3));
  EXPECT_FALSE(furrow__node_is_root((furrow__node){0, 1, 0}, 3));
  EXPECT_FALSE(furrow__node_is_root((furrow__node){0, 63, 0}, UINT64_MAX));
  EXPECT_TRUE(furrow__node_is_root((furrow__node){0, 64, 0}, UINT64_MAX));
  EXPECT_TRUE(furrow__node_is_root((furrow__node){0, 63, 0}, UINT64_C(1) << 63));
}

/* ---- bounded ---- */

static uint32_t two_logs(uint64_t leaves) {
  uint32_t result = 0; /* the largest r with 2^(r/2) <= leaves, so r = floor(2 log2(leaves)) */
  __extension__ typedef unsigned __int128 wide;
  while (((wide)1 << (result + 1)) <= (wide)leaves * leaves) result++;
  return result;
}

/* The most nodes that a run of neighbours keeps at a time. */
static uint32_t most_kept(uint64_t leaves, uint64_t begin, uint64_t end) {
  furrow__node nodes[256];
  furrow__forest forest = {leaves, nodes, 0, 256};
  uint32_t most = 0;
  for (uint64_t leaf = begin; leaf < end && forest.count < 256; leaf++) {
    furrow__node node = {leaf, 0, 0};
    for (furrow__merge merge; merge = furrow__forest_offer(&forest, node), merge.ready;) node = merge.parent;
    if (forest.count > most) most = forest.count;
  }
  return most;
}

TEST(tree, a_run_of_neighbours_keeps_few_nodes) {
  furrow_rng rng = furrow_rng_make(3, 0, 0);
  EXPECT_EQ(two_logs(3), 3u);
  EXPECT_EQ(most_kept(1, 0, 1), 1u); /* the root */
  for (uint64_t leaves = 2; leaves <= 70; leaves++)
    for (uint64_t begin = 0; begin < leaves; begin++) ASSERT_LE(most_kept(leaves, begin, leaves), two_logs(leaves));
  for (uint64_t leaves = 2; leaves <= 40; leaves++)
    for (uint64_t begin = 0; begin < leaves; begin++)
      for (uint64_t end = begin; end <= leaves; end++) ASSERT_LE(most_kept(leaves, begin, end), two_logs(leaves));
  for (int i = 0; i < 1000; i++) {
    uint64_t leaves = 2 + (furrow_rng_u64(&rng) >> (1 + furrow_rng_below(&rng, 60)));
    uint64_t begin = furrow_rng_below(&rng, leaves), run = 1 + furrow_rng_below(&rng, 10000);
    ASSERT_LE(most_kept(leaves, begin, run < leaves - begin ? begin + run : leaves), two_logs(leaves));
  }
}
