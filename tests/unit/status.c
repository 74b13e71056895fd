/* Statuses and errors in words: no status without a text, nothing written past a field, one line an error. */
#include "furrow/status.h"

#include <stdlib.h>

#include "base/error.h"
#include "shim/test.h"

TEST(status, every_status_has_a_text_of_its_own) {
  static const furrow_status all[] = {
#define STATUS(name, text) FURROW_##name,
      FURROW_STATUS_LIST(STATUS)
#undef STATUS
  };
  enum { COUNT = sizeof all / sizeof *all };
  EXPECT_EQ(FURROW_OK, 0);
  EXPECT_EQ_STR(furrow_strerror(FURROW_OK), "success");
  for (int i = 0; i < COUNT; i++) {
    EXPECT_EQ((int)all[i], i); /* from best to worst */
    EXPECT_GT(strlen(furrow_strerror(all[i])), 0u);
    for (int j = 0; j < i; j++) EXPECT_NE(strcmp(furrow_strerror(all[i]), furrow_strerror(all[j])), 0);
  }
  EXPECT_EQ_STR(furrow_strerror((furrow_status)COUNT), "unknown status");
  EXPECT_EQ_STR(furrow_strerror((furrow_status)-1), "unknown status");
  EXPECT_EQ_STR(furrow_strerror((furrow_status)12345), "unknown status");
}

TEST(status, version) {
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", FURROW_VERSION_MAJOR, FURROW_VERSION_MINOR, FURROW_VERSION_PATCH);
  EXPECT_EQ_STR(furrow_version(), expected);
}

TEST(status, text_is_cut_at_its_end) {
  char field[8];
  memset(field, 'x', sizeof field);
  furrow__text_copy(field, 5, "abcdefg");
  EXPECT_BYTES_EQ(field, "abcd\0xxx", 8);
  furrow__text_copy(field, 5, "abcd");
  EXPECT_EQ_STR(field, "abcd");
  furrow__text_copy(field, 5, "");
  EXPECT_EQ_STR(field, "");
  furrow__text_copy(field, 1, "abc");
  EXPECT_EQ_STR(field, "");
}

TEST(status, a_cleared_error) {
  furrow_error error;
  memset(&error, 0xee, sizeof error);
  furrow__error_clear(&error);
  EXPECT_EQ(error.status, FURROW_OK);
  EXPECT_EQ(error.rank, -1);
  EXPECT_EQ(error.task, FURROW_NO_TASK);
  EXPECT_EQ_STR(error.host, "");
  EXPECT_EQ_STR(error.message, "");
}

TEST(status, a_set_error) {
  furrow_error error;
  memset(&error, 0xee, sizeof error);
  EXPECT_STATUS(FURROW_E_TASK, furrow__error_set(&error, FURROW_E_TASK, (furrow__where){3, "node07"}, 812,
                                                 "matrix is %s", "singular"));
  EXPECT_EQ(error.status, FURROW_E_TASK);
  EXPECT_EQ(error.rank, 3);
  EXPECT_EQ(error.task, 812u);
  EXPECT_EQ_STR(error.host, "node07");
  EXPECT_EQ_STR(error.message, "matrix is singular");
  furrow__error_set(&error, FURROW_E_ARG, (furrow__where){0, NULL}, FURROW_NO_TASK, "%s", "");
  EXPECT_EQ_STR(error.host, "");
  EXPECT_EQ_STR(error.message, "");
}

TEST(status, long_hosts_and_messages_are_cut) {
  struct {
    furrow_error error;
    char behind[16];
  } it;
  memset(&it, 'z', sizeof it);
  char text[2000];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  furrow__error_set(&it.error, FURROW_E_IO, (furrow__where){1, text}, FURROW_NO_TASK, "%s", text);
  EXPECT_EQ(strlen(it.error.host), FURROW_HOST_SIZE - 1u);
  EXPECT_EQ(strlen(it.error.message), FURROW_MESSAGE_SIZE - 1u);
  EXPECT_BYTES_EQ(it.behind, "zzzzzzzzzzzzzzzz", sizeof it.behind);
}

/* ---- printing ---- */

static const char *printed(const furrow_error *error) {
  static char line[1024];
  FILE *file = tmpfile();
  if (!file) return "no temporary file";
  furrow_error_print(file, error);
  rewind(file);
  size_t size = fread(line, 1, sizeof line - 1, file);
  line[size] = '\0';
  fclose(file);
  return line;
}

static furrow_error make(furrow_status status, int rank, const char *host, uint64_t task, const char *message) {
  furrow_error error;
  furrow__error_set(&error, status, (furrow__where){rank, host}, task, "%s", message);
  return error;
}

TEST(status, an_error_is_one_line) {
  furrow_error error = make(FURROW_E_TASK, 3, "node07", 812, "matrix is singular");
  EXPECT_EQ_STR(printed(&error), "furrow: task 812 failed on rank 3 (node07): matrix is singular\n");
  error = make(FURROW_E_TASK, 3, "node07", 0, "");
  EXPECT_EQ_STR(printed(&error), "furrow: task 0 failed on rank 3 (node07)\n");
  error = make(FURROW_E_TASK, 3, "", UINT64_MAX - 1, "x");
  EXPECT_EQ_STR(printed(&error), "furrow: task 18446744073709551614 failed on rank 3: x\n");
  error = make(FURROW_E_NOMEM, 0, "a", FURROW_NO_TASK, "1 GiB");
  EXPECT_EQ_STR(printed(&error), "furrow: out of memory on rank 0 (a): 1 GiB\n");
  error = make(FURROW_E_MPI, -1, "a", FURROW_NO_TASK, "");
  EXPECT_EQ_STR(printed(&error), "furrow: an MPI call failed\n");
  furrow__error_clear(&error);
  EXPECT_EQ_STR(printed(&error), "furrow: success\n");
  EXPECT_EQ_STR(printed(NULL), "");
}

TEST(status, the_longest_error_is_printed_whole) {
  char text[2000];
  memset(text, 'b', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  furrow_error error = make(FURROW_E_TASK, INT32_MAX, text, UINT64_MAX - 1, text);
  const char *line = printed(&error);
  EXPECT_EQ(line[strlen(line) - 1], '\n');
  EXPECT_CONTAINS(line, "task 18446744073709551614 failed on rank 2147483647 (bbb");
  EXPECT_CONTAINS(line, error.host);
  EXPECT_CONTAINS(line, error.message);
}
