/* How the programs show numbers. */
#include "common/report.h"

#include <math.h>

#include "shim/test.h"

TEST(apps_report, whole_numbers_are_grouped_as_the_command_line_takes_them) {
  EXPECT_EQ_STR(app_whole(0).text, "0");
  EXPECT_EQ_STR(app_whole(999).text, "999");
  EXPECT_EQ_STR(app_whole(1000).text, "1_000");
  EXPECT_EQ_STR(app_whole(1234567).text, "1_234_567");
  EXPECT_EQ_STR(app_whole(UINT64_MAX).text, "18_446_744_073_709_551_615");
}

TEST(apps_report, rates_have_a_letter_and_few_figures) {
  EXPECT_EQ_STR(app_rate(0).text, "0.00");
  EXPECT_EQ_STR(app_rate(12.34).text, "12.3");
  EXPECT_EQ_STR(app_rate(999.99).text, "1.00 k");
  EXPECT_EQ_STR(app_rate(1000).text, "1.00 k");
  EXPECT_EQ_STR(app_rate(812.4e6).text, "812.4 M");
  EXPECT_EQ_STR(app_rate(1.5e9).text, "1.50 G");
  EXPECT_EQ_STR(app_rate(1e300).text[0] == '1' ? "fits" : "does not", "fits");
}

TEST(apps_report, a_range_reaches_as_far_to_both_sides) {
  EXPECT_EQ_STR(app_range(3.14, 0.02, 2).text, "3.12 to 3.16");
  EXPECT_EQ_STR(app_range(0, 1, 0).text, "-1 to 1");
}

TEST(apps_report, estimates_know_margin_and_deviation) {
  app_estimate estimate = {.value = 10.5, .standard_error = 0.25, .exact = 10};
  EXPECT_NEAR(app_estimate_margin(&estimate), 0.48999, 1e-5);
  EXPECT_NEAR(app_estimate_deviation(&estimate), 2, 1e-12);
  estimate.exact = NAN;
  EXPECT_TRUE(isnan(app_estimate_deviation(&estimate)));
  estimate.exact = 10;
  estimate.standard_error = 0;
  EXPECT_TRUE(isnan(app_estimate_deviation(&estimate)));
}

TEST(apps_report, speedup_is_known_only_beside_one_rank) {
  app_timing timing = {.ranks = 2, .seconds = 1, .rate = 190, .rate_of_one = 100};
  EXPECT_NEAR(app_speedup(&timing), 1.9, 1e-12);
  timing.rate_of_one = 0;
  EXPECT_EQ(app_speedup(&timing), 0.0);
}

TEST(apps_report, exact_numbers_are_as_short_as_they_can_be) {
  EXPECT_EQ_STR(app_exact(100).text, "100");
  EXPECT_EQ_STR(app_exact(0.05).text, "0.05");
  EXPECT_EQ_STR(app_exact(-0.74364388703).text, "-0.74364388703");
  EXPECT_EQ_STR(app_exact(0.1 + 0.2).text, "0.30000000000000004");
  EXPECT_EQ_STR(app_exact(1e13).text, "1e+13");
}
