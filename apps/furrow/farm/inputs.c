/* Sets of arguments: see inputs.h. One source that stands alone is read on the way; several are kept as lists, and an
 * odometer goes through their groups (a source, and those that are linked to it). Knows no descriptors (lines.c) and
 * no expressions (columns.c). */
#include "inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "lines.h"

/* A source in memory, or on its way there. */
typedef struct list {
  lines *from;        /* what is still to be read of it; NULL: all is here */
  char *const *words; /* texts, or argv's */
  char **texts;
  uint64_t count, room;
  uint64_t length; /* of its group, for the first in it; 0 for the others */
  uint64_t at;     /* of its group */
} list;

struct inputs {
  input_options options;
  bool waits;   /* a source is a pipe or terminal */
  bool started; /* lists: all are complete */
  bool ended, failed;
  lines *alone; /* the only source, if it is a file; then there are no lists */
  const char *line;
  list *lists;
  const char **texts; /* one of each list */
  columns *columns;   /* NULL: no colsep */
  uint64_t number;
  char reason[INPUT_MESSAGE_SIZE];
};

/* ---- open and close ------------------------------------------------------------------------------------------------- */

static lines *open_file(inputs *in, const char *path, char message[INPUT_MESSAGE_SIZE]) {
  lines *from = lines_open(path, in->options.null_separated, message);
  if (from && !lines_are_regular(from)) in->waits = true;
  return from;
}

static bool open_lists(inputs *in, char message[INPUT_MESSAGE_SIZE]) {
  size_t count = (size_t)in->options.count;
  in->lists = calloc(count, sizeof *in->lists);
  in->texts = calloc(count, sizeof *in->texts);
  if (!in->lists || !in->texts) return snprintf(message, INPUT_MESSAGE_SIZE, "%s", strerror(ENOMEM)), false;
  for (size_t i = 0; i < count; i++) {
    const source *one = &in->options.sources[i];
    list *to = &in->lists[i];
    to->words = one->words;
    to->count = one->is_file ? 0 : (uint64_t)one->count;
    if (one->is_file && !(to->from = open_file(in, one->path, message))) return false;
  }
  return true;
}

/* Which of both would get which line? */
static bool is_standard_input_twice(const input_options *options) {
  int times = 0;
  for (int i = 0; i < options->count; i++)
    times += options->sources[i].is_file && strcmp(options->sources[i].path, "-") == 0;
  return times > 1;
}

static bool open_sources(inputs *in, char message[INPUT_MESSAGE_SIZE]) {
  const input_options *options = &in->options;
  if (is_standard_input_twice(options))
    return snprintf(message, INPUT_MESSAGE_SIZE, "standard input can be only one of the sources"), false;
  if (options->colsep && !(in->columns = columns_make(options->colsep, message, INPUT_MESSAGE_SIZE))) return false;
  if (options->count != 1 || !options->sources[0].is_file) return open_lists(in, message);
  in->alone = open_file(in, options->sources[0].path, message);
  return in->alone != NULL;
}

inputs *inputs_open(const input_options *options, char message[INPUT_MESSAGE_SIZE]) {
  inputs *in = calloc(1, sizeof *in);
  if (!in) return snprintf(message, INPUT_MESSAGE_SIZE, "%s", strerror(ENOMEM)), NULL;
  in->options = *options;
  if (open_sources(in, message)) return in;
  inputs_close(in);
  return NULL;
}

void inputs_close(inputs *in) {
  if (!in) return;
  lines_close(in->alone);
  columns_free(in->columns);
  for (int i = 0; in->lists && i < in->options.count; i++) {
    list *one = &in->lists[i];
    lines_close(one->from);
    for (uint64_t k = 0; one->texts && k < one->count; k++) free(one->texts[k]);
    free(one->texts);
  }
  free(in->lists);
  free(in->texts);
  free(in);
}

const char *inputs_reason(const inputs *in) {
  return in->reason;
}

static input_answer fail(inputs *in, const char *reason) {
  snprintf(in->reason, sizeof in->reason, "%s", reason);
  in->failed = true;
  return INPUT_FAILED;
}

/* ---- several sources ------------------------------------------------------------------------------------------------ */

static bool keep(list *of, const char *text) {
  if (of->count == of->room) {
    of->room = 2 * of->room + 64;
    char **more = realloc(of->texts, of->room * sizeof *more);
    if (!more) return false;
    of->texts = more;
    of->words = more;
  }
  of->texts[of->count] = strdup(text);
  return of->texts[of->count] && ++of->count;
}

/* Read what there is of a list's file. */
static input_answer complete(inputs *in, list *of) {
  input_answer answer;
  for (char *text; (answer = lines_next(of->from, &text)) == INPUT_SET;)
    if (!keep(of, text)) return fail(in, strerror(ENOMEM));
  if (answer == INPUT_FAILED) return fail(in, lines_reason(of->from));
  if (answer != INPUT_END) return answer;
  lines_close(of->from);
  of->from = NULL;
  return INPUT_SET;
}

