/* What furrow farm writes and reads back: the joblog, --results, what --keep-order holds, tagged lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "furrow/farm/joblog.h"
#include "furrow/farm/order.h"
#include "furrow/farm/results.h"
#include "furrow/farm/screen.h"
#include "shim/test.h"

static const char HEADER[] = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

enum { PATH_SIZE = 64, TEXT_SIZE = 4096 };

static void make_path(char path[PATH_SIZE]) {
  snprintf(path, PATH_SIZE, "/tmp/furrow-farm-test-XXXXXX");
  int file = mkstemp(path);
  ASSERT_GE(file, 0);
  close(file);
}

static void write_text(const char *path, const char *text) {
  FILE *stream = fopen(path, "w");
  ASSERT_TRUE(stream != NULL);
  fputs(text, stream);
  fclose(stream);
}

/* NUL bytes are shown as @. */
static const char *read_text(const char *path, char text[TEXT_SIZE]) {
  FILE *stream = fopen(path, "r");
  size_t size = stream ? fread(text, 1, TEXT_SIZE - 1, stream) : 0;
  if (stream) fclose(stream);
  text[size] = '\0';
  for (char *at; (at = memchr(text, '\0', size)) != NULL;) *at = '@';
  return text;
}

/* ---- the joblog ---- */

static joblog_line line_of(uint64_t sequence, int exit_value, const char *text) {
  return (joblog_line){.sequence = sequence,
                       .host = "node07",
                       .start = 1795572228.2724,
                       .seconds = 0.1164,
                       .received = 5,
                       .exit_value = exit_value,
                       .command = text};
}

TEST(apps_farm_joblog, has_nine_columns) {
  char path[PATH_SIZE], text[TEXT_SIZE], message[JOBLOG_MESSAGE_SIZE], expected[TEXT_SIZE];
  make_path(path);
  joblog log;
  done have = {.bits = NULL};
  ASSERT_TRUE(joblog_open(&log, path, JOBLOG_NEW, &have, message));
  joblog_line first = line_of(1, 0, "echo a"), second = line_of(12, -1, "echo a\tb\nc");
  second.signal = 15;
  EXPECT_TRUE(joblog_write(&log, &first) && joblog_write(&log, &second));
  snprintf(expected, sizeof expected,
           "%s1\tnode07\t1795572228.272\t     0.116\t0\t5\t0\t0\techo a\n"
           "12\tnode07\t1795572228.272\t     0.116\t0\t5\t-1\t15\techo a\tb@c\n",
           HEADER);
  EXPECT_EQ_STR(read_text(path, text), expected); /* before it is closed */
  EXPECT_TRUE(joblog_close(&log));
  unlink(path);
}

/* Written as text, opened for a resume: what is done. */
static bool reads(const char *text, joblog_use use, done *have, char message[JOBLOG_MESSAGE_SIZE]) {
  char path[PATH_SIZE];
  joblog log;
  make_path(path);
  write_text(path, text);
  bool opened = joblog_open(&log, path, use, have, message);
  if (opened) EXPECT_TRUE(joblog_close(&log));
  unlink(path);
  return opened;
}

TEST(apps_farm_joblog, tells_a_resume_what_is_done) {
  char text[TEXT_SIZE], message[JOBLOG_MESSAGE_SIZE];
  snprintf(text, sizeof text,
           "%s3\t:\t1795572228.272\t     0.116\t0\t5\t0\t0\techo a\n"
           "5\t:\t1795572228.272\t     0.116\t0\t5\t1\t0\tfalse\n"
           "6\t:\t1795572228.272\t     0.116\t0\t5\t0\t9\tkill\t-9\n"
           "7\t:\t1795572228.272\t     0.116\t0\t5\t1\t0\tfalse\n"
           "7\t:\t1795572228.272\t     0.116\t0\t5\t0\t0\ttrue\n",
           HEADER);
  done all = {.bits = NULL}, good = {.bits = NULL};
  ASSERT_TRUE(reads(text, JOBLOG_RESUME, &all, message));
  EXPECT_EQ(all.count, 4u);
  EXPECT_TRUE(done_has(&all, 3) && done_has(&all, 5) && done_has(&all, 6) && done_has(&all, 7));
  ASSERT_TRUE(reads(text, JOBLOG_RESUME_FAILED, &good, message));
  EXPECT_EQ(good.count, 2u);
  EXPECT_TRUE(done_has(&good, 3) && done_has(&good, 7));
  done_clear(&all);
  done_clear(&good);
}

