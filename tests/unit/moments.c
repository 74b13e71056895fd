/* Moments against two passes in long double, under any grouping of merges, and at the edges of double. */
#include "furrow/moments.h"

#include <float.h>
#include <stdlib.h>

#include "furrow/rng.h"
#include "shim/test.h"

static furrow_moments of(const double *x, size_t n) {
  furrow_moments m;
  memset(&m, 0, sizeof m); /* all bytes zero is empty */
  for (size_t i = 0; i < n; i++) furrow_moments_add(&m, x[i]);
  return m;
}

/* By the definition: the mean first, then the distances from it. */
static furrow_moments exactly(const double *x, size_t n) {
  furrow_moments m = {n, 0, 0, x[0], x[0]};
  long double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++) sum += x[i];
  for (size_t i = 0; i < n; i++) squares += (x[i] - sum / n) * (x[i] - sum / n);
  for (size_t i = 0; i < n; i++) {
    m.min = x[i] < m.min ? x[i] : m.min;
    m.max = x[i] > m.max ? x[i] : m.max;
  }
  m.mean = (double)(sum / n);
  m.m2 = (double)squares;
  return m;
}

static void expect_close(const furrow_moments *a, const furrow_moments *b, double tolerance) {
  EXPECT_EQ(a->n, b->n);
  EXPECT_EQ(a->min, b->min);
  EXPECT_EQ(a->max, b->max);
  EXPECT_NEAR(a->mean, b->mean, tolerance * (fabs(b->mean) + furrow_moments_stddev(b)));
  EXPECT_NEAR(a->m2, b->m2, tolerance * b->m2);
}

enum { MANY = 10007 };

static const double *normals(double scale, double offset) {
  static double x[MANY];
  furrow_rng rng = furrow_rng_make(30, 0, 0);
  furrow_rng_fill_normal(&rng, x, MANY);
  for (int i = 0; i < MANY; i++) x[i] = offset + scale * x[i];
  return x;
}

/* Merge x[0 … n-1], cut at random places, in a random tree. */
static furrow_moments merged(const double *x, size_t n, furrow_rng *rng) {
  if (n < 2 || furrow_rng_below(rng, 16) == 0) return of(x, n);
  size_t cut = (size_t)furrow_rng_below(rng, n + 1); /* one side may be empty */
  furrow_moments left = merged(x, cut, rng), right = merged(x + cut, n - cut, rng);
  furrow_moments_merge(&left, &right);
  return left;
}

TEST(moments, none_is_all_zero) {
  furrow_moments m = {0, 0, 0, 0, 0};
  EXPECT_EQ(furrow_moments_variance(&m), 0.0);
  EXPECT_EQ(furrow_moments_stddev(&m), 0.0);
  EXPECT_EQ(furrow_moments_standard_error(&m), 0.0);
}

TEST(moments, one_number_is_kept_exactly) {
  static const double values[] = {0.1, -3.7, 0, DBL_MAX, -DBL_MAX, DBL_TRUE_MIN, 1e300};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    furrow_moments m = of(&values[i], 1), expected = {1, values[i], 0, values[i], values[i]};
    EXPECT_BYTES_EQ(&m, &expected, sizeof m);
    EXPECT_EQ(furrow_moments_variance(&m), 0.0);
    EXPECT_EQ(furrow_moments_standard_error(&m), 0.0);
  }
}

TEST(moments, small_numbers_by_hand) {
  static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
  furrow_moments m = of(x, 8);
  EXPECT_EQ(m.n, 8);
  EXPECT_EQ(m.min, 2.0);
  EXPECT_EQ(m.max, 9.0);
  EXPECT_NEAR(m.mean, 5.0, 1e-15);
  EXPECT_NEAR(furrow_moments_variance(&m), 32.0 / 7, 1e-14);
  EXPECT_NEAR(furrow_moments_stddev(&m), sqrt(32.0 / 7), 1e-14);
  EXPECT_NEAR(furrow_moments_standard_error(&m), sqrt(32.0 / 56), 1e-15);
}

TEST(moments, adding_agrees_with_two_passes) {
  static const double scales[] = {1, 1e-200, 1e150}, offsets[] = {0, 1, -1000};
  for (int s = 0; s < 3; s++) {
    for (int o = 0; o < 3; o++) {
      const double *x = normals(scales[s], offsets[o] * scales[s]);
      furrow_moments m = of(x, MANY), expected = exactly(x, MANY);
      if (scales[s] < 1e-100) m.m2 = expected.m2 = 0; /* squares that vanish */
      expect_close(&m, &expected, 1e-12);
    }
  }
}

TEST(moments, a_large_offset_does_not_drown_the_variance) {
  const double *x = normals(1, 1e9);
  furrow_rng rng = furrow_rng_make(31, 0, 0);
  furrow_moments m = of(x, MANY), expected = exactly(x, MANY), tree = merged(x, MANY, &rng);
  EXPECT_NEAR(furrow_moments_variance(&expected), 1, 0.1);
  EXPECT_NEAR(m.m2, expected.m2, 1e-7 * expected.m2);
  EXPECT_NEAR(tree.m2, expected.m2, 1e-7 * expected.m2);
}

