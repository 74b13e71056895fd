/* The deck's arithmetic at its edges, and whole operations of nodes that ask in turn: everything is dealt, once, in lots
   that shrink; a million ranks without mpirun. */
#include "plan/deck.h"

#include <math.h>
#include <stdlib.h>

#include "furrow/rng.h"
#include "plan/tree.h"
#include "shim/test.h"

enum { MANY = 10000, RANKS = 128 };

static const uint64_t MILLISECOND = 1000000;
static const uint64_t MOST = UINT64_C(1) << 31; /* units */

/* So many nodes, all alike, at the start of an operation at time 0. */
static furrow__deck make(int nodes, uint32_t ranks, uint64_t units) {
  furrow__deck deck = {.nodes = nodes, .hands = calloc((size_t)nodes, sizeof *deck.hands)};
  for (int i = 0; deck.hands && i < nodes; i++) deck.hands[i].ranks = ranks;
  if (deck.hands)
    furrow__deck_start(&deck, units, 0);
  else
    TEST_FAIL("no memory for %d hands", nodes);
  return deck;
}

static uint64_t dealt(const furrow__deck *deck) {
  uint64_t sum = 0;
  for (int i = 0; i < deck->nodes; i++) sum += deck->hands[i].dealt;
  return sum;
}

/* ---- the first lots ---- */

TEST(deck, few_units_are_dealt_as_a_whole_and_half_of_many) {
  EXPECT_EQ(furrow__deck_first(0, 1), 0u);
  EXPECT_EQ(furrow__deck_first(1, 1), 1u);
  EXPECT_EQ(furrow__deck_first(1, 1280000), 1u);
  EXPECT_EQ(furrow__deck_first(16, 8), 16u);
  EXPECT_EQ(furrow__deck_first(17, 8), 8u);
  EXPECT_EQ(furrow__deck_first(MOST, 8), MOST / 2);
}

TEST(deck, first_lots_cover_the_first_units_without_gap) {
  const uint64_t units[] = {0, 1, 127, 128, 129, 1000003, MOST - 1, MOST};
  const uint32_t ranks[] = {1, 7, RANKS};
  for (int u = 0; u < 8; u++)
    for (int r = 0; r < 3; r++) {
      uint64_t all = (uint64_t)MANY * ranks[r], end = 0;
      furrow__deck deck = make(MANY, ranks[r], units[u]);
      if (test_failed()) return;
      for (uint64_t i = 0; i < MANY; i++) {
        furrow__span lot = furrow__deck_first_lot(units[u], i * ranks[r], ranks[r], all);
        ASSERT_EQ(lot.begin, end);
        ASSERT_EQ(deck.hands[i].dealt, lot.end - lot.begin);
        end = lot.end;
      }
      EXPECT_EQ(end, furrow__deck_first(units[u], all));
      EXPECT_EQ(dealt(&deck), end);
      EXPECT_EQ(deck.ranks, all);
      free(deck.hands);
    }
}

TEST(deck, a_larger_node_gets_more_at_first) {
  furrow__hand hands[] = {{.ranks = 1}, {.ranks = 3}, {.ranks = 4}};
  furrow__deck deck = {.nodes = 3, .hands = hands};
  furrow__deck_start(&deck, 1600, 0);
  EXPECT_EQ(hands[0].dealt, 100u);
  EXPECT_EQ(hands[1].dealt, 300u);
  EXPECT_EQ(hands[2].dealt, 400u);
}

TEST(deck, a_share_of_a_lot_is_rounded_up) {
  EXPECT_EQ(furrow__deck_each(0, RANKS), 0u);
  EXPECT_EQ(furrow__deck_each(0, 0), 0u); /* a node without workers */
  EXPECT_EQ(furrow__deck_each(1, RANKS), 1u);
  EXPECT_EQ(furrow__deck_each(RANKS, RANKS), 1u);
  EXPECT_EQ(furrow__deck_each(RANKS + 1, RANKS), 2u);
  EXPECT_EQ(furrow__deck_each(MOST, 1), MOST);
}

/* ---- lots ---- */

/* Nodes ask in turn until nothing is left; all of them have done `speed` units a second each. The number of lots. */
static uint64_t deal_all(furrow__deck *deck, uint64_t units) {
  uint64_t left = units - dealt(deck), lots = 0;
  for (int node = 0; left > 0; node = (node + 1) % deck->nodes, lots++) {
    uint32_t lot = furrow__deck_lot(deck, node, left);
    if (lot == 0 || lot > left) {
      TEST_FAIL("a lot of %u of %llu", lot, (unsigned long long)left);
      break;
    }
    furrow__deck_dealt(deck, node, lot);
    left -= lot;
  }
  return lots;
}

