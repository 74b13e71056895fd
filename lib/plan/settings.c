#include "plan/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One row a variable. `names` lists the words of a choice in the order of their values; NULL: a number. */
typedef struct variable {
  const char *name;
  size_t field;
  const char *allowed;
  const char *const *names;
  uint64_t first; /* value of names[0] */
  uint64_t value; /* if the variable is not set */
} variable;

static const char *const SCHEDULES[] = {"auto", "static", "dynamic", NULL};
static const char *const PROGRESS[] = {"auto", "bar", "line", "off", NULL};
static const char *const SWITCH[] = {"0", "1", NULL};

#define FIELD(name) offsetof(furrow__defaults, name)

static const variable VARIABLES[] = {
    {"FURROW_SCHEDULE", FIELD(schedule), "auto, static or dynamic", SCHEDULES, 0, FURROW_SCHEDULE_AUTO},
    {"FURROW_CHUNK", FIELD(chunk), "a whole number, 0 for adaptive", NULL, 0, 0},
    {"FURROW_SEED", FIELD(seed), "a whole number", NULL, 0, 0},
    {"FURROW_LEAF", FIELD(leaf), "a whole number, 0 for the rule", NULL, 0, 0},
    {"FURROW_SHARED_MEMORY", FIELD(shared_memory), "bytes, such as 67108864, 64M or 0", NULL, 0, UINT64_MAX},
    {"FURROW_NODE_TIMEOUT", FIELD(node_timeout), "whole seconds, 0 for never", NULL, 0, UINT64_MAX},
    {"FURROW_PROGRESS", FIELD(progress), "auto, bar, line or off", PROGRESS, FURROW__PROGRESS_AUTO,
     FURROW__PROGRESS_ASKED},
    {"FURROW_METRICS", FIELD(metrics), "0 or 1", SWITCH, 0, 0},
};

static bool parse_choice(const char *text, const variable *row, uint64_t *value) {
  for (uint64_t i = 0; row->names[i]; i++) {
    if (strcmp(text, row->names[i]) != 0) continue;
    *value = row->first + i;
    return true;
  }
  return false;
}

/* A decimal number with an optional K, M or G (powers of 1024). */
static bool parse_number(const char *text, uint64_t *value) {
  if (!isdigit((unsigned char)text[0])) return false;
  char *end = NULL;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (errno != 0) return false;
  const char *suffix = *end ? strchr("KMG", *end) : NULL;
  if (*end && (!suffix || end[1] != '\0')) return false;
  unsigned shift = !suffix ? 0 : *suffix == 'K' ? 10 : *suffix == 'M' ? 20 : 30;
  if (number > UINT64_MAX >> shift) return false;
  *value = (uint64_t)number << shift;
  return true;
}

furrow_status furrow__defaults_read(furrow__defaults *defaults, const char *(*get)(const char *name),
                                    furrow_error *error, furrow__where where) {
  for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
    const variable *row = &VARIABLES[i];
    uint64_t value = row->value;
    const char *text = get(row->name);
    bool good = !text || !*text || (row->names ? parse_choice(text, row, &value) : parse_number(text, &value));
    if (!good)
      return furrow__error_set(error, FURROW_E_ARG, where, FURROW_NO_TASK, "environment: %s=\"%.80s\" is not %s",
                               row->name, text, row->allowed);
    memcpy((char *)defaults + row->field, &value, sizeof value);
  }
  return FURROW_OK;
}

furrow_status furrow__options_check(const furrow_options *options, furrow_options *full, const char *operation,
                                    furrow_error *error, furrow__where where) {
  *full = (furrow_options)FURROW_OPTIONS_INIT;
  if (!options) return FURROW_OK;
#define BAD(...) return furrow__error_set(error, FURROW_E_ARG, where, FURROW_NO_TASK, __VA_ARGS__)
  if (options->size != sizeof *full)
    BAD("%s: options.size is %zu; start from FURROW_OPTIONS_INIT", operation, options->size);
  *full = *options;
  if ((unsigned)full->schedule > FURROW_SCHEDULE_DYNAMIC)
    BAD("%s: options.schedule is %d, which is no furrow_schedule", operation, (int)full->schedule);
  if (full->progress && !full->progress->report) BAD("%s: options.progress has no report function", operation);
  if (full->progress && !(full->progress->interval >= 0))
    BAD("%s: options.progress.interval is %g; it must be 0 or more", operation, full->progress->interval);
#undef BAD
  return FURROW_OK;
}

furrow__settings furrow__settings_of(const furrow_options *options, const furrow__defaults *defaults, uint64_t series) {
  furrow__settings settings = {
      .schedule = options->schedule ? options->schedule : defaults->schedule,
      .chunk = options->chunk ? options->chunk : defaults->chunk,
      .seed = options->seed ? options->seed : defaults->seed,
      .series = options->series != FURROW_SERIES_NEXT ? options->series : series,
      .leaf = options->leaf ? options->leaf : defaults->leaf,
  };
  return settings;
}
