/* Sets of arguments of words, files and pipes. What is expected of combinations, links, columns and empty sources is
 * what GNU parallel 20221122 answers. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "furrow/farm/inputs.h"
#include "shim/test.h"

/* ---- helpers -------------------------------------------------------------------------------------------------------- */

/* A file with this text; its name, until the next call. */
static const char *file_with(const char *text, size_t length) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/furrow-inputs-XXXXXX");
  int file = mkstemp(path);
  if (write(file, text, length) != (ssize_t)length) TEST_FAIL("%s: %s", path, strerror(errno));
  close(file);
  return path;
}

static inputs *open_inputs(const input_options *options) {
  char message[INPUT_MESSAGE_SIZE] = "";
  inputs *in = inputs_open(options, message);
  if (!in) TEST_FAIL("%s", message);
  return in;
}

/* A reader of one path, which the caller keeps. */
static inputs *open_path(source *one, const char *path, input_options options) {
  *one = (source){.is_file = true, .path = path};
  options.sources = one;
  options.count = 1;
  return open_inputs(&options);
}

/* All sets: "a,b;c,d;". Counts those that inputs_count() told. */
static void expect_sets(const input_options *options, const char *expected) {
  char all[4096] = "";
  inputs *in = open_inputs(options);
  if (!in) return;
  uint64_t count = inputs_count(in), seen = 0;
  arguments set;
  input_answer answer;
  while ((answer = inputs_next(in, &set)) == INPUT_SET) {
    for (int i = 0; i < set.count; i++)
      snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? "," : "", set.texts[i]);
    snprintf(all + strlen(all), sizeof all - strlen(all), ";");
    seen++;
  }
  EXPECT_EQ((int)answer, (int)INPUT_END);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_END);
  EXPECT_EQ_STR(all, expected);
  EXPECT_EQ(seen, count);
  inputs_close(in);
}

/* Sources in letters: "ab +12 xyz" is ::: a b :::+ 1 2 ::: x y z, and "!" is an empty one. */
static void expect_combined(const char *text, const char *expected) {
  static char letters[128][2];
  char *words[8][8];
  source sources[8];
  int count = 0;
  for (; *text; text += *text == ' ') {
    source *one = &sources[count];
    *one = (source){.words = words[count], .linked = *text == '+'};
    for (text += one->linked; *text && *text != ' '; text++) {
      if (*text == '!') continue;
      letters[(int)*text][0] = *text;
      words[count][one->count++] = letters[(int)*text];
    }
    count++;
  }
  expect_sets(&(input_options){.sources = sources, .count = count}, expected);
}

static void expect_file(const char *text, size_t length, input_options options, const char *expected) {
  const char *path = file_with(text, length);
  source one = {.is_file = true, .path = path};
  options.sources = &one;
  options.count = 1;
  expect_sets(&options, expected);
  unlink(path);
}

#define EXPECT_FILE_WITH(text, expected, ...) \
  expect_file(text, sizeof(text) - 1, (input_options){__VA_ARGS__}, expected)
#define EXPECT_FILE(text, expected) EXPECT_FILE_WITH(text, expected, .count = 1)

