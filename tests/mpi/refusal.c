/* Journals that a run may not go on from, and files that can't be written: every rank is told, and nothing is lost. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "mpi/common/journals.h"

static const shape USUAL = {.count = 200, .size = 16, .item_size = 8, .leaf = 10};

typedef struct bytes {
  unsigned char *at;
  off_t size;
} bytes;

static bytes read_file(const char *path) {
  bytes all = {NULL, file_size(path)};
  FILE *file = fopen(path, "r");
  if (all.size < 0 || !file) return all;
  all.at = malloc((size_t)all.size + 1);
  EXPECT_EQ(fread(all.at, 1, (size_t)all.size, file), all.size);
  fclose(file);
  return all;
}

/* ---- another program ---- */

typedef void change(trial *t);

static void change_count(trial *t) {
  t->shape.count--;
}

static void change_size(trial *t) {
  t->shape.size -= 8;
}

static void change_item_size(trial *t) {
  t->shape.item_size -= 4;
}

static void change_items(trial *t) {
  if (t->items) t->items[USUAL.count * USUAL.item_size - 1] ^= 1;
}

static void change_seed(trial *t) {
  t->options.seed = 4711;
}

static void change_series(trial *t) {
  t->options.series = 4711;
}

static void change_label(trial *t) {
  t->options.label = "another";
}

static const struct {
  change *how;
  const char *word;
} CHANGES[] = {{change_count, "tasks"}, {change_size, "bytes"},    {change_item_size, "bytes"}, {change_items, "items"},
               {change_seed, "seed"},   {change_series, "series"}, {change_label, "label"}};
enum { CHANGE_COUNT = sizeof CHANGES / sizeof *CHANGES };

static void expect_refused(furrow_status wanted, trial *t, int operations, const char *word) {
  bytes before = {0}, after = {0};
  TEST_PHASE("refused because of %s", word);
  meet_asleep();
  if (is_root()) before = read_file(t->path);
  trial_forget(t);
  EXPECT_STATUS(wanted, trial_run(t, test_comm(), operations));
  EXPECT_CONTAINS(t->message, word);
  expect_ran_nothing(t);
  EXPECT_EQ(*t->merged, 0);
  if (is_root()) after = read_file(t->path);
  EXPECT_EQ(before.size, after.size);
  if (before.at && after.at && before.size == after.size) EXPECT_BYTES_EQ(before.at, after.at, (size_t)before.size);
  free(before.at);
  free(after.at);
}

TEST(journal, of_another_program_is_refused) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, USUAL);
  t.options.label = "one";
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  for (int c = 0; c < CHANGE_COUNT; c++) {
    trial changed = t;
    CHANGES[c].how(&changed);
    expect_refused(FURROW_E_ARG, &changed, MAP, CHANGES[c].word);
    if (is_root()) changed.items[USUAL.count * USUAL.item_size - 1] = byte_of(USUAL.count - 1, USUAL.item_size - 1, 5);
  }
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS)); /* and nothing has been spoilt */
  expect_right_answers(&t);
  expect_ran_nothing(&t);
  trial_free(&t);
  folder_remove(path);
}

/* The leaf is part of a reduction's answer; the kind is the operation's name. */
TEST(journal, of_other_operations_is_refused) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, USUAL);
  EXPECT_OK(trial_run(&t, test_comm(), MAP_REDUCE));
  expect_refused(FURROW_E_ARG, &t, MAP, "furrow_map");
  expect_refused(FURROW_E_ARG, &t, REDUCE, "furrow_reduce");
  t.options.leaf = 11;
  expect_refused(FURROW_E_ARG, &t, MAP_REDUCE, "leaves");
  trial_free(&t);
  folder_remove(path);
}

/* How an operation runs is no part of the answer. */
TEST(journal, does_not_mind_how_an_operation_runs) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, USUAL);
  t.failed = (failing){100, 1, 1};
  EXPECT_STATUS(FURROW_E_TASK, trial_run(&t, test_comm(), MAP));
  t.failed = NONE;
  t.options.retries = 2;
  t.options.retry_delay = 0.5;
  t.options.chunk = 7;
  t.options.schedule = FURROW_SCHEDULE_STATIC;
  t.options.on_error = FURROW_ON_ERROR_CONTINUE;
  t.options.task_timeout = 20;
  t.options.tasks_per_child = 50;
  t.options.stop_grace = 1;
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

/* ---- files ---- */

