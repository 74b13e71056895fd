/* The ziggurats: their layers recomputed with libm, and normal and exponential draws against their distributions,
 * far tails included. Seeds are fixed, so nothing here passes or fails by chance. */
#include <math.h>

#include "base/ziggurat_tables.h"
#include "furrow/rng.h"
#include "shim/test.h"

static double normal_density(double x) {
  return exp(-0.5 * x * x);
}

static double exponential_density(double x) {
  return exp(-x);
}

/* The probability of more than x: of |normal|, and of an exponential. */
static double normal_beyond(double x) {
  return erfc(x / sqrt(2));
}

static double exponential_beyond(double x) {
  return exp(-x);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static double edge(const furrow__ziggurat_layer *layers, int i) {
  return i < 256 ? ldexp(layers[i].step, 53) : 0.0;
}

static void expect_layers(const furrow__ziggurat_layer *layers, const double *heights, double start, double tail,
                          double density(double)) {
  double area = edge(layers, 0) * heights[1];
  EXPECT_EQ(edge(layers, 1), start);
  EXPECT_NEAR(area, start * density(start) + tail, 1e-14 * area);
  for (int i = 0; i < 256; i++) {
    double right = edge(layers, i), next = edge(layers, i + 1);
    ASSERT_LT(next, right);
    ASSERT_LT(heights[i], heights[i + 1]);
    ASSERT_NEAR(heights[i], density(right), 1e-14 * heights[i]);
    if (i > 0) ASSERT_NEAR(right * (heights[i + 1] - heights[i]), area, 1e-12 * area);
    ASSERT_NEAR((double)layers[i].within, ldexp(next / right, 53), 8);
    ASSERT_LE(layers[i].within, UINT64_C(1) << 53);
  }
  EXPECT_EQ(heights[256], 1.0);
  EXPECT_EQ(layers[255].within, 0);
}

TEST(ziggurat, normal_layers_have_equal_areas) {
  double tail = sqrt(acos(-1) / 2) * erfc(FURROW__NORMAL_START / sqrt(2));
  expect_layers(furrow__normal_layers, furrow__normal_heights, FURROW__NORMAL_START, tail, normal_density);
}

TEST(ziggurat, exponential_layers_have_equal_areas) {
  expect_layers(furrow__exponential_layers, furrow__exponential_heights, FURROW__EXPONENTIAL_START,
                exp(-FURROW__EXPONENTIAL_START), exponential_density);
}

TEST(ziggurat, starts_are_the_published_ones) { /* Marsaglia and Tsang, 2000: 256 layers */
  EXPECT_NEAR(FURROW__NORMAL_START, 3.6541528853610088, 1e-15);
  EXPECT_NEAR(FURROW__EXPONENTIAL_START, 7.69711747013104972, 1e-14);
}

/* ---- single draws ------------------------------------------------------------------------------------------------ */

/* A generator whose first draw is `bits`; the second depends on `salt`. */
static furrow_rng about_to_draw(uint64_t bits, uint64_t salt) {
  return (furrow_rng){{0, salt, 0, (bits >> 23) | (bits << 41)}};
}

static const uint64_t sign_bit = 256, outermost = UINT64_MAX << 11;

TEST(ziggurat, sign_bit_turns_the_sign_and_nothing_else) {
  furrow_rng source = furrow_rng_make(20, 0, 0);
  for (int i = 0; i < 100000; i++) {
    uint64_t bits = furrow_rng_u64(&source);
    furrow_rng plus = about_to_draw(bits & ~sign_bit, 1), minus = about_to_draw(bits | sign_bit, 1);
    if (bits >> 11 >= furrow__normal_layers[bits & 255].within) continue; /* more draws follow, and they differ */
    double x = furrow_rng_normal(&plus);
    ASSERT_GE(x, 0.0);
    ASSERT_EQ(x, -furrow_rng_normal(&minus));
  }
}

TEST(ziggurat, beyond_the_lowest_layer_is_the_tail) {
  for (uint64_t salt = 1; salt < 1000; salt++) {
    furrow_rng right = about_to_draw(outermost, salt), left = about_to_draw(outermost | sign_bit, salt);
    ASSERT_GT(furrow_rng_normal(&right), FURROW__NORMAL_START);
    ASSERT_LT(furrow_rng_normal(&left), -FURROW__NORMAL_START);
    furrow_rng far = about_to_draw(outermost, salt);
    ASSERT_GE(furrow_rng_exponential(&far), FURROW__EXPONENTIAL_START);
  }
}

TEST(ziggurat, the_tail_has_a_tail) {
  const furrow__ziggurat_layer *lowest = furrow__exponential_layers;
  int found = 0;
  for (uint64_t salt = 1; salt < 1000000 && found < 10; salt++) {
    furrow_rng far = about_to_draw(outermost, salt), twin = far;
    furrow_rng_u64(&twin);
    uint64_t second = furrow_rng_u64(&twin);
    if ((second & 255) != 0 || second >> 11 < lowest->within) continue;
    ASSERT_GE(furrow_rng_exponential(&far), 2 * FURROW__EXPONENTIAL_START);
    found++;
  }
  EXPECT_EQ(found, 10);
}

TEST(ziggurat, few_draws_take_more_than_one_u64) {
  enum { DRAWS = 1000000 };
  const furrow__ziggurat_layer *tables[] = {furrow__normal_layers, furrow__exponential_layers};
  double (*draws[])(furrow_rng *) = {furrow_rng_normal, furrow_rng_exponential};
  for (int t = 0; t < 2; t++) {
    furrow_rng rng = furrow_rng_make(21, 0, 0);
    double likely = 0;
    int single = 0;
    for (int i = 0; i < DRAWS; i++) {
      furrow_rng next = rng;
      furrow_rng_u64(&next);
      draws[t](&rng);
      single += memcmp(&rng, &next, sizeof rng) == 0;
    }
    for (int i = 0; i < 256; i++) likely += ldexp((double)tables[t][i].within, -53) / 256;
    EXPECT_NEAR((double)single / DRAWS, likely, 5 * sqrt(likely * (1 - likely) / DRAWS));
    EXPECT_GT(likely, 0.97);
  }
}

/* ---- distributions ----------------------------------------------------------------------------------------------- */

enum { DRAWS = 10000000, BATCH = 10000, BINS = 2000, TAIL_BINS = 20, POWERS = 4 };

/* What is counted over all draws. Bins are equally likely ones. */
typedef struct tally {
  uint64_t bins[BINS], tail_bins[TAIL_BINS], in_tail, negative;
  double powers[POWERS]; /* sums of x, x^2, x^3, x^4 */
  double lag;            /* sum of the products of two draws in a row */
} tally;

static int bin_of(double share, int bins) {
  int bin = (int)(share * bins);
  return bin < bins ? bin : bins - 1;
}

/* Beyond `start` the draws are looked at once more, by what is left of the probability there. */
static void count(tally *t, double x, double previous, bool two_sided, double start, double beyond(double)) {
  double share = beyond(fabs(x)), power = 1;
  t->bins[bin_of(two_sided ? (x < 0 ? share / 2 : 1 - share / 2) : share, BINS)]++;
  t->negative += x < 0;
  t->lag += x * previous;
  for (int k = 0; k < POWERS; k++) t->powers[k] += power *= x;
  if (fabs(x) <= start) return;
  t->in_tail++;
  t->tail_bins[bin_of(share / beyond(start), TAIL_BINS)]++;
}

static double surprise(const uint64_t *bins, int count, uint64_t draws) {
  double expected = (double)draws / count, sum = 0;
  for (int i = 0; i < count; i++) sum += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
  return (sum - (count - 1)) / sqrt(2.0 * (count - 1));
}

/* Kolmogorov and Smirnov on the bins: the greatest distance of the cumulated shares, times sqrt(draws). */
static double kolmogorov(const uint64_t *bins) {
  double cumulated = 0, greatest = 0;
  for (int i = 0; i < BINS; i++) {
    cumulated += (double)bins[i];
    greatest = fmax(greatest, fabs(cumulated / DRAWS - (i + 1.0) / BINS));
  }
  return greatest * sqrt(DRAWS);
}

static void expect_share(uint64_t counted, double share) {
  EXPECT_NEAR((double)counted, share * DRAWS, 5 * sqrt(share * (1 - share) * DRAWS));
}

static void expect_shape(const tally *t, double tail_share) {
  EXPECT_LT(surprise(t->bins, BINS, DRAWS), 4.0);
  EXPECT_LT(kolmogorov(t->bins), 2.0); /* beyond it: 7 in 10 000 */
  EXPECT_LT(surprise(t->tail_bins, TAIL_BINS, t->in_tail), 4.0);
  expect_share(t->in_tail, tail_share);
}

/* Of a power sum: its mean, within 5 standard deviations of one draw's power. */
static void expect_power(const tally *t, int power, double mean, double variance) {
  EXPECT_NEAR(t->powers[power - 1] / DRAWS, mean, 5 * sqrt(variance / DRAWS));
}

TEST(ziggurat, normal_draws_are_normal) {
  static tally t;
  static double x[BATCH];
  double previous = 0;
  furrow_rng rng = furrow_rng_make(22, 0, 0);
  for (int done = 0; done < DRAWS; done += BATCH) {
    furrow_rng_fill_normal(&rng, x, BATCH);
    for (int i = 0; i < BATCH; previous = x[i++]) count(&t, x[i], previous, true, FURROW__NORMAL_START, normal_beyond);
  }
  expect_shape(&t, normal_beyond(FURROW__NORMAL_START));
  expect_share(t.negative, 0.5);
  expect_power(&t, 1, 0, 1);
  expect_power(&t, 2, 1, 3 - 1);
  expect_power(&t, 3, 0, 15);
  expect_power(&t, 4, 3, 105 - 9);
  EXPECT_NEAR(t.lag / DRAWS, 0, 5 / sqrt(DRAWS));
}

TEST(ziggurat, exponential_draws_are_exponential) {
  static tally t;
  static double x[BATCH];
  double previous = 1;
  furrow_rng rng = furrow_rng_make(23, 0, 0);
  for (int done = 0; done < DRAWS; done += BATCH) {
    furrow_rng_fill_exponential(&rng, x, BATCH);
    for (int i = 0; i < BATCH; previous = x[i++])
      count(&t, x[i], previous, false, FURROW__EXPONENTIAL_START, exponential_beyond);
  }
  expect_shape(&t, exponential_beyond(FURROW__EXPONENTIAL_START));
  EXPECT_EQ(t.negative, 0);
  expect_power(&t, 1, 1, 2 - 1);
  expect_power(&t, 2, 2, 24 - 4);
  expect_power(&t, 3, 6, 720 - 36);
  expect_power(&t, 4, 24, 40320 - 576);
  EXPECT_NEAR(t.lag / DRAWS, 1, 5 * sqrt(3.0 / DRAWS)); /* variance of a product of two: 2 * 2 - 1 */
}

/* The tail alone, a thousand times more of it than whole draws would give: they begin outside the lowest layer. */
TEST(ziggurat, tails_have_their_shape_far_out) {
  enum { TAILS = 1000000 };
  static uint64_t normal[TAIL_BINS], exponential[TAIL_BINS], beyond_5;
  for (uint64_t i = 0; i < TAILS; i++) {
    furrow_rng salted = furrow_rng_make(24, 0, i), far = about_to_draw(outermost, furrow_rng_u64(&salted)), twin = far;
    double x = furrow_rng_normal(&far), y = furrow_rng_exponential(&twin);
    normal[bin_of(normal_beyond(x) / normal_beyond(FURROW__NORMAL_START), TAIL_BINS)]++;
    exponential[bin_of(exponential_beyond(y) / exponential_beyond(FURROW__EXPONENTIAL_START), TAIL_BINS)]++;
    beyond_5 += x > 5;
  }
  double share = normal_beyond(5) / normal_beyond(FURROW__NORMAL_START);
  EXPECT_LT(surprise(normal, TAIL_BINS, TAILS), 4.0);
  EXPECT_LT(surprise(exponential, TAIL_BINS, TAILS), 4.0);
  EXPECT_NEAR((double)beyond_5, share * TAILS, 5 * sqrt(share * TAILS));
}