/* ---- words ---------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_inputs, the_last_source_varies_fastest) {
  expect_combined("abc", "a;b;c;");
  expect_combined("ab 12", "a,1;a,2;b,1;b,2;");
  expect_combined("ab 12 xyz", "a,1,x;a,1,y;a,1,z;a,2,x;a,2,y;a,2,z;b,1,x;b,1,y;b,1,z;b,2,x;b,2,y;b,2,z;");
}

TEST(apps_farm_inputs, linked_sources_end_with_the_shortest) {
  expect_combined("abc +12", "a,1;b,2;");
  expect_combined("ab +123", "a,1;b,2;");
  expect_combined("ab +123 +x", "a,1,x;");
  expect_combined("ab +123 xy", "a,1,x;a,1,y;b,2,x;b,2,y;");
  expect_combined("xy abc +12", "x,a,1;x,b,2;y,a,1;y,b,2;");
  expect_combined("+ab +12", "a,1;b,2;");
}

TEST(apps_farm_inputs, an_empty_source_is_one_empty_argument_unless_all_are) {
  expect_combined("!", "");
  expect_combined("! !", "");
  expect_combined("ab !", "a,;b,;");
  expect_combined("! ab", ",a;,b;");
  expect_combined("ab +!", "a,;");
  expect_combined("! +ab", ",a;");
  expect_combined("! +!", "");
}

TEST(apps_farm_inputs, words_may_be_empty) {
  static char a[] = "a", empty[] = "";
  char *words[] = {empty, a, empty};
  source one = {.words = words, .count = 3};
  expect_sets(&(input_options){.sources = &one, .count = 1}, ";a;;");
}

/* 10^15 of them: told without counting, given without being made. */
TEST(apps_farm_inputs, combinations_are_not_kept) {
  static char x[] = "x";
  char *words[1000];
  for (int i = 0; i < 1000; i++) words[i] = x;
  source sources[5];
  for (int i = 0; i < 5; i++) sources[i] = (source){.words = words, .count = 1000};
  inputs *in = open_inputs(&(input_options){.sources = sources, .count = 5});
  ASSERT_TRUE(in != NULL);
  EXPECT_EQ(inputs_count(in), UINT64_C(1000000000000000));
  arguments set;
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  inputs_close(in);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_inputs, lines_of_a_file) {
  EXPECT_FILE("", "");
  EXPECT_FILE("\n", ";");
  EXPECT_FILE("a\nb c\n", "a;b c;");
  EXPECT_FILE("a\nb", "a;b;"); /* without a newline */
  EXPECT_FILE("a\r\n\n b\t\n", "a\r;; b\t;");
  EXPECT_FILE("# c\n", "# c;"); /* an argument, not a command */
}

TEST(apps_farm_inputs, arguments_that_end_with_nul) {
  EXPECT_FILE_WITH("a\0b\nc\0", "a;b\nc;", .null_separated = true);
  EXPECT_FILE_WITH("a\0\0b\n", "a;;b\n;", .null_separated = true);
}

TEST(apps_farm_inputs, files_and_words_are_combined) {
  char letters[] = "x", path[64];
  char *words[] = {letters};
  snprintf(path, sizeof path, "%s", file_with("a\nb\n", 4));
  source sources[] = {{.is_file = true, .path = path}, {.words = words, .count = 1}, {.is_file = true, .path = path}};
  expect_sets(&(input_options){.sources = sources, .count = 3}, "a,x,a;a,x,b;b,x,a;b,x,b;");
  sources[2].linked = true;
  expect_sets(&(input_options){.sources = sources, .count = 3}, "a,x,a;b,x,a;");
  unlink(path);
}

TEST(apps_farm_inputs, a_nul_byte_in_a_line_is_an_error_that_names_it) {
  source one;
  const char *path = file_with("a\nb\0c\nd\n", 8);
  inputs *in = open_path(&one, path, (input_options){.count = 0});
  ASSERT_TRUE(in != NULL);
  arguments set;
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_FAILED);
  EXPECT_CONTAINS(inputs_reason(in), path);
  EXPECT_CONTAINS(inputs_reason(in), "NUL byte in line 2");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_FAILED);
  inputs_close(in);
  unlink(path);
}

static void expect_refused(const source *sources, int count, const char *colsep, const char *expected) {
  char message[INPUT_MESSAGE_SIZE] = "";
  inputs *in = inputs_open(&(input_options){.sources = sources, .count = count, .colsep = colsep}, message);
  EXPECT_TRUE(in == NULL);
  EXPECT_CONTAINS(message, expected);
  inputs_close(in);
}

