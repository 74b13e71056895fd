/* Replacement strings, quoting and words of commands. What is expected is what GNU parallel 20221122 makes of the same
 * (--dry-run), where it is not said otherwise. */
#include <stdlib.h>

#include "crew.h"
#include "furrow/farm/template.h"
#include "shim/test.h"

enum { MOST = 16 };

/* ---- helpers -------------------------------------------------------------------------------------------------------- */

/* "a|b|" is the words a, b and an empty one; NULL is none. */
static int split(char *text, char *words[MOST]) {
  int count = 0;
  for (char *next; text && count < MOST; text = next) {
    next = strchr(text, '|');
    if (next) *next++ = '\0';
    words[count++] = text;
  }
  return count;
}

static template *make(const char *words, const template_options *options) {
  char copy[512], message[TEMPLATE_MESSAGE_SIZE] = "", *list[MOST];
  snprintf(copy, sizeof copy, "%s", words ? words : "");
  template *of = template_make(list, split(words ? copy : NULL, list), options, message);
  if (!of) TEST_FAIL("%s", message);
  return of;
}

static arguments split_set(const char *texts, char copy[512], char *list[MOST]) {
  snprintf(copy, 512, "%s", texts);
  int count = split(copy, list);
  return (arguments){.count = count, .texts = (const char *const *)list};
}

/* The text of sequence 7 in slot 3. */
static void expect_with(const char *words, const template_options *options, const char *texts, const char *expected) {
  char copy[512], *list[MOST];
  arguments set = split_set(texts, copy, list);
  template *of = make(words, options);
  command made = {.argv = NULL};
  if (!of || !template_fill(of, &set, 7, 3, &made))
    TEST_FAIL("no memory");
  else
    EXPECT_EQ_STR(made.text, expected);
  command_free(&made);
  template_free(of);
}

static void expect(const char *words, const char *texts, const char *expected) {
  expect_with(words, NULL, texts, expected);
}

static void expect_q(const char *words, const char *texts, const char *expected) {
  expect_with(words, &(template_options){.quoted = true}, texts, expected);
}

/* The words of a direct command, "|" between them; NULL: it is not direct. */
static void expect_words_with(const char *words, const template_options *options, const char *texts,
                              const char *expected) {
  char copy[512], *list[MOST], all[512] = "";
  arguments set = split_set(texts, copy, list);
  template *of = make(words, options);
  command made = {.argv = NULL};
  if (!of || !template_fill(of, &set, 7, 3, &made)) {
    TEST_FAIL("no memory");
  } else if (!expected) {
    EXPECT_FALSE(made.direct);
    EXPECT_EQ_STR(made.argv[1], "-c");
  } else {
    EXPECT_TRUE(made.direct);
    for (char **word = made.argv; *word; word++)
      snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", word == made.argv ? "" : "|", *word);
    EXPECT_EQ_STR(all, expected);
  }
  command_free(&made);
  template_free(of);
}

static void expect_words(const char *words, const char *texts, const char *expected) {
  expect_words_with(words, NULL, texts, expected);
}

/* ---- replacement strings -------------------------------------------------------------------------------------------- */

