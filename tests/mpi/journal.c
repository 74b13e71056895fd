/* A journal: what a run has finished is not run again by the next one, and the bits are those of an undisturbed run. A run is here
 * a pool of its own with the same operations; whether it is killed, stopped, or done makes no difference to the file. */
#include <fcntl.h>
#include <sys/stat.h>

#include "mpi/common/journals.h"

/* ---- a finished journal ---- */

static void expect_finished_journal_runs_nothing(shape s) {
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  expect_ran_once(&t);
  for (int again = 0; again < 2; again++) {
    off_t size = file_size(t.path);
    trial_forget(&t);
    EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
    expect_right_answers(&t);
    expect_ran_nothing(&t);
    if (is_root()) EXPECT_LT(file_size(t.path) - size, 65536); /* that it ran may be noted */
  }
  trial_free(&t);
  folder_remove(path);
}

TEST(journal, answers_a_finished_program_without_running_anything) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, 2, ranks - 1, ranks + 1, 99, 100, 101, 2000};
  for (int c = 0; c < 9; c++) expect_finished_journal_runs_nothing((shape){.count = counts[c], .size = 8, .leaf = 10});
}

TEST(journal, holds_results_and_items_of_any_size) {
  static const size_t sizes[] = {0, 1, 24, 3000, 200001, 1 << 20, 5000000};
  for (int s = 0; s < 7; s++) {
    uint64_t count = sizes[s] > 100000 ? 9 : 500;
    expect_finished_journal_runs_nothing((shape){.count = count, .size = sizes[s], .item_size = 0});
    expect_finished_journal_runs_nothing((shape){.count = count, .size = 64, .item_size = sizes[s], .leaf = 3});
  }
}

TEST(journal, holds_many_tasks) {
  expect_finished_journal_runs_nothing((shape){.count = 100000, .size = 8, .item_size = 8});
}

/* Each comes in parts, between nodes in several parcels; the whole is kept when the last part is there. */
TEST(journal, holds_many_results_that_come_in_parts) {
  for (int i = 0; i < 3; i++) expect_finished_journal_runs_nothing((shape){.count = 250, .size = 200000});
}

TEST(journal, works_under_every_schedule_and_in_children) {
  for (int s = 0; s < SCHEDULE_COUNT; s++)
    for (uint64_t chunk = 0; chunk < 3; chunk++) {
      shape one = {
          .count = 300, .size = 8, .leaf = 7, .schedule = SCHEDULES[s], .chunk = chunk, .isolated = chunk == 2};
      expect_finished_journal_runs_nothing(one);
    }
}

/* ---- a run that did not come to its end ---- */

static void expect_resumes(shape s, failing failed) {
  folder path;
  folder_make(path);
  TEST_PHASE("%d tasks, results of %d bytes, isolated: %d", (int)s.count, (int)s.size, s.isolated);
  trial t = trial_make(path, s);
  uint8_t *finished = NULL;
  t.failed = failed;
  EXPECT_STATUS(FURROW_E_TASK, trial_run(&t, test_comm(), MAP));
  if (is_root()) {
    finished = malloc(s.count);
    memcpy(finished, t.done, s.count);
  }
  trial_forget(&t);
  t.failed = NONE;
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  for (uint64_t i = 0; finished && i < s.count; i++) EXPECT_EQ(t.ran[i], finished[i] ? 0 : 1);
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  expect_ran_nothing(&t);
  free(finished);
  trial_free(&t);
  folder_remove(path);
}

TEST(journal, goes_on_after_a_failure) {
  static const uint64_t counts[] = {1, 7, 400};
  static const size_t sizes[] = {0, 8, 150000};
  for (int c = 0; c < 3; c++)
    for (int z = 0; z < 3; z++)
      for (int i = 0; i < 2; i++) {
        shape s = {.count = counts[c], .size = sizes[z], .item_size = 16, .chunk = 1, .isolated = i == 1};
        expect_resumes(s, (failing){counts[c] / 2, 1, 1});
      }
}

