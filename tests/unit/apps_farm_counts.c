/* What furrow farm counts: the median, who is done, when to halt, and the line that shows it. Pure. */
#include <math.h>
#include <string.h>

#include "furrow/farm/done.h"
#include "furrow/farm/gauge.h"
#include "furrow/farm/median.h"
#include "furrow/farm/tally.h"
#include "shim/test.h"

/* ---- the median ---- */

TEST(apps_farm_median, is_near_the_middle) {
  static median all;
  memset(&all, 0, sizeof all);
  EXPECT_EQ(median_value(&all), 0);
  median_add(&all, 2);
  EXPECT_NEAR(median_value(&all), 2, 0.01);
  median_add(&all, 1000);
  EXPECT_NEAR(median_value(&all), 2, 0.01); /* the lower of two */
  median_add(&all, 30);
  EXPECT_NEAR(median_value(&all), 30, 0.15);
  for (int i = 1; i <= 100000; i++) median_add(&all, i * 1e-3);
  EXPECT_NEAR(median_value(&all), 50, 0.3);
}

TEST(apps_farm_median, takes_any_number) {
  static median all;
  memset(&all, 0, sizeof all);
  const double odd[] = {0, -1, 1e-300, 1e300, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) median_add(&all, odd[i]);
  EXPECT_EQ(all.count, 6u);
  EXPECT_GT(median_value(&all), 0);
}

/* ---- who is done ---- */

TEST(apps_farm_done, remembers_each_number_once) {
  done all = {.bits = NULL};
  EXPECT_FALSE(done_has(&all, 1));
  ASSERT_TRUE(done_add(&all, 3) && done_add(&all, 3) && done_add(&all, 1000000));
  EXPECT_EQ(all.count, 2u);
  EXPECT_TRUE(done_has(&all, 3) && done_has(&all, 1000000));
  EXPECT_FALSE(done_has(&all, 2) || done_has(&all, 4) || done_has(&all, 999999) || done_has(&all, UINT64_MAX));
  EXPECT_FALSE(done_add(&all, UINT64_MAX));
  EXPECT_EQ(all.count, 2u);
  done_clear(&all);
  EXPECT_FALSE(done_has(&all, 3));
}

TEST(apps_farm_done, counts_what_is_missing) {
  done all = {.bits = NULL};
  EXPECT_EQ(done_missing(&all, 0), 1u);
  EXPECT_EQ(done_missing(&all, 41), 42u);
  ASSERT_TRUE(done_add(&all, 1) && done_add(&all, 3) && done_add(&all, 4));
  EXPECT_EQ(done_missing(&all, 0), 2u);
  EXPECT_EQ(done_missing(&all, 1), 5u);
  EXPECT_EQ(done_missing(&all, 100000), 100004u);
  done_clear(&all);
}

/* ---- when to halt: numbers measured with GNU parallel 20221122 ---- */

/* Commands that exit so, one after the other, of `total`: how many are done when it halts, and the exit status. */
static void expect_end(const char *rule_text, halt rule, const int *values, uint64_t total, uint64_t ended,
                       int status) {
  tally all = {.rule = &rule, .total = total};
  uint64_t i = 0;
  while (i < total) {
    all.started++;
    if (tally_add(&all, values[i++], 0) != HALT_NEVER) break;
  }
  EXPECT_EQ_STR(i == ended && tally_status(&all) == status ? rule_text : "", rule_text);
  EXPECT_EQ(i, ended);
  EXPECT_EQ(tally_status(&all), status);
}