TEST(apps_farm_template, parts_of_paths) {
  static const char *const PATHS[][5] = {
      /* argument, {.}, {/}, {//}, {/.} */
      {"a/b.tar.gz", "a/b.tar", "b.tar.gz", "a", "b.tar"},
      {"b", "b", "b", ".", "b"},
      {"p/q/", "p/q/", "", "p", ""},
      {"/", "/", "", "/", ""},
      {"//", "//", "", "/", ""},
      {"a//b", "a//b", "b", "a", "b"},
      {"a//", "a//", "", ".", ""},
      {"//a", "//a", "a", "/", "a"},
      {"///a//b///", "///a//b///", "", "///a", ""},
      {"../", "../", "", ".", ""},
      {"a/.", "a/", ".", "a", ""},
      {"a.b/", "a.b/", "", ".", ""},
      {"a.b/c", "a.b/c", "c", "a.b", "c"},
      {"/.h", "/", ".h", "/", ""},
      {"a..b", "a.", "a..b", ".", "a."},
      {"..", ".", "..", ".", "."},
      {"a.", "a", "a.", ".", "a"},
      {"", "", "", ".", ""},
  };
  static const char *const STRINGS[] = {"x={.}", "x={/}", "x={//}", "x={/.}"};
  for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++)
    for (int k = 0; k < 4; k++) {
      char *text = NULL;
      template *of = make(STRINGS[k], NULL);
      EXPECT_TRUE(of && template_fill_text(of, &(arguments){.count = 1, .texts = &PATHS[i][0]}, 1, 1, &text));
      if (text) EXPECT_EQ_STR(text + 2, PATHS[i][k + 1]);
      free(text);
      template_free(of);
    }
}

TEST(apps_farm_template, without_a_replacement_string_arguments_come_last) {
  expect("echo", "a", "echo a");
  expect("echo|b", "a", "echo b a");
  expect("echo", "a b|c|", "echo 'a b' c ''");
  expect("echo|{#}", "a", "echo 7");
  expect("echo|{%}{3}", "a", "echo 3");
  expect("|x", "a", " x a");
  expect("", "a", " a");
}

TEST(apps_farm_template, positions) {
  expect("echo {2} {1}", "a|b c", "echo 'b c' a");
  expect("echo {-1} {-2}", "a|b", "echo b a");
  expect("echo {3}x {-3}y {1}", "a|b", "echo x y a");
  expect("echo {1.}{2/}{1//}{-1/.}", "a.b/c.d|e.f/g.h", "echo a.b/cg.ha.bg");
  expect("echo {01} {1 } {0} {0.}", "a.b|c", "echo a.b a.b a.b c a c");
  expect("echo {}{}", "a b|c", "echo 'a b' c'a b' c");
  expect("echo|{.}-{#}-{/}", "a.b|c/d", "echo a c/d-7-a.b d");
}

TEST(apps_farm_template, other_braces_are_text) {
  expect("echo {+1} {1..} {..} { } {x} {- 1} {--1} {-} { {% {/..} {///} {./} {1#}", "a",
         "echo {+1} {1..} {..} { } {x} {- 1} {--1} {-} { {% {/..} {///} {./} {1#} a");
  expect("echo|{{}}|{{1}}|{}}|{{}", "a b", "echo {'a b'} {'a b'} 'a b'} {'a b'");
  expect("echo {= 1", "a", "echo {= 1 a");
}

TEST(apps_farm_template, another_replacement_string) {
  template_options own = {.replacement = "@@"};
  expect_with("echo @@ x@@@@ {} {1} {.} {1.} {#}", &own, "a.b", "echo a.b xa.ba.b {} {1} a a 7");
  expect_with("echo", &own, "a.b", "echo a.b");
  own.replacement = "{x}";
  expect_with("echo {x} {}", &own, "a.b", "echo a.b {}");
}

TEST(apps_farm_template, perl_is_refused) {
  char message[TEMPLATE_MESSAGE_SIZE] = "", echo[] = "echo", whole[] = "a{= $_=1 =}", begin[] = "{=", end[] = "=}";
  char *one[] = {echo, whole}, *parts[] = {echo, begin, echo, end}, *wrong[] = {echo, end, begin};
  EXPECT_TRUE(template_make(one, 2, NULL, message) == NULL);
  EXPECT_CONTAINS(message, "{= perl =} is not understood");
  EXPECT_TRUE(template_make(parts, 4, NULL, message) == NULL);
  template *of = template_make(wrong, 3, NULL, message);
  EXPECT_TRUE(of != NULL);
  template_free(of);
  EXPECT_TRUE(template_make(one, 1, &(template_options){.replacement = ""}, message) == NULL);
}

