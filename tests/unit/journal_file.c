/* Journals in files: gone on from, torn, damaged, locked; and the public reader. */
#include "furrow/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/test.h"
#include "unit/journal_bytes.h"
#include "unit/journal_scene.h"

/* ---- going on ---- */

TEST(journal_file, is_not_written_before_there_is_something) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  EXPECT_EQ(furrow__journal_status(s.journal), FURROW_OK);
  EXPECT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
  scene_close(&s);
  EXPECT_EQ(scene_size(&s), 0u);
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  EXPECT_EQ(finished_tasks(s.journal), 0u);
  scene_close(&s);
  uint64_t size = scene_size(&s);
  ASSERT_TRUE(scene_opens(&s)); /* what it knows is not written again */
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  scene_close(&s);
  EXPECT_EQ(scene_size(&s), size);
  scene_end(&s);
}

TEST(journal_file, lets_a_map_go_on) {
  scene s = scene_make();
  for (uint64_t run = 0; run < 4; run++) {
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
    EXPECT_EQ(finished_tasks(s.journal), run * 500);
    scene_expect_results(&s);
    for (uint64_t i = 0; i < 50; i++) ASSERT_EQ(give_tasks(s.journal, run * 1000 + i * 20, 10), FURROW_OK);
    furrow__journal_end(s.journal);
    scene_close(&s);
  }
  scene_end(&s);
}

TEST(journal_file, lets_a_reduction_go_on) {
  scene s = scene_make();
  const furrow__journal_entry *nodes;
  char accumulator[24];
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 5, 5), FURROW_OK);
  furrow__journal_end(s.journal);
  ASSERT_TRUE(scene_begins(&s, &SCENE_REDUCTION));
  EXPECT_EQ(furrow__journal_nodes(s.journal, &nodes), 0u);
  for (uint32_t level = 0; level < 4; level++) {
    snprintf(accumulator, sizeof accumulator, "node %u of level %u", 9 >> level, level);
    ASSERT_EQ(furrow__journal_append_node(s.journal, 9 >> level, level, accumulator), FURROW_OK);
  }
  scene_close(&s);

  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_REDUCTION));
  ASSERT_EQ(furrow__journal_nodes(s.journal, &nodes), 1u);
  EXPECT_EQ(nodes[0].first, 1u);
  EXPECT_EQ(nodes[0].count, 3u);
  EXPECT_EQ(furrow__journal_load_node(s.journal, &nodes[0], accumulator, s.message), FURROW_OK);
  EXPECT_EQ_STR(accumulator, "node 1 of level 3");
  EXPECT_EQ(finished_tasks(s.journal), 8u);
  scene_close(&s);
  scene_end(&s);
}

enum { MOST_SIZE = 20 << 20 };

/* Records of every size, also those that do not go through the buffer; and of none. */
TEST(journal_file, takes_results_of_any_size) {
  const size_t sizes[] = {0, 1, 7, 65472, 65473, 1 << 20, (1 << 20) + 1, 9 << 20, MOST_SIZE};
  static unsigned char results[3 * MOST_SIZE], loaded[3 * MOST_SIZE];
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    scene s = scene_make();
    size_t size = sizes[i];
    furrow__journal_key key = SCENE_MAP;
    key.count = 3;
    key.result_size = size;
    memset(loaded, 0, 3 * size);
    for (size_t k = 0; k < 3 * size; k++) results[k] = (unsigned char)(k * 7 + k / 1000);
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &key));
    for (uint64_t task = 0; task < 3; task++)
      ASSERT_EQ(furrow__journal_append_results(s.journal, task, 1, results + task * size), FURROW_OK);
    scene_close(&s);
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &key));
    EXPECT_EQ(finished_tasks(s.journal), 3u);
    EXPECT_EQ(furrow__journal_load_results(s.journal, loaded, s.message), FURROW_OK);
    EXPECT_TRUE(memcmp(results, loaded, 3 * size) == 0);
    scene_close(&s);
    scene_end(&s);
  }
}

TEST(journal_file, refuses_another_operation) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  furrow__journal_key other = SCENE_MAP;
  other.count = 7;
  EXPECT_EQ(furrow__journal_begin(s.journal, &other, s.message), FURROW_E_ARG);
  EXPECT_CONTAINS(s.message, "run.fj: operation 0 was a furrow_map of 100000 tasks there, this one is of 7");
  char label[5000];
  memset(label, 'x', sizeof label);
  other = SCENE_MAP;
  other.label = label;
  other.label_length = sizeof label;
  EXPECT_EQ(furrow__journal_begin(s.journal, &other, s.message), FURROW_E_ARG);
  EXPECT_CONTAINS(s.message, "a label may have 4096 bytes, this one has 5000");
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP)); /* nothing is broken */
  EXPECT_EQ(give_tasks(s.journal, SCENE_MAP.count - 1, 2), FURROW_E_ARG);
  EXPECT_EQ(give_tasks(s.journal, 0, 0), FURROW_E_ARG);
  EXPECT_EQ(furrow__journal_append_node(s.journal, 0, 0, label), FURROW_E_ARG);
  EXPECT_EQ(give_tasks(s.journal, SCENE_MAP.count - 1, 1), FURROW_OK);
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  scene_close(&s);
  scene_end(&s);
}

