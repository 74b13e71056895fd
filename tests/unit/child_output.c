/* What parent and children print is neither lost nor doubled. Standard output goes to a file meanwhile. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/child.h"
#include "shim/test.h"
#include "unit/children.h"

static FILE *capture; /* a real file: the kernel lets writers of a memfd collide */
static int kept_stdout;

static void capture_begin(void) {
  fflush(stdout);
  kept_stdout = dup(STDOUT_FILENO);
  capture = tmpfile();
  if (!capture) abort();
  dup2(fileno(capture), STDOUT_FILENO);
  setvbuf(stdout, NULL, _IOFBF, 0); /* as for a program whose output is a file */
}

static void capture_end(char *text, size_t size) {
  fflush(stdout);
  dup2(kept_stdout, STDOUT_FILENO);
  close(kept_stdout);
  ssize_t length = pread(fileno(capture), text, size - 1, 0);
  text[length > 0 ? length : 0] = '\0';
  fclose(capture);
}

/* The parent prints before and after a child that does `body`. */
static void expect_output(void (*body)(void *), void *argument, const char *expected) {
  char text[4096];
  capture_begin();
  printf("before ");
  children_run(body, argument, 0);
  printf("after");
  capture_end(text, sizeof text);
  EXPECT_EQ_STR(text, expected);
}

static void print_and_return(void *unused) {
  (void)unused;
  printf("child ");
}

static void print_and_exit(void *unused) {
  (void)unused;
  printf("child ");
  exit(3);
}

static void print_lines_and_crash(void *unused) {
  printf("one\ntwo\n");
  children_write_to_null(unused);
}

static void print_task_and_crash(void *unused) {
  furrow__child_task_begin();
  printf("task ");
  furrow__child_task_end();
  furrow__child_task_begin();
  children_write_to_null(unused);
}

TEST(child_output, is_neither_lost_nor_doubled) {
  expect_output(children_return, NULL, "before after");
  expect_output(print_and_return, NULL, "before child after");
  expect_output(print_and_exit, NULL, "before child after");
  expect_output(children_write_to_null, NULL, "before after");
  expect_output(print_lines_and_crash, NULL, "before one\ntwo\nafter");
  expect_output(print_task_and_crash, NULL, "before task after");
}

static void print_line_and_loop(void *unused) {
  printf("line\n");
  children_words()[0] = 1;
  children_loop(unused);
}

TEST(child_output, lines_of_one_that_is_killed_are_kept) {
  char text[256];
  capture_begin();
  printf("before ");
  children_words()[0] = 0;
  furrow__child child = children_start(print_line_and_loop, NULL, 0);
  while (!children_words()[0]) furrow__nap(100000);
  EXPECT_TRUE(furrow__child_kill(&child));
  printf("after");
  capture_end(text, sizeof text);
  EXPECT_EQ_STR(text, "before line\nafter");
}

static bool printing;

static void print_meanwhile(void) {
  if (printing) printf("meanwhile ");
}

/* What another thread of the parent has put into stdout's buffer since it was flushed is not the child's to write. The
   other thread is a handler that fork() calls, so that it always comes in time. */
TEST(child_output, another_thread_prints_meanwhile) {
  ASSERT_EQ(pthread_atfork(print_meanwhile, NULL, NULL), 0);
  printing = true;
  expect_output(print_and_exit, NULL, "before child meanwhile after");
  expect_output(children_return, NULL, "before meanwhile after");
  printing = false;
}

static void write_stream(void *stream) {
  fprintf(stream, "child ");
}

TEST(child_output, streams_of_the_program) {
  char text[64] = "";
  FILE *stream = tmpfile();
  ASSERT_NE(stream, NULL);
  fprintf(stream, "before ");
  children_run(write_stream, stream, 0);
  fprintf(stream, "after");
  rewind(stream);
  EXPECT_EQ(fread(text, 1, sizeof text - 1, stream), 18u);
  EXPECT_EQ_STR(text, "before child after");
  fclose(stream);
}

/* exit() would put the shared file back to where the child has read to. */
TEST(child_output, input_of_the_parent_goes_on) {
  if (children_checked()) TEST_SKIP("valgrind cleans up stdio behind the process's back");
  char line[16];
  int code = 0;
  FILE *stream = tmpfile();
  ASSERT_NE(stream, NULL);
  for (int i = 0; i < 3000; i++) fprintf(stream, "%04d\n", i);
  rewind(stream);
  for (int i = 0; i < 3000; i++) {
    EXPECT_NE(fgets(line, sizeof line, stream), NULL);
    EXPECT_EQ((int)strtol(line, NULL, 10), i);
    if (i % 1000 == 10) children_run(children_exit, &code, 0);
  }
  fclose(stream);
}

static void *hold_stdin(void *words) {
  _Atomic int *state = words;
  flockfile(stdin); /* as one that waits in fgets() does */
  atomic_store(state, 1);
  while (atomic_load(state) == 1) furrow__nap(1000000);
  funlockfile(stdin);
  return NULL;
}

TEST(child_output, a_thread_that_waits_for_input_holds_nobody_up) {
  pthread_t thread;
  _Atomic int state = 0;
  ASSERT_EQ(pthread_create(&thread, NULL, hold_stdin, &state), 0);
  while (atomic_load(&state) == 0) furrow__nap(100000);
  expect_output(print_and_exit, NULL, "before child after");
  atomic_store(&state, 2);
  pthread_join(thread, NULL);
}

static void print_rows(void *letter) {
  for (int i = 0; i < 500; i++) {
    for (int column = 0; column < 40; column++) printf("%s", (const char *)letter);
    printf("\n");
  }
}

TEST(child_output, lines_of_two_children_are_not_torn) {
  enum { SIZE = 1 << 17 };
  char *text = malloc(SIZE);
  if (!text) abort();
  furrow__child_note *notes = children_note();
  furrow__child children[2] = {{.pid = 0}, {.pid = 0}};
  capture_begin();
  EXPECT_TRUE(furrow__child_start(&children[0], &notes[0], (furrow__child_rules){0}, print_rows, "a"));
  EXPECT_TRUE(furrow__child_start(&children[1], &notes[1], (furrow__child_rules){0}, print_rows, "b"));
  children_wait(&children[0]);
  children_wait(&children[1]);
  capture_end(text, SIZE);
  EXPECT_EQ(strlen(text), (size_t)2 * 500 * 41);
  for (const char *line = text; *line; line += 41) {
    EXPECT_EQ(strspn(line, *line == 'a' ? "a" : "b"), 40u);
    EXPECT_EQ(line[40], '\n');
    if (test_failed()) break;
  }
  free(text);
}
