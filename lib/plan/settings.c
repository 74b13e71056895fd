#include "plan/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One row a variable. `names` lists the words of a choice in the order of their values; NULL: a number. */
typedef struct variable {
  const char *name;
  size_t field;
  const char *allowed;
  const char *const *names;
  uint64_t first; /* value of names[0]; of a number: it is `value` to this; 0: any */
  uint64_t value; /* if the variable is not set */
} variable;

static const char *const SCHEDULES[] = {"auto", "static", "dynamic", NULL};
static const char *const PROGRESS[] = {"auto", "bar", "line", "off", NULL};
static const char *const ON_ERROR[] = {"fail-fast", "continue", NULL};
static const char *const ISOLATE[] = {"auto", "off", "on", NULL};
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
    {"FURROW_ON_ERROR", FIELD(on_error), "fail-fast or continue", ON_ERROR, 0, FURROW_ON_ERROR_FAIL_FAST},
    {"FURROW_MAX_FAILURES", FIELD(max_failures), "a whole number, 0 for no limit", NULL, 0, 0},
    {"FURROW_RETRIES", FIELD(retries), "a whole number", NULL, 0, 0},
    {"FURROW_TASK_TIMEOUT", FIELD(task_timeout), "whole seconds, 0 for any time", NULL, 0, 0},
    {"FURROW_MEMORY_LIMIT", FIELD(memory_limit), "bytes, such as 67108864 or 64M, 0 for no limit", NULL, 0, 0},
    {"FURROW_ISOLATE", FIELD(isolate), "auto, off or on", ISOLATE, 0, FURROW_ISOLATE_AUTO},
    {"FURROW_TASKS_PER_CHILD", FIELD(tasks_per_child), "a whole number, 0 for no limit", NULL, 0, 0},
    {"FURROW_THREADS", FIELD(threads), "a whole number from 1 to 1024", NULL, FURROW_THREADS_MOST, 1},
    {"FURROW_WINDOW", FIELD(window), "a whole number up to 16384, 0 for the default", NULL, FURROW_WINDOW_MOST, 0},
    {"FURROW_WINDOW_BYTES", FIELD(window_bytes), "bytes, such as 16777216 or 16M, 0 for the default", NULL, 0, 0},
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
static bool parse_number(const char *text, const variable *row, uint64_t *value) {
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
  return row->first == 0 || (*value >= row->value && *value <= row->first);
}

furrow_status furrow__defaults_read(furrow__defaults *defaults, const char *(*get)(const char *name),
                                    furrow_error *error, furrow__where where) {
  for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
    const variable *row = &VARIABLES[i];
    uint64_t value = row->value;
    const char *text = get(row->name);
    bool good = !text || !*text || (row->names ? parse_choice(text, row, &value) : parse_number(text, row, &value));
    if (!good)
      return furrow__error_set(error, FURROW_E_ARG, where, FURROW_NO_TASK, "environment: %s=\"%.80s\" is not %s",
                               row->name, text, row->allowed);
    memcpy((char *)defaults + row->field, &value, sizeof value);
  }
  return FURROW_OK;
}

