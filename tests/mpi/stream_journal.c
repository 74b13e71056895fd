/* Streams with a journal: what the sink has had in one run is not run again in the next, which gives it all the same. A run is
 * here a pool of its own; whether it was stopped, failed or done makes no difference to the file. */
#include "mpi/common/voyages.h"

static const sizes NOTHING = {0, false}, WORD = {8, false};

/* ---- a finished journal ---- */

static void expect_finished_journal_runs_nothing(uint64_t count, sizes items, sizes results, furrow_options options) {
  TEST_PHASE("%d items of %d bytes, results of %d, window %d, unordered: %d", (int)count, (int)items.most,
             (int)results.most, (int)options.window, options.unordered);
  voyage v = voyage_make(count, items, results);
  v.options = options;
  for (int run = 0; run < 2; run++) {
    off_t size = file_size(v.journal);
    EXPECT_OK(sail(&v));
    expect_had_all(&v.last, count);
    expect_each_ran_once(&v);
    if (run > 0 && is_root()) EXPECT_LT(file_size(v.journal) - size, 65536); /* that it ran may be noted */
    meet_asleep();
    v.options.unordered = !v.options.unordered;
  }
  voyage_free(&v);
}

static furrow_options streaming(bool unordered, uint64_t window, size_t window_bytes) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  options.window = window;
  options.window_bytes = window_bytes;
  return options;
}

TEST(stream_journal, answers_a_finished_stream_without_running_anything) {
  const uint64_t ranks = (uint64_t)test_size(), counts[] = {0, 1, ranks + 1, 3000};
  for (int c = 0; c < 4; c++)
    for (int unordered = 0; unordered < 2; unordered++)
      expect_finished_journal_runs_nothing(counts[c], WORD, WORD, streaming(unordered, 0, 0));
  expect_finished_journal_runs_nothing(500, WORD, WORD, streaming(false, 3, 0));
  expect_finished_journal_runs_nothing(500, WORD, WORD, streaming(true, 3, 100));
}

TEST(stream_journal, holds_items_and_results_of_any_size) {
  const sizes mixed = {100000, true};
  expect_finished_journal_runs_nothing(500, NOTHING, NOTHING, streaming(false, 0, 0));
  expect_finished_journal_runs_nothing(300, mixed, NOTHING, streaming(false, 0, 0));
  expect_finished_journal_runs_nothing(300, NOTHING, mixed, streaming(true, 0, 0));
  expect_finished_journal_runs_nothing(300, mixed, mixed, streaming(false, 0, 1 << 20));
  expect_finished_journal_runs_nothing(40, (sizes){1 << 20, true}, (sizes){1 << 20, true}, streaming(true, 0, 4096));
  expect_finished_journal_runs_nothing(3, (sizes){70000001, false}, WORD, streaming(false, 0, 0));
  expect_finished_journal_runs_nothing(3, WORD, (sizes){20000003, false}, streaming(false, 0, 0));
}

TEST(stream_journal, holds_many_items) {
  expect_finished_journal_runs_nothing(100000, WORD, WORD, streaming(false, 0, 0));
  expect_finished_journal_runs_nothing(100000, NOTHING, NOTHING, streaming(true, 0, 0));
}

/* ---- a run that did not come to its end ---- */

TEST(stream_journal, goes_on_after_the_sink_has_ended) {
  static const uint64_t ends[] = {1, 40, 999};
  for (int e = 0; e < 3; e++)
    for (int unordered = 0; unordered < 2; unordered++) {
      TEST_PHASE("after %d results, unordered: %d", (int)ends[e], unordered);
      voyage v = voyage_make(1000, WORD, (sizes){300, true});
      v.options.unordered = unordered;
      v.plan.end_after = ends[e];
      EXPECT_OK(sail(&v));
      if (is_root()) EXPECT_EQ(v.last.taken, ends[e]);
      v.plan.end_after = 0;
      expect_goes_on(&v);
      voyage_free(&v);
    }
}

TEST(stream_journal, goes_on_after_a_failure_of_any_of_the_three) {
  for (int who = 0; who < 3; who++)
    for (int isolated = 0; isolated < 2; isolated++) {
      TEST_PHASE("of %s, isolated: %d", who == 0 ? "a task" : who == 1 ? "the source" : "the sink", isolated);
      voyage v = voyage_make(1000, WORD, WORD);
      flow plan = v.plan;
      if (isolated) v.options.isolate = FURROW_ISOLATE_ON;
      if (who == 0) v.plan.which = (failing){500, 1, 1}, v.plan.until = 1;
      if (who == 1) v.plan.give_fails = 500;
      if (who == 2) v.plan.take_fails = 500;
      EXPECT_STATUS(who == 0 ? FURROW_E_TASK : FURROW_E_IO, sail(&v));
      v.plan = plan;
      expect_goes_on(&v);
      voyage_free(&v);
    }
}

