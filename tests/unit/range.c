/* Shares that are taken from the front and stolen from the back: by one thread step by step, then under stress. */
#include "node/range.h"

#include "furrow/rng.h"
#include "shim/test.h"
#include "unit/stress.h"

static void expect_range(furrow__range range, uint32_t begin, uint32_t end) {
  EXPECT_EQ(range.begin, begin);
  EXPECT_EQ(range.end, end);
}

static void expect_empty(furrow__range range) {
  EXPECT_EQ(furrow__range_length(range), 0u);
}

TEST(range, is_taken_from_the_front) {
  furrow__range_word word;
  furrow__range_deal(&word, (furrow__range){10, 20});
  expect_range(furrow__range_read(&word), 10, 20);
  expect_range(furrow__range_take(&word, 3), 10, 13);
  expect_range(furrow__range_take(&word, 1), 13, 14);
  expect_range(furrow__range_read(&word), 14, 20);
  expect_range(furrow__range_take(&word, 100), 14, 20);
  expect_empty(furrow__range_take(&word, 1));
  expect_empty(furrow__range_read(&word));
}

TEST(range, at_the_limits_of_32_bits) {
  furrow__range_word words[2];
  furrow__steals steals = {0};
  furrow__range_deal(&words[0], (furrow__range){0, UINT32_MAX});
  furrow__range_deal(&words[1], (furrow__range){0, 0});
  expect_range(furrow__range_take(&words[0], UINT32_MAX - 5), 0, UINT32_MAX - 5);
  expect_range(furrow__range_steal(words, 2, 1, UINT32_MAX, 1, &steals), UINT32_MAX - 3, UINT32_MAX);
  expect_range(furrow__range_take(&words[0], UINT32_MAX), UINT32_MAX - 5, UINT32_MAX - 3);
  furrow__range_deal(&words[0], (furrow__range){0, UINT32_MAX});
  expect_range(furrow__range_take(&words[0], UINT32_MAX), 0, UINT32_MAX);
}

TEST(range, the_back_half_of_the_largest_is_stolen) {
  furrow__range_word words[4];
  furrow__steals steals = {0};
  furrow__range_deal(&words[0], (furrow__range){0, 5});
  furrow__range_deal(&words[1], (furrow__range){5, 5});
  furrow__range_deal(&words[2], (furrow__range){5, 16});
  furrow__range_deal(&words[3], (furrow__range){16, 20});
  expect_range(furrow__range_steal(words, 4, 1, 2, 1, &steals), 10, 12); /* of 5 … 15 */
  expect_range(furrow__range_read(&words[0]), 0, 5);
  expect_range(furrow__range_read(&words[1]), 12, 16); /* what it did not keep */
  expect_range(furrow__range_read(&words[2]), 5, 10);
  expect_range(furrow__range_read(&words[3]), 16, 20);
  EXPECT_EQ(steals.moving, 0u);
  EXPECT_EQ(steals.moved, 1u);
}

TEST(range, a_pile_is_extended_at_its_end) {
  furrow__range_word pile;
  furrow__range_deal(&pile, (furrow__range){0, 0});
  EXPECT_TRUE(furrow__range_extend(&pile, (furrow__range){5, 9})); /* an empty one begins anywhere */
  EXPECT_TRUE(furrow__range_extend(&pile, (furrow__range){9, 12}));
  expect_range(furrow__range_read(&pile), 5, 12);
  EXPECT_FALSE(furrow__range_extend(&pile, (furrow__range){13, 14}));
  EXPECT_FALSE(furrow__range_extend(&pile, (furrow__range){0, 5}));
  expect_range(furrow__range_read(&pile), 5, 12);
  expect_range(furrow__range_take(&pile, 7), 5, 12);
  EXPECT_TRUE(furrow__range_extend(&pile, (furrow__range){0, 3}));
  expect_range(furrow__range_read(&pile), 0, 3);
}

