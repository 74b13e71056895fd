/* Progress: what is chosen, when it is told, and how the two forms on stderr read. */
#include "run/progress.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "shim/test.h"

/* ---- a callback that keeps what it was told ---- */

typedef struct told {
  int calls;
  furrow_progress_report last;
} told;

static void keep(const furrow_progress_report *report, void *user) {
  told *it = user;
  it->calls++;
  it->last = *report;
}

/* ---- what is chosen ---- */

TEST(progress, the_options_ask) {
  told it = {0};
  furrow_progress asked = {keep, &it, 2.5};
  furrow_progress chosen = furrow__progress_choose(&asked, FURROW__PROGRESS_ASKED);
  EXPECT_TRUE(chosen.report == keep);
  EXPECT_EQ(chosen.user, &it);
  EXPECT_EQ(chosen.interval, 2.5);
  EXPECT_TRUE(furrow__progress_choose(NULL, FURROW__PROGRESS_ASKED).report == NULL);
}

TEST(progress, intervals_are_kept_in_bounds) {
  told it = {0};
  const double wanted[][2] = {{0, 0.5}, {0.001, 0.01}, {0.01, 0.01}, {3600, 3600}, {1e300, 1e6}, {INFINITY, 1e6}};
  for (int i = 0; i < 6; i++) {
    furrow_progress asked = {keep, &it, wanted[i][0]};
    EXPECT_EQ(furrow__progress_choose(&asked, FURROW__PROGRESS_ASKED).interval, wanted[i][1]);
  }
}

TEST(progress, the_environment_wins) {
  told it = {0};
  furrow_progress asked = {keep, &it, 1};
  const furrow_progress *const any[] = {NULL, &asked};
  for (int i = 0; i < 2; i++) {
    EXPECT_TRUE(furrow__progress_choose(any[i], FURROW__PROGRESS_OFF).report == NULL);
    furrow_progress bar = furrow__progress_choose(any[i], FURROW__PROGRESS_BAR);
    furrow_progress line = furrow__progress_choose(any[i], FURROW__PROGRESS_LINE);
    EXPECT_TRUE(bar.report && bar.report != keep);
    EXPECT_TRUE(line.report && line.report != keep && line.report != bar.report);
    EXPECT_LT(bar.interval, 1.0);
    EXPECT_GE(line.interval, 5.0); /* a log file is not for every second */
    furrow_progress automatic = furrow__progress_choose(any[i], FURROW__PROGRESS_AUTO);
    EXPECT_TRUE(automatic.report == (isatty(STDERR_FILENO) ? bar : line).report);
  }
  furrow_progress ready = {furrow_progress_stderr, NULL, 1};
  EXPECT_TRUE(furrow__progress_choose(&ready, FURROW__PROGRESS_OFF).report == NULL);
  EXPECT_TRUE(furrow__progress_choose(&ready, FURROW__PROGRESS_ASKED).report ==
              furrow__progress_choose(NULL, FURROW__PROGRESS_AUTO).report);
}

/* ---- when it is told ---- */

TEST(progress, nobody_asked) {
  furrow_progress none = {NULL, NULL, 0.5};
  furrow__ticker ticker = furrow__ticker_start(&none, NULL, 10);
  EXPECT_EQ(furrow__ticker_tick(&ticker, 5), 0u);
  furrow__ticker_stop(&ticker, 10, true);
}

TEST(progress, one_report_an_interval) {
  told it = {0};
  furrow_progress progress = {keep, &it, 1};
  furrow__ticker ticker = furrow__ticker_start(&progress, "sums", 100);
  uint64_t wait = furrow__ticker_tick(&ticker, 1);
  EXPECT_EQ(it.calls, 0); /* not yet */
  EXPECT_GT(wait, 0u);
  EXPECT_LE(wait, 1000000000u);
  ticker.start -= 3500000000u; /* let 3.5 s pass */
  ticker.next -= 3500000000u;
  wait = furrow__ticker_tick(&ticker, 25);
  EXPECT_EQ(it.calls, 1); /* what was missed is not made up for */
  EXPECT_LE(wait, 500000000u);
  EXPECT_GT(wait, 0u);
  EXPECT_EQ_STR(it.last.label, "sums");
  EXPECT_EQ(it.last.done, 25u);
  EXPECT_EQ(it.last.count, 100u);
  EXPECT_NEAR(it.last.elapsed, 3.5, 0.4);
  EXPECT_NEAR(it.last.rate, 25 / it.last.elapsed, 1e-9);
  EXPECT_NEAR(it.last.remaining, 3 * it.last.elapsed, 1e-9);
  EXPECT_FALSE(it.last.last);
  furrow__ticker_tick(&ticker, 26);
  EXPECT_EQ(it.calls, 1);
  furrow__ticker_stop(&ticker, 99, true);
  EXPECT_EQ(it.calls, 2);
  EXPECT_TRUE(it.last.last);
  EXPECT_EQ(it.last.done, 99u);
}

