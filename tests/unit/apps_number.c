/* Numbers as the programs' command lines take them. */
#include "common/number.h"

#include "shim/test.h"

static const char *const NONSENSE = "is not a number";

static void expect_count(const char *text, uint64_t expected) {
  uint64_t value = 0;
  EXPECT_EQ_STR(text, app_parse_count(text, &value) == NULL ? text : "refused");
  EXPECT_EQ(value, expected);
}

static void expect_no_count(const char *text, const char *wrong) {
  uint64_t value = 7;
  const char *said = app_parse_count(text, &value);
  EXPECT_EQ_STR(said ? said : text, wrong);
  EXPECT_EQ(value, 7);
}

TEST(apps_number, counts_are_read_in_every_way_people_write_them) {
  expect_count("0", 0);
  expect_count("1000000", 1000000);
  expect_count("1_000_000", 1000000);
  expect_count("1e6", 1000000);
  expect_count("1E+6", 1000000);
  expect_count("2.5e6", 2500000);
  expect_count("1_0.5e1_0", 105000000000);
  expect_count(".5e1", 5);
  expect_count("5.", 5);
  expect_count("+5", 5);
  expect_count("007", 7);
  expect_count("4.000", 4);
  expect_count("1500e-2", 15);
  expect_count("0e99999999999999999999", 0);
  expect_count("0.0e-5", 0);
}

TEST(apps_number, counts_are_exact_up_to_the_last) {
  expect_count("18446744073709551615", UINT64_MAX);
  expect_count("1.8446744073709551615e19", UINT64_MAX);
  expect_count("9007199254740993", 9007199254740993); /* 2^53 + 1, which no double holds */
  expect_no_count("18446744073709551616", "is too large");
  expect_no_count("1e20", "is too large");
  expect_no_count("1e99999999999999999999", "is too large");
}

TEST(apps_number, fractions_and_negative_counts_are_told_apart) {
  expect_no_count("1.5", "is not a whole number");
  expect_no_count("1e-1", "is not a whole number");
  expect_no_count("1e-99999999999999999999", "is not a whole number");
  expect_no_count("12345e-4", "is not a whole number");
  expect_no_count("-1", "is negative");
  expect_no_count("-1e9", "is negative");
}

TEST(apps_number, nonsense_is_no_number) {
  static const char *const TEXTS[] = {"",    " ",    "many", "1e",     "e6",   "1e+",  "1..2",  "1.2.3",    "_1",
                                      "1_",  "1__0", "1_e6", "1e6 ",   " 1",   "0x10", "1,000", "--1",      "+-1",
                                      "nan", "inf",  "1e1e", "1_.5e1", "1e_6", ".",    "-",     "infinity", "1k"};
  char too_long[200];
  memset(too_long, '0', sizeof too_long);
  too_long[sizeof too_long - 1] = '\0';
  for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
    double real = 7;
    expect_no_count(TEXTS[i], NONSENSE);
    const char *said = app_parse_real(TEXTS[i], &real);
    EXPECT_EQ_STR(said ? said : TEXTS[i], NONSENSE);
    EXPECT_EQ(real, 7.0);
  }
  expect_no_count(too_long, NONSENSE);
}

static void expect_real(const char *text, double expected) {
  double value = 0;
  EXPECT_EQ_STR(text, app_parse_real(text, &value) == NULL ? text : "refused");
  EXPECT_EQ(value, expected);
}

TEST(apps_number, reals_are_read) {
  expect_real("0.05", 0.05);
  expect_real("-0.7453", -0.7453);
  expect_real("1_000.25", 1000.25);
  expect_real("1e-3", 1e-3);
  expect_real("-.5", -0.5);
  expect_real("1e-400", 0);
  double value = 7;
  EXPECT_EQ_STR(app_parse_real("1e400", &value), "is too large");
  EXPECT_EQ(value, 7.0);
}
