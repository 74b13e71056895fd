/* The report: lines for people, JSON for programs. */
#include <math.h>
#include <stdio.h>

#include "common/json.h"
#include "quadrature.h"

void print_text(const settings *wanted, const answer *a) {
  static const char *const ENDINGS[] = {"reached", "not reached: the limit of evaluations came first",
                                        "not reached: rounding leaves no more digits"};
  printf("%s: %s from %s to %s\n\n", wanted->integrand->name, wanted->integrand->formula, app_exact(wanted->lower).text,
         app_exact(wanted->upper).text);
  printf("  integral          %.15g\n", a->value);
  printf("  error estimate    %.2e\n", a->error);
  printf("  true error       %+.2e\n", a->value - a->exact);
  printf("  tolerance         %.2e, %s\n\n", a->allowed, ENDINGS[a->ending]);
  printf("  evaluations       %s in %s tasks\n", app_whole(a->evaluations).text, app_whole(a->tasks).text);
  printf("  intervals         %s\n", app_whole(a->intervals).text);
  printf("  time              %.2f s on %d rank%s\n", a->timing.seconds, a->timing.ranks,
         a->timing.ranks == 1 ? "" : "s");
  printf("  rate              %s evaluations/s\n", app_rate(a->timing.rate).text);
}

furrow_status print_json(furrow_pool *pool, const settings *wanted, const answer *a) {
  static const char *const ENDINGS[] = {"tolerance", "limit", "rounding"};
  json_t *report = NULL;
  if (furrow_is_root(pool))
    report = json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:s, s:I, s:I, s:I, s:o}", "integrand",
                       wanted->integrand->name, "lower", wanted->lower, "upper", wanted->upper, "integral", a->value,
                       "error_estimate", a->error, "tolerance", a->allowed, "exact", a->exact, "true_error",
                       a->value - a->exact, "reached", a->ending == BY_TOLERANCE, "ended_by", ENDINGS[a->ending],
                       "evaluations", (json_int_t)a->evaluations, "intervals", (json_int_t)a->intervals, "tasks",
                       (json_int_t)a->tasks, "timing", app_json_timing(&a->timing));
  return app_print_json(pool, report);
}
