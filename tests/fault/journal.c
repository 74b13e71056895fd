/* Every call that a journal makes of the system fails once: what was written before stays whole, and the error says
 * why.
 * ranks: 1 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "furrow/journal.h"
#include "journal/journal.h"
#include "shim/test.h"
#include "shim/wrap.h"

static const furrow__journal_key MAP = {.kind = FURROW__JOURNAL_MAP, .count = 1000, .result_size = 8};
static const furrow__journal_key REDUCTION = {
    .kind = FURROW__JOURNAL_REDUCE, .number = 1, .count = 1000, .result_size = 8, .leaf = 10};

typedef struct scene {
  char path[200], message[FURROW_MESSAGE_SIZE];
  furrow__journal *journal;
} scene;

static scene scene_make(void) {
  scene s = {.journal = NULL};
  const char *parent = getenv("TMPDIR");
  snprintf(s.path, sizeof s.path, "%s/furrow-journal-XXXXXX", parent ? parent : P_tmpdir);
  int fd = mkstemp(s.path);
  if (fd < 0) TEST_FAIL("no file %s: %s", s.path, strerror(errno));
  close(fd);
  return s;
}

static uint64_t size_of(const scene *s) {
  struct stat about = {.st_size = 0};
  stat(s->path, &about);
  return (uint64_t)about.st_size;
}

static furrow_status append(scene *s, uint64_t task) {
  return furrow__journal_append_results(s->journal, task, 1, &task);
}

/* Two operations, and five results of each. */
static void write_some(scene *s) {
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s->path, &s->journal, s->message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s->journal, &MAP, s->message));
  for (uint64_t task = 0; task < 10; task += 2) ASSERT_STATUS(FURROW_OK, append(s, task));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s->journal, &REDUCTION, s->message));
  for (uint64_t leaf = 0; leaf < 10; leaf += 2)
    ASSERT_STATUS(FURROW_OK, furrow__journal_append_node(s->journal, leaf, 0, &leaf));
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s->journal, s->message));
}

/* As a run that goes on does. */
static furrow_status go_on(scene *s) {
  uint64_t results[1000] = {0};
  furrow_status status = furrow__journal_open(s->path, &s->journal, s->message);
  if (status == FURROW_OK) status = furrow__journal_begin(s->journal, &MAP, s->message);
  if (status == FURROW_OK) status = furrow__journal_load_results(s->journal, results, s->message);
  if (status == FURROW_OK) EXPECT_EQ(results[8], 8u);
  if (status == FURROW_OK) furrow__journal_end(s->journal);
  if (status == FURROW_OK) status = furrow__journal_begin(s->journal, &REDUCTION, s->message);
  const furrow__journal_entry *nodes;
  uint64_t count = status == FURROW_OK ? furrow__journal_nodes(s->journal, &nodes) : 0;
  if (status == FURROW_OK) EXPECT_EQ(count, 5u);
  for (uint64_t i = 0; i < count && status == FURROW_OK; i++)
    status = furrow__journal_load_node(s->journal, &nodes[i], results, s->message);
  char unused[FURROW_MESSAGE_SIZE];
  (void)furrow__journal_close(&s->journal, unused);
  return status;
}

static furrow_status read_it(scene *s) {
  furrow_journal *reader;
  furrow_status status = furrow_journal_open(s->path, &reader);
  if (status == FURROW_OK) EXPECT_EQ(furrow_journal_get_operation(reader, 1)->finished, 50u);
  furrow_journal_close(&reader);
  return status;
}

/* Call after call fails, until none is left. */
static void fail_each(furrow_status (*work)(scene *s), wrap_symbol symbol, furrow_status wanted) {
  scene s = scene_make();
  write_some(&s);
  uint64_t size = size_of(&s), n = 1;
  for (bool failed = true; failed && n < 100 && !test_failed(); n++) {
    TEST_PHASE("call %d fails", (int)n);
    wrap_reset();
    wrap_fail_nth(symbol, n);
    furrow_status status = work(&s);
    failed = wrap_failures(symbol) > 0;
    wrap_reset();
    EXPECT_EQ(status, failed ? wanted : FURROW_OK);
    EXPECT_EQ(size_of(&s), size);
  }
  EXPECT_GT(n, 2u);
  EXPECT_STATUS(FURROW_OK, go_on(&s));
  unlink(s.path);
}

TEST(journal, memory_may_be_refused) {
  fail_each(go_on, wrap_malloc, FURROW_E_NOMEM);
  fail_each(go_on, wrap_calloc, FURROW_E_NOMEM);
  fail_each(go_on, wrap_realloc, FURROW_E_NOMEM);
  fail_each(read_it, wrap_malloc, FURROW_E_NOMEM);
  fail_each(read_it, wrap_calloc, FURROW_E_NOMEM);
  fail_each(read_it, wrap_realloc, FURROW_E_NOMEM);
}