static void expect_io_error(const char *path) {
  folder aside;
  folder_make(aside);
  trial t = trial_make(aside, USUAL);
  snprintf(t.path, sizeof t.path, "%s", path);
  EXPECT_STATUS(FURROW_E_IO, trial_run(&t, test_comm(), ALL_OPERATIONS));
  EXPECT_CONTAINS(t.message, path);
  expect_ran_nothing(&t);
  trial_free(&t);
  folder_remove(aside);
}

TEST(journal, that_can_not_be_written_is_an_error_on_every_rank) {
  expect_io_error("/proc/no-such-folder/journal");
  expect_io_error("/dev"); /* a folder */
  expect_io_error("/dev/full");
}

TEST(journal, may_come_from_the_environment) {
  folder path;
  char name[128];
  uint64_t results[10];
  folder_make(path);
  snprintf(name, sizeof name, "%s/journal", path);
  setenv("FURROW_JOURNAL", name, 1);
  furrow_pool *pool = make_pool(NULL);
  unsetenv("FURROW_JOURNAL");
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, 10, results, 8, NULL));
  furrow_pool_destroy(&pool);
  if (is_root()) EXPECT_GT(file_size(name), 80);
  folder_remove(path);
}

/* ---- one writer ---- */

typedef struct rival {
  const char *path;
  bool in_task;  /* a task may use MPI beside a progress thread */
  counter *told; /* the status that the rival got, plus 1 */
} rival;

/* A pool of one wants to write, too. Returns whether it was told of the path. */
static bool write_too(const rival *r) {
  furrow_pool *alone = NULL;
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t numbers[10];
  options.journal = r->path;
  furrow_status status = furrow_pool_create(MPI_COMM_SELF, NULL, &alone);
  if (status == FURROW_OK) status = furrow_map(alone, store_index, NULL, NULL, 0, 10, numbers, 8, &options);
  r->told[0] = (uint64_t)status + 1;
  bool names = strstr(furrow_pool_error(alone)->message, r->path) != NULL;
  furrow_pool_destroy(&alone);
  return names;
}

static int store_and_write_too(furrow_task *task, const void *item, void *result) {
  const rival *r = task->user;
  (void)item;
  *(uint64_t *)result = task->index;
  if (task->index > 0 || !r->in_task) return 0;
  return write_too(r) ? 0 : furrow_fail(task, "no word of the path");
}

/* In the midst of a task of another pool, or between two operations of it: it keeps its journal. */
TEST(journal, has_one_writer) {
  folder path;
  char name[128];
  uint64_t results[10] = {0};
  int level = MPI_THREAD_SINGLE;
  PMPI_Query_thread(&level);
  folder_make(path);
  snprintf(name, sizeof name, "%s/journal", path);
  rival r = {name, level == MPI_THREAD_MULTIPLE, counters_make(1)};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.journal = name;
  furrow_pool *pool = make_pool(NULL);
  EXPECT_OK_ON(pool, furrow_map(pool, store_and_write_too, &r, NULL, 0, 10, results, 8, &options));
  if (!r.in_task && is_root()) EXPECT_TRUE(write_too(&r));
  furrow_pool_destroy(&pool);
  meet_asleep();
  EXPECT_EQ(r.told[0], FURROW_E_IO + 1);
  for (uint64_t i = 0; is_root() && i < 10; i++) EXPECT_EQ(results[i], i);
  counters_free(r.told, 1);
  folder_remove(path);
}

/* ---- a full disk: a limit on the size of files does the same ---- */

TEST(journal, is_safe_when_the_disk_is_full) {
  enum { FULL = 24 << 20 };
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  struct rlimit limit, full;
  folder path;
  folder_make(path);
  trial t = trial_make(path, (shape){.count = 40, .size = 1 << 20, .chunk = 1});
  sigaction(SIGXFSZ, &ignore, &before);
  getrlimit(RLIMIT_FSIZE, &limit);
  full = limit;
  full.rlim_cur = FULL; /* the nodes' shared memory is below it */
  if (is_root()) setrlimit(RLIMIT_FSIZE, &full);
  setenv("FURROW_SHARED_MEMORY", "16M", 1);
  EXPECT_STATUS(FURROW_E_IO, trial_run(&t, test_comm(), MAP));
  EXPECT_CONTAINS(t.message, t.path);
  EXPECT_CONTAINS(t.message, strerror(EFBIG));
  setrlimit(RLIMIT_FSIZE, &limit);
  sigaction(SIGXFSZ, &before, NULL);
  unsetenv("FURROW_SHARED_MEMORY");
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  uint64_t ran = 0;
  for (uint64_t i = 0; i < t.shape.count; i++) ran += t.ran[i];
  EXPECT_LT(ran, t.shape.count); /* what was in the file when it was full, is */
  trial_free(&t);
  folder_remove(path);
}
