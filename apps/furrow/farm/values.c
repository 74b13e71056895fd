/* What people type as slots, durations and conditions, in GNU parallel's spelling. Knows the words, not their use. */
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Digits, perhaps with a point between: no sign, exponent or anything else that strtod() takes. */
static bool read_number(const char **text, double *value) {
  size_t length = strspn(*text, "0123456789");
  if (length == 0 && (*text)[0] != '.') return false;
  if ((*text)[length] == '.') {
    size_t more = strspn(*text + length + 1, "0123456789");
    if (length + more == 0) return false;
    length += 1 + more;
  }
  *value = strtod(*text, NULL);
  *text += length;
  return true;
}

/* A number to the end of the text, or to a percent sign there. */
static bool read_amount(const char *text, double *value, bool *percent) {
  if (!read_number(&text, value)) return false;
  *percent = *text == '%';
  return text[*percent] == '\0';
}

static bool is_whole(double value) {
  return value <= 1e15 && value == (double)(uint64_t)value;
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */

const char *read_jobs(const char *text, void *into) {
  settings *wanted = into;
  bool beyond = *text == '+' || *text == '-', percent;
  double value;
  if (!read_amount(text + beyond, &value, &percent)) return "is no number of slots";
  if (beyond && percent) return "is both a percentage and a difference";
  if (!percent && !is_whole(value)) return "is not a whole number";
  if (percent && value == 0) return "leaves no slot";
  wanted->jobs = *text == '-' ? -value : value;
  wanted->jobs_percent = percent;
  wanted->jobs_beyond = beyond;
  return NULL;
}

/* ---- durations --------------------------------------------------------------------------------------------------- */

static double unit_seconds(char unit) {
  switch (tolower((unsigned char)unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

const char *read_seconds(const char *text, void *into) {
  double sum = 0, value;
  if (*text == '\0') return "is empty";
  while (*text) {
    if (!read_number(&text, &value)) return "is no time";
    double unit = *text ? unit_seconds(*text++) : 1;
    if (unit == 0) return "is no time";
    sum += value * unit;
  }
  if (sum > 1e9) return "is too long";
  *(double *)into = sum;
  return NULL;
}

const char *read_timeout(const char *text, void *into) {
  settings *wanted = into;
  double value;
  bool percent = false;
  bool amount = read_amount(text, &value, &percent);
  const char *wrong = amount && percent ? NULL : read_seconds(text, &value);
  if (wrong) return wrong;
  wanted->timeout = value;
  wanted->timeout_percent = amount && percent;
  return NULL;
}

const char *read_nice(const char *text, void *into) {
  bool below = *text == '-', percent;
  double value;
  if (!read_amount(text + below, &value, &percent) || percent || !is_whole(value)) return "is not a whole number";
  if (below) value = -value;
  if (value < -20) return "is too small";
  if (value > 19) return "is too large";
  *(int *)into = (int)value;
  return NULL;
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

const char *read_directory(const char *text, void *into) {
  if (*text == '\0') return "is empty";
  if (strcmp(text, "...") == 0) return "would be a temporary folder for each host, which the farm does not make";
  *(const char **)into = text;
  return NULL;
}

/* ---- when to halt ------------------------------------------------------------------------------------------------ */

static const struct {
  const char *text, *means;
} SHORT_FORMS[] = {
    {"0", "never"}, {"1", "soon,fail=1"}, {"2", "now,fail=1"}, {"-1", "soon,success=1"}, {"-2", "now,success=1"}};

/* Whether the text begins with the word; then it is stepped over. */
static bool take(const char **text, const char *word) {
  size_t length = strlen(word);
  if (strncmp(*text, word, length) != 0) return false;
  *text += length;
  return true;
}

static const char *read_condition(const char *text, halt *rule) {
  if (take(&text, "fail="))
    rule->what = HALT_FAIL;
  else if (take(&text, "success="))
    rule->what = HALT_SUCCESS;
  else if (take(&text, "done="))
    rule->what = HALT_DONE;
  else
    return "does not say what to count";
  if (!read_amount(text, &rule->value, &rule->percent)) return "does not say how many";
  if (!rule->percent && !is_whole(rule->value)) return "does not count whole commands";
  return NULL;
}

const char *read_halt(const char *text, void *into) {
  halt rule = {.when = HALT_NEVER};
  const char *wrong = NULL;
  double value;
  bool percent = false;
  for (size_t i = 0; i < sizeof SHORT_FORMS / sizeof *SHORT_FORMS; i++)
    if (strcmp(text, SHORT_FORMS[i].text) == 0) text = SHORT_FORMS[i].means;
  if (read_amount(text, &value, &percent) && percent)
    rule = (halt){HALT_SOON, HALT_FAIL, value, true};
  else if (take(&text, "now,")) {
    rule.when = HALT_NOW;
    wrong = read_condition(text, &rule);
  } else if (take(&text, "soon,")) {
    rule.when = HALT_SOON;
    wrong = read_condition(text, &rule);
  } else if (!take(&text, "never"))
    wrong = "does not say when";
  if (!wrong) *(halt *)into = rule;
  return wrong;
}