TEST(journal, threads_may_be_refused) {
  fail_each(go_on, wrap_pthread_create, FURROW_E_NOMEM);
}

TEST(journal, reading_may_fail) {
  fail_each(go_on, wrap_pread, FURROW_E_IO);
  fail_each(read_it, wrap_pread, FURROW_E_IO);
  fail_each(read_it, wrap_open, FURROW_E_IO);
}

/* ---- writing ---- */

static void expect_finished(scene *s, uint64_t wanted) {
  const furrow__span *spans;
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s->path, &s->journal, s->message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s->journal, &MAP, s->message));
  uint64_t count = furrow__journal_finished(s->journal, &spans);
  EXPECT_EQ(count, wanted > 0);
  if (count) EXPECT_EQ(spans[0].end, wanted);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s->journal, s->message));
}

/* Tasks one by one, each brought to the disk; the nth write fails. */
static void fail_write(scene *s, uint64_t n, uint64_t *kept) {
  *kept = 0;
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s->path, &s->journal, s->message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s->journal, &MAP, s->message));
  wrap_reset();
  wrap_fail_nth(wrap_pwrite, n);
  for (uint64_t task = 0; task < 5; task++) {
    (void)append(s, task);
    if (furrow__journal_flush(s->journal) == FURROW_OK) (*kept)++;
  }
  bool failed = wrap_failures(wrap_pwrite) > 0;
  uint64_t calls = wrap_calls(wrap_pwrite);
  wrap_reset();
  EXPECT_TRUE(failed);
  EXPECT_EQ(calls, n); /* nothing is written behind it */
  EXPECT_EQ(furrow__journal_status(s->journal), FURROW_E_IO);
  EXPECT_CONTAINS(furrow__journal_message(s->journal), "writing failed: No space left on device");
  EXPECT_EQ(furrow__journal_close(&s->journal, s->message), FURROW_E_IO);
  EXPECT_CONTAINS(s->message, "No space left on device");
}

TEST(journal, a_write_may_fail) {
  for (uint64_t n = 1; n <= 4 && !test_failed(); n++) {
    scene s = scene_make();
    uint64_t kept;
    fail_write(&s, n, &kept);
    EXPECT_LE(kept, n);
    expect_finished(&s, kept);
    unlink(s.path);
  }
}

/* The first error stays, and what can't be cut is cut by the next run. */
TEST(journal, cutting_may_fail_too) {
  scene s = scene_make();
  static const char large[4 << 20];
  furrow__journal_key key = MAP;
  key.result_size = sizeof large;
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &key, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_append_results(s.journal, 0, 1, large));
  uint64_t before = size_of(&s);
  wrap_fail_nth(wrap_pwrite, 2); /* its head is written, its payload not */
  wrap_fail_from(wrap_ftruncate, 1);
  EXPECT_EQ(furrow__journal_append_results(s.journal, 1, 1, large), FURROW_E_IO);
  EXPECT_EQ(wrap_failures(wrap_ftruncate), 1u);
  wrap_reset();
  EXPECT_CONTAINS(furrow__journal_message(s.journal), "No space left on device");
  EXPECT_EQ(furrow__journal_close(&s.journal, s.message), FURROW_E_IO);
  EXPECT_EQ(size_of(&s), before + FURROW__RECORD_HEAD);
  wrap_fail_from(wrap_ftruncate, 1);
  EXPECT_EQ(furrow__journal_open(s.path, &s.journal, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "cutting its torn tail failed: Input/output error");
  wrap_reset();
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  EXPECT_EQ(size_of(&s), before);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  unlink(s.path);
}

TEST(journal, syncing_may_fail) {
  scene s = scene_make();
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &MAP, s.message));
  ASSERT_STATUS(FURROW_OK, append(&s, 0));
  wrap_fail_nth(wrap_fdatasync, 1);
  EXPECT_EQ(furrow__journal_flush(s.journal), FURROW_E_IO);
  EXPECT_EQ(furrow__journal_flush(s.journal), FURROW_E_IO); /* a second try proves nothing */
  EXPECT_EQ(furrow__journal_status(s.journal), FURROW_E_IO);
  EXPECT_EQ(append(&s, 1), FURROW_E_IO);
  wrap_reset();
  EXPECT_EQ(furrow__journal_close(&s.journal, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "bringing it to the disk failed: Input/output error");
  expect_finished(&s, 1);
  unlink(s.path);
}

