/* What people type for furrow farm: slots, times, conditions, and the words behind the options. Pure. */
#include <string.h>

#include "furrow/farm/values.h"
#include "furrow/farm/words.h"
#include "shim/test.h"

static const char *const NONE = "";

/* ---- slots ---- */

static void expect_jobs(const char *text, double jobs, bool percent, bool beyond) {
  settings got = {.jobs = 77};
  EXPECT_EQ_STR(read_jobs(text, &got) ? text : NONE, NONE);
  EXPECT_EQ(got.jobs, jobs);
  EXPECT_EQ(got.jobs_percent, percent);
  EXPECT_EQ(got.jobs_beyond, beyond);
}

TEST(apps_farm_values, slots_are_a_number_a_part_or_a_difference) {
  expect_jobs("4", 4, false, false);
  expect_jobs("0", 0, false, false);
  expect_jobs("50%", 50, true, false);
  expect_jobs("10.5%", 10.5, true, false);
  expect_jobs("+2", 2, false, true);
  expect_jobs("-1", -1, false, true);
}

TEST(apps_farm_values, slots_that_make_no_sense_are_refused) {
  const char *const wrong[] = {"", "x", "1.5", "+", "-", "+-1", "+x", "10%x", "+50%", "0%", "1e3", " 1", "0x10"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    settings got = {.jobs = 77};
    EXPECT_TRUE(read_jobs(wrong[i], &got) != NULL);
    EXPECT_EQ(got.jobs, 77);
  }
}

/* ---- times ---- */

static void expect_seconds(const char *text, double expected) {
  double got = -1;
  EXPECT_EQ_STR(read_seconds(text, &got) ? text : NONE, NONE);
  EXPECT_NEAR(got, expected, 1e-9);
}

TEST(apps_farm_values, times_are_sums) {
  expect_seconds("0", 0);
  expect_seconds("1.5", 1.5);
  expect_seconds(".5", 0.5);
  expect_seconds("2m", 120);
  expect_seconds("1h30m", 5400);
  expect_seconds("2d3H4M5.5s", 2 * 86400 + 3 * 3600 + 4 * 60 + 5.5);
  expect_seconds("1m30", 90);
}

TEST(apps_farm_values, times_that_are_none_are_refused) {
  const char *const wrong[] = {"", "x", "-1", "1x", "m", "1mm", "inf", "nan", "1e3", ".", "9999999999", "1 m"};
  double got = 7;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) EXPECT_TRUE(read_seconds(wrong[i], &got) != NULL);
  EXPECT_EQ(got, 7);
}

TEST(apps_farm_values, a_timeout_may_be_a_part_of_the_median) {
  settings got = {.timeout = 0};
  EXPECT_TRUE(read_timeout("250%", &got) == NULL);
  EXPECT_EQ(got.timeout, 250);
  EXPECT_TRUE(got.timeout_percent);
  EXPECT_TRUE(read_timeout("1m", &got) == NULL);
  EXPECT_EQ(got.timeout, 60);
  EXPECT_FALSE(got.timeout_percent);
  EXPECT_TRUE(read_timeout("1m%", &got) != NULL);
  EXPECT_EQ(got.timeout, 60);
}

TEST(apps_farm_values, niceness_has_two_ends) {
  int got = 0;
  EXPECT_TRUE(read_nice("19", &got) == NULL);
  EXPECT_EQ(got, 19);
  EXPECT_TRUE(read_nice("-20", &got) == NULL);
  EXPECT_EQ(got, -20);
  EXPECT_TRUE(read_nice("20", &got) != NULL);
  EXPECT_TRUE(read_nice("-21", &got) != NULL);
  EXPECT_TRUE(read_nice("1.5", &got) != NULL);
  EXPECT_TRUE(read_nice("5%", &got) != NULL);
  EXPECT_EQ(got, -20);
}

/* ---- when to halt ---- */

static void expect_halt(const char *text, halt expected) {
  halt got = {.value = -1};
  EXPECT_EQ_STR(read_halt(text, &got) ? text : NONE, NONE);
  EXPECT_EQ(got.when, expected.when);
  if (expected.when == HALT_NEVER) return;
  EXPECT_EQ(got.what, expected.what);
  EXPECT_EQ(got.value, expected.value);
  EXPECT_EQ(got.percent, expected.percent);
}

TEST(apps_farm_values, halt_is_when_what_and_how_many) {
  expect_halt("never", (halt){.when = HALT_NEVER});
  expect_halt("now,fail=1", (halt){HALT_NOW, HALT_FAIL, 1, false});
  expect_halt("soon,success=50%", (halt){HALT_SOON, HALT_SUCCESS, 50, true});
  expect_halt("now,done=10", (halt){HALT_NOW, HALT_DONE, 10, false});
  expect_halt("5%", (halt){HALT_SOON, HALT_FAIL, 5, true});
  expect_halt("0", (halt){.when = HALT_NEVER});
  expect_halt("1", (halt){HALT_SOON, HALT_FAIL, 1, false});
  expect_halt("2", (halt){HALT_NOW, HALT_FAIL, 1, false});
  expect_halt("-1", (halt){HALT_SOON, HALT_SUCCESS, 1, false});
  expect_halt("-2", (halt){HALT_NOW, HALT_SUCCESS, 1, false});
}

TEST(apps_farm_values, a_halt_that_says_too_little_is_refused) {
  const char *const wrong[] = {"",         "x",          "3",          "now",         "now,",       "now,foo=1",
                               "now,fail", "soon,fail=", "now,fail=x", "now,fail=-1", "now fail=1", "soon,fail=1.5"};
  halt got = {.value = 7};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) EXPECT_TRUE(read_halt(wrong[i], &got) != NULL);
  EXPECT_EQ(got.value, 7);
}

/* ---- words ---- */

TEST(apps_farm_words, a_command_ends_at_the_first_mark) {
  char *words[] = {"echo", "-k", ":::", "a", "::::", "f"};
  EXPECT_EQ(count_command(words, 6), 2);
  EXPECT_EQ(count_command(words, 2), 2);
  EXPECT_EQ(count_command(words + 2, 4), 0);
  char *like[] = {"::", ":::::", ":::x", ":::++", "a:::"};
  EXPECT_EQ(count_command(like, 5), 5);
}

TEST(apps_farm_words, every_mark_begins_a_source_and_every_file_is_one) {
  char *words[] = {":::", "a", "b", ":::+", "c", "::::", "f", "g", "::::+", "h", ":::"};
  source list[12] = {{.is_file = true, .path = "first"}};
  ASSERT_EQ(list_sources(words, 11, list, 1), 7);
  EXPECT_EQ_STR(list[0].path, "first");
  EXPECT_FALSE(list[1].is_file || list[1].linked);
  EXPECT_EQ(list[1].count, 2);
  EXPECT_EQ_STR(list[1].words[1], "b");
  EXPECT_TRUE(list[2].linked);
  EXPECT_EQ(list[2].count, 1);
  EXPECT_EQ_STR(list[3].path, "f");
  EXPECT_EQ_STR(list[4].path, "g");
  EXPECT_FALSE(list[4].linked);
  EXPECT_TRUE(list[5].is_file && list[5].linked);
  EXPECT_FALSE(list[6].is_file);
  EXPECT_EQ(list[6].count, 0);
}

TEST(apps_farm_words, what_goes_along_needs_something_before_it) {
  char *words[] = {":::+", "a"};
  source list[3] = {{.is_file = true}};
  EXPECT_EQ(list_sources(words, 2, list, 0), -1);
  EXPECT_EQ(list_sources(words, 2, list, 1), 2);
}
