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
  uint64_t on_error, max_failures, retries, task_timeout, memory_limit, isolate, tasks_per_child;
  uint64_t window, window_bytes;
  uint64_t threads;
} furrow__defaults;

/* How an operation runs: rank 0's choice, shipped to every rank as plain words. */
typedef struct furrow__settings {
  uint64_t schedule, chunk, seed, series, leaf;
  uint64_t threads; /* workers of each rank */
  uint64_t guarded; /* 1: rank 0 keeps a ledger of what is finished and what failed */
  uint64_t on_error, max_failures, retries, retry_delay;                     /* nanoseconds, as all times here */
  uint64_t isolate, task_timeout, memory_limit, tasks_per_child, stop_grace; /* isolate: 1 if tasks run in children */
  uint64_t window, window_bytes, unordered;                                  /* of a stream */
  uint64_t journal;                                                          /* 1: what is finished is kept */
  uint64_t uneven;                                                           /* 1: not every rank has all `threads` */
  uint64_t gaps; /* stretches of units that the journal does not have; 0: all are to be done */
} furrow__settings;

/* Fill `defaults` from `get`, which is getenv() or a test's. A bad value is an error that names the variable, the value
   and what is allowed. */
furrow_status furrow__defaults_read(furrow__defaults *defaults, const char *(*get)(const char *name),
                                    furrow_error *error, furrow__where where);

/* The journal that `get` names, FURROW_JOURNAL; NULL: none. */
const char *furrow__defaults_journal(const char *(*get)(const char *name));

/* Copy the caller's options (NULL: the defaults) to `full`; an error names the bad field. */
furrow_status furrow__options_check(const furrow_options *options, furrow_options *full, const char *operation,
                                    furrow_error *error, furrow__where where);

/* What applies: options that differ from their default win over the pool's. `series`: the next one. */
furrow__settings furrow__settings_of(const furrow_options *options, const furrow__defaults *defaults, uint64_t series);

#endif
