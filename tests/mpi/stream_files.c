/* Large results stand in files: memory is bounded whatever they are, bytes come as they were written, and a disk that is full
 * fails the task, or the stream. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "mpi/common/journals.h"
#include "mpi/common/streams.h"

#define MIB ((size_t)1 << 20)

enum { KIB_BOUND = 100 << 10 };

/* A result of that size, written in pieces; the i-th item's. Tasks of `which` fail in their first attempt, half-way. */
typedef struct scene {
  uint64_t count;
  size_t size, piece;
  failing which;
  bool by_death, backwards; /* the first tasks end last */
  uint64_t end_after;
  /* seen on rank 0 */
  uint64_t given, taken, failed, kib;
} scene;

static uint64_t kib_of_anonymous_memory(void) {
  char line[128];
  unsigned long kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "RssAnon: %lu", &kib);
  if (file) fclose(file);
  return kib;
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  scene *s = state->data;
  *item = NULL;
  *size = 0;
  return s->given < s->count ? (s->given++, FURROW_STREAM_NEXT) : FURROW_STREAM_END;
}

/* Cheap to make and to check: words that tell item and place. */
static uint64_t word_of(uint64_t index, size_t at) {
  return index * 0x9e3779b97f4a7c15u + at;
}

static counter *most_kib; /* of all ranks, while tasks ran: beyond what a process had before */
static uint64_t kib_before;

static void note_memory(void) {
  uint64_t kib = kib_of_anonymous_memory();
  kib = kib > kib_before ? kib - kib_before : 0;
  for (uint64_t most = *most_kib; kib > most && !atomic_compare_exchange_weak(most_kib, &most, kib);) continue;
}

static int write_words(furrow_task *task, const void *item, size_t size) {
  const scene *s = task->user;
  uint64_t words[8192];
  (void)item;
  (void)size;
  bool bad = fails(s->which, task->index) && task->attempt == 0;
  if (s->backwards && task->index < 8) nap(0.3 - 0.03 * (double)task->index);
  for (size_t at = 0; at < s->size;) {
    size_t now = s->size - at < s->piece ? s->size - at : s->piece;
    for (size_t k = 0; k < now / 8; k++) words[k] = word_of(task->index, at + 8 * k);
    if (furrow_task_write(task, words, now) != 0) return 1;
    at += now;
    if (bad && at > s->size / 2 && s->by_death) raise(SIGKILL);
    if (bad && at > s->size / 2) return furrow_fail(task, "rotten");
  }
  note_memory();
  return 0;
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  scene *s = state->data;
  const uint64_t *words = result;
  note_memory();
  s->taken++;
  if (state->failure) {
    s->failed++;
    return FURROW_STREAM_NEXT;
  }
  if (size != s->size) return furrow_stream_fail(state, "a result of a wrong size");
  if ((uintptr_t)result % 16 != 0) return furrow_stream_fail(state, "a result that is not aligned");
  for (size_t k = 0; k < size / 8; k++)
    if (words[k] != word_of(state->index, 8 * k)) return furrow_stream_fail(state, "a wrong word, the %d", (int)k);
  note_memory();
  return s->taken == s->end_after ? FURROW_STREAM_END : FURROW_STREAM_NEXT;
}

static furrow_status run_on(furrow_pool *pool, scene *s, furrow_options options) {
  return furrow_stream(pool, write_words, s, give, take, s, &options);
}

static furrow_status run(scene *s, furrow_options options) {
  return run_on(test_pool(), s, options);
}

static furrow_options with(bool unordered, bool isolated) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  options.isolate = isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
  return options;
}

/* ---- memory ---- */

/* All results, on both sides. */
static bool has_room(const scene *s) {
  struct statfs status;
  const char *named = getenv("TMPDIR");
  uint64_t wanted = 2 * s->count * s->size;
  bool room = statfs(named ? named : "/tmp", &status) == 0 && status.f_bavail * (uint64_t)status.f_bsize > wanted;
  return sum_over_ranks(room) == (uint64_t)test_size();
}

static void expect_bounded(scene s, furrow_options options) {
  if (!has_room(&s)) TEST_SKIP("not enough room on the disk");
  most_kib = counters_make(1);
  kib_before = kib_of_anonymous_memory();
  EXPECT_OK(run(&s, options));
  if (is_root()) EXPECT_EQ(s.taken, s.count);
  meet_asleep();
  if (slowness() == 1) EXPECT_LT(*most_kib, KIB_BOUND);
  counters_free(most_kib, 1);
}

TEST_TIMEOUT(stream_files, hold_a_gigabyte_of_one_task, 240) {
  expect_bounded((scene){.count = 1, .size = (size_t)1 << 30, .piece = 65536}, with(false, false));
}

