/* The stream's source: makes a job of each set of arguments, when it is time for one. Never blocks, so that the sink is not kept
 * waiting. Knows what has been done and what may be under way; does not know what becomes of a job. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

/* How long until the source is asked again, at the latest. Signals are looked for then, since a handler can't wake the stream. */
static const double LOOK = 0.1, INPUT_FIRST = 0.01;

static furrow_stream_answer later(furrow_stream_state *state, double seconds) {
  state->wait = seconds < LOOK ? seconds : LOOK;
  return FURROW_STREAM_LATER;
}

/* ---- which sets ------------------------------------------------------------------------------------------------------ */

static bool is_blank(const arguments *set) {
  for (int i = 0; i < set->count; i++)
    if (set->texts[i][strspn(set->texts[i], " \t\r\n\v\f")] != '\0') return false;
  return true;
}

/* The joblog may be another input's: then --resume would leave out the wrong commands. Says so once, of the first ones; a command
 * with {%} in it differs by its slot. */
static void compare(batch *all, const arguments *set) {
  command one = {.argv = NULL}, two = {.argv = NULL};
  if (all->told || all->sequence > JOBLOG_REMEMBERED) return;
  if (template_fill(all->wanted->command, set, all->sequence, 1, &one) &&
      template_fill(all->wanted->command, set, all->sequence, 2, &two) && strcmp(one.text, two.text) == 0 &&
      joblog_differs(&all->log, all->sequence, one.text)) {
    char before[JOBLOG_MESSAGE_SIZE];
    snprintf(before, sizeof before, "%s is of other commands: its number %llu is not '", all->wanted->joblog,
             (unsigned long long)all->sequence);
    batch_say(before, one.text, "'", "");
    all->told = true;
  }
  command_free(&one);
  command_free(&two);
}

/* Numbers that no command has, blank lines among commands, count as done: so the i-th item of the stream is the i-th command that is
 * not, see take_failure() in report.c. Beyond DONE_MOST they are forgotten. */
static void skip_to(batch *all, uint64_t sequence) {
  while (++all->sequence < sequence)
    if (!done_add(&all->have, all->sequence)) all->sequence = sequence - 1;
}

/* The next set that is to be run. */
static input_answer read_set(batch *all, arguments *set) {
  for (;;) {
    input_answer answer = inputs_next(all->in, set);
    if (answer != INPUT_SET) return answer;
    if (all->wanted->skip_blank && is_blank(set)) {
      all->blank++;
      continue;
    }
    all->sets++;
    skip_to(all, set->sequence - all->blank);
    if (!done_has(&all->have, all->sequence)) return answer;
    compare(all, set);
  }
}

/* ---- the job --------------------------------------------------------------------------------------------------------- */

/* Its size; 0: no memory. */
static size_t make_job(batch *all, const arguments *set) {
  size_t size = sizeof(job);
  for (int i = 0; i < set->count; i++) size += strlen(set->texts[i]) + 1;
  size++; /* so that the first text is there, if it is empty */
  if (size > all->job_room) {
    job *grown = realloc(all->job, 2 * size);
    if (!grown) return 0;
    all->job = grown;
    all->job_room = 2 * size;
  }
  *all->job = (job){.sequence = all->sequence, .count = (uint32_t)set->count};
  char *to = all->job->texts;
  *to = '\0';
  for (int i = 0; i < set->count; i++) to = stpcpy(to, set->texts[i]) + 1;
  return (size_t)(to - (char *)all->job) + (set->count == 0);
}

static furrow_stream_answer hand_out(batch *all, furrow_stream_state *state, const arguments *set, const void **item,
                                     size_t *size) {
  *size = make_job(all, set);
  *item = all->job;
  if (*size == 0 || (all->order && !order_expect(all->order, all->sequence)))
    return furrow_stream_fail(state, "out of memory");
  all->tally.started++;
  all->running++;
  all->next_start = batch_now() + all->wanted->delay;
  all->input_wait = 0;
  return FURROW_STREAM_NEXT;
}

/* ---- when ------------------------------------------------------------------------------------------------------------ */

/* A pipe that is silent is asked less often. */
static furrow_stream_answer wait_for_input(batch *all, furrow_stream_state *state) {
  all->input_wait = all->input_wait > 0 ? 2 * all->input_wait : INPUT_FIRST;
  if (all->input_wait > LOOK) all->input_wait = LOOK;
  return later(state, all->input_wait);
}

static void end_input(batch *all, input_answer answer) {
  all->exhausted = true;
  if (answer == INPUT_FAILED) batch_break(all, "%s", inputs_reason(all->in));
  if (all->tally.total == 0 && !all->broken) all->tally.total = all->sets;
}

/* With nothing new to come the source stays until all is back, since who has ended is not asked again and sees no signal. */
static furrow_stream_answer wind_up(const batch *all, furrow_stream_state *state) {
  if (all->ending == ENDING_NOW) return furrow_stream_fail(state, "stopped");
  return state->under_way == 0 ? FURROW_STREAM_END : later(state, LOOK);
}

furrow_stream_answer feed_job(furrow_stream_state *state, const void **item, size_t *size) {
  batch *all = state->data;
  batch_look(all);
  if (all->exhausted || all->ending != ENDING_NOT) return wind_up(all, state);
  if (state->under_way >= batch_limit(all) || (all->order && order_is_full(all->order))) return later(state, LOOK);
  double early = all->wanted->delay > 0 ? all->next_start - batch_now() : 0;
  if (early > 0) return later(state, early);

  arguments set;
  input_answer answer = read_set(all, &set);
  if (answer == INPUT_SET) return hand_out(all, state, &set, item, size);
  if (answer == INPUT_NOT_YET) return wait_for_input(all, state);
  end_input(all, answer);
  return wind_up(all, state);
}
