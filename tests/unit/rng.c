/* Random numbers: the generators against their authors' published values, bounded draws, fills, streams of neighbours.
 * Seeds are fixed, so nothing here passes or fails by chance. The ziggurats have their own file. */
#include "furrow/rng.h"

#include <math.h>
#include <stdlib.h>

#include "shim/test.h"

typedef struct words {
  uint64_t v[4];
} words;

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high) {
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  *high = (uint64_t)(product >> 64);
  return (uint64_t)product;
}

/* Philox4x64-10 once more, from the paper (Salmon et al., 2011). */
static words philox(words counter, uint64_t key0, uint64_t key1) {
  for (int round = 0; round < 10; round++) {
    uint64_t high0, high1;
    uint64_t low0 = multiply(0xD2E7470EE14C6C93, counter.v[0], &high0);
    uint64_t low1 = multiply(0xCA5A826395121157, counter.v[2], &high1);
    counter = (words){{high1 ^ counter.v[1] ^ key0, low1, high0 ^ counter.v[3] ^ key1, low0}};
    key0 += 0x9E3779B97F4A7C15;
    key1 += 0xBB67AE8584CAA73B;
  }
  return counter;
}

/* A generator whose first draw is `bits`; the second depends on `salt`. */
static furrow_rng about_to_draw(uint64_t bits, uint64_t salt) {
  return (furrow_rng){{0, salt, 0, (bits >> 23) | (bits << 41)}};
}

