/* The same result with a shell and without one, whatever the text; and quoting that no shell reads as anything else.
 * Commands are run both ways, under each shell of Bourne's kind that is here. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "furrow/farm/shell.h"
#include "furrow/farm/template.h"
#include "shim/test.h"

enum { MOST_OUTPUT = 1 << 16 };

/* ---- helpers -------------------------------------------------------------------------------------------------------- */

static const char *const SHELLS[] = {"/bin/sh",   "/bin/bash", "/bin/dash", "/bin/ksh",
                                     "/bin/mksh", "/bin/zsh",  "/bin/ash"};
enum { SHELL_COUNT = sizeof SHELLS / sizeof *SHELLS };

/* Set or, with NULL, unset a variable; the value it had, for put_back(). */
static char *put_variable(const char *name, const char *value) {
  const char *had = getenv(name);
  char *kept = had ? strdup(had) : NULL;
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
  return kept;
}

static void put_back(const char *name, char *kept) {
  free(put_variable(name, kept));
  free(kept);
}

static template *make(char *const *words, int count) {
  char message[TEMPLATE_MESSAGE_SIZE] = "";
  template *of = template_make(words, count, NULL, message);
  if (!of) TEST_FAIL("%s", message);
  return of;
}

/* Whether a line, as a whole command, is direct. Its words may be freed by the next call. */
static bool is_direct(const char *line) {
  template *of = make(NULL, 0);
  command made = {.argv = NULL};
  arguments set = {.count = 1, .texts = &line};
  EXPECT_TRUE(of && template_fill(of, &set, 1, 1, &made));
  bool direct = made.direct;
  command_free(&made);
  template_free(of);
  return direct;
}

/* As a farm runs it: what can't be started is left to a shell. */
static void execute(const template *of, command *made) {
  execvp(made->argv[0], made->argv);
  if (made->direct) command_use_shell(of, made);
  execv(made->argv[0], made->argv);
  _exit(99);
}

/* Output and wait status of a command. */
static int run(const template *of, command *made, char output[MOST_OUTPUT]) {
  int ends[2], status = -1;
  if (pipe(ends) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execute(of, made);
  }
  close(ends[1]);
  size_t used = 0;
  for (ssize_t got; used < MOST_OUTPUT - 1 && (got = read(ends[0], output + used, MOST_OUTPUT - 1 - used)) > 0;)
    used += (size_t)got;
  output[used] = '\0';
  close(ends[0]);
  waitpid(child, &status, 0);
  return status;
}

/* Fill, and run both ways. Returns whether it is direct. */
static bool expect_same(const template *of, const arguments *set, char first[MOST_OUTPUT]) {
  static char second[MOST_OUTPUT];
  command made = {.argv = NULL};
  if (!of || !template_fill(of, set, 1, 1, &made)) return TEST_FAIL("no command"), false;
  bool direct = made.direct;
  TEST_PHASE("%s", made.text);
  int status = run(of, &made, first);
  if (direct) {
    command_use_shell(of, &made);
    int other = run(of, &made, second);
    if (status != other || strcmp(first, second) != 0)
      TEST_FAIL("%s: %d \"%s\" without a shell, %d \"%s\" with one", made.text, status, first, other, second);
  }
  command_free(&made);
  return direct;
}

/* A whole line. */
static bool expect_line(const char *line) {
  static char output[MOST_OUTPUT];
  template *of = make(NULL, 0);
  bool direct = expect_same(of, &(arguments){.count = 1, .texts = &line}, output);
  template_free(of);
  return direct;
}

/* ---- quoting -------------------------------------------------------------------------------------------------------- */

static void expect_quoted(const char *text, const char *expected) {
  char to[128];
  ASSERT_LT(shell_quote_room(strlen(text)), sizeof to);
  *shell_quote(to, text, strlen(text)) = '\0';
  EXPECT_EQ_STR(to, expected);
}

TEST(apps_farm_shell, texts_are_quoted_as_gnu_parallel_does) {
  expect_quoted("", "''");
  expect_quoted("a-b_c.d+e/f", "a-b_c.d+e/f");
  expect_quoted("a b", "'a b'");
  expect_quoted("a=b", "'a=b'");
  expect_quoted("it's", "'it'\"'\"'s'");
  expect_quoted("'", "\"'\"");
  expect_quoted("''q'", "\"'\"''\"'\"'q'\"'\"");
  expect_quoted("\n", "'\n'");
  expect_quoted("\xff~", "'\xff~'");
}

/* Each byte alone, between letters, doubled, and beside quotes. */
static int fill_texts(char texts[][8]) {
  static const char *const FORMS[] = {"%c", "a%cb", "%c%c", "'%c", "%c'", "-%c", "$%c", "\\%c"};
  int count = 0;
  for (int byte = 1; byte < 256; byte++)
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
      char *to = texts[count++];
      for (const char *from = FORMS[i]; *from; from++) {
        bool is_byte = from[0] == '%' && from[1] == 'c';
        if (is_byte)
          *to++ = (char)byte;
        else
          *to++ = *from;
        from += is_byte;
      }
      *to = '\0';
    }
  return count;
}