/* What is written to a file that nobody will find is lost, even if every write succeeds. */
static void expect_loss_is_told(void (*lose)(const char *path), const char *wanted) {
  scene s = scene_make();
  write_some(&s);
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &MAP, s.message));
  ASSERT_STATUS(FURROW_OK, append(&s, 100));
  ASSERT_STATUS(FURROW_OK, furrow__journal_flush(s.journal));
  lose(s.path);
  (void)append(&s, 101);
  EXPECT_EQ(furrow__journal_flush(s.journal), FURROW_E_IO);
  EXPECT_CONTAINS(furrow__journal_message(s.journal), wanted);
  EXPECT_EQ(furrow__journal_close(&s.journal, s.message), FURROW_E_IO);
  unlink(s.path);
}

static void delete (const char *path) {
  unlink(path);
}

static void replace(const char *path) {
  char other[220];
  snprintf(other, sizeof other, "%s-other", path);
  fclose(fopen(other, "w"));
  rename(other, path);
}

TEST(journal, may_be_deleted_or_replaced) {
  expect_loss_is_told(delete, "it was deleted or replaced while it was open");
  expect_loss_is_told(replace, "it was deleted or replaced while it was open");
}

/* In its own time, while nobody asks for it. */
TEST(journal, is_synced_after_a_while) {
  scene s = scene_make();
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &MAP, s.message));
  wrap_reset();
  for (int i = 0; i < 300 && wrap_calls(wrap_fdatasync) == 0; i++) usleep(100000);
  EXPECT_EQ(wrap_calls(wrap_fdatasync), 1u);
  EXPECT_LE(wrap_calls(wrap_pwrite), 1u);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  EXPECT_EQ(wrap_calls(wrap_fdatasync), 1u); /* all of it was there */
  unlink(s.path);
}

/* ---- a slow disk ---- */

enum { PIECE = 100000, PIECES = 200 };

typedef struct giver {
  scene *scene;
  _Atomic uint64_t given;
} giver;

static void *give(void *argument) {
  static const unsigned char zeros[PIECE];
  giver *it = argument;
  for (; it->given < PIECES; it->given++)
    if (furrow__journal_append_results(it->scene->journal, it->given, 1, zeros) != FURROW_OK)
      TEST_FAIL("append failed");
  return NULL;
}

/* Nothing is written for a while: 8 MiB wait in memory, and who has more waits too. */
TEST(journal, waits_for_a_slow_disk) {
  scene s = scene_make();
  furrow__journal_key key = MAP;
  key.result_size = PIECE;
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &key, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_flush(s.journal));
  wrap_hold(wrap_pwrite, true);
  giver one = {.scene = &s};
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, NULL, give, &one), 0);
  uint64_t before;
  int tries = 0;
  do { /* until it is stuck; on a busy machine it may only pause */
    before = one.given;
    usleep(300000);
  } while (one.given != before || (before * PIECE <= 7u << 20 && tries++ < 60));
  EXPECT_LE(before * PIECE, 8u << 20);
  EXPECT_GT(before * PIECE, 7u << 20);
  wrap_hold(wrap_pwrite, false);
  pthread_join(thread, NULL);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &key, s.message));
  const furrow__span *spans;
  ASSERT_EQ(furrow__journal_finished(s.journal, &spans), 1u);
  EXPECT_EQ(spans[0].end, PIECES);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  unlink(s.path);
}

/* While the disk is brought up to date, nobody waits for it. */
TEST(journal, does_not_wait_for_a_sync) {
  scene s = scene_make();
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  ASSERT_STATUS(FURROW_OK, furrow__journal_begin(s.journal, &MAP, s.message));
  wrap_hold(wrap_fdatasync, true);
  for (uint64_t i = 0; i < 60; i++) { /* for 6 s: a sync has begun */
    ASSERT_STATUS(FURROW_OK, append(&s, i));
    usleep(100000);
  }
  uint64_t before = size_of(&s);
  ASSERT_STATUS(FURROW_OK, append(&s, 60));
  for (int i = 0; i < 200 && size_of(&s) == before; i++) usleep(100000);
  EXPECT_GT(size_of(&s), before);
  wrap_hold(wrap_fdatasync, false);
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  expect_finished(&s, 61);
  unlink(s.path);
}

/* ---- locks ---- */

TEST(journal, does_with_other_locks_or_refuses) {
  scene s = scene_make();
  furrow__journal *second = NULL;
  wrap_fail_from(wrap_flock, 1);
  ASSERT_STATUS(FURROW_OK, furrow__journal_open(s.path, &s.journal, s.message));
  EXPECT_EQ(furrow__journal_open(s.path, &second, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it is in use by another run");
  ASSERT_STATUS(FURROW_OK, furrow__journal_close(&s.journal, s.message));
  wrap_fail_from(wrap_fcntl, 1);
  EXPECT_EQ(furrow__journal_open(s.path, &s.journal, s.message), FURROW_E_IO);
  EXPECT_CONTAINS(s.message, "it can't be locked, so another run could write to it too: No locks available");
  wrap_reset();
  unlink(s.path);
}