const char *furrow__defaults_journal(const char *(*get)(const char *name)) {
  const char *path = get("FURROW_JOURNAL");
  return path && *path ? path : NULL;
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
  if ((unsigned)full->on_error > FURROW_ON_ERROR_CONTINUE)
    BAD("%s: options.on_error is %d, which is no furrow_on_error", operation, (int)full->on_error);
  if ((unsigned)full->isolate > FURROW_ISOLATE_ON)
    BAD("%s: options.isolate is %d, which is no furrow_isolate", operation, (int)full->isolate);
  const struct {
    const char *name;
    double seconds;
  } times[] = {
      {"retry_delay", full->retry_delay}, {"task_timeout", full->task_timeout}, {"stop_grace", full->stop_grace}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    if (!(times[i].seconds >= 0))
      BAD("%s: options.%s is %g; it must be 0 or more seconds", operation, times[i].name, times[i].seconds);
  const char *needs = full->task_timeout > 0  ? "task_timeout"
                      : full->memory_limit    ? "memory_limit"
                      : full->tasks_per_child ? "tasks_per_child"
                                              : NULL;
  if (full->isolate == FURROW_ISOLATE_OFF && needs)
    BAD("%s: options.%s needs isolation, but options.isolate is FURROW_ISOLATE_OFF", operation, needs);
  if (full->window > FURROW_WINDOW_MOST)
    BAD("%s: options.window is %" PRIu64 "; it may be up to %d", operation, full->window, FURROW_WINDOW_MOST);
  if (full->threads < 1 || full->threads > FURROW_THREADS_MOST)
    BAD("%s: options.threads is %d; it must be 1 to %d", operation, full->threads, (int)FURROW_THREADS_MOST);
  if (full->own_threads < FURROW_THREADS_ALL)
    BAD("%s: options.own_threads is %d; it must be 0 to options.threads, or FURROW_THREADS_ALL", operation,
        full->own_threads);
  if (full->journal && !*full->journal) BAD("%s: options.journal is empty", operation);
#undef BAD
  return FURROW_OK;
}

enum { WINDOW_BYTES = 16 << 20 };

static const double LONGEST = 1e9; /* seconds; what is longer is as good as for ever */

static uint64_t nanoseconds(double seconds) {
  if (seconds <= 0) return 0;
  double whole = (seconds < LONGEST ? seconds : LONGEST) * 1e9;
  return whole < 1 ? 1 : (uint64_t)whole;
}

static uint64_t or_default(uint64_t option, uint64_t default_value) {
  return option ? option : default_value;
}

/* Children are had where something asks for them, unless the options forbid it; then the environment's wishes count as not
   there. */
static void settle_isolation(furrow__settings *settings, const furrow_options *options,
                             const furrow__defaults *defaults) {
  bool forbidden = options->isolate == FURROW_ISOLATE_OFF;
  uint64_t wish = options->isolate != FURROW_ISOLATE_AUTO ? options->isolate : defaults->isolate;
  bool own = options->task_timeout > 0 || options->memory_limit || options->tasks_per_child;
  forbidden = forbidden || (wish == FURROW_ISOLATE_OFF && !own);
  if (forbidden) return;
  settings->task_timeout =
      nanoseconds(options->task_timeout > 0 ? options->task_timeout : (double)defaults->task_timeout);
  settings->memory_limit = or_default(options->memory_limit, defaults->memory_limit);
  settings->tasks_per_child = or_default(options->tasks_per_child, defaults->tasks_per_child);
  settings->isolate =
      wish == FURROW_ISOLATE_ON || settings->task_timeout || settings->memory_limit || settings->tasks_per_child;
}

static uint64_t window(uint64_t wish) {
  return wish && wish < FURROW_WINDOW_MOST ? wish : FURROW_WINDOW_MOST;
}

furrow__settings furrow__settings_of(const furrow_options *options, const furrow__defaults *defaults, uint64_t series) {
  furrow__settings settings = {
      .schedule = options->schedule ? options->schedule : defaults->schedule,
      .chunk = options->chunk ? options->chunk : defaults->chunk,
      .seed = options->seed ? options->seed : defaults->seed,
      .series = options->series != FURROW_SERIES_NEXT ? options->series : series,
      .leaf = options->leaf ? options->leaf : defaults->leaf,
      .threads = options->threads != 1 ? (uint64_t)options->threads : or_default(defaults->threads, 1),
      .on_error = options->on_error ? options->on_error : defaults->on_error,
      .max_failures = or_default(options->max_failures, defaults->max_failures),
      .retries = or_default(options->retries, defaults->retries),
      .retry_delay = nanoseconds(options->retry_delay),
      .stop_grace = nanoseconds(options->stop_grace),
      .journal = options->journal != NULL,
      .window = window(or_default(options->window, defaults->window)),
      .window_bytes = or_default(or_default(options->window_bytes, defaults->window_bytes), WINDOW_BYTES),
      .unordered = options->unordered,
  };
  settle_isolation(&settings, options, defaults);
  settings.guarded = settings.on_error || settings.retries || settings.isolate || settings.journal || options->done;
  return settings;
}