TEST(apps_farm_tally, halts_as_gnu_parallel_does) {
  const int values[] = {0, 1, 0, 2, 3, 0};
  expect_end("never", (halt){.when = HALT_NEVER}, values, 6, 6, 3);
  expect_end("now,fail=1", (halt){HALT_NOW, HALT_FAIL, 1, false}, values, 6, 2, 1);
  expect_end("soon,fail=2", (halt){HALT_SOON, HALT_FAIL, 2, false}, values, 6, 4, 2);
  expect_end("now,success=1", (halt){HALT_NOW, HALT_SUCCESS, 1, false}, values, 6, 1, 0);
  expect_end("soon,success=50%", (halt){HALT_SOON, HALT_SUCCESS, 50, true}, values, 6, 6, 0);
  expect_end("now,done=2", (halt){HALT_NOW, HALT_DONE, 2, false}, values, 6, 2, 1);
  expect_end("soon,done=1", (halt){HALT_SOON, HALT_DONE, 1, false}, values, 6, 1, 0);
  expect_end("now,done=50%", (halt){HALT_NOW, HALT_DONE, 50, true}, values, 6, 3, 17);
  expect_end("soon,fail=30%", (halt){HALT_SOON, HALT_FAIL, 30, true}, values, 6, 4, 34);
  expect_end("now,fail=200", (halt){HALT_NOW, HALT_FAIL, 200, false}, values, 6, 6, 3);
}

TEST(apps_farm_tally, the_status_of_one_that_is_too_many_is_that_of_a_shell) {
  halt rule = {HALT_NOW, HALT_FAIL, 1, false};
  tally killed = {.rule = &rule}, late = {.rule = &rule}, seven = {.rule = &rule};
  EXPECT_EQ(tally_add(&killed, 0, 9), HALT_NOW);
  EXPECT_EQ(tally_status(&killed), 137);
  EXPECT_EQ(tally_add(&late, -1, 15), HALT_NOW);
  EXPECT_EQ(tally_status(&late), 255);
  EXPECT_EQ(tally_add(&seven, 7, 0), HALT_NOW);
  EXPECT_EQ(tally_add(&seven, 8, 0), HALT_NEVER); /* once is enough */
  EXPECT_EQ(tally_status(&seven), 7);
}

TEST(apps_farm_tally, a_part_of_nobody_knows_how_many_is_not_reached) {
  halt rule = {HALT_SOON, HALT_FAIL, 1, true};
  tally all = {.rule = &rule};
  for (int i = 0; i < 100; i++) EXPECT_EQ(tally_add(&all, 1, 0), HALT_NEVER);
  all.total = 101;
  EXPECT_EQ(tally_add(&all, 1, 0), HALT_SOON);
}

TEST(apps_farm_tally, more_than_100_failures_are_101) {
  halt never = {.when = HALT_NEVER};
  tally all = {.rule = &never};
  for (int i = 0; i < 100; i++) (void)tally_add(&all, 1, 0);
  EXPECT_EQ(tally_status(&all), 100);
  for (int i = 0; i < 1000; i++) (void)tally_add(&all, 1, 0);
  EXPECT_EQ(tally_status(&all), 101);
}

/* ---- the line ---- */

TEST(apps_farm_gauge, a_bar_is_as_long_as_what_is_done) {
  gauge bar = {.bar = true, .width = 40, .begun = 100};
  gauge_state state = {.done = 1, .total = 4, .newest = "a\033b"};
  char line[GAUGE_LINE];
  gauge_line(&bar, 102, &state, line);
  EXPECT_EQ_STR(line, "\033[7m25% 1:3=6s\033[0m a b                          ");
  state = (gauge_state){.done = 4, .total = 4};
  gauge_line(&bar, 108, &state, line);
  EXPECT_EQ_STR(line, "\033[7m100% 4:0=0s                             \033[0m");
  state = (gauge_state){.done = 4};
  gauge_line(&bar, 108, &state, line);
  EXPECT_CONTAINS(line, "4 done");
}

TEST(apps_farm_gauge, the_rest_takes_as_long_as_what_this_run_has_done) {
  gauge eta = {.eta = true, .width = 80, .begun = 100, .earlier = 10};
  gauge_state state = {.done = 12, .failed = 1, .total = 20, .running = 2};
  char line[GAUGE_LINE];
  gauge_line(&eta, 120, &state, line);
  EXPECT_CONTAINS(line, "ETA: 1m20s Left: 8 AVG: 10.00s");
  EXPECT_CONTAINS(line, "running: 2 done: 12 failed: 1");
  EXPECT_EQ(strlen(line), 79u);
  state.total = 0; /* nobody knows */
  gauge_line(&eta, 120, &state, line);
  EXPECT_TRUE(strstr(line, "ETA") == NULL);
}