/* An empty source is one empty text. */
static uint64_t length_of(const list *of) {
  return of->count > 0 ? of->count : 1;
}

/* Form the groups. False: all sources are empty, so there is nothing. */
static bool group(inputs *in) {
  bool any = false;
  list *first = in->lists;
  for (int i = 0; i < in->options.count; i++) {
    list *one = &in->lists[i];
    bool linked = i > 0 && in->options.sources[i].linked;
    if (!linked) first = one;
    if (!linked || length_of(one) < first->length) first->length = length_of(one);
    any = any || one->count > 0;
  }
  return any;
}

static input_answer start(inputs *in) {
  for (int i = 0; i < in->options.count; i++) {
    input_answer answer = in->lists[i].from ? complete(in, &in->lists[i]) : INPUT_SET;
    if (answer != INPUT_SET) return answer;
  }
  in->ended = !group(in);
  in->started = true;
  return INPUT_SET;
}

/* To the next combination: the last group's place is the fastest. */
static void advance(inputs *in) {
  for (int i = in->options.count - 1; i >= 0; i--) {
    list *one = &in->lists[i];
    if (one->length == 0) continue;
    if (++one->at < one->length) return;
    one->at = 0;
  }
  in->ended = true;
}

static input_answer next_combination(inputs *in, arguments *set) {
  input_answer answer = in->started ? INPUT_SET : start(in);
  if (answer != INPUT_SET) return answer;
  if (in->ended) return INPUT_END;
  uint64_t at = 0;
  for (int i = 0; i < in->options.count; i++) {
    const list *one = &in->lists[i];
    if (one->length > 0) at = one->at;
    in->texts[i] = one->count > 0 ? one->words[at] : "";
  }
  *set = (arguments){.count = in->options.count, .texts = in->texts};
  advance(in);
  return INPUT_SET;
}

/* ---- sets ----------------------------------------------------------------------------------------------------------- */

static input_answer next_line(inputs *in, arguments *set) {
  char *text;
  input_answer answer = lines_next(in->alone, &text);
  if (answer == INPUT_FAILED) return fail(in, lines_reason(in->alone));
  if (answer != INPUT_SET) return answer;
  in->line = text;
  *set = (arguments){.count = 1, .texts = &in->line};
  return INPUT_SET;
}

static bool cut(inputs *in, arguments *set) {
  columns_clear(in->columns);
  for (int i = 0; i < set->count; i++)
    if (!columns_add(in->columns, set->texts[i])) return fail(in, columns_reason(in->columns)), false;
  set->texts = columns_list(in->columns, &set->count);
  return true;
}

/* Whether a shell would find no command in these texts, with blanks between them. */
static bool is_nothing(const arguments *set) {
  bool comment = false;
  for (int i = 0; i < set->count; i++)
    for (const char *c = set->texts[i]; *c; c++) {
      if (*c == '\n') comment = false;
      if (comment || strchr(" \t\n", *c)) continue;
      if (*c != '#') return false;
      comment = true;
    }
  return true;
}

input_answer inputs_next(inputs *in, arguments *set) {
  while (!in->failed) {
    input_answer answer = in->alone ? next_line(in, set) : next_combination(in, set);
    if (answer != INPUT_SET) return answer;
    if (in->columns && !cut(in, set)) break;
    set->sequence = ++in->number;
    if (!in->options.whole_lines || !is_nothing(set)) return INPUT_SET;
  }
  return INPUT_FAILED;
}

/* ---- how many ------------------------------------------------------------------------------------------------------- */

/* Of lists that are complete. */
static uint64_t count_combinations(const inputs *in) {
  uint64_t product = 1;
  for (int i = 0; i < in->options.count; i++) {
    uint64_t length = in->lists[i].length;
    if (length > 1 && product > UINT64_MAX / length) return UINT64_MAX;
    if (length > 0) product *= length;
  }
  return product;
}

/* By other inputs, so that these stay where they are. */
uint64_t inputs_count(const inputs *in) {
  char message[INPUT_MESSAGE_SIZE];
  if (in->waits) return 0;
  inputs *twin = inputs_open(&in->options, message);
  if (!twin) return 0;
  if (!in->options.whole_lines) { /* they change only whether a set is nothing */
    columns_free(twin->columns);
    twin->columns = NULL;
  }
  uint64_t count = 0;
  if (!twin->alone && !twin->options.whole_lines)
    count = start(twin) == INPUT_SET && !twin->ended ? count_combinations(twin) : 0;
  else
    for (arguments set; inputs_next(twin, &set) == INPUT_SET;) count++;
  inputs_close(twin);
  return count;
}