TEST(apps_farm_inputs, what_cannot_be_read_is_refused) {
  source missing = {.is_file = true, .path = "/no/such/file"}, folder = {.is_file = true, .path = "/tmp"};
  source twice[] = {{.is_file = true, .path = "-"}, {.is_file = true, .path = "-"}};
  expect_refused(&missing, 1, NULL, "/no/such/file: No such file or directory");
  expect_refused(&folder, 1, NULL, "/tmp: Is a directory");
  expect_refused(twice, 2, NULL, "standard input can be only one of the sources");
  expect_refused(twice, 1, "(", "the expression \"(\" between columns is wrong at byte 1");
}

/* ---- whole lines ---------------------------------------------------------------------------------------------------- */

TEST(apps_farm_inputs, blank_lines_and_comments_are_no_commands_but_are_counted) {
  static const char TEXT[] = "echo 1\n\n# c\n   # d\n \t \n  echo 2 # e\n#x\n\ttrue";
  static const uint64_t LINES[] = {1, 6, 8};
  EXPECT_FILE_WITH("echo 1\n\n# c\n   # d\n \t \n  echo 2 # e\n#x\n\ttrue", "echo 1;  echo 2 # e;\ttrue;",
                   .whole_lines = true);
  source one;
  const char *path = file_with(TEXT, sizeof TEXT - 1);
  inputs *in = open_path(&one, path, (input_options){.whole_lines = true});
  ASSERT_TRUE(in != NULL);
  arguments set;
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
    EXPECT_EQ(set.sequence, LINES[i]);
  }
  inputs_close(in);
  unlink(path);
}

TEST(apps_farm_inputs, a_comment_ends_with_its_line) {
  EXPECT_FILE_WITH("# c\necho 1\0# c\n # d\n\0#\n\n\n#\nx", "# c\necho 1;#\n\n\n#\nx;", .whole_lines = true,
                   .null_separated = true);
  EXPECT_FILE_WITH(",#c\n,c\n # ,d\n", ",c;", .whole_lines = true, .colsep = ",");
}

/* ---- columns -------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_inputs, columns_of_combinations_stand_side_by_side) {
  static char ab[] = "a-b", c[] = "c", n[] = "1-2";
  char *first[] = {ab, c}, *second[] = {n};
  source sources[] = {{.words = first, .count = 2}, {.words = second, .count = 1}};
  expect_sets(&(input_options){.sources = sources, .count = 2, .colsep = "-"}, "a,b,1,2;c,1,2;");
}

/* ---- pipes and memory ----------------------------------------------------------------------------------------------- */

/* The pipe's reading end as a path. */
static void open_pipe(int ends[2], char path[64]) {
  if (pipe(ends) != 0) TEST_FAIL("pipe: %s", strerror(errno));
  snprintf(path, 64, "/dev/fd/%d", ends[0]);
}

static void send_text(int to, const char *text) {
  size_t length = strlen(text);
  if (write(to, text, length) != (ssize_t)length) TEST_FAIL("write: %s", strerror(errno));
}

TEST(apps_farm_inputs, a_pipe_is_not_waited_for) {
  int ends[2];
  char path[64];
  open_pipe(ends, path);
  source one;
  inputs *in = open_path(&one, path, (input_options){.count = 0});
  ASSERT_TRUE(in != NULL);
  EXPECT_EQ(inputs_count(in), 0u);
  arguments set;
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  send_text(ends[1], "a\nb");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  EXPECT_EQ_STR(set.texts[0], "a");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  send_text(ends[1], "c\n");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  EXPECT_EQ_STR(set.texts[0], "bc");
  EXPECT_EQ(set.sequence, 2u);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  send_text(ends[1], "d");
  close(ends[1]);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  EXPECT_EQ_STR(set.texts[0], "d");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_END);
  inputs_close(in);
  close(ends[0]);
}

