/* What programs offer against failures and interruptions: --journal, --retries, --timeout, --isolate, and the stop
 * signal. Every program says it in one line. */
#ifndef APPS_COMMON_FAULTS_H
#define APPS_COMMON_FAULTS_H

#include "options.h"

typedef struct app_faults {
  const char *journal; /* NULL: none, unless rank 0's environment has FURROW_JOURNAL */
  uint64_t retries;
  double timeout;
  bool isolate;
} app_faults;

/* The rows of a program's table; `where` is an app_faults *. */
#define APP_FAULTS(where)                                                                                             \
  {.name = "journal",                                                                                                 \
   .value = "FILE",                                                                                                   \
   .text = &(where)->journal,                                                                                         \
   .help = "keep there what is finished; the same command goes on from it"},                                          \
      {.name = "retries", .count = &(where)->retries, .most = 1e6, .help = "how often a failed task is tried again"}, \
      {.name = "timeout",                                                                                             \
       .value = "SECONDS",                                                                                            \
       .real = &(where)->timeout,                                                                                     \
       .most = 1e9,                                                                                                   \
       .help = "that a task may take; 0 for any"},                                                                    \
  {                                                                                                                   \
    .name = "isolate", .flag = &(where)->isolate, .help = "run tasks in child processes: a crash is a failed task"    \
  }

/* Put them into an operation's options. Local. */
void app_faults_apply(const app_faults *faults, furrow_options *options);

/* An operation's label, with what its answer depends on, if it is journalled: then a journal of other values is refused,
 * and one of the same values goes on under any --retries, --schedule or --output. "name: spot 100, strike 90". Without a
 * journal it is the name alone, as progress shows it. Rank 0's label counts. */
typedef struct app_label {
  char text[384];
} app_label;
app_label app_label_of(const app_faults *faults, const char *name, const char *format, ...) FURROW_PRINTF(3, 4);

/* Whether this rank, if it is rank 0, has a journal: by the option or by FURROW_JOURNAL. */
bool app_journalled(const app_faults *faults);

/* The library listens to the stop signal, SIGUSR1, while a journalled operation runs. In between it would end the
 * program. So call this once after the arguments are read: with --journal the signal is kept in mind from now on. */
void app_stop_listen(const app_faults *faults);

/* FURROW_E_INTERRUPTED if the signal has come to any rank since then. Call it before each journalled operation.
 * Collective on the pool. */
furrow_status app_stop_check(furrow_pool *pool, const app_faults *faults);

#endif
