/* GNU parallel's arithmetic of --halt and of exit statuses, as measured with its release of 20221122. */
#include "tally.h"

enum { MOST_FAILED = 101 /* stands for any number above 100 */ };

static int failed_status(const tally *all) {
  return all->failed < MOST_FAILED ? (int)all->failed : MOST_FAILED;
}

/* Rounded up. */
static int percentage(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : (int)((part * 100 + whole - 1) / whole);
}

/* Of the command that was one too many. As a shell has it: 128 more for a signal. */
static int status_of(int exit_value, int signal) {
  return exit_value != 0 ? exit_value & 255 : signal != 0 ? 128 + signal : 0;
}

static bool is_reached(const tally *all, bool failed) {
  const halt *rule = all->rule;
  if (rule->what != HALT_DONE && failed != (rule->what == HALT_FAIL)) return false;
  if (rule->percent && all->total == 0) return false;
  double limit = rule->percent ? rule->value / 100 * (double)all->total : rule->value;
  uint64_t count = rule->what == HALT_FAIL   ? all->failed
                   : rule->what == HALT_DONE ? all->done
                                             : all->done - all->failed;
  return (double)count >= limit;
}

static int halt_status(const tally *all, int exit_value, int signal) {
  if (all->rule->what == HALT_SUCCESS) return 0;
  if (all->rule->percent) return percentage(all->failed, all->total);
  return all->rule->value == 1 ? status_of(exit_value, signal) : failed_status(all);
}

int tally_add(tally *all, int exit_value, int signal) {
  bool failed = exit_value != 0 || signal != 0;
  all->done++;
  if (failed) all->failed++;
  if (all->rule->when == HALT_NEVER || all->halted || !is_reached(all, failed)) return HALT_NEVER;
  all->halted = true;
  all->halt_status = halt_status(all, exit_value, signal);
  return (int)all->rule->when;
}

int tally_status(const tally *all) {
  if (all->halted) return all->halt_status;
  if (all->rule->when != HALT_NEVER && all->rule->percent) return percentage(all->failed, all->started);
  return failed_status(all);
}