TEST(journal, runs_only_the_failed_tasks_again) {
  static const failing which = {3, 10, 20};
  shape s = {.count = 500, .size = 8, .leaf = 25};
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  t.options.on_error = FURROW_ON_ERROR_CONTINUE;
  t.failed = which;
  EXPECT_STATUS(FURROW_E_TASK, trial_run(&t, test_comm(), MAP));
  trial_forget(&t);
  t.failed = NONE;
  EXPECT_OK(trial_run(&t, test_comm(), MAP));
  for (uint64_t i = 0; is_root() && i < s.count; i++) EXPECT_EQ(t.ran[i], fails(which, i));

  trial_forget(&t);
  t.failed = which;
  EXPECT_STATUS(FURROW_E_TASK, trial_run(&t, test_comm(), MAP | MAP_REDUCE));
  expect_answer(&t.answer, s.count, s.leaf, which);
  trial_forget(&t);
  t.failed = NONE;
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  for (uint64_t i = 0; is_root() && i < s.count; i++) /* its leaf is folded again, and no other */
    EXPECT_EQ(t.folded[i], i / s.leaf < 8 ? 1 : 0);
  trial_free(&t);
  folder_remove(path);
}

/* Half of the ranks, or only the first, go on. */
TEST(journal, goes_on_with_other_numbers_of_ranks) {
  for (int wanted = 1; wanted < 2 * test_size(); wanted *= 2) {
    int begin = wanted % test_size() + 1, ranks[2] = {begin, wanted < test_size() ? wanted : test_size()};
    shape s = {.count = 1000, .size = 8, .item_size = 8, .leaf = 3, .chunk = 1};
    uint64_t finished = 0;
    folder path;
    folder_make(path);
    trial t = trial_make(path, s);
    for (int run = 0; run < 2; run++) {
      MPI_Comm comm;
      bool member = test_rank() < ranks[run];
      PMPI_Comm_split(test_comm(), member ? 0 : MPI_UNDEFINED, test_rank(), &comm);
      t.failed = run == 0 ? (failing){s.count / 2, 1, 1} : NONE;
      if (member) EXPECT_STATUS(run == 0 ? FURROW_E_TASK : FURROW_OK, trial_run(&t, comm, ALL_OPERATIONS));
      if (member) PMPI_Comm_free(&comm);
      meet_asleep();
      for (uint64_t i = 0; is_root() && run == 0 && i < s.count; i++) finished += t.done[i];
      if (run == 0) trial_forget(&t);
    }
    expect_right_answers(&t);
    uint64_t ran = 0;
    for (uint64_t i = 0; i < s.count; i++) ran += t.ran[i];
    if (is_root()) EXPECT_EQ(ran, s.count - finished);
    trial_free(&t);
    folder_remove(path);
  }
}

TEST(journal, takes_a_program_that_has_grown) {
  shape s = {.count = 100, .size = 8};
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  EXPECT_OK(trial_run(&t, test_comm(), MAP));
  trial_forget(&t);
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  for (uint64_t i = 0; i < s.count; i++) EXPECT_EQ(t.ran[i], 0);
  trial_free(&t);
  folder_remove(path);
}

/* ---- a torn tail, and worse ---- */

