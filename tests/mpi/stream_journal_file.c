/* The file behind a stream: what must agree with it, what is not believed, what it says; and the signal after which it is all
 * that is left. */
#include <fcntl.h>
#include <signal.h>

#include "furrow/journal.h"
#include "mpi/common/voyages.h"

static const sizes NOTHING = {0, false}, WORD = {8, false};

/* ---- what must agree ---- */

static uint64_t changed;

static furrow_stream_answer give_changed(furrow_stream_state *state, const void **item, size_t *size) {
  furrow_stream_answer said = flow_give(state, item, size);
  flow *f = state->data;
  if (said == FURROW_STREAM_NEXT && state->index == changed) f->buffer[0] ^= 1;
  return said;
}

TEST(stream_journal, refuses_an_item_that_was_another_one) {
  static const uint64_t items[] = {0, 77, 299};
  voyage v = voyage_make(300, WORD, WORD);
  EXPECT_OK(sail(&v));
  v.give = give_changed;
  for (int i = 0; i < 3; i++) {
    char wanted[64];
    changed = items[i];
    snprintf(wanted, sizeof wanted, "source, item %d: it is not the one", (int)items[i]);
    EXPECT_STATUS(FURROW_E_ARG, sail(&v));
    EXPECT_CONTAINS(v.message, wanted);
    EXPECT_CONTAINS(v.message, v.journal);
  }
  v.give = flow_give;
  EXPECT_OK(sail(&v)); /* the file stays as it was */
  expect_each_ran_once(&v);
  voyage_free(&v);
}

TEST(stream_journal, is_not_that_of_another_operation) {
  voyage v = voyage_make(50, WORD, WORD);
  trial t = trial_make(v.path, (shape){.count = 50, .size = 8});
  EXPECT_OK(sail(&v));
  EXPECT_STATUS(FURROW_E_ARG, trial_run(&t, test_comm(), MAP)); /* it has the same path */
  EXPECT_CONTAINS(t.message, "operation 0 was a furrow_stream there, this one is a furrow_map");
  v.options.seed = 4;
  EXPECT_STATUS(FURROW_E_ARG, sail(&v));
  EXPECT_CONTAINS(v.message, "seed");
  v.options.seed = 0;
  v.options.label = "another";
  EXPECT_STATUS(FURROW_E_ARG, sail(&v));
  EXPECT_CONTAINS(v.message, "label");
  trial_free(&t);
  voyage_free(&v);
}

/* ---- memory ---- */