/* ---- files that are torn, damaged, or something else ---- */

TEST(journal_file, is_cut_where_it_is_torn) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 0, 5), FURROW_OK);
  ASSERT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
  uint64_t whole = scene_size(&s);
  ASSERT_EQ(give_tasks(s.journal, 5, 5), FURROW_OK);
  scene_close(&s);
  uint64_t all = scene_size(&s);
  for (uint64_t size = whole; size < all; size += 5) {
    ASSERT_EQ(truncate(s.path, (off_t)size), 0);
    ASSERT_TRUE(scene_opens(&s));
    EXPECT_EQ(scene_size(&s), whole);
    ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
    EXPECT_EQ(finished_tasks(s.journal), 5u);
    scene_close(&s);
    ASSERT_EQ(truncate(s.path, (off_t)all), 0); /* zeros, where the record had been */
  }
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 5, 5), FURROW_OK); /* behind the cut */
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  EXPECT_EQ(finished_tasks(s.journal), 10u);
  scene_expect_results(&s);
  scene_close(&s);
  scene_end(&s);
}

static void expect_refused(scene *s, const void *bytes, size_t size, const char *why) {
  scene_put(s, bytes, size);
  EXPECT_EQ(scene_open(s), FURROW_E_IO);
  EXPECT_TRUE(s->journal == NULL);
  EXPECT_CONTAINS(s->message, why);
  EXPECT_CONTAINS(s->message, "it was left as it is");
  EXPECT_EQ(scene_size(s), size);
}

TEST(journal_file, refuses_what_is_damaged_or_no_journal) {
  scene s = scene_make();
  journal_bytes bytes = journal_bytes_make();
  journal_bytes_begin(&bytes, &SCENE_MAP);
  size_t at = journal_bytes_results(&bytes, &SCENE_MAP, 0, 3);
  journal_bytes_results(&bytes, &SCENE_MAP, 3, 3);
  bytes.bytes[at + 70] ^= 4;
  char why[80];
  snprintf(why, sizeof why, "run.fj: damaged at byte %zu: its bytes don't match their checksum", at);
  expect_refused(&s, bytes.bytes, bytes.size, why);
  expect_refused(&s, "%PDF-1.7 and so on, for a while", 31, "it is no furrow journal");
  journal_bytes_free(&bytes);
  scene_end(&s);
}