TEST(progress, nothing_done_yet) {
  told it = {0};
  furrow_progress progress = {keep, &it, 0.01};
  furrow__ticker ticker = furrow__ticker_start(&progress, NULL, 100);
  ticker.next = ticker.start;
  furrow__ticker_tick(&ticker, 0);
  EXPECT_EQ(it.calls, 1);
  EXPECT_EQ(it.last.rate, 0.0);
  EXPECT_LT(it.last.remaining, 0.0); /* not known */
}

TEST(progress, the_end_of_what_never_began_is_told_only_to_who_was_told_before) {
  told it = {0};
  furrow_progress progress = {keep, &it, 0.01};
  furrow__ticker ticker = furrow__ticker_start(&progress, NULL, 100);
  furrow__ticker_stop(&ticker, 0, false);
  EXPECT_EQ(it.calls, 0);
  furrow__ticker_stop(&ticker, 0, true);
  EXPECT_EQ(it.calls, 1);
  ticker = furrow__ticker_start(&progress, NULL, 100);
  ticker.next = ticker.start;
  furrow__ticker_tick(&ticker, 0);
  furrow__ticker_stop(&ticker, 0, false);
  EXPECT_EQ(it.calls, 3);
  EXPECT_TRUE(it.last.last);
}

/* ---- how it reads ---- */

/* What a report function writes to stderr. */
static const char *written(void (*report)(const furrow_progress_report *, void *), furrow_progress_report is) {
  static char text[512];
  FILE *file = tmpfile();
  if (!file) return "no temporary file";
  fflush(stderr);
  int before = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  report(&is, NULL);
  fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static furrow_progress_report at(uint64_t done, uint64_t count, double elapsed, double rate, double remaining,
                                 bool last) {
  return (furrow_progress_report){"sums", done, count, elapsed, rate, remaining, last};
}

TEST(progress, lines) {
  void (*line)(const furrow_progress_report *, void *) = furrow__progress_choose(NULL, FURROW__PROGRESS_LINE).report;
  EXPECT_EQ_STR(written(line, at(452, 1000, 10, 45.2, 12.1, false)), "sums:  45.2 %  45 tasks/s  12 s to go\n");
  EXPECT_EQ_STR(written(line, at(1, 1000, 10, 1234, 125, false)), "sums:   0.1 %  1.2 k tasks/s  2:05 to go\n");
  EXPECT_EQ_STR(written(line, at(1, 4, 10, 1.2345e8, 3725, false)), "sums:  25.0 %  123 M tasks/s  1:02:05 to go\n");
  EXPECT_EQ_STR(written(line, at(0, 1000, 10, 0, -1, false)), "sums:   0.0 %  0 tasks/s  ? to go\n");
  EXPECT_EQ_STR(written(line, at(4, 4, 61, 2, 0, true)), "sums: 100.0 %  2 tasks/s  1:01 in all\n");
  EXPECT_EQ_STR(written(line, at(0, 0, 2, 0, 0, true)), "sums: 0 tasks  0 tasks/s  2 s in all\n");
  EXPECT_EQ_STR(written(line, at(1234, 0, 10, 123, -1, false)), "sums: 1.2 k tasks  123 tasks/s  10 s so far\n");
  furrow_progress_report is = at(1, 2, 2, 5e17, 1, false);
  is.label = NULL;
  EXPECT_EQ_STR(written(line, is), "furrow:  50.0 %  500000 T tasks/s  1 s to go\n");
  EXPECT_EQ_STR(written(furrow_progress_stderr, at(1, 2, 2, 5, 1, false)), "sums:  50.0 %  5 tasks/s  1 s to go\n");
}

TEST(progress, a_bar) {
  void (*bar)(const furrow_progress_report *, void *) = furrow__progress_choose(NULL, FURROW__PROGRESS_BAR).report;
  EXPECT_EQ_STR(written(bar, at(1, 2, 2, 50, 1, false)),
                "\rsums [###############...............]  50.0 %  50 tasks/s  1 s to go\033[K");
  EXPECT_EQ_STR(written(bar, at(2, 2, 2, 50, 1, true)),
                "\rsums [##############################] 100.0 %  50 tasks/s  2 s in all\033[K\n");
  EXPECT_EQ_STR(written(bar, at(0, UINT64_MAX, 2, 50, 1e18, false)),
                "\rsums [..............................]   0.0 %  50 tasks/s  277777777777777:46:40 to go\033[K");
}

TEST(progress, the_first_second_is_silent) {
  for (int mode = FURROW__PROGRESS_BAR; mode <= FURROW__PROGRESS_LINE; mode++) {
    furrow_progress form = furrow__progress_choose(NULL, (furrow__progress_mode)mode);
    EXPECT_EQ_STR(written(form.report, at(1, 2, 0.9, 5, 1, false)), "");
    EXPECT_EQ_STR(written(form.report, at(2, 2, 0.9, 5, 1, true)), "");
  }
}