TEST(rng, philox_of_this_file_gives_the_published_values) { /* Random123's kat_vectors */
  words zeros = philox((words){{0}}, 0, 0);
  words ones = philox((words){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, UINT64_MAX, UINT64_MAX);
  words pi = philox((words){{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}},
                    0x452821e638d01377, 0xbe5466cf34e90c6c);
  words of_zeros = {{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}};
  words of_ones = {{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}};
  words of_pi = {{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}};
  EXPECT_BYTES_EQ(zeros.v, of_zeros.v, sizeof zeros);
  EXPECT_BYTES_EQ(ones.v, of_ones.v, sizeof ones);
  EXPECT_BYTES_EQ(pi.v, of_pi.v, sizeof pi);
}

TEST(rng, make_is_philox_of_seed_series_and_task) {
  static const uint64_t values[] = {0, 1, 2, 0xFFFFFFFF, 0x100000000, 0x8000000000000000, UINT64_MAX - 1, UINT64_MAX};
  enum { COUNT = sizeof values / sizeof *values };
  for (int i = 0; i < COUNT * COUNT * COUNT; i++) {
    uint64_t seed = values[i % COUNT], series = values[i / COUNT % COUNT], task = values[i / COUNT / COUNT];
    furrow_rng rng = furrow_rng_make(seed, series, task);
    words expected = philox((words){{task, 0, 0, 0}}, seed, series);
    ASSERT_BYTES_EQ(rng.s, expected.v, sizeof expected);
  }
}

/* numpy.random.Philox(key=[seed, series], counter=task - 1).random_raw(4): NumPy increments the counter first. */
TEST(rng, make_is_philox_of_numpy) {
  static const struct {
    uint64_t seed, series, task;
    words expected;
  } cases[] = {
      {0, 0, 0, {{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}}},
      {42, 0, 0, {{0xa7687e2d34c89dc6, 0x4c5818ab9649d53f, 0xea0add4230dddab5, 0xe2a142eecee5bb40}}},
      {42, 0, 1, {{0xd1f8817d4d62880e, 0x307266b65cc8797e, 0xde1f04e7f084ed03, 0x65034a8e78cd1e59}}},
      {42, 7, 1000000, {{0x37df056285b646f9, 0xa05afc6b9cf4b38c, 0xa223ebd8ebbe4a76, 0xdbaa8c1b8d8585ed}}},
      {0, 0, 4294967296, {{0xc13907ef9ae2513c, 0xee9aedc2a4b53345, 0x0b3dff261d7482bc, 0xe116dc2a01f1e1c9}}},
      {UINT64_MAX,
       UINT64_MAX,
       UINT64_MAX,
       {{0xefea0f0cf2a64ab3, 0x1ffd51b0734e113d, 0x2741dd2d7aea1563, 0x901874e36a1bc3d6}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    furrow_rng rng = furrow_rng_make(cases[i].seed, cases[i].series, cases[i].task);
    EXPECT_BYTES_EQ(rng.s, cases[i].expected.v, sizeof rng.s);
  }
}

TEST(rng, u64_gives_the_values_of_the_authors_reference) { /* xoshiro256plusplus.c from the state {1, 2, 3, 4} */
  static const uint64_t expected[] = {41943041,
                                      58720359,
                                      3588806011781223,
                                      3591011842654386,
                                      9228616714210784205u,
                                      9973669472204895162u,
                                      14011001112246962877u,
                                      12406186145184390807u,
                                      15849039046786891736u,
                                      10450023813501588000u};
  furrow_rng rng = {{1, 2, 3, 4}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) EXPECT_EQ(furrow_rng_u64(&rng), expected[i]);
}

TEST(rng, uniform_is_the_upper_53_bits) {
  furrow_rng least = about_to_draw(0, 1), greatest = about_to_draw(UINT64_MAX, 1);
  EXPECT_EQ(furrow_rng_uniform(&least), 0.0);
  EXPECT_EQ(furrow_rng_uniform(&greatest), 1.0 - 0x1p-53);
  furrow_rng rng = furrow_rng_make(1, 2, 3), twin = rng;
  for (int i = 0; i < 1000; i++) ASSERT_EQ(furrow_rng_uniform(&rng), ldexp((double)(furrow_rng_u64(&twin) >> 11), -53));
}

/* ---- bounded draws ----------------------------------------------------------------------------------------------- */

/* Pearson's sum for `bins` equally likely bins, in standard deviations from its mean: beyond 5 is no chance. */
static double surprise(const uint64_t *bins, int count, uint64_t draws) {
  double expected = (double)draws / count, sum = 0;
  for (int i = 0; i < count; i++) sum += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
  return (sum - (count - 1)) / sqrt(2.0 * (count - 1));
}

TEST(rng, below_of_0_and_1_is_0_and_takes_one_draw) {
  for (uint64_t n = 0; n <= 1; n++) {
    furrow_rng rng = furrow_rng_make(5, 6, 7), twin = rng;
    for (int i = 0; i < 100; i++) {
      ASSERT_EQ(furrow_rng_below(&rng, n), 0);
      furrow_rng_u64(&twin);
    }
    EXPECT_BYTES_EQ(&rng, &twin, sizeof rng);
  }
}

TEST(rng, below_takes_the_upper_bits_for_powers_of_two) {
  for (int power = 1; power < 64; power++) {
    furrow_rng rng = furrow_rng_make(5, 6, 8), twin = rng;
    for (int i = 0; i < 100; i++)
      ASSERT_EQ(furrow_rng_below(&rng, (uint64_t)1 << power), furrow_rng_u64(&twin) >> (64 - power));
  }
}

/* For n = 2^64 - 1, just one of the 2^64 values is one too many: 0. */
TEST(rng, below_rejects_just_the_surplus) {
  furrow_rng surplus = about_to_draw(0, 12345), twin = surplus, fits = about_to_draw(1, 12345);
  uint64_t high;
  EXPECT_EQ(furrow_rng_u64(&twin), 0);
  multiply(furrow_rng_u64(&twin), UINT64_MAX, &high);
  EXPECT_EQ(furrow_rng_below(&surplus, UINT64_MAX), high);
  EXPECT_BYTES_EQ(&surplus, &twin, sizeof twin);
  EXPECT_EQ(furrow_rng_below(&fits, UINT64_MAX), 0);
  furrow_rng last = about_to_draw(UINT64_MAX, 12345);
  EXPECT_EQ(furrow_rng_below(&last, UINT64_MAX), UINT64_MAX - 1);
}

/* Counts the draws that so many results take, by running a twin until it has the same state. */
static uint64_t draws_taken(furrow_rng from, furrow_rng to) {
  uint64_t draws = 0;
  for (; memcmp(&from, &to, sizeof to) != 0 && draws < 10000000; draws++) furrow_rng_u64(&from);
  return draws;
}

TEST(rng, below_is_in_range_and_rejects_as_often_as_it_must) {
  static const uint64_t bounds[] = {2, 3, 1000, UINT64_C(0x8000000000000001), UINT64_C(0xC000000000000000), UINT64_MAX};
  enum { RESULTS = 100000 };
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    uint64_t n = bounds[i];
    furrow_rng rng = furrow_rng_make(9, i, 0), start = rng;
    double sum = 0;
    for (int k = 0; k < RESULTS; k++) {
      uint64_t result = furrow_rng_below(&rng, n);
      ASSERT_LT(result, n);
      sum += (double)result / (double)(n - 1);
    }
    EXPECT_NEAR(sum / RESULTS, 0.5, 5 * 0.5 / sqrt(RESULTS));
    double accepted = 1.0 - ldexp((double)((0 - n) % n), -64);
    EXPECT_NEAR((double)draws_taken(start, rng) / RESULTS, 1 / accepted,
                5 * sqrt(1 - accepted) / accepted / sqrt(RESULTS));
  }
}

/* For n = 3 * 2^62 a plain multiplication gives one result in three twice as often as the others. */
TEST(rng, below_is_unbiased_where_a_multiplication_is_not) {
  enum { DRAWS = 300000 };
  uint64_t careful[3] = {0}, plain[3] = {0}, n = UINT64_C(3) << 62;
  furrow_rng rng = furrow_rng_make(10, 0, 0);
  for (int i = 0; i < DRAWS; i++) {
    uint64_t high;
    multiply(furrow_rng_u64(&rng), n, &high);
    plain[high % 3]++;
    careful[furrow_rng_below(&rng, n) % 3]++;
  }
  EXPECT_GT(surprise(plain, 3, DRAWS), 100.0);
  EXPECT_LT(surprise(careful, 3, DRAWS), 5.0);
}

TEST(rng, below_hits_all_results_alike) {
  enum { DRAWS = 2000000 };
  static const int bounds[] = {2, 3, 6, 10, 256, 1000};
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    uint64_t bins[1000] = {0};
    furrow_rng rng = furrow_rng_make(11, i, 0);
    for (int k = 0; k < DRAWS; k++) bins[furrow_rng_below(&rng, (uint64_t)bounds[i])]++;
    EXPECT_LT(surprise(bins, bounds[i], DRAWS), 5.0);
  }
}

/* ---- fills ------------------------------------------------------------------------------------------------------- */

enum { MOST = 100003 };

static const size_t lengths[] = {0, 1, 2, 3, 7, 64, 255, 1001, MOST};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void expect_fill(void fill(furrow_rng *, double *, size_t), double draw(furrow_rng *)) {
  double *filled = malloc(MOST * sizeof *filled), *drawn = malloc(MOST * sizeof *drawn);
  furrow_rng rng = furrow_rng_make(12, 0, 0), twin = rng;
  for (int i = 0; i < LENGTHS && filled && drawn; i++) {
    fill(&rng, filled, lengths[i]);
    for (size_t k = 0; k < lengths[i]; k++) drawn[k] = draw(&twin);
    EXPECT_BYTES_EQ(filled, drawn, lengths[i] * sizeof *drawn);
    EXPECT_BYTES_EQ(&rng, &twin, sizeof rng);
  }
  EXPECT_TRUE(filled && drawn);
  fill(&rng, NULL, 0);
  EXPECT_BYTES_EQ(&rng, &twin, sizeof rng);
  free(filled);
  free(drawn);
}

TEST(rng, fills_are_single_draws) {
  expect_fill(furrow_rng_fill_uniform, furrow_rng_uniform);
  expect_fill(furrow_rng_fill_normal, furrow_rng_normal);
  expect_fill(furrow_rng_fill_exponential, furrow_rng_exponential);
}

TEST(rng, fill_u64_is_single_draws) {
  uint64_t filled[1001];
  furrow_rng rng = furrow_rng_make(12, 0, 1), twin = rng;
  for (int i = 0; i < LENGTHS - 1; i++) {
    furrow_rng_fill_u64(&rng, filled, lengths[i]);
    for (size_t k = 0; k < lengths[i]; k++) ASSERT_EQ(filled[k], furrow_rng_u64(&twin));
  }
  furrow_rng_fill_u64(&rng, NULL, 0);
  EXPECT_BYTES_EQ(&rng, &twin, sizeof rng);
}

/* ---- neighbours -------------------------------------------------------------------------------------------------- */

/* The correlation of two streams, in standard deviations. */
static double correlation(furrow_rng a, furrow_rng b) {
  enum { DRAWS = 10000 };
  double sum = 0; /* of products whose mean is 0 and variance 1 */
  for (int i = 0; i < DRAWS; i++) sum += 12 * (furrow_rng_uniform(&a) - 0.5) * (furrow_rng_uniform(&b) - 0.5);
  return sum / sqrt(DRAWS);
}

TEST(rng, streams_of_neighbours_are_uncorrelated) {
  enum { PAIRS = 300 };
  double sum = 0;
  for (uint64_t i = 0; i < PAIRS; i++) {
    furrow_rng here = furrow_rng_make(i, i, i);
    double z[] = {correlation(here, furrow_rng_make(i, i, i + 1)), correlation(here, furrow_rng_make(i, i + 1, i)),
                  correlation(here, furrow_rng_make(i + 1, i, i))};
    for (int k = 0; k < 3; k++) {
      EXPECT_LT(fabs(z[k]), 5.0);
      sum += z[k] * z[k];
    }
  }
  EXPECT_NEAR(sum, 3.0 * PAIRS, 5 * sqrt(2 * 3.0 * PAIRS));
}

TEST(rng, first_draws_of_tasks_are_uniform_and_half_their_bits_change) {
  enum { TASKS = 200000 };
  uint64_t bins[256] = {0}, previous = 0;
  double changed = 0;
  for (uint64_t task = 0; task <= TASKS; task++) {
    furrow_rng rng = furrow_rng_make(0, 0, task);
    uint64_t bits = furrow_rng_u64(&rng);
    if (task > 0) bins[bits >> 56]++;
    for (uint64_t left = task > 0 ? bits ^ previous : 0; left; left &= left - 1) changed++;
    previous = bits;
  }
  EXPECT_LT(surprise(bins, 256, TASKS), 5.0);
  EXPECT_NEAR(changed / TASKS, 32.0, 5 * 4 / sqrt(TASKS));
}

TEST(rng, seed_series_and_task_are_no_sum) {
  furrow_rng a = furrow_rng_make(1, 2, 3), b = furrow_rng_make(2, 1, 3), c = furrow_rng_make(1, 3, 2);
  EXPECT_NE(furrow_rng_u64(&a), furrow_rng_u64(&b));
  EXPECT_NE(furrow_rng_u64(&a), furrow_rng_u64(&c));
}