/* `print` shows its arguments, each in brackets. */
TEST(apps_farm_shell, every_shell_reads_a_quoted_text_as_it_was) {
  static char texts[255 * 8][8], expected[MOST_OUTPUT], output[MOST_OUTPUT];
  static const char *list[255 * 8];
  int count = fill_texts(texts);
  char *end = expected;
  for (int i = 0; i < count; i++) {
    list[i] = texts[i];
    end += sprintf(end, "[%s]", texts[i]);
  }
  arguments set = {.count = count, .texts = list};
  char print[] = "/usr/bin/printf", form[] = "'[%s]'", hole[] = "{}", end_word[] = ";:";
  char *words[] = {print, form, hole, end_word};
  for (int i = 0; i < SHELL_COUNT; i++) {
    if (access(SHELLS[i], X_OK) != 0) continue;
    char *kept = put_variable("SHELL", SHELLS[i]);
    template *of = make(words, 4);
    EXPECT_FALSE(expect_same(of, &set, output));
    if (strcmp(output, expected) != 0) TEST_FAIL("%s reads another text", SHELLS[i]);
    template_free(of);
    put_back("SHELL", kept);
  }
}

/* ---- with and without ----------------------------------------------------------------------------------------------- */

TEST(apps_farm_shell, plain_lines_are_direct) {
  static const char *const LINES[] = {"ls",    "ls -l /",        "  ls \t / ",          "true",      "false",
                                      "echo",  "echo a  b",      "echo a=b c:d e,f @g", "sleep 0",   "/bin/echo -n x",
                                      "./x.y", "expr 1 + 1",     "dd if=a of=b",        "echo a -n", "nice true",
                                      "-x",    "/bin/printf %s", "no-such-command a"};
  for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++)
    if (!is_direct(LINES[i])) TEST_FAIL("\"%s\" is left to a shell", LINES[i]);
}

TEST(apps_farm_shell, what_means_something_to_a_shell_is_not_direct) {
  static const char *const LINES[] = {
      "a;b",      "a|b",    "a&",         "a&&b",  "a>b",   "a<b",    "$a",     "a $b",    "`a`",     "a 'b'",
      "a \"b\"",  "a\\b",   "a *",        "a ?",   "a [b]", "a ~",    "a ~b",   "a #b",    "a {b,c}", "! a",
      "a !b",     "a (b)",  "(a)",        "{ a",   "a\nb",  "a ^b",   "A=b",    "A=b c",   "%1",      "",
      "  ",       "a\rb",   "a \xc3\xa4", "[ a ]", "cd /",  "time a", "if a",   "echo -n", "echo -",  "echo a\\n",
      "printf x", "test a", "pwd",        ".",     ": a",   "a\vb",   "exit 3", "env"};
  for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++)
    if (is_direct(LINES[i])) TEST_FAIL("\"%s\" is direct", LINES[i]);
}

/* Every byte at every kind of place. Most are left to a shell; enough are not. */
TEST_TIMEOUT(apps_farm_shell, every_byte_has_the_same_result, 300) {
  static const char *const FORMS[] = {"/bin/echo a%cb %c c %c", "/bin/echo%c a", "%c/bin/echo a"};
  char *kept = put_variable("SHELL", NULL);
  int direct = 0;
  for (int byte = 1; byte < 256; byte++)
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
      char line[64];
      snprintf(line, sizeof line, FORMS[i], byte, byte, byte);
      if (is_direct(line)) direct += expect_line(line);
    }
  EXPECT_GT(direct, 190);
  put_back("SHELL", kept);
}

TEST(apps_farm_shell, many_lines_have_the_same_result) {
  static const char *const LINES[] = {"true",
                                      "false",
                                      "echo",
                                      "echo a  b\tc",
                                      "echo a=b",
                                      "echo a -n -e",
                                      "echo --help",
                                      "echo %1 @a x,y",
                                      "no-such-command",
                                      "no/such/command",
                                      "/tmp",
                                      "/etc/passwd",
                                      "-x",
                                      "+x",
                                      "ls /no/such/file",
                                      "sh -c x",
                                      "expr 3 % 2",
                                      "seq 3",
                                      "sh -c exit",
                                      "basename a/b.c .c",
                                      "if",
                                      "done",
                                      "nohup true",
                                      "timeout 1 false",
                                      "A=b",
                                      "printf a",
                                      "test -e /",
                                      "kill -l 1",
                                      "umask",
                                      "pwd",
                                      "set",
                                      "cd /no/such",
                                      "exec true",
                                      "sleep 0"};
  for (int i = 0; i < SHELL_COUNT; i++) {
    if (access(SHELLS[i], X_OK) != 0) continue;
    char *kept = put_variable("SHELL", SHELLS[i]);
    for (size_t k = 0; k < sizeof LINES / sizeof *LINES; k++) expect_line(LINES[k]);
    put_back("SHELL", kept);
  }
}