TEST(moments, any_grouping_of_merges_is_close_to_adding) {
  const double *x = normals(3, -7);
  furrow_moments expected = exactly(x, MANY);
  furrow_rng rng = furrow_rng_make(32, 0, 0);
  for (int i = 0; i < 200; i++) {
    furrow_moments m = merged(x, MANY, &rng);
    expect_close(&m, &expected, 1e-12);
  }
  furrow_moments chain = of(x, 0);
  for (int i = 0; i < MANY; i++) {
    furrow_moments one = of(x + i, 1);
    furrow_moments_merge(&chain, &one);
  }
  expect_close(&chain, &expected, 1e-12);
}

TEST(moments, merging_with_none_keeps_every_bit) {
  const double *x = normals(1, 0.1);
  furrow_moments full = of(x, MANY), left = full, none = of(x, 0), right = none, both = none;
  furrow_moments_merge(&left, &none);
  furrow_moments_merge(&right, &full);
  furrow_moments_merge(&both, &none);
  EXPECT_BYTES_EQ(&left, &full, sizeof full);
  EXPECT_BYTES_EQ(&right, &full, sizeof full);
  EXPECT_BYTES_EQ(&both, &none, sizeof none);
}

TEST(moments, merging_with_itself_counts_twice) {
  const double *x = normals(1, 5);
  furrow_moments m = of(x, MANY), once = m;
  furrow_moments_merge(&m, &m);
  EXPECT_EQ(m.n, 2 * once.n);
  EXPECT_EQ(m.mean, once.mean);
  EXPECT_EQ(m.m2, 2 * once.m2);
}

TEST(moments, least_and_greatest_wherever_they_stand) {
  double x[9] = {3, 3, 3, 3, 3, 3, 3, 3, 3};
  for (size_t at = 0; at < 9; at++) {
    for (size_t cut = 0; cut <= 9; cut++) {
      x[at] = -1;
      x[(at + 4) % 9] = 8;
      furrow_moments left = of(x, cut), right = of(x + cut, 9 - cut);
      furrow_moments_merge(&left, &right);
      ASSERT_EQ(left.min, -1.0);
      ASSERT_EQ(left.max, 8.0);
      x[at] = x[(at + 4) % 9] = 3;
    }
  }
}

TEST(moments, equal_numbers_have_no_variance) {
  double x[1000];
  for (int i = 0; i < 1000; i++) x[i] = 0.1;
  furrow_rng rng = furrow_rng_make(33, 0, 0);
  furrow_moments m = of(x, 1000), tree = merged(x, 1000, &rng);
  EXPECT_EQ(m.mean, 0.1);
  EXPECT_EQ(m.m2, 0.0);
  EXPECT_BYTES_EQ(&tree, &m, sizeof m);
}

TEST(moments, a_nan_stays) {
  for (size_t at = 0; at < 5; at++) {
    for (size_t cut = 0; cut <= 5; cut++) {
      double x[5] = {1, 2, 3, 4, 5};
      x[at] = NAN;
      furrow_moments m = of(x, cut), right = of(x + cut, 5 - cut);
      furrow_moments_merge(&m, &right);
      ASSERT_EQ(m.n, 5);
      ASSERT_TRUE(isnan(m.mean) && isnan(m.m2) && isnan(m.min) && isnan(m.max));
      ASSERT_TRUE(isnan(furrow_moments_variance(&m)) && isnan(furrow_moments_standard_error(&m)));
    }
  }
}

TEST(moments, an_infinity_leaves_least_and_greatest_right) {
  static const double x[] = {1, INFINITY, 2, -3};
  for (size_t cut = 0; cut <= 4; cut++) {
    furrow_moments m = of(x, cut), right = of(x + cut, 4 - cut);
    furrow_moments_merge(&m, &right);
    EXPECT_EQ(m.n, 4);
    EXPECT_EQ(m.min, -3.0);
    EXPECT_EQ(m.max, (double)INFINITY);
    EXPECT_FALSE(isfinite(m.mean));
    EXPECT_FALSE(isfinite(m.m2));
  }
}

/* Counts beyond 2^53 are not exact in double; the moments must still make sense there. */
TEST(moments, counts_of_64_bits) {
  furrow_moments m = {UINT64_C(1) << 62, 1, (double)(UINT64_C(1) << 62), 0, 2}, same = m;
  furrow_moments_merge(&m, &same);
  EXPECT_EQ(m.n, UINT64_C(1) << 63);
  EXPECT_NEAR(m.mean, 1, 1e-15);
  EXPECT_NEAR(furrow_moments_variance(&m), 1, 1e-15);
}