static size_t resident(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*u %lu", &pages) != 1) TEST_FAIL("how much memory is used can't be read");
  if (file) fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t most_resident;

static furrow_stream_answer take_and_look(furrow_stream_state *state, const void *result, size_t size) {
  size_t here = state->index % 50 == 0 ? resident() : 0;
  if (here > most_resident) most_resident = here;
  return flow_take(state, result, size);
}

/* What is given back is read as it is needed, and let go. */
TEST(stream_journal, takes_no_memory_for_what_it_holds) {
  enum { COUNT = 1000, SIZE = 100000 };
  if (slowness() > 1) TEST_SKIP("a sanitizer keeps what was freed");
  voyage v = voyage_make(COUNT, NOTHING, (sizes){SIZE, false});
  EXPECT_OK(sail(&v));
  v.take = take_and_look;
  v.options.window_bytes = 1 << 20;
  size_t before = most_resident = resident();
  EXPECT_OK(sail(&v));
  expect_had_all(&v.last, COUNT);
  expect_each_ran_once(&v);
  EXPECT_LT(most_resident - before, (size_t)COUNT * SIZE / 4);
  voyage_free(&v);
}

/* ---- damage ---- */

static void write_file(const char *path, off_t at, const void *bytes, size_t size) {
  int file = open(path, O_RDWR, 0600);
  EXPECT_EQ(pwrite(file, bytes, size, at), size);
  close(file);
}

TEST(stream_journal, is_never_believed_where_it_is_damaged) {
  for (int i = 1; i < 12; i++) {
    voyage v = voyage_make(1000, WORD, (sizes){1000, true});
    EXPECT_OK(sail(&v));
    if (is_root()) write_file(v.journal, file_size(v.journal) * i / 12, "damaged!", 8);
    meet_asleep();
    furrow_status status = sail(&v);
    if (status == FURROW_OK)
      expect_had_all(&v.last, 1000);
    else
      EXPECT_STATUS(FURROW_E_IO, status);
    voyage_free(&v);
  }
}

TEST(stream_journal, goes_on_after_a_torn_tail) {
  static const off_t cuts[] = {1, 8, 63, 500, 3000, 20000, 1000000};
  voyage v = voyage_make(2000, WORD, (sizes){100, true});
  for (int c = 0; c < 7; c++) {
    EXPECT_OK(sail(&v));
    expect_had_all(&v.last, 2000);
    off_t size = file_size(v.journal);
    meet_asleep();
    if (is_root()) EXPECT_EQ(truncate(v.journal, cuts[c] < size ? size - cuts[c] : 0), 0);
    meet_asleep();
  }
  EXPECT_OK(sail(&v));
  expect_had_all(&v.last, 2000);
  voyage_free(&v);
}

/* While it is open: each payload is looked at again when it is needed. */
static const char *spoilt;

static furrow_stream_answer spoil_and_give(furrow_stream_state *state, const void **item, size_t *size) {
  if (state->index == 0) write_file(spoilt, file_size(spoilt) / 2, "damaged!", 8);
  return flow_give(state, item, size);
}

TEST(stream_journal, is_not_believed_when_it_is_damaged_meanwhile) {
  voyage v = voyage_make(300, NOTHING, (sizes){100000, false}); /* most of it has not been read into the window */
  EXPECT_OK(sail(&v));
  spoilt = v.journal;
  v.give = spoil_and_give;
  EXPECT_STATUS(FURROW_E_IO, sail(&v));
  EXPECT_CONTAINS(v.message, "while it was open");
  if (is_root()) EXPECT_LT(v.last.taken, 300);
  voyage_free(&v);
}

/* ---- the stop signal ---- */

enum { STOP_AT = 100 };

static bool stops_isolated;

static void stop_rank(furrow_task *task, const flow *f) {
  (void)f;
  if (task->index == STOP_AT) kill(stops_isolated ? getppid() : getpid(), SIGUSR1);
  nap(0.002);
}

TEST(stream_journal, goes_on_after_the_stop_signal) {
  for (int i = 0; i < 4; i++) {
    TEST_PHASE("isolated: %d, unordered: %d", i % 2, i / 2);
    voyage v = voyage_make(3000, WORD, WORD);
    stops_isolated = i % 2 == 1;
    v.options.unordered = i / 2 == 1;
    v.options.isolate = stops_isolated ? FURROW_ISOLATE_ON : FURROW_ISOLATE_OFF;
    v.plan.before = stop_rank;
    double start = now();
    EXPECT_STATUS(FURROW_E_INTERRUPTED, sail(&v));
    EXPECT_LT(now() - start, soon());
    EXPECT_LT(count_runs(&v), 3000);
    v.plan.before = NULL;
    expect_goes_on(&v);
    if (!stops_isolated) expect_each_ran_once(&v); /* what had begun was finished, and kept */
    voyage_free(&v);
  }
}

static furrow_stream_answer stop_and_sleep(furrow_stream_state *state, const void *result, size_t size) {
  if (state->index == 5) {
    raise(SIGUSR1);
    nap(0.3);
  }
  return flow_take(state, result, size);
}

static furrow_stream_answer stop_and_give(furrow_stream_state *state, const void **item, size_t *size) {
  if (state->index == STOP_AT) {
    raise(SIGUSR1);
    nap(0.3);
  }
  return flow_give(state, item, size);
}

/* It ends when they return. */
TEST(stream_journal, is_stopped_while_its_source_or_sink_sleeps) {
  for (int who = 0; who < 2; who++) {
    voyage v = voyage_make(100000, WORD, WORD);
    if (who == 0) v.give = stop_and_give;
    if (who == 1) v.take = stop_and_sleep;
    EXPECT_STATUS(FURROW_E_INTERRUPTED, sail(&v));
    if (is_root()) EXPECT_LT(v.last.taken, 100000);
    v.give = flow_give;
    v.take = flow_take;
    expect_goes_on(&v);
    expect_each_ran_once(&v);
    voyage_free(&v);
  }
}

/* ---- what the file says ---- */

TEST(stream_journal, tells_how_many_results_it_has) {
  voyage v = voyage_make(400, WORD, (sizes){64, false});
  v.options.label = "told";
  EXPECT_OK(sail(&v));
  furrow_journal *journal = NULL;
  if (is_root()) {
    ASSERT_STATUS(FURROW_OK, furrow_journal_open(v.journal, &journal));
    const furrow_journal_operation *stream = furrow_journal_get_operation(journal, 0);
    EXPECT_EQ_STR(stream->function, "furrow_stream");
    EXPECT_EQ_STR(stream->label, "told");
    EXPECT_EQ(stream->count, 0);
    EXPECT_EQ(stream->finished, 400);
    EXPECT_EQ(stream->bytes, UINT64_C(400) * (24 + 64));
    furrow_journal_close(&journal);
  }
  meet_asleep();
  voyage_free(&v);
}