TEST(apps_farm_inputs, a_pipe_to_be_combined_is_not_waited_for_either) {
  static char x[] = "x", y[] = "y";
  char *words[] = {x, y}, path[64];
  int ends[2];
  open_pipe(ends, path);
  source sources[] = {{.words = words, .count = 2}, {.is_file = true, .path = path}};
  inputs *in = open_inputs(&(input_options){.sources = sources, .count = 2});
  ASSERT_TRUE(in != NULL);
  arguments set;
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  send_text(ends[1], "1\n2\n");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  close(ends[1]);
  for (int i = 0; i < 4; i++) {
    ASSERT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
    EXPECT_EQ_STR(set.texts[0], words[i / 2]);
    EXPECT_EQ_STR(set.texts[1], i % 2 ? "2" : "1");
  }
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_END);
  inputs_close(in);
  close(ends[0]);
}

TEST(apps_farm_inputs, a_named_pipe_may_get_its_writer_later) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/furrow-inputs-fifo-%d", (int)getpid());
  ASSERT_EQ(mkfifo(path, 0600), 0);
  source one;
  inputs *in = open_path(&one, path, (input_options){.count = 0});
  ASSERT_TRUE(in != NULL);
  arguments set;
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  int to = open(path, O_WRONLY);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_NOT_YET);
  send_text(to, "a\n");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  close(to);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_END);
  inputs_close(in);
  unlink(path);
}

/* Standard input as a file, begun by somebody else: what was read by them is not there. */
TEST(apps_farm_inputs, standard_input_goes_on_where_it_is) {
  const char *path = file_with("a\nb\nc\n", 6);
  int saved = dup(STDIN_FILENO), file = open(path, O_RDONLY);
  char two[2];
  EXPECT_EQ(read(file, two, 2), 2);
  dup2(file, STDIN_FILENO);
  source one = {.is_file = true, .path = "-"};
  expect_sets(&(input_options){.sources = &one, .count = 1}, "b;c;");
  if (saved >= 0) dup2(saved, STDIN_FILENO);
  close(saved);
  close(file);
  unlink(path);
}

TEST(apps_farm_inputs, a_line_of_ten_megabytes) {
  enum { LENGTH = 10 << 20 };
  static char text[LENGTH + 3];
  const size_t length = LENGTH;
  memset(text, 'x', length);
  memcpy(text + length, "\ny", 3);
  source one;
  const char *path = file_with(text, length + 2);
  inputs *in = open_path(&one, path, (input_options){.count = 0});
  ASSERT_TRUE(in != NULL);
  arguments set;
  EXPECT_EQ(inputs_count(in), 2u);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  text[length] = '\0';
  EXPECT_TRUE(strcmp(set.texts[0], text) == 0);
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_SET);
  EXPECT_EQ_STR(set.texts[0], "y");
  EXPECT_EQ((int)inputs_next(in, &set), (int)INPUT_END);
  inputs_close(in);
  unlink(path);
}

/* Runs in a child, so that one process writes and another reads. */
static void write_lines(void *to) {
  FILE *file = fdopen(*(int *)to, "w");
  for (int i = 0; file && i < 1000000; i++) fprintf(file, "argument %d,%d\n", i, i % 7);
  _exit(file && fclose(file) == 0 ? 0 : 1);
}

TEST(apps_farm_inputs, memory_does_not_grow_with_a_pipe) {
  int ends[2];
  char path[64];
  open_pipe(ends, path);
  furrow__child writer = children_start(write_lines, &ends[1], 0);
  close(ends[1]);
  source one;
  inputs *in = open_path(&one, path, (input_options){.colsep = ","});
  ASSERT_TRUE(in != NULL);
  size_t before = 0, after;
  uint64_t count = 0;
  arguments set;
  for (input_answer answer; (answer = inputs_next(in, &set)) != INPUT_END;) {
    ASSERT_TRUE(answer != INPUT_FAILED);
    count += answer == INPUT_SET;
    if (count == 1000 && before == 0) before = mallinfo2().uordblks;
  }
  after = mallinfo2().uordblks;
  EXPECT_EQ(count, 1000000u);
  EXPECT_LE(after, before);
  inputs_close(in);
  close(ends[0]);
  children_wait(&writer);
}