TEST(deck, lots_sum_up_whatever_the_numbers) {
  const uint64_t units[] = {0, 1, 2, 127, 1000, 1000003, MOST - 1, MOST};
  const int nodes[] = {1, 2, 3, 64, MANY};
  for (int u = 0; u < 8 && !test_failed(); u++)
    for (int n = 0; n < 5 && !test_failed(); n++) {
      furrow__deck deck = make(nodes[n], RANKS, units[u]);
      if (test_failed()) return;
      deal_all(&deck, units[u]);
      EXPECT_EQ(dealt(&deck), units[u]);
      free(deck.hands);
    }
}

TEST(deck, nothing_is_dealt_of_nothing) {
  furrow__deck deck = make(4, RANKS, 1000000);
  if (test_failed()) return;
  EXPECT_EQ(furrow__deck_lot(&deck, 1, 0), 0u);
  furrow__deck_finished(&deck, 1, 1000, MILLISECOND);
  EXPECT_EQ(furrow__deck_lot(&deck, 1, 0), 0u);
  EXPECT_EQ(furrow__deck_lot(&deck, 1, 1), 1u);
  free(deck.hands);
}

TEST(deck, a_million_ranks_need_few_lots) {
  furrow__deck deck = make(MANY, RANKS, MOST);
  if (test_failed()) return;
  uint64_t each = deck.hands[1].dealt;
  for (int i = 0; i < MANY; i++)
    furrow__deck_finished(&deck, i, each, UINT64_C(1000000000)); /* its first lot took 1 s */
  uint64_t lots = deal_all(&deck, MOST);
  EXPECT_LE(lots, UINT64_C(6) * MANY);
  EXPECT_GE(lots, UINT64_C(3) * MANY); /* or lots are so large that their ends are far apart */
  EXPECT_EQ(dealt(&deck), MOST);
  free(deck.hands);
}

TEST(deck, a_lot_is_worth_its_message) {
  const int nodes[] = {2, 100, 1000, MANY};
  const double least[] = {1e-3, 1e-3, 10e-3, 100e-3}; /* seconds: 10 µs a node, so that rank 0 can serve all of them */
  for (int n = 0; n < 4; n++) {
    furrow__deck deck = make(nodes[n], RANKS, MOST);
    if (test_failed()) return;
    for (int i = 0; i < nodes[n]; i++) furrow__deck_finished(&deck, i, 12800, UINT64_C(1000000000));
    EXPECT_NEAR(furrow__deck_lot(&deck, 1, 20 * (uint64_t)nodes[n] / 10), fmin(12800 * least[n], 2 * nodes[n]), 1);
    free(deck.hands);
  }
}

TEST(deck, a_slow_node_gets_less_and_a_fast_one_more) {
  furrow__deck deck = make(4, 1, 1 << 20);
  if (test_failed()) return;
  uint32_t even = furrow__deck_lot(&deck, 1, 400000);
  EXPECT_NEAR(even, 400000 / 4.0 * 2 / 3, 1);
  for (int i = 0; i < 4; i++) furrow__deck_finished(&deck, i, i == 1 ? 1000 : 3000, MILLISECOND);
  EXPECT_NEAR(furrow__deck_lot(&deck, 1, 400000), 400000 / 10.0 * 2 / 3, 1);
  EXPECT_NEAR(furrow__deck_lot(&deck, 2, 400000), 400000 * 0.3 * 2 / 3, 1);
  furrow__deck_finished(&deck, 1, 9000, 3 * MILLISECOND); /* it has caught up */
  EXPECT_NEAR(furrow__deck_lot(&deck, 1, 400000), even, 1);
  free(deck.hands);
}

TEST(deck, a_node_that_is_not_measured_counts_like_the_others_by_its_ranks) {
  furrow__hand hands[] = {{.ranks = 2}, {.ranks = 2}, {.ranks = 6}};
  furrow__deck deck = {.nodes = 3, .hands = hands};
  furrow__deck_start(&deck, 1 << 20, 1000);
  furrow__deck_finished(&deck, 0, 100, 1000); /* no time has passed: nothing is known */
  EXPECT_EQ(hands[0].speed, 0.0);
  furrow__deck_finished(&deck, 0, 100, 2000);
  EXPECT_NEAR(furrow__deck_lot(&deck, 2, 300000), 300000 * 0.6 * 2 / 3, 1);
  EXPECT_NEAR(furrow__deck_lot(&deck, 1, 300000), 300000 * 0.2 * 2 / 3, 1);
}

/* ---- recalls ---- */

