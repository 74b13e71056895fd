/* Columns of a text, as Perl's split() and GNU parallel's --colsep cut it. */
#include <stdlib.h>

#include "furrow/farm/columns.h"
#include "shim/test.h"

static columns *make(const char *expression) {
  char message[256] = "";
  columns *all = columns_make(expression, message, sizeof message);
  if (!all) TEST_FAIL("%s", message);
  return all;
}

/* "a|b|" is the columns a, b and an empty one. */
static void expect(const char *expression, const char *text, const char *expected) {
  char found[512] = "";
  columns *all = make(expression);
  if (!all) return;
  EXPECT_TRUE(columns_add(all, text));
  int count;
  const char *const *list = columns_list(all, &count);
  for (int i = 0; i < count; i++)
    snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i > 0 ? "|" : "", list[i]);
  EXPECT_EQ_STR(found, expected);
  columns_free(all);
}

TEST(apps_farm_columns, empty_ones_are_columns) {
  expect(",", "a,b", "a|b");
  expect(",", "c,,d", "c||d");
  expect(",", "e,", "e|");
  expect(",", ",f", "|f");
  expect(",", ",", "|");
  expect(",", "a", "a");
  expect(",", "", "");
}

TEST(apps_farm_columns, expressions) {
  expect("\\t", "a\tb c\td", "a|b c|d");
  expect("\\s+", "a\t b", "a|b");
  expect("[.,]", "a.b,c", "a|b|c");
  expect("|", "ab", "a|b|");
  expect("^", "a,b", "a,b");
  expect(",$", "a,b,", "a,b|");
  expect("(?i)x", "aXb", "a|b");
}

TEST(apps_farm_columns, an_empty_match_does_not_cut_where_a_column_begins) {
  expect("x*", "axb", "a|b|");
  expect("", "abc", "a|b|c|");
  expect("(?<=a)", "aab", "a|a|b");
}

TEST(apps_farm_columns, groups_are_columns) {
  expect("\\((b)\\)", "a(b)c", "a|b|c");
  expect("-|(\\+)", "a-b+c", "a||b|+|c");
}

TEST(apps_farm_columns, white_space_around_them_is_none_of_theirs) {
  expect(",", " a , b c\t,\v\f\r\n", "a|b c|");
  expect(" ", " a b ", "|a|b|");
}

/* Bytes, whatever they would be in UTF-8. */
TEST(apps_farm_columns, texts_are_bytes) {
  expect("\\xa4", "a\xc3\xa4z", "a\xc3|z");
  expect(".", "\xff\xfe", "||");
}

TEST(apps_farm_columns, several_texts_stand_side_by_side) {
  columns *all = make(",");
  ASSERT_TRUE(all != NULL);
  int count;
  for (int i = 0; i < 3; i++) {
    columns_clear(all);
    EXPECT_TRUE(columns_add(all, "a,b") && columns_add(all, "") && columns_add(all, "c"));
    const char *const *list = columns_list(all, &count);
    ASSERT_EQ(count, 4);
    EXPECT_EQ_STR(list[1], "b");
    EXPECT_EQ_STR(list[2], "");
    EXPECT_EQ_STR(list[3], "c");
  }
  columns_free(all);
}

TEST(apps_farm_columns, what_is_no_expression_is_refused) {
  char message[256] = "";
  EXPECT_TRUE(columns_make("a(", message, sizeof message) == NULL);
  EXPECT_CONTAINS(message, "the expression \"a(\" between columns is wrong at byte 2");
}

TEST(apps_farm_columns, a_costly_expression_fails_instead_of_taking_for_ever) {
  char text[4096], message[256] = "";
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  columns *all = columns_make("(*NO_JIT)(*LIMIT_MATCH=1000)(a+a+)+[bc]", message, sizeof message);
  ASSERT_TRUE(all != NULL);
  EXPECT_FALSE(columns_add(all, text));
  EXPECT_CONTAINS(columns_reason(all), "limit");
  columns_free(all);
}
