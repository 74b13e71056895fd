/* From the command line to furrow_options, and the stop signal between operations. */
#include "faults.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void app_faults_apply(const app_faults *faults, furrow_options *options) {
  options->journal = faults->journal;
  options->retries = (uint32_t)faults->retries;
  options->task_timeout = faults->timeout;
  if (faults->isolate) options->isolate = FURROW_ISOLATE_ON;
}

bool app_journalled(const app_faults *faults) {
  const char *variable = getenv("FURROW_JOURNAL");
  return faults->journal || (variable && *variable);
}

app_label app_label_of(const app_faults *faults, const char *name, const char *format, ...) {
  app_label label;
  int length = snprintf(label.text, sizeof label.text, "%s", name);
  if (!app_journalled(faults)) return label;
  length += snprintf(label.text + length, sizeof label.text - (size_t)length, ": ");
  va_list values;
  va_start(values, format);
  vsnprintf(label.text + length, sizeof label.text - (size_t)length, format, values);
  va_end(values);
  return label;
}

/* ---- the stop signal ------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked; /* a handler reaches nothing else */

static void ask_to_stop(int number) {
  (void)number;
  stop_asked = 1;
}

void app_stop_listen(const app_faults *faults) {
  struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};
  if (faults->journal) sigaction(SIGUSR1, &action, NULL);
}

/* Each rank gets the signal at its own time, and perhaps one gets none: whoever has it speaks for all. */
furrow_status app_stop_check(furrow_pool *pool, const app_faults *faults) {
  if (!faults->journal) return FURROW_OK;
  return furrow_agree(pool, stop_asked ? FURROW_E_INTERRUPTED : FURROW_OK, "stopped between two operations");
}