TEST(deck, the_richest_has_most_left_to_do_for_its_speed) {
  furrow__deck deck = make(4, 1, 8000); /* 1000 each */
  if (test_failed()) return;
  furrow__deck_finished(&deck, 0, 1, 100 * MILLISECOND); /* rank 0's node is not asked */
  furrow__deck_finished(&deck, 1, 900, 100 * MILLISECOND);
  furrow__deck_finished(&deck, 2, 300, 100 * MILLISECOND);
  furrow__deck_finished(&deck, 3, 500, 100 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 2);
  deck.hands[2].recalled = true;
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 3);
  deck.hands[2].recalled = false;
  furrow__deck_dealt(&deck, 2, -600); /* gave back */
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 3);
  furrow__deck_dealt(&deck, 2, 5000);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 2);
  free(deck.hands);
}

TEST(deck, a_node_that_never_reported_is_rich) {
  furrow__deck deck = make(3, 4, 3000);
  if (test_failed()) return;
  furrow__deck_finished(&deck, 1, 10, 100 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 2);
  free(deck.hands);
}

TEST(deck, nobody_is_asked_for_units_that_are_being_run) {
  furrow__deck deck = make(3, 4, 24); /* two a rank */
  if (test_failed()) return;
  for (int i = 0; i < 3; i++) furrow__deck_finished(&deck, i, 4 + (uint64_t)i, 1000 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), -1);
  free(deck.hands);
}

TEST(deck, time_passes_between_reports) {
  furrow__deck deck = make(3, 1, 6000); /* 1000 each */
  if (test_failed()) return;
  furrow__deck_finished(&deck, 1, 500, 500 * MILLISECOND);
  furrow__deck_finished(&deck, 2, 600, 500 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 1);
  furrow__deck_finished(&deck, 2, 700, 800 * MILLISECOND); /* 300 left, and the other should be at 800 */
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 2);
  furrow__deck_finished(&deck, 2, 1000, 1000 * MILLISECOND); /* should be: the other, too */
  EXPECT_EQ(furrow__deck_richest(&deck, 0), -1);
  free(deck.hands);
}

TEST(deck, who_starves_asks_for_what_takes_longer_than_thought) {
  furrow__deck deck = make(3, 1, 6000); /* 1000 each */
  if (test_failed()) return;
  furrow__deck_finished(&deck, 1, 999, 100 * MILLISECOND);
  furrow__deck_finished(&deck, 2, 997, 100 * MILLISECOND); /* the last three are slower than all others */
  furrow__deck_finished(&deck, 1, 1000, 110 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), -1);
  EXPECT_EQ(furrow__deck_richest(&deck, MILLISECOND), -1);
  EXPECT_EQ(furrow__deck_richest(&deck, MILLISECOND + 3000), 2); /* 1 µs a node later */
  furrow__deck_finished(&deck, 2, 999, 110 * MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 1000 * MILLISECOND), -1); /* but not for the one that is being run */
  free(deck.hands);
}

TEST(deck, having_found_nobody_it_looks_again_later) {
  furrow__deck deck = make(1000, 1, 2000);
  if (test_failed()) return;
  for (int i = 0; i < 1000; i++) furrow__deck_finished(&deck, i, 2, MILLISECOND);
  EXPECT_EQ(furrow__deck_richest(&deck, 5), -1);
  furrow__deck_dealt(&deck, 7, 1000);
  EXPECT_EQ(furrow__deck_richest(&deck, 5), -1);
  EXPECT_EQ(furrow__deck_richest(&deck, 4 + MILLISECOND), -1);
  EXPECT_EQ(furrow__deck_richest(&deck, 5 + MILLISECOND), 7); /* 1 µs a node later */
  EXPECT_EQ(furrow__deck_richest(&deck, 5 + MILLISECOND), 7); /* having found one it does not wait */
  furrow__deck_dealt(&deck, 7, -1000);
  EXPECT_EQ(furrow__deck_richest(&deck, 5 + MILLISECOND), -1);
  furrow__deck_dealt(&deck, 8, 1000);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), 8); /* others are hungry now */
  furrow__deck_dealt(&deck, 8, -1000);
  EXPECT_EQ(furrow__deck_richest(&deck, 0), -1);
  furrow__deck_start(&deck, 1000000, 2 * MILLISECOND); /* the next operation */
  EXPECT_GT(furrow__deck_richest(&deck, 0), 0);
  free(deck.hands);
}

TEST(deck, giving_is_worth_a_millisecond_of_work_or_of_starving) {
  furrow__deck deck = make(2, 1, 1000);
  if (test_failed()) return;
  EXPECT_FALSE(furrow__deck_is_worth(&deck, 0, 0, 0));
  EXPECT_FALSE(furrow__deck_is_worth(&deck, 0, 0, UINT64_MAX));
  EXPECT_TRUE(furrow__deck_is_worth(&deck, 0, 1, 0)); /* nothing is known */
  furrow__deck_finished(&deck, 0, 10, MILLISECOND);
  EXPECT_FALSE(furrow__deck_is_worth(&deck, 0, 10, 0));
  EXPECT_TRUE(furrow__deck_is_worth(&deck, 0, 11, 0));
  EXPECT_FALSE(furrow__deck_is_worth(&deck, 0, 1, MILLISECOND));
  EXPECT_TRUE(furrow__deck_is_worth(&deck, 0, 1, MILLISECOND + 1));
  free(deck.hands);
}