TEST(range, a_share_is_drawn_from_a_pile) {
  furrow__range_word pile, own;
  furrow__steals steals = {0};
  furrow__range_deal(&pile, (furrow__range){10, 20});
  furrow__range_deal(&own, (furrow__range){0, 0});
  expect_range(furrow__range_draw(&pile, 4, &own, 1, &steals), 10, 11);
  expect_range(furrow__range_read(&own), 11, 14);
  expect_range(furrow__range_read(&pile), 14, 20);
  expect_range(furrow__range_take(&own, 9), 11, 14);
  expect_range(furrow__range_draw(&pile, 2, &own, 5, &steals), 14, 16); /* all of it kept */
  expect_empty(furrow__range_read(&own));
  expect_range(furrow__range_draw(&pile, 100, &own, 1, &steals), 16, 17);
  expect_range(furrow__range_read(&own), 17, 20);
  EXPECT_EQ(steals.moved, 3u);
  expect_empty(furrow__range_draw(&pile, 1, &own, 1, &steals));
  expect_range(furrow__range_read(&own), 17, 20); /* not touched */
  EXPECT_EQ(steals.moved, 3u);
  EXPECT_EQ(steals.moving, 0u);
}

TEST(range, the_back_half_of_the_largest_is_seized) {
  furrow__range_word words[3];
  furrow__range_deal(&words[0], (furrow__range){0, 5});
  furrow__range_deal(&words[1], (furrow__range){5, 5});
  furrow__range_deal(&words[2], (furrow__range){5, 16});
  expect_range(furrow__range_seize(words, 3), 10, 16);
  expect_range(furrow__range_seize(words, 3), 2, 5);
  expect_range(furrow__range_seize(words, 3), 7, 10);
  for (int i = 0; i < 4; i++) EXPECT_GT(furrow__range_length(furrow__range_seize(words, 3)), 0u);
  expect_empty(furrow__range_seize(words, 3));
  furrow__range_deal(&words[0], (furrow__range){3, 4});
  expect_range(furrow__range_seize(words, 1), 3, 4);
}

TEST(range, a_single_unit_can_be_stolen) {
  furrow__range_word words[2];
  furrow__steals steals = {0};
  furrow__range_deal(&words[0], (furrow__range){7, 8});
  furrow__range_deal(&words[1], (furrow__range){0, 0});
  expect_range(furrow__range_steal(words, 2, 1, 4, 1, &steals), 7, 8);
  expect_empty(furrow__range_read(&words[0]));
  expect_empty(furrow__range_read(&words[1]));
  expect_empty(furrow__range_take(&words[0], 1));
}

TEST(range, a_small_share_is_stolen_as_a_whole) {
  furrow__range_word words[2];
  furrow__steals steals = {0};
  furrow__range_deal(&words[0], (furrow__range){10, 18});
  furrow__range_deal(&words[1], (furrow__range){0, 0});
  expect_range(furrow__range_steal(words, 2, 1, 3, 8, &steals), 10, 13);
  expect_range(furrow__range_read(&words[1]), 13, 18);
  EXPECT_EQ(furrow__range_length(furrow__range_read(&words[0])), 0);
  furrow__range_deal(&words[1], (furrow__range){0, 0});
  furrow__range_deal(&words[0], (furrow__range){10, 19});
  expect_range(furrow__range_steal(words, 2, 1, 3, 8, &steals), 14, 17); /* one more than that: the back half */
}

TEST(range, what_was_not_run_is_given_back) {
  furrow__range_word words[2];
  furrow__steals steals = {0};
  furrow__range_deal(&words[0], (furrow__range){10, 30});
  furrow__range_deal(&words[1], (furrow__range){0, 0});
  expect_range(furrow__range_take(&words[0], 10), 10, 20);
  furrow__range_give_back(&words[0], (furrow__range){12, 20}, &steals); /* before the rest */
  expect_range(furrow__range_read(&words[0]), 12, 30);
  expect_range(furrow__range_take(&words[0], 10), 12, 22);
  expect_range(furrow__range_steal(words, 2, 1, 1, 1, &steals), 26, 27);
  furrow__range_give_back(&words[0], (furrow__range){20, 22}, &steals); /* before what thieves have left */
  expect_range(furrow__range_read(&words[0]), 20, 26);
  expect_range(furrow__range_take(&words[0], 6), 20, 26);
  furrow__range_give_back(&words[0], (furrow__range){25, 26}, &steals); /* nothing is left: alone */
  expect_range(furrow__range_read(&words[0]), 25, 26);
  expect_range(furrow__range_read(&words[1]), 27, 30);
  EXPECT_EQ(steals.moving, 0u);
  EXPECT_EQ(steals.moved, 4u); /* a scan that missed any of them looks again */
}

