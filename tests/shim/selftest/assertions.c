/* The shim's own test: every assertion holds once, and fails once under SELFTEST=fail. Driven by tests/cli/shim. */
#include <math.h>
#include <stdlib.h>

#include "shim/test.h"

typedef enum colour { RED, GREEN } colour;

TEST(assertions, that_hold) {
  uint8_t small = 200;
  int64_t negative = -1;
  uint64_t huge = UINT64_MAX;
  colour green = GREEN;
  const char *text = "abc";
  EXPECT_TRUE(small == 200);
  EXPECT_FALSE(small == 201);
  EXPECT_EQ(small, 200);
  EXPECT_EQ(green, GREEN);
  EXPECT_EQ(true, 1);
  EXPECT_EQ('a', 97);
  EXPECT_EQ(sizeof small, 1);
  EXPECT_LT(negative, huge);
  EXPECT_LT(negative, 0u);
  EXPECT_GT(huge, negative);
  EXPECT_NE(huge, negative);
  EXPECT_LE(INT64_MIN, -1);
  EXPECT_GE(-1, INT64_MIN);
  EXPECT_LE(1.5, 1.5);
  EXPECT_LT(1, 1.5f);
  EXPECT_NE(NAN, NAN);
  EXPECT_EQ(text, text);
  EXPECT_NE(text, NULL);
  EXPECT_NEAR(1.0, 1.1, 0.2);
  EXPECT_EQ_STR("abc", text);
  EXPECT_CONTAINS(text, "bc");
  EXPECT_BYTES_EQ(text, "abc", 4);
  EXPECT_BYTES_EQ(NULL, NULL, 0);
  EXPECT_OK(FURROW_OK);
  EXPECT_STATUS(FURROW_E_NOMEM, FURROW_E_NOMEM);
}

/* Each line here is one failure; tests/cli/shim counts the lines with EXPECT in this function. */
static void fail_all(void) {
  EXPECT_TRUE(false);
  EXPECT_FALSE(true);
  EXPECT_EQ(1, 2);
  EXPECT_NE(1u, 1);
  EXPECT_LT(1, 1);
  EXPECT_LE(2, 1);
  EXPECT_GT(-1, 1u);
  EXPECT_GE(-1, UINT64_MAX);
  EXPECT_EQ(NAN, NAN);
  EXPECT_LE(NAN, 1);
  EXPECT_NEAR(1.0, 2.0, 0.5);
  EXPECT_NEAR(NAN, 2.0, 0.5);
  EXPECT_EQ_STR("a", "b");
  EXPECT_EQ_STR("a", NULL);
  EXPECT_CONTAINS("abc", "cb");
  EXPECT_CONTAINS(NULL, "a");
  EXPECT_BYTES_EQ("abc", "abd", 3);
  EXPECT_BYTES_EQ("abc", NULL, 3);
  EXPECT_OK(FURROW_E_ARG);
  EXPECT_STATUS(FURROW_E_ARG, FURROW_OK);
}

TEST(assertions, that_fail) {
  if (getenv("SELFTEST") && test_rank() == test_size() - 1) fail_all();
}