/* ---- when a node asks, and reports ---- */

TEST(deck, a_node_asks_20_milliseconds_before_it_runs_dry) {
  EXPECT_TRUE(furrow__deck_asks(0, 1000, 0, 0));
  EXPECT_FALSE(furrow__deck_asks(1, 1000, 0, 0)); /* it can't tell */
  EXPECT_FALSE(furrow__deck_asks(1, 1000, 0, MILLISECOND));
  EXPECT_TRUE(furrow__deck_asks(20, 1000, 100, 100 * MILLISECOND));
  EXPECT_FALSE(furrow__deck_asks(21, 1000, 100, 100 * MILLISECOND));
  EXPECT_FALSE(furrow__deck_asks(20, 39, 100, 100 * MILLISECOND)); /* not before half of a small lot is claimed */
  EXPECT_TRUE(furrow__deck_asks(19, 39, 100, 100 * MILLISECOND));
  EXPECT_TRUE(furrow__deck_asks(MOST / 2, MOST, UINT64_MAX, 1));
}

TEST(deck, reports_take_one_percent_of_rank_0_at_most) {
  EXPECT_EQ(furrow__deck_interval(1), 100 * MILLISECOND);
  EXPECT_EQ(furrow__deck_interval(333), 100 * MILLISECOND);
  EXPECT_EQ(furrow__deck_interval(1000), 300 * MILLISECOND);
  EXPECT_EQ(furrow__deck_interval(MANY), 3000 * MILLISECOND);
}

/* ---- shares of rank 0's node ---- */

TEST(deck, a_share_is_half_of_a_ranks_part_and_at_least_what_is_wanted) {
  EXPECT_EQ(furrow__deck_share(1000, 10, 1), 50u);
  EXPECT_EQ(furrow__deck_share(1000, 10, 51), 51u);
  EXPECT_EQ(furrow__deck_share(0, 10, 1), 1u);
  EXPECT_EQ(furrow__deck_share(MOST, 1, 1), MOST / 2);
  EXPECT_EQ(furrow__deck_share(MOST, UINT64_C(128) * MANY, 1), 838u);
}

/* ---- subtrees ---- */

/* Accumulators that are left of a run of leaves. */
static uint32_t accumulators(uint64_t begin, uint64_t end, uint64_t leaves) {
  furrow__node nodes[128];
  furrow__forest forest = {.leaves = leaves, .nodes = nodes, .capacity = 128};
  for (uint64_t leaf = begin; leaf < end; leaf++) {
    furrow__merge merge = {.ready = true, .parent = {.index = leaf}};
    while (merge.ready) merge = furrow__forest_offer(&forest, merge.parent);
  }
  return forest.count;
}

TEST(deck, aligned_lots_are_a_little_smaller) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  EXPECT_EQ(furrow__deck_align(0, 0), 0u);
  for (int i = 0; i < 100000 && !test_failed(); i++) {
    uint32_t begin = (uint32_t)furrow_rng_below(&rng, MOST), bits = (uint32_t)furrow_rng_below(&rng, 31);
    uint32_t units = 1 + (uint32_t)furrow_rng_below(&rng, UINT64_C(1) << bits);
    uint32_t aligned = furrow__deck_align(begin, units);
    ASSERT_GE(aligned, 1u);
    ASSERT_LE(aligned, units);
    ASSERT_GE(aligned, units - units / 4); /* it gives up less than a quarter */
  }
}

/* One lot after the other: each begins where a large subtree does, so it is made of few. */
TEST(deck, aligned_lots_are_few_subtrees) {
  enum { LEAVES = 1 << 20 };
  furrow_rng rng = furrow_rng_make(2, 0, 0);
  uint32_t aligned = 0, crooked = 0, most = 0;
  for (uint32_t begin = 0; begin < LEAVES && !test_failed();) {
    uint32_t units = (uint32_t)(3000 + furrow_rng_below(&rng, 3000)), count;
    if (units > LEAVES - begin) units = LEAVES - begin;
    crooked += accumulators(begin, begin + units, LEAVES);
    units = furrow__deck_align(begin, units);
    count = accumulators(begin, begin + units, LEAVES);
    aligned += count;
    if (count > most) most = count;
    begin += units;
  }
  EXPECT_LE(most, 8u);
  EXPECT_LE(aligned, crooked / 2);
}