TEST(journal_file, needs_a_regular_file) {
  scene s = scene_make();
  char inside[260];
  ASSERT_EQ(mkfifo(s.path, 0600), 0);
  EXPECT_EQ(scene_open(&s), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it is no regular file");
  EXPECT_EQ(furrow__journal_open(s.folder, &s.journal, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it can't be opened: Is a directory");
  snprintf(inside, sizeof inside, "%s/none/run.fj", s.folder);
  EXPECT_EQ(furrow__journal_open(inside, &s.journal, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it can't be opened: No such file or directory");
  scene_end(&s);
}

TEST(journal_file, notices_what_changes_while_it_is_open) {
  scene s = scene_make();
  static uint64_t results[100000];
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  for (uint64_t i = 0; i < 1000; i++) ASSERT_EQ(furrow__journal_append_results(s.journal, 0, 1000, results), FURROW_OK);
  scene_close(&s);
  uint64_t size = scene_size(&s);
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  int fd = open(s.path, O_WRONLY);
  ASSERT_EQ(pwrite(fd, "x", 1, (off_t)size / 2), 1);
  close(fd);
  EXPECT_EQ(furrow__journal_load_results(s.journal, results, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "while it was open");
  ASSERT_EQ(truncate(s.path, 500), 0);
  EXPECT_EQ(furrow__journal_load_results(s.journal, results, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it has become shorter");
  scene_close(&s);
  scene_end(&s);
}

/* ---- one writer ---- */

TEST(journal_file, has_one_writer) {
  scene s = scene_make();
  furrow__journal *second = NULL;
  ASSERT_TRUE(scene_opens(&s));
  EXPECT_EQ(furrow__journal_open(s.path, &second, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it is in use by another run");
  EXPECT_TRUE(second == NULL);
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  scene_close(&s);
  scene_end(&s);
}

/* The child lives on, and does not hold the lock. */
TEST(journal_file, is_let_go_of_by_a_child) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 0, 5), FURROW_OK);
  furrow__journal_before_fork(s.journal);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    furrow__journal_leave(s.journal);
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  furrow__journal_after_fork(s.journal);
  char byte;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(give_tasks(s.journal, 5, 5), FURROW_OK);
  scene_close(&s);
  EXPECT_TRUE(scene_opens(&s));
  if (s.journal && scene_begins(&s, &SCENE_MAP)) EXPECT_EQ(finished_tasks(s.journal), 10u);
  scene_close(&s);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(ready[0]);
  close(ready[1]);
  scene_end(&s);
}

/* ---- the public reader ---- */

TEST(journal_file, is_read_by_anyone) {
  scene s = scene_make();
  furrow_journal *reader;
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 7, 3), FURROW_OK);
  ASSERT_TRUE(scene_begins(&s, &SCENE_REDUCTION));
  ASSERT_EQ(furrow__journal_append_node(s.journal, 142, 0, "twenty-four bytes or more"), FURROW_OK);
  ASSERT_EQ(furrow__journal_append_node(s.journal, 3, 1, "twenty-four bytes or more"), FURROW_OK);
  ASSERT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
  EXPECT_EQ(furrow_journal_open(s.path, &reader), FURROW_OK); /* while it is being written */
  const furrow_journal_summary *summary = furrow_journal_get_summary(reader);
  EXPECT_EQ((int)summary->state, FURROW_JOURNAL_WHOLE);
  EXPECT_EQ(summary->records, 6u);
  EXPECT_EQ(summary->size, scene_size(&s));
  EXPECT_EQ_STR(summary->reason, "");
  ASSERT_EQ(summary->runs, 1u);
  const furrow_journal_run *run = furrow_journal_get_run(reader, 0);
  EXPECT_EQ(run->process, getpid());
  EXPECT_EQ_STR(run->version, furrow_version());
  ASSERT_GE(run->argument_count, 1u);
  EXPECT_CONTAINS(run->arguments[0], "all");
  EXPECT_NEAR(run->time, (double)time(NULL), 60);
  const furrow_journal_operation *map = furrow_journal_get_operation(reader, 0),
                                 *reduction = furrow_journal_get_operation(reader, 1);
  EXPECT_EQ_STR(map->label, "m");
  EXPECT_EQ_STR(map->function, "furrow_map");
  EXPECT_EQ(map->finished, 3u);
  EXPECT_EQ(map->bytes, 24u);
  EXPECT_EQ_STR(reduction->function, "furrow_map_reduce");
  EXPECT_EQ(reduction->finished, 2 * 7 + 6); /* two whole leaves, and the last one */
  EXPECT_EQ(reduction->records, 2u);
  EXPECT_TRUE(furrow_journal_get_operation(reader, 2) == NULL && furrow_journal_get_run(reader, 1) == NULL);
  furrow_journal_close(&reader);
  EXPECT_TRUE(reader == NULL);
  scene_close(&s);
  scene_end(&s);
}

TEST(journal_file, tells_the_reader_what_is_wrong) {
  scene s = scene_make();
  furrow_journal *reader;
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  scene_close(&s);
  ASSERT_EQ(truncate(s.path, (off_t)scene_size(&s) - 1), 0);
  EXPECT_EQ(furrow_journal_open(s.path, &reader), FURROW_OK);
  EXPECT_EQ((int)furrow_journal_get_summary(reader)->state, FURROW_JOURNAL_TORN);
  furrow_journal_close(&reader);
  EXPECT_EQ(furrow_journal_open(s.folder, &reader), FURROW_E_IO);
  EXPECT_EQ((int)furrow_journal_get_summary(reader)->state, FURROW_JOURNAL_FOREIGN);
  furrow_journal_close(&reader);
  scene_end(&s);
  EXPECT_EQ(furrow_journal_open(s.path, &reader), FURROW_E_IO);
  EXPECT_EQ((int)furrow_journal_get_summary(reader)->state, FURROW_JOURNAL_UNREADABLE);
  EXPECT_CONTAINS(furrow_journal_get_summary(reader)->reason, "No such file");
  furrow_journal_close(&reader);
  furrow_journal_close(&reader);
  furrow_journal_close(NULL);
  EXPECT_EQ(furrow_journal_open(NULL, &reader), FURROW_E_ARG);
  EXPECT_EQ(furrow_journal_open("x", NULL), FURROW_E_ARG);
  EXPECT_EQ((int)furrow_journal_get_summary(NULL)->state, FURROW_JOURNAL_UNREADABLE);
}