/* ---- quoting -------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_template, arguments_are_quoted_where_they_are_no_commands) {
  expect("echo", "$HOME", "echo '$HOME'");
  expect("echo|$HOME;|{}|b  c", "it's", "echo $HOME; 'it'\"'\"'s' b  c");
  expect("A={} echo|{}", "a b", "A='a b' echo 'a b'");
  expect(" {} x", "a b", " 'a b' x");
  expect("echo\n{}", "a b", "echo\n'a b'");
}

TEST(apps_farm_template, arguments_that_are_commands_are_not) {
  expect(NULL, "echo $x; y", "echo $x; y");
  expect(NULL, "echo|a b", "echo a b");
  expect("{}", "echo b|c;d", "echo b c;d");
  expect("{}|x|{}", "a b", "a b x a b");
  expect("{2}x {1}", "a b|c d", "c dx a b");
  expect("./{.}|{}", "a b.c", "./a b a b.c");
  expect("{#}{}", "a b", "7a b");
}

/* Here GNU parallel doesn't quote, though what stands in the first word is no argument. */
TEST(apps_farm_template, a_number_in_the_first_word_leaves_arguments_quoted) {
  expect("./x{#}|{}", "a b", "./x7 'a b'");
  expect("{%}", "a b", "3");
}

TEST(apps_farm_template, with_q_all_words_are_quoted) {
  expect_q("echo|$HOME|a'b", "a b", "echo '$HOME' 'a'\"'\"'b' 'a b'");
  expect_q("echo|x{}y{#} {}", "a|b", "echo xa 'by7 a' b");
  expect_q("echo||{}|{3}|{}{3}|a{3}", "", "echo '' '' '' '' a");
  expect_q("{}|x", "a b|c", "'a b' c x");
  expect_q(NULL, "a b|c", "'a b' c");
  expect_q("a   b| c|{}x", "d", "'a   b' ' c' dx");
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_template, plain_commands_are_words_with_arguments_as_they_are) {
  expect_words("ls", "a b|$x;'|", "ls|a b|$x;'|");
  expect_words("ls  -l\t{}", "a", "ls|-l|a");
  expect_words("ls|x{}y|{1}{2}", "a b|c\n", "ls|xa b|c\ny|a bc\n");
  expect_words("ls {3} x{3}", "a", "ls|x");
  expect_words("ls|{#}.{%}", "a", "ls|7.3");
  expect_words("ls{#}", "a", "ls7");
  expect_words("dd if={} of=x,{.}", "a.b", "dd|if=a.b|of=x,a");
  expect_words("ls", "", "ls|");
}

TEST(apps_farm_template, other_commands_are_left_to_a_shell) {
  static const char *const COMMANDS[] = {"ls;",     "ls >x", "ls|$x",   "ls|'{}'", "ls|*", "A=b ls",
                                         "A={} ls", "cd",    "ls|{{}}", " {} x",   "|{}",  "ls\n",
                                         "ls|~",    "ls #",  "ls ä",    "time ls"};
  for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) expect_words(COMMANDS[i], "a", NULL);
}

TEST(apps_farm_template, lines_are_split_where_they_are_plain) {
  expect_words(NULL, "ls  -l\ta ", "ls|-l|a");
  expect_words("{}|x", "ls -l", "ls|-l|x");
  expect_words("{}", "ls 'a b'", NULL);
  expect_words("{}", "ls a;b", NULL);
  expect_words("{}", "  ", NULL);
  expect_words("{}", "", NULL);
}

TEST(apps_farm_template, with_q_there_is_nothing_for_a_shell_to_do) {
  template_options q = {.quoted = true};
  expect_words_with("ls|$x;|a b", &q, "c d", "ls|$x;|a b|c d");
  expect_words_with("{}", &q, "no such|x", "no such|x");
  expect_words_with("A=b|x", &q, "c", NULL);
  expect_words_with("{}", &q, "", NULL);
  expect_words_with("cd", &q, "/", NULL);
}