/* A script without a first line that names its interpreter: the shell knows what to do. */
TEST(apps_farm_shell, a_script_without_interpreter_has_the_same_result) {
  static char output[MOST_OUTPUT];
  char path[] = "/tmp/furrow-script-XXXXXX";
  int file = mkstemp(path);
  ASSERT_TRUE(file >= 0 && write(file, "echo \"<$1>\"; exit 3\n", 20) == 20 && fchmod(file, 0700) == 0);
  close(file);
  char *words[] = {path};
  const char *texts[] = {"a  b"};
  template *of = make(words, 1);
  EXPECT_TRUE(expect_same(of, &(arguments){.count = 1, .texts = texts}, output));
  EXPECT_EQ_STR(output, "<a  b>\n");
  template_free(of);
  unlink(path);
}

/* Arguments of any text: the same with, without, and as they were. */
TEST(apps_farm_shell, arguments_go_to_a_direct_command_as_they_are) {
  static char texts[255 * 8][8], expected[MOST_OUTPUT], output[MOST_OUTPUT];
  static const char *list[255 * 8];
  int count = fill_texts(texts);
  char *end = expected;
  for (int i = 0; i < count; i++) {
    list[i] = texts[i];
    end += sprintf(end, "%s%s", i > 0 ? " " : "x=", texts[i]);
  }
  memcpy(end, ".y\n", 4);
  char echo[] = "/bin/echo", hole[] = "x={}.y";
  char *words[] = {echo, hole};
  template *of = make(words, 2);
  EXPECT_TRUE(expect_same(of, &(arguments){.count = count, .texts = list}, output));
  EXPECT_TRUE(strcmp(output, expected) == 0);
  template_free(of);
}

TEST(apps_farm_shell, arguments_that_would_be_options_of_echo_have_the_same_result) {
  static char output[MOST_OUTPUT];
  static const char *const TEXTS[] = {"-n", "-e", "-ne x", "--", "--help", "a\\nb", "\\c", "-", "", "a", " -n", "a\nb"};
  char echo[] = "echo", hole[] = "{}", more[] = "x\\ty";
  char *words[] = {echo, hole, more};
  for (int count = 2; count <= 3; count++) {
    template *of = make(words, count);
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
      bool plain = count == 2 && TEXTS[i][0] != '-' && !strchr(TEXTS[i], '\\');
      EXPECT_EQ((int)expect_same(of, &(arguments){.count = 1, .texts = &TEXTS[i]}, output), (int)plain);
    }
    template_free(of);
  }
}

/* ---- which shell, and what it knows --------------------------------------------------------------------------------- */

/* Each word that a shell calls its own. */
TEST(apps_farm_shell, builtins_and_reserved_words_are_left_to_the_shell) {
  FILE *list = popen("bash -c 'compgen -b; compgen -k' 2>/dev/null", "r");
  char word[64];
  int count = 0;
  while (list && fscanf(list, "%63s", word) == 1) {
    bool same = strcmp(word, "true") == 0 || strcmp(word, "false") == 0 || strcmp(word, "echo") == 0;
    if (is_direct(word) != same) TEST_FAIL("%s: direct is %d", word, !same);
    count++;
  }
  if (list) pclose(list);
  if (count == 0) TEST_SKIP("there is no bash");
  EXPECT_GT(count, 70);
}

static void expect_shell(const char *variable, const char *expected) {
  char *kept = put_variable("SHELL", variable);
  shell found;
  EXPECT_TRUE(shell_find(&found));
  EXPECT_EQ_STR(found.path, expected);
  shell_clear(&found);
  put_back("SHELL", kept);
}

TEST(apps_farm_shell, the_shell_is_one_of_bournes_kind) {
  expect_shell(NULL, "/bin/sh");
  expect_shell("", "/bin/sh");
  expect_shell("bash", "/bin/sh");
  expect_shell("/bin/false", "/bin/sh");
  expect_shell("/no/such/bash", "/bin/sh");
  expect_shell("/bin/tcsh", "/bin/sh");
  if (access("/bin/bash", X_OK) == 0) expect_shell("/bin/bash", "/bin/bash");
}

/* What shells read of their users' own before a command, seen in the environment. */
TEST(apps_farm_shell, a_shell_with_files_of_its_own_is_always_asked) {
  static const char *const NAMES[] = {"BASH_ENV", "BASHOPTS", "SHELLOPTS"};
  EXPECT_TRUE(is_direct("ls"));
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    char *kept = put_variable(NAMES[i], "x");
    EXPECT_FALSE(is_direct("ls"));
    put_back(NAMES[i], kept);
  }
  char *kept = put_variable("PATH", NULL);
  EXPECT_FALSE(is_direct("ls"));
  put_back("PATH", kept);
}

TEST(apps_farm_shell, functions_that_bash_exports_are_found) {
  char *kept = put_variable("BASH_FUNC_ls%%", "() {  echo function; }");
  EXPECT_FALSE(is_direct("ls a"));
  EXPECT_TRUE(is_direct("lsa"));
  EXPECT_TRUE(is_direct("l"));
  put_back("BASH_FUNC_ls%%", kept);
  EXPECT_TRUE(is_direct("ls a"));
}
