/* The mathematics of the option program: closed forms against published prices, pairs against the textbook formulas. */
#include <math.h>

#include "option/closed_form.h"
#include "option/pairs.h"
#include "shim/test.h"

static market usual(void) {
  return (market){
      .spot = 100, .strike = 100, .rate = 0.05, .volatility = 0.2, .maturity = 1, .assets = 1, .fixings = 1};
}

TEST(apps_option, black_scholes_gives_published_prices) {
  market m = usual();
  EXPECT_NEAR(black_scholes_call(&m), 10.450583572185565, 1e-12);
  EXPECT_NEAR(black_scholes_put(&m), 5.573526022256971, 1e-12);
  m = (market){.spot = 42, .strike = 40, .rate = 0.1, .volatility = 0.2, .maturity = 0.5, .assets = 1, .fixings = 1};
  EXPECT_NEAR(black_scholes_call(&m), 4.76, 0.005); /* Hull, Options, Futures and Other Derivatives */
  EXPECT_NEAR(black_scholes_put(&m), 0.81, 0.005);
}

TEST(apps_option, the_limits_of_black_scholes_hold) {
  market m = usual();
  m.strike = 1e-6;
  EXPECT_NEAR(black_scholes_call(&m), m.spot - m.strike * discount(&m), 1e-9); /* surely exercised: a forward */
  m.strike = 1e6;
  EXPECT_NEAR(black_scholes_call(&m), 0, 1e-12);
  m = usual();
  m.volatility = 1e-6;
  EXPECT_NEAR(black_scholes_call(&m), m.spot - m.strike * discount(&m), 1e-9);
}

TEST(apps_option, a_geometric_average_of_one_price_is_that_price) {
  market m = usual();
  EXPECT_NEAR(geometric_asian_call(&m), black_scholes_call(&m), 1e-12);
}

TEST(apps_option, equal_assets_with_correlation_1_are_one_asset) {
  market one = usual(), many = usual();
  one.fixings = many.fixings = 12;
  many.assets = 7;
  many.correlation = 1;
  EXPECT_NEAR(geometric_asian_call(&many), geometric_asian_call(&one), 1e-12);
  many.correlation = 0.3;
  EXPECT_LT(geometric_asian_call(&many), geometric_asian_call(&one));
}

/* In the limit of many fixings this is the continuous average, which Kemna and Vorst (1990) price as a European call
 * with volatility sigma / sqrt(3) and the carry (r - sigma² / 6) / 2. */
TEST(apps_option, many_fixings_approach_kemna_and_vorst) {
  market m = usual();
  m.fixings = 1000000;
  double sigma = m.volatility / sqrt(3), carry = 0.5 * (m.rate - m.volatility * m.volatility / 6);
  double d = (log(m.spot / m.strike) + (carry + sigma * sigma / 2) * m.maturity) / (sigma * sqrt(m.maturity));
  double cdf1 = 0.5 * erfc(-d / sqrt(2)), cdf2 = 0.5 * erfc(-(d - sigma * sqrt(m.maturity)) / sqrt(2));
  double price = m.spot * exp((carry - m.rate) * m.maturity) * cdf1 - m.strike * discount(&m) * cdf2;
  EXPECT_NEAR(geometric_asian_call(&m), price, 1e-4);
  EXPECT_NEAR(price, 5.546819, 1e-6);
}

TEST(apps_option, without_any_variance_the_forward_counts) {
  market m = usual();
  m.assets = 2;
  m.correlation = -1; /* what one gains the other loses, in logs */
  double forward = m.spot * exp((m.rate - m.volatility * m.volatility / 2) * m.maturity);
  EXPECT_NEAR(geometric_asian_call(&m), discount(&m) * (forward - m.strike), 1e-9);
}

TEST(apps_option, pairs_agree_with_the_textbook) {
  static const double X[] = {1, 2, 4, 8, 16}, Y[] = {3, 1, 4, 1, 5};
  pairs p = {0};
  for (int i = 0; i < 5; i++) pairs_add(&p, X[i], Y[i]);
  EXPECT_EQ(p.n, 5);
  EXPECT_NEAR(p.mean_x, 6.2, 1e-12);
  EXPECT_NEAR(p.mean_y, 2.8, 1e-12);
  EXPECT_NEAR(p.xx, 341 - 5 * 6.2 * 6.2, 1e-11);
  EXPECT_NEAR(p.xy, 109 - 5 * 6.2 * 2.8, 1e-11);
  EXPECT_NEAR(p.yy, 52 - 5 * 2.8 * 2.8, 1e-11);
}

TEST(apps_option, merged_pairs_are_those_of_all) {
  pairs all = {0}, early = {0}, late = {0}, none = {0};
  for (int i = 0; i < 100; i++) {
    double x = sin(i), y = cos(3 * i) + 1e3;
    pairs_add(&all, x, y);
    pairs_add(i < 37 ? &early : &late, x, y);
  }
  pairs_merge(&early, &late);
  EXPECT_EQ(early.n, 100);
  EXPECT_NEAR(early.mean_x, all.mean_x, 1e-12);
  EXPECT_NEAR(early.mean_y, all.mean_y, 1e-9);
  EXPECT_NEAR(early.xx, all.xx, 1e-9);
  EXPECT_NEAR(early.xy, all.xy, 1e-7);
  EXPECT_NEAR(early.yy, all.yy, 1e-7);

  pairs copy = early;
  pairs_merge(&copy, &none);
  EXPECT_BYTES_EQ(&copy, &early, sizeof copy);
  pairs_merge(&none, &early);
  EXPECT_BYTES_EQ(&none, &early, sizeof none);
}
