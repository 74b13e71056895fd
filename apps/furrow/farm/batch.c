/* The beginning and the end of a batch of commands: input, joblog and counters are opened here, and here the exit status is made. */
#include "batch.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATUS_FAILED = 255, STATUS_INTERRUPTED = 75 /* of sysexits.h: furrow-submit --requeue tries again */ };

double batch_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void batch_break(batch *all, const char *format, ...) {
  va_list values;
  va_start(values, format);
  if (!all->broken) {
    gauge_hide(&all->gauge);
    fprintf(stderr, "furrow farm: ");
    vfprintf(stderr, format, values);
    fprintf(stderr, "\n");
  }
  va_end(values);
  all->broken = true;
  if (all->ending == ENDING_NOT) all->ending = ENDING_SOON;
}

void batch_say(const char *before, const char *text, const char *after, const char *why) {
  enum { SHOWN_MOST = 400 };
  fprintf(stderr, "furrow farm: %s%.*s%s%s%s\n", before, SHOWN_MOST, text,
          strnlen(text, SHOWN_MOST + 1) > SHOWN_MOST ? "..." : "", after, why);
}

/* ---- the beginning --------------------------------------------------------------------------------------------------- */

/* Counting reads files to their end: only where somebody asks. */
static void count_input(batch *all) {
  const settings *wanted = all->wanted;
  bool halts = wanted->halt.when != HALT_NEVER && wanted->halt.percent;
  if (wanted->bar || wanted->eta || halts) all->tally.total = inputs_count(all->in);
}

static bool open_joblog(batch *all) {
  const settings *wanted = all->wanted;
  char message[JOBLOG_MESSAGE_SIZE];
  all->log.file = -1;
  if (!wanted->joblog || wanted->dry_run) return true;
  joblog_use use = wanted->resume_failed ? JOBLOG_RESUME_FAILED : wanted->resume ? JOBLOG_RESUME : JOBLOG_NEW;
  if (joblog_open(&all->log, wanted->joblog, use, &all->have, message)) return true;
  fprintf(stderr, "furrow farm: %s\n", message);
  return false;
}

static bool open_input(batch *all) {
  char message[INPUT_MESSAGE_SIZE];
  all->in = inputs_open(&all->wanted->input, message);
  if (!all->in) fprintf(stderr, "furrow farm: %s\n", message);
  return all->in;
}

static void release(batch *all) {
  if (all->in) inputs_close(all->in);
  order_close(all->order);
  done_clear(&all->have);
  free(all->job);
  free(all);
}

batch *batch_open(const settings *wanted, int all_slots, int nodes) {
  batch *all = calloc(1, sizeof *all);
  if (all) *all = (batch){.wanted = wanted, .slots = all_slots, .nodes = nodes, .tally.rule = &wanted->halt};
  if (all && wanted->keep_order && wanted->output != OUTPUT_UNGROUP) all->order = order_open();
  bool good = all && (all->order || !wanted->keep_order || wanted->output == OUTPUT_UNGROUP);
  if (!good) fprintf(stderr, "furrow farm: out of memory\n");
  if (!good || !open_input(all) || !open_joblog(all)) {
    if (all) release(all);
    return NULL;
  }
  signal(SIGPIPE, SIG_IGN); /* a reader of our output that has gone is an error like a full disk */
  all->tally.done = all->have.count;
  all->gauge = gauge_make(wanted, batch_now(), all->have.count);
  count_input(all);
  return all;
}

/* ---- meanwhile ------------------------------------------------------------------------------------------------------- */

uint64_t batch_limit(const batch *all) {
  const settings *wanted = all->wanted;
  uint64_t limit, all_slots = (uint64_t)all->slots;
  /* Nothing may be under way that has not begun where it would begin too early or too late. */
  if (wanted->halt.when != HALT_NEVER || wanted->delay > 0)
    limit = all_slots;
  else /* Slots never wait for rank 0, nor for the way to another node. */
    limit = 2 * all_slots + 32 * (uint64_t)all->nodes;
  return limit < FURROW_WINDOW_MOST - 1 ? limit : FURROW_WINDOW_MOST - 1;
}

/* One more than are ever under way: so the source is asked at all times, and sees signals. */
uint64_t batch_window(const batch *all) {
  return batch_limit(all) + 1;
}

/* Every rank has heard the signal, as a rule, and ends its commands itself; then outcomes tell of it. A rank that has not is not
 * waited for longer than this. */
static bool is_overdue(const batch *all, stop_wish wish) {
  const double moment = 2, grace = all->wanted->stop_grace + moment;
  if (wish == STOP_NOT) return all->stopped != 0 && batch_now() - all->stopped > grace;
  return stop_since() > (wish == STOP_SOON ? grace : wish == STOP_NOW ? moment : 0);
}

void batch_look(batch *all) {
  stop_wish wish = stop_asked();
  if (wish != STOP_NOT && all->ending == ENDING_NOT) all->ending = ENDING_SOON;
  if (is_overdue(all, wish)) all->ending = ENDING_NOW;
  uint64_t all_slots = (uint64_t)all->slots;
  gauge_state state = {.done = all->tally.done,
                       .failed = all->tally.failed,
                       .total = all->tally.total,
                       .running = all->running < all_slots ? all->running : all_slots,
                       .newest = all->job ? all->job->texts : NULL};
  gauge_show(&all->gauge, batch_now(), &state, false);
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static void end_gauge(batch *all) {
  gauge_state state = {.done = all->tally.done, .failed = all->tally.failed, .total = all->tally.total};
  gauge_show(&all->gauge, batch_now(), &state, true);
}

static int exit_status(const batch *all, stop_wish heard) {
  if (all->broken) return STATUS_FAILED;
  if (heard == STOP_SOON) return STATUS_INTERRUPTED;
  if (heard != STOP_NOT || all->stopped != 0) return STATUS_FAILED;
  return tally_status(&all->tally);
}

int batch_close(batch *all, furrow_status status, const furrow_error *why, stop_wish heard) {
  if (!report_held(all, true)) batch_break(all, "standard output: %s", strerror(errno));
  end_gauge(all);
  bool expected = all->ending != ENDING_NOT && (status == FURROW_E_IO || status == FURROW_E_TASK);
  if (status == FURROW_E_TASK && all->tally.failed > 0) expected = true;
  if (status != FURROW_OK && !expected) {
    furrow_error_print(stderr, why);
    all->broken = true;
  }
  if (!joblog_close(&all->log)) batch_break(all, "%s: %s", all->wanted->joblog, strerror(errno));
  if ((heard != STOP_NOT || all->stopped != 0) && !all->broken)
    fprintf(
        stderr, "furrow farm: stopped by a signal; %s\n",
        all->wanted->joblog ? "with --resume the same command goes on" : "with --joblog and --resume it could go on");
  int result = exit_status(all, heard);
  release(all);
  return result;
}