TEST(range, nothing_is_left_to_steal) {
  furrow__range_word words[3];
  furrow__steals steals = {0};
  for (uint32_t i = 0; i < 3; i++) furrow__range_deal(&words[i], (furrow__range){9 * i, 9 * i}); /* any empty one */
  for (int n = 1; n <= 3; n++) expect_empty(furrow__range_steal(words, n, 0, 1, 1, &steals));
  EXPECT_EQ(steals.moving, 0u);
}

TEST(range, thieves_spread) {
  furrow__range_word words[4];
  furrow__steals steals = {0};
  for (uint32_t i = 0; i < 4; i++) furrow__range_deal(&words[i], (furrow__range){10 * i, 10 * i + 10 * (i % 2)});
  expect_range(furrow__range_steal(words, 4, 0, 1, 1, &steals), 15, 16); /* of equal ones, the next behind the thief */
  for (uint32_t i = 0; i < 4; i++) furrow__range_deal(&words[i], (furrow__range){10 * i, 10 * i + 10 * (i % 2)});
  expect_range(furrow__range_steal(words, 4, 2, 1, 1, &steals), 35, 36);
}

/* Any order of workers, one at a time: each unit once. */
TEST(range, everything_is_claimed_once_in_any_order) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (int round = 0; round < 2000 && !test_failed(); round++) {
    furrow__range_word words[8];
    furrow__steals steals = {0};
    uint8_t times[256] = {0};
    int n = 1 + (int)furrow_rng_below(&rng, 8);
    uint32_t units = (uint32_t)furrow_rng_below(&rng, 257), claimed = 0;
    for (uint32_t i = 0; i < (uint32_t)n; i++)
      furrow__range_deal(&words[i], (furrow__range){units * i / (uint32_t)n, units * (i + 1) / (uint32_t)n});
    while (claimed < units) {
      int me = (int)furrow_rng_below(&rng, (uint64_t)n);
      uint32_t want = 1 + (uint32_t)furrow_rng_below(&rng, 9);
      furrow__range mine = furrow__range_take(&words[me], want);
      if (furrow__range_length(mine) == 0) mine = furrow__range_steal(words, n, me, want, 1, &steals);
      ASSERT_GE(furrow__range_length(mine), 1u);
      ASSERT_LE(furrow__range_length(mine), want);
      for (uint32_t u = mine.begin; u < mine.end; u++) times[u]++;
      claimed += furrow__range_length(mine);
    }
    for (uint32_t u = 0; u < units; u++) ASSERT_EQ(times[u], 1);
    for (int i = 0; i < n; i++) expect_empty(furrow__range_steal(words, n, i, 1, 1, &steals));
  }
}

/* ---- stress ---- */

static void expect_stress(crew_kind kind, unsigned delays) {
  for (int workers = 2; workers <= 8 && !test_failed(); workers += 3) { /* 2 5 8 */
    TEST_PHASE("%d %s", workers, kind == CREW_THREADS ? "threads" : "processes");
    stress s = {.kind = kind, .workers = workers, .seconds = 0.15, .delays = delays, .seed = (uint64_t)workers};
    stress_range(&s);
    EXPECT_EQ_STR(s.wrong, "");
    EXPECT_GT(s.operations, 0u);
  }
}

TEST(range, stress_threads) {
  expect_stress(CREW_THREADS, 0);
}

TEST(range, stress_processes) {
  expect_stress(CREW_PROCESSES, 0);
}

TEST(range, stress_threads_with_delays) {
  expect_stress(CREW_THREADS, 4);
}

TEST(range, stress_processes_with_delays) {
  expect_stress(CREW_PROCESSES, 4);
}

/* ---- piles that are filled while others draw ---- */

static void expect_pile_stress(crew_kind kind, unsigned delays) {
  for (int workers = 2; workers <= 4; workers++) {
    TEST_PHASE("%d workers", workers);
    uint64_t operations = 0;
    for (double seconds = 0.15; operations <= 100 && seconds < 10; seconds *= 2) { /* more on a busy machine */
      stress s = {.kind = kind, .workers = workers, .seconds = seconds, .delays = delays, .seed = (uint64_t)workers};
      stress_pile(&s);
      EXPECT_EQ_STR(s.wrong, "");
      operations += s.operations;
    }
    EXPECT_GT(operations, 100u);
  }
}

TEST(range, pile_stress_threads) {
  expect_pile_stress(CREW_THREADS, 0);
}

TEST(range, pile_stress_processes) {
  expect_pile_stress(CREW_PROCESSES, 0);
}

TEST(range, pile_stress_with_delays) {
  expect_pile_stress(CREW_THREADS, 4);
}
