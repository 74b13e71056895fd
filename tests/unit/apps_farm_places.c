/* Where a text stands in a shell's command, and how it is written there. That shells agree is shown by tests/cli/farm_injection. */
#include "furrow/farm/places.h"

#include "shim/test.h"

static place place_behind(const char *command) {
  place_reader reader = {.depth = 0};
  place_read(&reader, command, strlen(command));
  return place_of_text(&reader);
}

static void expect_place(place expected, const char *const *commands) {
  for (; *commands; commands++)
    if (place_behind(*commands) != expected) EXPECT_EQ_STR(*commands, "is such a place");
}

TEST(apps_farm_places, bare) {
  expect_place(PLACE_BARE, (const char *[]){"",
                                            "echo ",
                                            "x",
                                            "echo 'a b'",
                                            "echo \"a\"",
                                            "echo \"$(echo 'a')\"x",
                                            "(",
                                            "echo $(",
                                            "x=$(a; ",
                                            "\"$(",
                                            "\"a $(\"b $(",
                                            "# a\n",
                                            "a#",
                                            "$#",
                                            "${x}",
                                            "${#x}",
                                            "${x%.*}",
                                            "cat <<<",
                                            "cat <",
                                            "\\\\",
                                            "\\'",
                                            "\\\"",
                                            "$$",
                                            "a | b && ",
                                            "case x in a) ",
                                            "$((1 + 2))",
                                            "((1))",
                                            "\"${x}\"",
                                            "`a`",
                                            "$(a)",
                                            NULL});
}

TEST(apps_farm_places, in_quotes) {
  expect_place(PLACE_SINGLE, (const char *[]){"'", "echo 'a b", "'\\", "\"\"'", "$('", "\"$('", "'$(", "'\"", NULL});
  expect_place(PLACE_DOUBLE, (const char *[]){"\"", "echo \"a b", "\"'", "''\"", "$(\"", "\"$(\"", "\"$(a)", "\"\\\"",
                                              "\"${x}", "\"#", NULL});
}

TEST(apps_farm_places, in_comments_and_numbers) {
  expect_place(PLACE_COMMENT, (const char *[]){"#", "a #", "a;#'", "(# \"", "a\n#$(", NULL});
  expect_place(PLACE_ARITHMETIC,
               (const char *[]){"$((", "echo $((1 + ", "$((1 * (2 + ", "((x = ", "\"$((", "$(( (1) + ", NULL});
}

TEST(apps_farm_places, where_no_quotes_help) {
  expect_place(PLACE_UNSAFE, (const char *[]){"`",
                                              "`a ",
                                              "\"`",
                                              "`$(",
                                              "${",
                                              "${x:-",
                                              "\"${x:-",
                                              "${x:-$(",
                                              "${x:-'a'}",
                                              "$'",
                                              "$'\\''",
                                              "\\",
                                              "\"\\",
                                              "$",
                                              "\"$",
                                              "x$",
                                              "cat <<E\n",
                                              "cat <<E; a\nb\n",
                                              "cat <<",
                                              "cat <<'E' # c\n",
                                              "$(case x in a) ",
                                              "\"$(case x in a) ",
                                              "$((\"",
                                              NULL});
}

TEST(apps_farm_places, very_deep_ones_are_unsafe) {
  place_reader reader = {.depth = 0};
  for (int i = 0; i < 100; i++) place_read(&reader, "$(a ", 4);
  EXPECT_EQ(place_of_text(&reader), PLACE_UNSAFE);
}

static const char *written(place where, const char *text) {
  static char to[200];
  *place_write(to, where, text, strlen(text)) = '\0';
  return to;
}

TEST(apps_farm_places, texts_are_written_as_their_place_asks) {
  EXPECT_EQ_STR(written(PLACE_SINGLE, "it's $x \"\\`"), "it'\\''s $x \"\\`");
  EXPECT_EQ_STR(written(PLACE_DOUBLE, "it's $x \"\\`\n"), "it's \\$x \\\"\\\\\\`\n");
  EXPECT_EQ_STR(written(PLACE_COMMENT, "a\nb'$"), "a b'$");
  EXPECT_EQ_STR(written(PLACE_ARITHMETIC, "-1.5"), "-1.5");
  EXPECT_EQ_STR(written(PLACE_ARITHMETIC, "a[$(b)]"), ";;");
  EXPECT_EQ_STR(written(PLACE_ARITHMETIC, ""), ";;");
}
