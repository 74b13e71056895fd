/* The stream's sink: prints what commands have written, keeps it in files, logs and counts. In this order: what is in the joblog has
 * been printed, or waits in the order of --keep-order. Knows outcomes, not how they came to be. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "results.h"
#include "screen.h"

/* ---- printing ---------------------------------------------------------------------------------------------------------- */

static const char *tag_of(const batch *all, const char *tag) {
  return all->wanted->tagged ? tag : NULL;
}

static bool print_outcome(batch *all, const outcome_view *of) {
  const char *tag = tag_of(all, of->tag);
  if (of->head->fate == FATE_SHOWN || of->head->out + of->head->err > 0) gauge_hide(&all->gauge);
  if (of->head->fate == FATE_SHOWN)
    return screen_print(STDOUT_FILENO, tag, of->command, strlen(of->command)) &&
           screen_print(STDOUT_FILENO, NULL, "\n", 1);
  return screen_print(STDOUT_FILENO, tag, of->out, of->head->out) &&
         screen_print(STDERR_FILENO, tag, of->err, of->head->err);
}

static bool print_part(batch *all, const part_view *part) {
  gauge_hide(&all->gauge);
  return screen_print(part->head->error ? STDERR_FILENO : STDOUT_FILENO, tag_of(all, part->tag), part->lines,
                      part->size);
}

/* What --keep-order holds are outcomes or parts, by the mode: where output comes in parts, outcomes have none. */
static bool print_record(batch *all, const void *record, size_t size) {
  outcome_view of;
  part_view part;
  errno = EINVAL;
  if (all->wanted->output == OUTPUT_LINE_BUFFER) return part_read(record, size, &part) && print_part(all, &part);
  return outcome_read(record, size, &of) && print_outcome(all, &of);
}

bool report_held(batch *all, bool last) {
  if (!all->order) return true;
  for (;;) {
    const void *record;
    size_t size;
    order_answer answer = order_next(all->order, last, &record, &size);
    if (answer == ORDER_NONE) return true;
    if (answer == ORDER_FAILED || !print_record(all, record, size)) return false;
  }
}

/* Now, or in its turn. */
static bool print_or_hold(batch *all, uint64_t sequence, const void *record, size_t size) {
  if (all->wanted->quiet) return true;
  if (!all->order || order_is_next(all->order, sequence)) return print_record(all, record, size);
  return order_hold(all->order, sequence, record, size);
}

static bool finish_in_order(batch *all, uint64_t sequence) {
  if (!all->order) return true;
  order_finish(all->order, sequence);
  return report_held(all, false);
}

/* Whoever should read or keep the output does not: nothing more is worth running. */
static furrow_stream_answer give_up(batch *all, furrow_stream_state *state) {
  int why = errno;
  batch_break(all, "the output can't be written: %s", strerror(why));
  return furrow_stream_fail(state, "the output can't be written: %s", strerror(why));
}

/* ---- logging, counting -------------------------------------------------------------------------------------------------- */

static void log_outcome(batch *all, const outcome_view *of) {
  const outcome *head = of->head;
  joblog_line line = {.sequence = head->sequence,
                      .host = of->host,
                      .start = head->start,
                      .seconds = head->seconds,
                      .received = head->sent,
                      .exit_value = outcome_exit(head),
                      .signal = outcome_signal(head),
                      .command = of->command};
  if (!joblog_write(&all->log, &line)) batch_break(all, "%s: %s", all->wanted->joblog, strerror(errno));
}

static void say_what_happened(batch *all, const outcome_view *of) {
  if (of->head->fate == FATE_NEVER || of->head->fate == FATE_TIMEOUT) gauge_hide(&all->gauge);
  if (of->head->fate == FATE_NEVER) batch_say("", of->command, ": ", of->why);
  if (of->head->fate == FATE_TIMEOUT) batch_say("this command took too long, and was killed: ", of->command, "", "");
}

static const char *what_counts(const halt *rule) {
  return rule->what == HALT_FAIL ? "failed" : rule->what == HALT_SUCCESS ? "succeeded" : "has ended";
}