TEST_TIMEOUT(stream_files, hold_a_gigabyte_of_a_child, 240) {
  expect_bounded((scene){.count = 1, .size = (size_t)1 << 30, .piece = 65536}, with(false, true));
}

/* Until the first have come, nobody knows how large results are: all are handed out at once, and those behind the first wait. */
TEST_TIMEOUT(stream_files, hold_many_that_are_out_of_order, 240) {
  expect_bounded((scene){.count = 24, .size = 50 * MIB, .piece = 65536, .backwards = true}, with(false, false));
}

/* ---- bytes ---- */

static void expect_words(scene s, furrow_options options) {
  TEST_PHASE("%d results of %d bytes in pieces of %d, isolation %d, %d threads", (int)s.count, (int)s.size,
             (int)s.piece, (int)options.isolate, options.threads);
  most_kib = counters_make(1);
  kib_before = kib_of_anonymous_memory();
  EXPECT_OK(run(&s, options));
  if (is_root()) EXPECT_EQ(s.taken, s.count);
  counters_free(most_kib, 1);
}

TEST_TIMEOUT(stream_files, give_back_what_was_written, 120) {
  static const size_t lengths[] = {4 * MIB - 8, 4 * MIB, 4 * MIB + 8, 9 * MIB + 1048};
  static const size_t pieces[] = {8, 1000, 65536};
  for (int isolated = 0; isolated < 2; isolated++)
    for (int i = 0; i < 4; i++)
      for (int p = i == 2 ? 0 : 1; p < 3; p++) {
        furrow_options options = with(i % 2, isolated);
        options.threads = 1 + i % 2;
        expect_words((scene){.count = 7, .size = lengths[i], .piece = pieces[p]}, options);
      }
}

/* A window so small that nothing fits. */
TEST(stream_files, hold_what_a_window_does_not) {
  furrow_options options = with(false, false);
  options.window_bytes = 1;
  expect_words((scene){.count = 100, .size = 160000, .piece = 16384}, options);
  expect_words((scene){.count = 20, .size = 5 * MIB, .piece = 16384}, options);
}

static int write_at_once(furrow_task *task, const void *item, size_t size) {
  const scene *s = task->user;
  uint64_t *words = malloc(s->size);
  (void)item;
  (void)size;
  if (!words) return furrow_fail(task, "no memory");
  for (size_t k = 0; k < s->size / 8; k++) words[k] = word_of(task->index, 8 * k);
  int code = furrow_task_write(task, words, 16) || furrow_task_write(task, words + 2, s->size - 16);
  free(words);
  return code;
}

TEST(stream_files, take_much_at_once) {
  most_kib = counters_make(1);
  for (int isolated = 0; isolated < 2; isolated++) {
    scene s = {.count = 5, .size = 17 * MIB};
    furrow_options options = with(false, isolated);
    EXPECT_OK(furrow_stream(test_pool(), write_at_once, &s, give, take, &s, &options));
    if (is_root()) EXPECT_EQ(s.taken, 5);
  }
  counters_free(most_kib, 1);
}

TEST_TIMEOUT(stream_files, are_written_again_by_a_retry, 120) {
  for (int way = 0; way < 3; way++) {
    scene s = {.count = 12, .size = 6 * MIB, .piece = 65536, .which = {1, 2, 100}, .by_death = way == 2};
    furrow_options options = with(way == 1, way > 0);
    options.retries = 1;
    expect_words(s, options);
  }
}

TEST_TIMEOUT(stream_files, of_failed_tasks_are_dropped, 120) {
  for (int way = 0; way < 3; way++) {
    scene s = {.count = 12, .size = 6 * MIB, .piece = 65536, .which = {1, 2, 100}, .by_death = way == 2};
    furrow_options options = with(way == 1, way > 0);
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    most_kib = counters_make(1);
    EXPECT_STATUS(FURROW_E_TASK, run(&s, options));
    if (is_root()) EXPECT_EQ(s.taken, 12);
    if (is_root()) EXPECT_EQ(s.failed, 6);
    counters_free(most_kib, 1);
  }
}

TEST(stream_files, end_with_the_sink) {
  scene s = {.count = 1000, .size = 8 * MIB, .piece = 65536, .end_after = 3};
  most_kib = counters_make(1);
  EXPECT_OK(run(&s, with(true, false)));
  if (is_root()) EXPECT_EQ(s.taken, 3);
  counters_free(most_kib, 1);
  expect_works(test_pool());
}

TEST_TIMEOUT(stream_files, go_on_from_a_journal, 120) {
  folder path;
  char file[96];
  folder_make(path);
  snprintf(file, sizeof file, "%s/large", path);
  most_kib = counters_make(1);
  for (int round = 0; round < 2; round++) {
    furrow_pool *pool = make_pool(NULL);
    scene s = {.count = 8, .size = 6 * MIB, .piece = 65536};
    furrow_options options = with(false, false);
    options.journal = file;
    options.window_bytes = 1;
    EXPECT_OK_ON(pool, run_on(pool, &s, options));
    if (is_root()) EXPECT_EQ(s.taken, 8);
    furrow_pool_destroy(&pool);
  }
  counters_free(most_kib, 1);
  folder_remove(path);
}

