#include "run/progress.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const double BAR_INTERVAL = 0.25, LINE_INTERVAL = 10, DEFAULT_INTERVAL = 0.5, LEAST_INTERVAL = 0.01,
                    MOST_INTERVAL = 1e6;
static const double SILENCE = 1; /* seconds in which short operations end unmentioned */
enum { BAR_WIDTH = 30 };

/* "1.2 M" and the like. */
static void print_scaled(char *text, size_t size, double value) {
  const char *const unit[] = {"", " k", " M", " G", " T"};
  int i = 0;
  for (; value >= 999.5 && i < 4; i++) value /= 1000;
  const char *format = i == 0 && value < 10 ? "%.2g%s" : i == 0 || value >= 99.95 ? "%.0f%s" : "%.1f%s";
  snprintf(text, size, format, value, unit[i]);
}

/* "4 s", "2:05" or "1:02:05". */
static void print_time(char *text, size_t size, double seconds) {
  if (!(seconds >= 0)) {
    snprintf(text, size, "?");
    return;
  }
  uint64_t s = (uint64_t)(seconds + 0.5);
  if (s >= 3600)
    snprintf(text, size, "%" PRIu64 ":%02u:%02u", s / 3600, (unsigned)(s / 60 % 60), (unsigned)(s % 60));
  else if (s >= 60)
    snprintf(text, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
  else
    snprintf(text, size, "%u s", (unsigned)s);
}

/* "45.2 %  1.2 M tasks/s  3 s to go", or at the end what it took. Of a stream nobody knows the end: "12.3 k tasks  1.2 k
   tasks/s  9 s so far". */
static void print_numbers(char *text, size_t size, const furrow_progress_report *report) {
  char part[32], rate[32], time[32];
  bool known = report->count > 0;
  if (known)
    snprintf(part, sizeof part, "%5.1f %%", 100 * (double)report->done / (double)report->count);
  else
    print_scaled(part, sizeof part, (double)report->done);
  print_scaled(rate, sizeof rate, report->rate);
  print_time(time, sizeof time, known && !report->last ? report->remaining : report->elapsed);
  snprintf(text, size, "%s%s  %s tasks/s  %s %s", part, known ? "" : " tasks", rate, time,
           report->last ? "in all"
           : known      ? "to go"
                        : "so far");
}

/* What follows a colon tells the journal one operation from another. */
static const char *name_of(const furrow_progress_report *report) {
  return report->label ? report->label : "furrow";
}

static int name_length(const furrow_progress_report *report) {
  size_t length = strcspn(name_of(report), ":");
  return length < INT_MAX ? (int)length : INT_MAX;
}

static void draw_bar(const furrow_progress_report *report, void *user) {
  (void)user;
  if (report->elapsed < SILENCE) return;
  char numbers[128], bar[BAR_WIDTH + 4] = "";
  double part = report->count ? (double)report->done / (double)report->count : 1;
  for (int i = 0; i < BAR_WIDTH && report->count; i++) bar[i + 1] = i < (int)(part * BAR_WIDTH) ? '#' : '.';
  if (report->count) memcpy(bar + BAR_WIDTH + 1, "] ", sizeof "] ");
  if (report->count) bar[0] = '[';
  print_numbers(numbers, sizeof numbers, report);
  fprintf(stderr, "\r%.*s %s%s\033[K%s", name_length(report), name_of(report), bar, numbers, report->last ? "\n" : "");
  fflush(stderr);
}

static void print_line(const furrow_progress_report *report, void *user) {
  (void)user;
  if (report->elapsed < SILENCE) return;
  char numbers[128];
  print_numbers(numbers, sizeof numbers, report);
  fprintf(stderr, "%.*s: %s\n", name_length(report), name_of(report), numbers);
}

void furrow_progress_stderr(const furrow_progress_report *report, void *user) {
  (isatty(STDERR_FILENO) ? draw_bar : print_line)(report, user);
}

furrow_progress furrow__progress_choose(const furrow_progress *asked, furrow__progress_mode mode) {
  furrow_progress progress = {NULL, NULL, 0};
  if (asked && mode == FURROW__PROGRESS_ASKED) progress = *asked;
  if (mode == FURROW__PROGRESS_AUTO || progress.report == furrow_progress_stderr)
    mode = isatty(STDERR_FILENO) ? FURROW__PROGRESS_BAR : FURROW__PROGRESS_LINE;
  if (mode == FURROW__PROGRESS_BAR) progress = (furrow_progress){draw_bar, NULL, BAR_INTERVAL};
  if (mode == FURROW__PROGRESS_LINE) progress = (furrow_progress){print_line, NULL, LINE_INTERVAL};
  if (progress.interval == 0) progress.interval = DEFAULT_INTERVAL;
  progress.interval = fmin(fmax(progress.interval, LEAST_INTERVAL), MOST_INTERVAL);
  return progress;
}

furrow__ticker furrow__ticker_start(const furrow_progress *progress, const char *label, uint64_t count) {
  furrow__ticker ticker = {*progress, label, count, furrow__now(), 0, false};
  ticker.next = ticker.start + (uint64_t)(progress->interval * 1e9);
  return ticker;
}

static void report(furrow__ticker *ticker, uint64_t done, uint64_t now, bool last) {
  double elapsed = furrow__seconds(now - ticker->start);
  double rate = elapsed > 0 ? (double)done / elapsed : 0;
  furrow_progress_report report = {
      .label = ticker->label,
      .done = done,
      .count = ticker->count,
      .elapsed = elapsed,
      .rate = rate,
      .remaining = rate > 0 && ticker->count ? (double)(ticker->count - done) / rate : -1,
      .last = last,
  };
  ticker->told = true;
  ticker->progress.report(&report, ticker->progress.user);
}

uint64_t furrow__ticker_tick(furrow__ticker *ticker, uint64_t done) {
  if (!ticker->progress.report) return 0;
  uint64_t now = furrow__now(), interval = (uint64_t)(ticker->progress.interval * 1e9);
  if (now >= ticker->next) {
    report(ticker, done, now, false);
    ticker->next += (now - ticker->next) / interval * interval + interval;
  }
  return ticker->next - now;
}

void furrow__ticker_stop(furrow__ticker *ticker, uint64_t done, bool begun) {
  if (ticker->progress.report && (begun || ticker->told)) report(ticker, done, furrow__now(), true);
}