/* What --halt makes of one more command. */
static furrow_stream_answer count(batch *all, const furrow_stream_state *state, int exit_value, int signal,
                                  const char *text) {
  int when = tally_add(&all->tally, exit_value, signal);
  if (when == HALT_NEVER) return FURROW_STREAM_NEXT;
  char why[64];
  gauge_hide(&all->gauge);
  snprintf(why, sizeof why, "--halt: this command %s: ", what_counts(&all->wanted->halt));
  batch_say(why, text, "", "");
  all->ending = when == HALT_NOW ? ENDING_NOW : ENDING_SOON;
  if (when == HALT_NOW) return FURROW_STREAM_END;
  if (state->under_way > 0)
    fprintf(stderr, "furrow farm: no new commands; waiting for %llu\n", (unsigned long long)state->under_way);
  return FURROW_STREAM_NEXT;
}

/* ---- the sink ------------------------------------------------------------------------------------------------------------ */

/* The rank could not tell what came of a command, for want of memory or disk. It is not logged, so --resume runs it again. */
static furrow_stream_answer take_failure(batch *all, furrow_stream_state *state) {
  const furrow_failure *failure = state->failure;
  uint64_t sequence = done_missing(&all->have, failure->task);
  all->running--;
  gauge_hide(&all->gauge);
  fprintf(stderr, "furrow farm: command %llu on rank %d (%s): %s\n", (unsigned long long)sequence, failure->rank,
          failure->host, failure->message);
  if (!finish_in_order(all, sequence)) return give_up(all, state);
  return count(all, state, 255, 0, failure->message);
}

static furrow_stream_answer take_part(batch *all, furrow_stream_state *state, const void *result, size_t size) {
  part_view part;
  if (!part_read(result, size, &part)) return furrow_stream_fail(state, "a part of an outcome that is none");
  return print_or_hold(all, part.head->sequence, result, size) ? FURROW_STREAM_NEXT : give_up(all, state);
}

/* The farm stops: the command is to be run again. */
static furrow_stream_answer take_stopped(batch *all, furrow_stream_state *state, uint64_t sequence) {
  if (all->stopped == 0) all->stopped = batch_now();
  if (all->ending == ENDING_NOT) all->ending = ENDING_SOON;
  return finish_in_order(all, sequence) ? FURROW_STREAM_NEXT : give_up(all, state);
}

/* Nothing is logged of a command whose output could not be kept. */
static bool keep_results(batch *all, const outcome_view *of) {
  char message[RESULTS_MESSAGE_SIZE];
  if (!all->wanted->results || of->head->fate == FATE_SHOWN) return true;
  if (results_write(all->wanted->results, of, message)) return true;
  batch_break(all, "%s", message);
  return false;
}

/* A command that ended well: how long it took may change how long others may. */
static void note_time(batch *all, furrow_stream_state *state, double seconds) {
  median_add(&all->times, seconds);
  if (all->wanted->timeout_percent)
    furrow_stream_tell(state, word_of_limit(all->wanted->timeout / 100 * median_value(&all->times)));
}

static furrow_stream_answer take_outcome(batch *all, furrow_stream_state *state, const void *result, size_t size) {
  outcome_view of;
  if (!outcome_read(result, size, &of)) return furrow_stream_fail(state, "an outcome that is none");
  const outcome *head = of.head;
  all->running--;
  if (head->fate == FATE_STOPPED) return take_stopped(all, state, head->sequence);
  say_what_happened(all, &of);
  bool kept = keep_results(all, &of);
  bool prints = all->wanted->output == OUTPUT_GROUP;
  if (prints && !print_or_hold(all, head->sequence, result, size)) return give_up(all, state);
  if (!finish_in_order(all, head->sequence)) return give_up(all, state);
  if (kept) log_outcome(all, &of);
  int exit_value = outcome_exit(head);
  if (exit_value == 0 && head->fate == FATE_ENDED) note_time(all, state, head->seconds);
  return count(all, state, exit_value, outcome_signal(head), of.command);
}

furrow_stream_answer report_outcome(furrow_stream_state *state, const void *result, size_t size) {
  batch *all = state->data;
  batch_look(all);
  if (state->failure) return take_failure(all, state);
  if (state->part) return take_part(all, state, result, size);
  return take_outcome(all, state, result, size);
}
