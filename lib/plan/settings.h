/* What the environment sets for a pool, and what an operation runs with. Knows the public options and the FURROW_
   variables; does not read the environment itself. */
#ifndef FURROW_PLAN_SETTINGS_H
#define FURROW_PLAN_SETTINGS_H

#include <stddef.h>

#include "base/error.h"
#include "furrow/options.h"

typedef enum furrow__progress_mode {
  FURROW__PROGRESS_ASKED, /* as the options ask */
  FURROW__PROGRESS_AUTO,
  FURROW__PROGRESS_BAR,
  FURROW__PROGRESS_LINE,
  FURROW__PROGRESS_OFF,
} furrow__progress_mode;

/* The pool's defaults, from the environment of rank 0. Every field is 64 bits, since it is filled by a table. */
typedef struct furrow__defaults {
  uint64_t schedule, chunk, seed, leaf;
  uint64_t shared_memory, node_timeout; /* UINT64_MAX: not set */
  uint64_t progress;                    /* furrow__progress_mode */
  uint64_t metrics;
} furrow__defaults;

/* How an operation runs: rank 0's choice, shipped to every rank as plain words. */
typedef struct furrow__settings {
  uint64_t schedule, chunk, seed, series, leaf;
} furrow__settings;

/* Fill `defaults` from `get`, which is getenv() or a test's. A bad value is an error that names the variable, the value
   and what is allowed. */
furrow_status furrow__defaults_read(furrow__defaults *defaults, const char *(*get)(const char *name),
                                    furrow_error *error, furrow__where where);

/* Copy the caller's options (NULL: the defaults) to `full`; an error names the bad field. */
furrow_status furrow__options_check(const furrow_options *options, furrow_options *full, const char *operation,
                                    furrow_error *error, furrow__where where);

/* What applies: options that differ from their default win over the pool's. `series`: the next one. */
furrow__settings furrow__settings_of(const furrow_options *options, const furrow__defaults *defaults, uint64_t series);

#endif