TEST(apps_farm_template, a_text_that_looks_like_an_option_is_none_of_the_shells) {
  char copy[512], *list[MOST];
  arguments set = split_set("-x;y", copy, list);
  template *of = make(NULL, NULL);
  command made = {.argv = NULL};
  if (!of || !template_fill(of, &set, 1, 1, &made) || !made.argv) {
    TEST_FAIL("no memory");
    return;
  }
  EXPECT_EQ_STR(made.argv[1], "-c");
  EXPECT_EQ_STR(made.argv[2], "--");
  EXPECT_EQ_STR(made.argv[3], "-x;y");
  EXPECT_TRUE(made.argv[4] == NULL);
  command_free(&made);
  template_free(of);
}

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static void expect_text(const char *words, const char *texts, const char *expected) {
  char copy[512], *list[MOST], *text = strdup("before");
  arguments set = split_set(texts, copy, list);
  template *of = make(words, NULL);
  EXPECT_TRUE(of && template_fill_text(of, &set, 7, 3, &text));
  EXPECT_EQ_STR(text, expected);
  free(text);
  template_free(of);
}

TEST(apps_farm_template, tags_are_not_quoted_and_nothing_is_added) {
  expect_text("{}", "a b|$c", "a b $c");
  expect_text("{#}: {2}, {.}", "a.b|c", "7: c, a c");
  expect_text("x", "a", "x");
  expect_text("", "a", "");
  expect_text("a'b {1}", "c;d", "a'b c;d");
}

/* ---- memory and threads --------------------------------------------------------------------------------------------- */

TEST(apps_farm_template, filling_again_needs_no_memory) {
  const char *texts[] = {"a rather long argument; with 'quotes'", "another"};
  arguments set = {.count = 2, .texts = texts};
  template *of = make("ls|x{}|{2}{.}", NULL);
  command made = {.argv = NULL};
  if (!of || !template_fill(of, &set, 1, 1, &made) || !made.argv) {
    TEST_FAIL("no memory");
    return;
  }
  char *text = made.text, *word = made.argv[1], **argv = made.argv;
  for (uint64_t i = 2; i < 1000; i++) {
    ASSERT_TRUE(template_fill(of, &set, i, 1, &made));
    ASSERT_TRUE(made.text == text && made.argv == argv && made.argv[1] == word);
  }
  command_free(&made);
  template_free(of);
}

TEST(apps_farm_template, a_command_may_be_filled_by_several_templates) {
  const char *text = "a b";
  arguments set = {.count = 1, .texts = &text};
  template *of[] = {make("ls", NULL), make("ls;", NULL), make(NULL, NULL)};
  static const char *const EXPECTED[] = {"ls 'a b'", "ls; 'a b'", "a b"};
  command made = {.argv = NULL};
  for (int i = 0; i < 9; i++) {
    ASSERT_TRUE(of[i % 3] && template_fill(of[i % 3], &set, 1, 1, &made));
    EXPECT_EQ_STR(made.text, EXPECTED[i % 3]);
    EXPECT_EQ((int)made.direct, (int)(i % 3 != 1));
  }
  command_free(&made);
  for (int i = 0; i < 3; i++) template_free(of[i]);
}

static void fill_often(void *shared, int me) {
  const template *of = shared;
  command made = {.argv = NULL};
  for (uint64_t i = 0; i < 20000; i++) {
    char text[32], expected[64];
    snprintf(text, sizeof text, "%d %d", me, (int)i);
    snprintf(expected, sizeof expected, "ls '%s' %d", text, me);
    const char *list = text;
    if (!template_fill(of, &(arguments){.count = 1, .texts = &list}, i, me, &made) || strcmp(made.text, expected) != 0)
      TEST_FAIL("%s", expected);
  }
  command_free(&made);
}

TEST(apps_farm_template, threads_fill_one_template) {
  template *of = make("ls {} {%}", NULL);
  ASSERT_TRUE(of != NULL);
  EXPECT_TRUE(crew_run(CREW_THREADS, 4, fill_often, of));
  template_free(of);
}