TEST(journal, cuts_a_torn_tail) {
  static const off_t cuts[] = {1, 7, 8, 63, 500, 3000, 20000, 1000000};
  shape s = {.count = 3000, .size = 16, .item_size = 8, .leaf = 11};
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  for (int c = 0; c < 8; c++) {
    EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
    meet_asleep();
    off_t size = file_size(t.path);
    if (is_root()) EXPECT_EQ(truncate(t.path, cuts[c] < size ? size - cuts[c] : 0), 0);
    trial_forget(&t);
  }
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

static void write_file(const char *path, off_t at, const void *bytes, size_t size) {
  int file = open(path, O_RDWR | O_CREAT, 0600);
  EXPECT_EQ(pwrite(file, bytes, size, at), size);
  close(file);
}

TEST(journal, is_never_believed_where_it_is_damaged) {
  shape s = {.count = 2000, .size = 16, .leaf = 11};
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  for (int i = 1; i < 12; i++) {
    EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS));
    trial_forget(&t);
    meet_asleep();
    if (is_root()) write_file(t.path, file_size(t.path) * i / 12, "damaged!", 8);
    meet_asleep();
    furrow_status status = trial_run(&t, test_comm(), ALL_OPERATIONS);
    if (status == FURROW_OK) {
      expect_right_answers(&t);
    } else {
      EXPECT_STATUS(FURROW_E_IO, status);
    }
    meet_asleep();
    if (is_root()) unlink(t.path);
    trial_forget(&t);
    meet_asleep();
  }
  trial_free(&t);
  folder_remove(path);
}

TEST(journal, does_not_touch_a_file_that_is_none) {
  static const char letter[] = "Dear reader, this is no journal, and I would be sad to lose it.\n";
  char back[sizeof letter] = "";
  shape s = {.count = 100, .size = 8};
  folder path;
  folder_make(path);
  trial t = trial_make(path, s);
  if (is_root()) write_file(t.path, 0, letter, sizeof letter);
  EXPECT_STATUS(FURROW_E_IO, trial_run(&t, test_comm(), ALL_OPERATIONS));
  EXPECT_CONTAINS(t.message, t.path);
  expect_ran_nothing(&t);
  if (is_root()) {
    int file = open(t.path, O_RDONLY);
    EXPECT_EQ(read(file, back, sizeof back), sizeof letter);
    EXPECT_EQ(file_size(t.path), sizeof letter);
    EXPECT_EQ_STR(back, letter);
    close(file);
    EXPECT_EQ(truncate(t.path, 0), 0);
  }
  EXPECT_OK(trial_run(&t, test_comm(), ALL_OPERATIONS)); /* an empty file is a new journal */
  expect_right_answers(&t);
  trial_free(&t);
  folder_remove(path);
}

/* ---- what user points to ---- */

static int add_user(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index + *(const uint64_t *)task->user;
  return 0;
}

/* Rank 0's counts. */
static void expect_user(const char *path, uint64_t user, size_t size, const char *refusal) {
  furrow_pool *pool = make_pool(NULL);
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t results[30], words[2] = {user, 1};
  options.journal = path;
  options.label = "user"; /* the label does not stand for it */
  options.user_size = size;
  if (!is_root()) words[0] = options.user_size = 1;
  furrow_status wanted = refusal ? FURROW_E_ARG : FURROW_OK;
  EXPECT_STATUS_ON(pool, wanted, furrow_map(pool, add_user, words, NULL, 0, 30, results, sizeof *results, &options));
  if (refusal) EXPECT_CONTAINS(furrow_pool_error(pool)->message, refusal);
  if (!refusal && is_root() && user == 100) EXPECT_GE(results[29], 30); /* all are there */
  furrow_pool_destroy(&pool);
}

TEST(journal, knows_what_user_points_to_where_its_size_is_known) {
  folder path;
  char file[100];
  folder_make(path);
  snprintf(file, sizeof file, "%s/journal", path);
  expect_user(file, 100, 8, NULL);
  expect_user(file, 100, 8, NULL);
  expect_user(file, 101, 8, "what its user points to differs");
  expect_user(file, 100, 16, "had user_size 8 there, this one has 16");
  expect_user(file, 100, 0, "had user_size 8 there, this one has 0");
  expect_user(file, 100, 8, NULL);
  meet_asleep();
  if (is_root()) unlink(file);
  meet_asleep();
  expect_user(file, 100, 0, NULL);
  expect_user(file, 101, 0, NULL); /* nobody can know */
  expect_user(file, 100, 8, "had user_size 0 there, this one has 8");
  folder_remove(path);
}
