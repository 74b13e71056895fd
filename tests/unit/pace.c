/* The pace of claims in a simulated run: it doubles, settles near 75 µs, shrinks towards the end. */
#include "plan/pace.h"

#include "furrow/rng.h"
#include "shim/test.h"

enum { TARGET = 75000, MICROSECOND = 1000 };

/* Claims of tasks that take `each` picoseconds, out of a share without end. */
static furrow__pace after_claims(int claims, uint64_t each) {
  furrow__pace pace = furrow__pace_start(0);
  for (int i = 0; i < claims; i++) {
    uint64_t units = furrow__pace_next(&pace, UINT32_MAX);
    furrow__pace_learn(&pace, units, units * each / 1000);
  }
  return pace;
}

TEST(pace, begins_with_one_and_doubles) {
  furrow__pace pace = furrow__pace_start(0);
  for (uint32_t want = 1; want <= 1024; want *= 2) {
    EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), want);
    furrow__pace_learn(&pace, want, want * UINT64_C(10)); /* 10 ns each: the ideal is 7500 */
  }
}

TEST(pace, settles_near_75_microseconds) {
  for (uint64_t each = 100; each <= UINT64_C(1000000000000); each *= 3) { /* 0.1 ns to 1000 s */
    furrow__pace pace = after_claims(40, each);
    uint64_t units = furrow__pace_next(&pace, UINT32_MAX);
    uint64_t lasts = units * each / 1000;
    if (units == 1)
      EXPECT_GT(2 * each / 1000, (uint64_t)TARGET); /* two would be too many */
    else
      EXPECT_NEAR((double)lasts, (double)TARGET, 0.34 * TARGET);
  }
}

TEST(pace, slows_down_at_once_and_speeds_up_by_doubling) {
  furrow__pace pace = after_claims(40, 1000); /* 1 ns each */
  EXPECT_GE(furrow__pace_next(&pace, UINT32_MAX), 70000u);
  furrow__pace_learn(&pace, 70000, UINT64_C(70000000000)); /* suddenly 1 ms each */
  EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), 1u);
  furrow__pace_learn(&pace, 1, 1);
  EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), 2u);
}

TEST(pace, extremes) {
  furrow__pace pace = after_claims(100, 0); /* no time at all */
  EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(pace.want, UINT32_MAX);
  furrow__pace_learn(&pace, UINT32_MAX, UINT64_MAX);
  EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), 1u);
  furrow__pace_learn(&pace, UINT32_MAX, 1); /* the largest product */
  EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), 2u);
  furrow__pace before = pace;
  furrow__pace_learn(&pace, 0, 1000); /* nothing done, nothing learnt */
  EXPECT_BYTES_EQ(&pace, &before, sizeof pace);
}

/* At least 1, and half of the share is left to others, unless that half is worth less than a microsecond. */
static void expect_next(const furrow__pace *pace, uint32_t left, uint64_t each) {
  uint64_t next = furrow__pace_next(pace, left), half = (uint64_t)left / 2 + left % 2;
  ASSERT_GE(next, 1u);
  ASSERT_LE(next, pace->want);
  if (next > half && next > 1) ASSERT_LE((next - 1) * each, (uint64_t)MICROSECOND * 1000);
}

TEST(pace, leaves_half_to_others) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (uint64_t each = 100; each <= 100000000; each *= 10) {
    furrow__pace pace = after_claims(40, each);
    for (uint32_t left = 0; left < 3000 && !test_failed(); left++) expect_next(&pace, left, each);
    for (int i = 0; i < 1000 && !test_failed(); i++)
      expect_next(&pace, (uint32_t)(furrow_rng_u64(&rng) >> (32 + furrow_rng_below(&rng, 32))), each);
  }
}

TEST(pace, claims_shrink_towards_the_end) {
  uint64_t each = 10000; /* 10 ns */
  furrow__pace pace = after_claims(40, each);
  uint32_t left = 40000, before = UINT32_MAX, claims = 0;
  for (; left > 0; claims++) {
    uint32_t next = furrow__pace_next(&pace, left);
    if (next > left) next = left;
    ASSERT_LE(next, before);
    ASSERT_GE(next, 1u);
    before = next;
    left -= next;
    furrow__pace_learn(&pace, next, next * each / 1000);
  }
  EXPECT_LE(before, 100u); /* a microsecond's worth */
  EXPECT_LE(claims, 30u);
}

TEST(pace, a_fixed_chunk_never_changes) {
  const uint64_t chunks[] = {1, 7, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
  for (int i = 0; i < 5; i++) {
    furrow__pace pace = furrow__pace_start(chunks[i]);
    uint32_t chunk = chunks[i] < UINT32_MAX ? (uint32_t)chunks[i] : UINT32_MAX;
    EXPECT_EQ(furrow__pace_next(&pace, 1000), chunk);
    furrow__pace_learn(&pace, 100, 1);
    EXPECT_EQ(furrow__pace_next(&pace, 1), chunk);
    furrow__pace_learn(&pace, 1, UINT64_MAX);
    EXPECT_EQ(furrow__pace_next(&pace, UINT32_MAX), chunk);
  }
}

/* ---- giving back ---- */

TEST(pace, what_takes_long_is_worth_sharing) {
  EXPECT_TRUE(furrow__pace_worth_sharing(2, 1, 1000000000));
  EXPECT_FALSE(furrow__pace_worth_sharing(1, 1, 1000000000)); /* the last one: who gave it back would take it again */
  EXPECT_FALSE(furrow__pace_worth_sharing(0, 1, 1000000000));
  EXPECT_FALSE(furrow__pace_worth_sharing(100, 0, 1000000000)); /* nothing is known */
  EXPECT_FALSE(furrow__pace_worth_sharing(10, 10, 10000));      /* 10 µs */
  EXPECT_TRUE(furrow__pace_worth_sharing(100, 10, 10000));      /* 100 µs */
  EXPECT_TRUE(furrow__pace_worth_sharing(UINT64_MAX, 1, 1));
  EXPECT_TRUE(furrow__pace_worth_sharing(UINT32_MAX, UINT32_MAX, UINT64_MAX));
}