/* ---- no room ---- */

static char *moved_from;

/* Another folder for temporary files, and back. */
static void move_temporary(const char *path) {
  const char *before = getenv("TMPDIR");
  moved_from = before ? strdup(before) : NULL;
  setenv("TMPDIR", path, 1);
}

static void restore_temporary(void) {
  if (moved_from)
    setenv("TMPDIR", moved_from, 1);
  else
    unsetenv("TMPDIR");
  free(moved_from);
}

TEST(stream_files, fail_the_task_without_a_folder) {
  for (int isolated = 0; isolated < 2; isolated++) {
    scene s = {.count = 10, .size = 5 * MIB, .piece = 65536};
    most_kib = counters_make(1);
    move_temporary("/nowhere/at all");
    EXPECT_STATUS(FURROW_E_TASK, run(&s, with(false, isolated)));
    restore_temporary();
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "no room for a result of ");
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "/nowhere/at all: No such file or directory");
    expect_same_error(test_pool());
    expect_works(test_pool());
    counters_free(most_kib, 1);
  }
}

static int find_a_folder(void *user, int worker, void **local) {
  (void)user;
  (void)worker;
  *local = NULL;
  return setenv("TMPDIR", "/tmp", 1);
}

/* A child could open a file, but its rank would not know it. */
TEST(stream_files, of_a_child_are_its_ranks) {
  scene s = {.count = 10, .size = 5 * MIB, .piece = 65536};
  furrow_options options = with(false, true);
  options.worker_begin = find_a_folder;
  most_kib = counters_make(1);
  move_temporary("/nowhere/at all");
  EXPECT_STATUS(FURROW_E_TASK, run(&s, options));
  restore_temporary();
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "no room for a result of ");
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "there was no file for it");
  expect_same_error(test_pool());
  expect_works(test_pool());
  counters_free(most_kib, 1);
}

/* Tasks need none, but what waits for the sink does. */
TEST(stream_files, fail_the_stream_if_rank_0_has_no_folder) {
  furrow_pool *pool = make_pool(NULL);
  scene s = {.count = 100, .size = 3 * MIB, .piece = 65536};
  furrow_options options = with(false, false);
  options.window_bytes = 1;
  most_kib = counters_make(1);
  move_temporary("/nowhere/at all");
  EXPECT_STATUS_ON(pool, FURROW_E_IO, run_on(pool, &s, options));
  restore_temporary();
  EXPECT_EQ(furrow_pool_error(pool)->rank, 0);
  EXPECT_CONTAINS(furrow_pool_error(pool)->message, "/nowhere/at all: No such file or directory");
  expect_same_error(pool);
  expect_works(pool);
  furrow_pool_destroy(&pool);
  counters_free(most_kib, 1);
}

/* A file system of 20 MiB on each host: its first rank to come mounts it. Collective; whether this rank did. */
static bool mount_small(const folder path) {
  bool mounted = false;
  for (int r = 0; r < test_size(); r++) {
    struct statfs status;
    bool mine = r == test_rank() && statfs(path, &status) == 0 && status.f_blocks * (uint64_t)status.f_bsize > 20 * MIB;
    if (mine) mounted = mount("none", path, "tmpfs", 0, "size=20m") == 0;
    meet_asleep();
  }
  return mounted;
}

TEST(stream_files, fail_the_task_when_the_disk_is_full) {
  folder path;
  folder_make(path);
  bool mounted = mount_small(path);
  if (sum_over_ranks(mounted) < (uint64_t)place_in(test_comm()).nodes) {
    if (mounted) umount(path);
    folder_remove(path);
    TEST_SKIP("may not mount a file system");
  }
  for (int isolated = 0; isolated < 2; isolated++) {
    scene s = {.count = 20, .size = 30 * MIB, .piece = 65536, .which = NONE};
    furrow_options options = with(false, isolated);
    options.on_error = FURROW_ON_ERROR_CONTINUE;
    options.threads = 2;
    most_kib = counters_make(1);
    move_temporary(path);
    EXPECT_STATUS(FURROW_E_TASK, run(&s, options));
    restore_temporary();
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "No space left on device");
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, path);
    if (is_root()) EXPECT_EQ(s.taken, 20);
    if (is_root()) EXPECT_EQ(s.failed, 20);
    expect_works(test_pool());
    counters_free(most_kib, 1);
  }
  meet_asleep();
  if (mounted) umount(path);
  meet_asleep();
  folder_remove(path);
}