TEST(apps_farm_joblog, that_is_none_is_refused) {
  char text[TEXT_SIZE], message[JOBLOG_MESSAGE_SIZE];
  const char *const wrong[] = {"baz\n",
                               "\n",
                               "1\n",
                               "x\t:\t1\t1\t0\t5\t0\t0\ta\n",
                               "0\t:\t1\t1\t0\t5\t0\t0\ta\n",
                               "99999999999999999999999\t:\t1\t1\t0\t5\t0\t0\ta\n",
                               "-1\t:\t1\t1\t0\t5\t0\t0\ta\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    done have = {.bits = NULL};
    snprintf(text, sizeof text, "%s%s", HEADER, wrong[i]);
    EXPECT_FALSE(reads(text, JOBLOG_RESUME, &have, message));
    EXPECT_CONTAINS(message, "is no line of a joblog");
    done_clear(&have);
  }
}

TEST(apps_farm_joblog, loses_a_line_that_was_torn) {
  char path[PATH_SIZE], text[TEXT_SIZE], whole[TEXT_SIZE / 2], message[JOBLOG_MESSAGE_SIZE];
  make_path(path);
  snprintf(whole, sizeof whole, "%s1\t:\t1.000\t     0.116\t0\t5\t0\t0\techo a\n", HEADER);
  snprintf(text, sizeof text, "%s2\t:\t1.000\t     0.1", whole);
  write_text(path, text);
  joblog log;
  done have = {.bits = NULL};
  ASSERT_TRUE(joblog_open(&log, path, JOBLOG_RESUME, &have, message));
  EXPECT_EQ(have.count, 1u);
  EXPECT_FALSE(joblog_differs(&log, 1, "echo a"));
  EXPECT_TRUE(joblog_differs(&log, 1, "echo b"));
  EXPECT_FALSE(joblog_differs(&log, 2, "echo b")); /* nothing is known */
  EXPECT_TRUE(joblog_close(&log));
  EXPECT_EQ_STR(read_text(path, text), whole);
  write_text(path, "Seq\tHo"); /* a header, too */
  have.count = 0;
  ASSERT_TRUE(joblog_open(&log, path, JOBLOG_RESUME, &have, message));
  EXPECT_TRUE(joblog_close(&log));
  EXPECT_EQ_STR(read_text(path, text), HEADER);
  done_clear(&have);
  unlink(path);
}

TEST(apps_farm_joblog, belongs_to_one_run) {
  char path[PATH_SIZE], message[JOBLOG_MESSAGE_SIZE];
  make_path(path);
  joblog one, two;
  done have = {.bits = NULL};
  ASSERT_TRUE(joblog_open(&one, path, JOBLOG_NEW, &have, message));
  EXPECT_FALSE(joblog_open(&two, path, JOBLOG_NEW, &have, message));
  EXPECT_CONTAINS(message, "another run is writing it");
  EXPECT_TRUE(joblog_close(&one));
  unlink(path);
}

/* A pipe without a reader's patience is a disk that is full for a while. */
TEST(apps_farm_joblog, writes_later_what_it_could_not) {
  char path[PATH_SIZE], message[JOBLOG_MESSAGE_SIZE], text[1 << 17], big[1 << 16];
  make_path(path);
  unlink(path);
  ASSERT_EQ(mkfifo(path, 0600), 0);
  int reader = open(path, O_RDONLY | O_NONBLOCK);
  joblog log;
  done have = {.bits = NULL};
  ASSERT_TRUE(joblog_open(&log, path, JOBLOG_NEW, &have, message));
  ASSERT_EQ(fcntl(log.file, F_SETFL, O_NONBLOCK), 0);
  memset(big, 'x', sizeof big);
  big[sizeof big - 1] = '\0';
  joblog_line first = line_of(1, 0, big), second = line_of(2, 0, "end");
  EXPECT_FALSE(joblog_write(&log, &first));
  EXPECT_EQ(errno, EAGAIN);
  ssize_t size = read(reader, text, sizeof text);
  EXPECT_TRUE(joblog_write(&log, &second));
  size += read(reader, text + size, sizeof text - (size_t)size);
  EXPECT_GT(size, (ssize_t)sizeof big);
  EXPECT_BYTES_EQ(text + size - 5, "\tend\n", 5);
  EXPECT_TRUE(joblog_close(&log));
  close(reader);
  unlink(path);
}

/* ---- --results ---- */

static void expect_path(const char *set, uint32_t count, const char *expected) {
  char *path = results_path("res", set, count);
  EXPECT_EQ_STR(path, expected);
  free(path);
}

TEST(apps_farm_results, names_are_gnu_parallels) {
  expect_path("a", 1, "res/1/a");
  expect_path("a\0b", 2, "res/1/a/2/b");
  expect_path("", 1, "res/1/");
  expect_path("b/c d\0x\ty\0..\0\\", 4, "res/1/b\\_c d/2/x\\ty/3/../4/\\\\");
  char argument[400], expected[300] = "res/1/";
  memset(argument, 'a', sizeof argument);
  argument[399] = '\0';
  memset(expected + 6, 'a', 255);
  expected[6 + 255] = '\0';
  expect_path(argument, 1, expected);
  memset(argument, '/', 200);
  argument[200] = '\0';
  char *path = results_path("res", argument, 1);
  EXPECT_EQ(strlen(path), 6u + 255);
  free(path);
}