/* The same stream, and then some more. */
TEST(stream_journal, goes_on_after_the_source_ended_early) {
  voyage v = voyage_make(700, WORD, (sizes){5000, true});
  const uint64_t counts[] = {1, 2, 100, 100, 699, 300, 700};
  for (int run = 0; run < 7; run++) {
    v.plan.count = counts[run];
    EXPECT_OK(sail(&v));
    expect_had_all(&v.last, counts[run]);
    expect_each_ran_once(&v);
  }
  voyage_free(&v);
}

TEST(stream_journal, runs_only_the_failed_items_again) {
  for (int retries = 0; retries < 2; retries++) {
    voyage v = voyage_make(600, WORD, WORD);
    v.options.on_error = FURROW_ON_ERROR_CONTINUE;
    v.options.retries = (uint32_t)retries;
    v.plan.which = (failing){3, 10, 20};
    v.plan.until = UINT32_MAX;
    EXPECT_STATUS(FURROW_E_TASK, sail(&v));
    if (is_root()) EXPECT_EQ(v.last.failed, 20);
    v.plan.which = NONE;
    EXPECT_OK(sail(&v));
    expect_had_all(&v.last, 600);
    for (uint64_t i = 0; i < 600; i++)
      EXPECT_EQ(v.plan.ran[i], fails((failing){3, 10, 20}, i) ? 2 + (uint64_t)retries : 1);
    voyage_free(&v);
  }
}

/* ---- under other circumstances ---- */

static void be_uneven(furrow_task *task, const flow *f) {
  (void)f;
  nap((double)(task->index * 0x9e3779b97f4a7c15u >> 60) * 1e-4);
}

/* Options of a run, which all give the same. */
static furrow_options varied(int run) {
  furrow_options options = streaming(run % 2 == 1, run % 3 == 1 ? 7 : 0, run % 3 == 2 ? 2000 : 0);
  options.chunk = (uint64_t)(run % 4);
  options.threads = 1 + run % 3;
  options.isolate = run % 4 == 3 ? FURROW_ISOLATE_ON : FURROW_ISOLATE_AUTO;
  options.retries = (uint32_t)(run % 2);
  return options;
}

/* Each run ends somewhere, with one of several causes, and the next one looks different. */
TEST(stream_journal, goes_on_with_other_ranks_threads_windows_and_orders) {
  enum { COUNT = 900, RUNS = 9 };
  voyage v = voyage_make(COUNT, WORD, (sizes){2000, true});
  v.plan.before = be_uneven;
  for (int run = 0; run < RUNS; run++) {
    int ranks = 1 + (run * 5 + 2) % test_size();
    bool member = test_rank() < ranks, last = run == RUNS - 1;
    MPI_Comm comm;
    TEST_PHASE("run %d, %d ranks", run, ranks);
    PMPI_Comm_split(test_comm(), member ? 0 : MPI_UNDEFINED, test_rank(), &comm);
    v.options = varied(run);
    v.plan.end_after = last ? 0 : (uint64_t)(run + 1) * 90;
    uint8_t *had = v.last.had;
    v.last.had = NULL;
    if (member) EXPECT_STATUS(FURROW_OK, sail_on(&v, comm));
    if (member) PMPI_Comm_free(&comm);
    meet_asleep();
    for (uint64_t i = 0; is_root() && had && i < COUNT; i++)
      if (had[i] && v.plan.ran[i] != 1) TEST_FAIL("task %d was run again", (int)i);
    free(had);
  }
  if (is_root()) expect_had_all(&v.last, COUNT);
  voyage_free(&v);
}

/* ---- beside other operations ---- */

TEST(stream_journal, stands_beside_maps_in_one_file) {
  enum { COUNT = 200 };
  uint64_t results[COUNT];
  voyage v = voyage_make(COUNT, WORD, WORD);
  for (int run = 0; run < 3; run++) {
    furrow_pool *pool = make_pool(NULL);
    furrow_options options = FURROW_OPTIONS_INIT;
    options.journal = v.journal;
    for (int operation = 0; operation < 4; operation++) {
      if (operation % 2 == 0) {
        memset(results, 0, sizeof results);
        EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, COUNT, results, sizeof *results, &options));
        for (uint64_t i = 0; is_root() && i < COUNT; i++) ASSERT_EQ(results[i], i);
      } else {
        flow f = v.plan;
        f.end_after = operation == 3 && run == 0 ? 50 : 0;
        EXPECT_OK_ON(pool, flow_run(pool, &f, options));
        if (!f.end_after) expect_had_all(&f, COUNT);
        flow_free(&f);
      }
    }
    furrow_pool_destroy(&pool);
    meet_asleep();
    for (uint64_t i = 0; i < COUNT; i++) EXPECT_LE(v.plan.ran[i], 3); /* two streams, one cut short once */
    for (uint64_t i = 0; i < 50; i++) EXPECT_EQ(v.plan.ran[i], 2);
  }
  voyage_free(&v);
}
