/* Rounds of a static operation: within the bound, yet at least one unit a rank. */
#include "plan/rounds.h"

#include "furrow/rng.h"
#include "shim/test.h"

__extension__ typedef unsigned __int128 wide;

enum { MOST = 64 << 20 };

static void expect_round(uint64_t units, uint64_t bytes, uint64_t ranks, uint64_t most) {
  uint64_t round = furrow__round_units(units, bytes, ranks, most);
  ASSERT_LE(round, units);
  ASSERT_EQ(round == 0, units == 0);
  if (round < units) ASSERT_EQ(round % ranks, 0u); /* so that every rank has as many */
  if (round > ranks) ASSERT_TRUE((wide)round * bytes <= most);
  if (round < units && (wide)(round + ranks) * bytes <= most) TEST_FAIL("a round could be longer");
}

TEST(rounds, known_cases) {
  EXPECT_EQ(furrow__round_units(100, 8, 4, MOST), 100u);
  EXPECT_EQ(furrow__round_units(100, 0, 4, MOST), 100u);
  EXPECT_EQ(furrow__round_units(0, 8, 4, MOST), 0u);
  EXPECT_EQ(furrow__round_units(UINT64_MAX, 8, 4, MOST), (uint64_t)MOST / 8);
  EXPECT_EQ(furrow__round_units(100, MOST, 4, MOST), 4u); /* more than the bound, but everyone has one */
  EXPECT_EQ(furrow__round_units(3, UINT64_MAX, 4, MOST), 3u);
  EXPECT_EQ(furrow__round_units(1000, MOST / 11, 4, MOST), 8u); /* a multiple of the ranks */
}

TEST(rounds, any_sizes) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (uint64_t units = 0; units <= 20; units++)
    for (uint64_t bytes = 0; bytes <= 20; bytes++)
      for (uint64_t ranks = 1; ranks <= 12; ranks++)
        for (uint64_t most = 1; most <= 60 && !test_failed(); most++) expect_round(units, bytes, ranks, most);
  for (int i = 0; i < 100000 && !test_failed(); i++) {
    uint64_t units = furrow_rng_u64(&rng) >> furrow_rng_below(&rng, 64);
    uint64_t bytes = furrow_rng_u64(&rng) >> furrow_rng_below(&rng, 64);
    expect_round(units, bytes, 1 + furrow_rng_below(&rng, 1000000), MOST);
  }
}