/* ---- --keep-order ---- */

/* What may be printed now, one letter a record. */
static const char *next_of(order *in, bool last, char text[64]) {
  const void *record;
  size_t size, count = 0;
  while (order_next(in, last, &record, &size) == ORDER_RECORD) text[count++] = *(const char *)record;
  text[count] = '\0';
  return text;
}

TEST(apps_farm_order, nobody_is_printed_before_his_turn) {
  char text[64];
  order *in = order_open();
  ASSERT_TRUE(in != NULL);
  const uint64_t sequences[] = {2, 3, 7, 8};
  for (int i = 0; i < 4; i++) EXPECT_TRUE(order_expect(in, sequences[i]));
  EXPECT_TRUE(order_is_next(in, 2));
  EXPECT_FALSE(order_is_next(in, 3));
  EXPECT_TRUE(order_hold(in, 3, "a", 2) && order_hold(in, 3, "b", 2));
  order_finish(in, 3);
  EXPECT_TRUE(order_hold(in, 7, "c", 2));
  EXPECT_EQ_STR(next_of(in, false, text), "");
  order_finish(in, 2);
  EXPECT_EQ_STR(next_of(in, false, text), "abc"); /* 7 goes on, and what it has may go */
  EXPECT_TRUE(order_is_next(in, 7));
  EXPECT_TRUE(order_hold(in, 8, "d", 2));
  EXPECT_EQ_STR(next_of(in, false, text), "");
  EXPECT_EQ_STR(next_of(in, true, text), "d");
  EXPECT_FALSE(order_hold(in, 5, "x", 2)); /* nobody has announced it */
  order_close(in);
}

TEST(apps_farm_order, what_is_large_stands_in_a_file) {
  enum { COUNT = 40, SIZE = 1 << 20 };
  static char record[SIZE];
  order *in = order_open();
  ASSERT_TRUE(in != NULL);
  for (uint64_t i = 0; i <= COUNT; i++) EXPECT_TRUE(order_expect(in, i));
  for (uint64_t i = COUNT; i > 0; i--) {
    memset(record, (int)i, SIZE);
    EXPECT_TRUE(order_hold(in, i, record, i % 2 ? SIZE : 1000));
    order_finish(in, i);
  }
  order_finish(in, 0);
  const void *got;
  size_t size;
  for (int i = 1; i <= COUNT; i++) {
    ASSERT_EQ(order_next(in, false, &got, &size), ORDER_RECORD);
    EXPECT_EQ(size, (size_t)(i % 2 ? SIZE : 1000));
    EXPECT_EQ(((const char *)got)[size - 1], i);
    EXPECT_EQ((uintptr_t)got % 16, 0u);
  }
  EXPECT_EQ(order_next(in, false, &got, &size), ORDER_NONE);
  order_close(in);
}

TEST(apps_farm_order, is_full_when_too_many_wait) {
  order *in = order_open();
  ASSERT_TRUE(in != NULL);
  for (uint64_t i = 1; i <= ORDER_MOST; i++) {
    EXPECT_FALSE(order_is_full(in));
    EXPECT_TRUE(order_expect(in, 3 * i));
  }
  EXPECT_TRUE(order_is_full(in));
  for (uint64_t i = ORDER_MOST; i > 0; i--) order_finish(in, 3 * i);
  const void *got;
  size_t size;
  EXPECT_EQ(order_next(in, false, &got, &size), ORDER_NONE);
  EXPECT_FALSE(order_is_full(in));
  order_close(in);
}

/* ---- lines ---- */

static void expect_lines(const char *tag, const char *text, const char *expected) {
  char path[PATH_SIZE], got[TEXT_SIZE];
  make_path(path);
  int file = open(path, O_WRONLY);
  EXPECT_TRUE(screen_print(file, tag, text, strlen(text)));
  close(file);
  EXPECT_EQ_STR(read_text(path, got), expected);
  unlink(path);
}

TEST(apps_farm_screen, a_tag_stands_before_each_line) {
  expect_lines(NULL, "a\nb", "a\nb");
  expect_lines("t", "", "");
  expect_lines("t", "a\n\nb\n", "t\ta\nt\t\nt\tb\n");
  expect_lines("t", "a", "t\ta");
  expect_lines("t", "a\rb\nc\r\nd\r", "t\ta\rt\tb\nt\tc\rt\t\nt\td\r"); /* as GNU parallel */
}

TEST(apps_farm_screen, says_when_it_can_not) {
  int file = open("/dev/full", O_WRONLY);
  EXPECT_FALSE(screen_print(file, "t", "a\n", 2));
  EXPECT_EQ(errno, ENOSPC);
  close(file);
}
