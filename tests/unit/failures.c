/* The list of failed tasks: in order, with its texts, and bounded. */
#include "run/failures.h"

#include <stdio.h>
#include <string.h>

#include "shim/test.h"

static furrow__failed make(uint64_t task, const char *message) {
  furrow__failed failed = {.task = task, .attempt = 1, .rank = 3, .kind = FURROW_FAILURE_EXIT, .code = 9};
  snprintf(failed.host, sizeof failed.host, "node%02d", (int)(task % 3));
  snprintf(failed.message, sizeof failed.message, "%s", message);
  return failed;
}

TEST(failures, are_sorted_with_their_texts) {
  furrow__failures failures = {0};
  char text[FURROW_MESSAGE_SIZE], host[16];
  for (uint64_t i = 0; i < 5000; i++) {
    uint64_t task = i * 7919 % 5000;
    snprintf(text, sizeof text, "reason %d%s", (int)task,
             i % 2 ? "" : ", and a long story that takes more room than usual");
    furrow__failed failed = make(task, text);
    ASSERT_TRUE(furrow__failures_add(&failures, &failed));
  }
  furrow__failures_sort(&failures);
  EXPECT_EQ(failures.total, 5000);
  ASSERT_EQ(failures.count, 5000);
  for (uint64_t i = 0; i < 5000; i++) {
    const furrow_failure *one = &failures.list[i];
    snprintf(text, sizeof text, "reason %d", (int)i);
    snprintf(host, sizeof host, "node%02d", (int)(i % 3));
    EXPECT_EQ(one->task, i);
    EXPECT_EQ(one->attempt, 1);
    EXPECT_EQ(one->rank, 3);
    EXPECT_EQ(one->kind, FURROW_FAILURE_EXIT);
    EXPECT_EQ(one->code, 9);
    EXPECT_EQ(strcmp(one->host, host), 0);
    EXPECT_EQ(strncmp(one->message, text, strlen(text)), 0);
  }
  furrow__failures_clear(&failures);
  EXPECT_EQ(failures.total, 0);
}

TEST(failures, the_longest_message_fits) {
  furrow__failures failures = {0};
  char text[FURROW_MESSAGE_SIZE];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  for (uint64_t i = 0; i < 1000; i++) {
    text[i % 300] = (char)('a' + i % 26); /* no two alike */
    furrow__failed failed = make(i, text);
    ASSERT_TRUE(furrow__failures_add(&failures, &failed));
    EXPECT_EQ(strcmp(failures.list[i].message, text), 0);
  }
  furrow__failures_clear(&failures);
}

/* A million of them with one reason take one text. */
TEST(failures, beyond_the_most_are_only_counted) {
  furrow__failures failures = {0};
  furrow__failed failed = make(1, "the same");
  for (uint64_t i = 0; i < FURROW_FAILURES_KEPT + 10; i++) ASSERT_TRUE(furrow__failures_add(&failures, &failed));
  EXPECT_EQ(failures.count, FURROW_FAILURES_KEPT);
  EXPECT_EQ(failures.total, FURROW_FAILURES_KEPT + 10);
  EXPECT_TRUE(failures.list[0].message == failures.list[FURROW_FAILURES_KEPT - 1].message);
  furrow__failures_clear(&failures);
}
