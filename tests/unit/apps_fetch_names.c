/* The names that fetch gives to files: safe whatever the URL is, and each given once. */
#include <stdio.h>
#include <string.h>

#include "fetch/names.h"
#include "shim/test.h"

static void expect_name(const char *url, const char *expected) {
  char name[NAME_ROOM];
  name_of_url(url, name);
  EXPECT_EQ_STR(name, expected);
  EXPECT_TRUE(name_is_safe(name));
}

TEST(apps_fetch_names, the_last_part_of_the_path_is_the_name) {
  expect_name("http://example.org/a/b.txt", "b.txt");
  expect_name("http://example.org/a/b.txt?q=/c/d#e/f", "b.txt");
  expect_name("http://example.org/a#b/c", "a");
  expect_name("https://user:word@example.org:8080/x", "x");
  expect_name("example.org/y", "y");
  expect_name("http://example.org/a%20b%C3%BC", "a b\xc3\xbc");
  expect_name("http://example.org/100%/%zz%4", "%zz%4");
}

TEST(apps_fetch_names, without_a_last_part_it_is_the_index) {
  expect_name("http://example.org", "index.html");
  expect_name("http://example.org/", "index.html");
  expect_name("http://example.org/a/", "index.html");
  expect_name("http://example.org?q=a/b", "index.html");
  expect_name("", "index.html");
}

TEST(apps_fetch_names, nothing_escapes) {
  expect_name("http://example.org/..", "_.");
  expect_name("http://example.org/.", "_");
  expect_name("http://example.org/%2e%2E", "_.");
  expect_name("http://example.org/%2e%2e%2fetc%2Fpasswd", "_._etc_passwd");
  expect_name("http://example.org/.bashrc", "_bashrc");
  expect_name("http://example.org/-rf", "_rf");
  expect_name("http://example.org/a%00b%0a%7f", "a_b__");
}

TEST(apps_fetch_names, names_from_elsewhere_must_be_as_safe) {
  const char *const unsafe[] = {"", ".", "..", ".x", "-x", "a/b", "/a", "a\nb", "\x7f"};
  for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) EXPECT_FALSE(name_is_safe(unsafe[i]));
  EXPECT_TRUE(name_is_safe("a b..-\xff"));
}

TEST(apps_fetch_names, a_long_one_is_cut_and_has_room_for_its_suffix) {
  char url[1000], name[NAME_ROOM];
  names taken = {.count = 0};
  memset(url, 'x', sizeof url - 1);
  url[sizeof url - 1] = '\0';
  memcpy(url, "http://e/", 9);
  for (int i = 0; i < 3; i++) {
    name_of_url(url, name);
    EXPECT_EQ(strlen(name), (size_t)LONGEST_NAME);
    EXPECT_TRUE(name_is_safe(name));
    EXPECT_TRUE(names_take(&taken, name));
  }
  EXPECT_EQ_STR(name + LONGEST_NAME, ".2");
  memset(name, 'y', LONGEST_NAME + 1);
  name[LONGEST_NAME + 1] = '\0';
  EXPECT_FALSE(name_is_safe(name));
  names_clear(&taken);
}

static void expect_taken(names *taken, const char *wanted, const char *expected) {
  char name[NAME_ROOM];
  snprintf(name, sizeof name, "%s", wanted);
  EXPECT_TRUE(names_take(taken, name));
  EXPECT_EQ_STR(name, expected);
}

TEST(apps_fetch_names, the_first_has_it_and_the_next_ones_a_suffix) {
  names taken = {.count = 0};
  expect_taken(&taken, "a", "a");
  expect_taken(&taken, "b", "b");
  expect_taken(&taken, "a", "a.1");
  expect_taken(&taken, "a.2", "a.2"); /* of its own, */
  expect_taken(&taken, "a", "a.3");   /* so that one is gone */
  expect_taken(&taken, "a.1", "a.1.1");
  expect_taken(&taken, "b", "b.1");
  names_clear(&taken);
}

/* Each step of `a` would look at all those before it, if nothing were remembered: 10^10 of them. */
TEST(apps_fetch_names, many_of_one_name_are_no_trouble) {
  names taken = {.count = 0};
  char name[NAME_ROOM], expected[NAME_ROOM];
  for (int i = 0; i < 200000; i++) {
    snprintf(name, sizeof name, "index.html");
    if (!names_take(&taken, name)) break;
  }
  snprintf(expected, sizeof expected, "index.html.%d", 199999);
  EXPECT_EQ_STR(name, expected);
  EXPECT_EQ(taken.count, (size_t)200000);
  names_clear(&taken);
}
