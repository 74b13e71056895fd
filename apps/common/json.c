/* Results for programs to read. Numbers carry all their digits, so equal text means equal bits. */
#include "json.h"

#include <math.h>

static json_t *number_or_null(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *positive_or_null(double value) {
  return value > 0 ? json_real(value) : json_null();
}

json_t *app_json_estimate(const app_estimate *estimate) {
  double margin = app_estimate_margin(estimate);
  return json_pack("{s:f, s:f, s:[f, f], s:o, s:o}", "value", estimate->value, "standard_error",
                   estimate->standard_error, "confidence_95", estimate->value - margin, estimate->value + margin,
                   "exact", number_or_null(estimate->exact), "deviation",
                   number_or_null(app_estimate_deviation(estimate)));
}

json_t *app_json_timing(const app_timing *timing) {
  return json_pack("{s:i, s:f, s:o, s:o, s:o}", "ranks", timing->ranks, "seconds", timing->seconds,
                   "samples_per_second", positive_or_null(timing->rate), "one_rank_samples_per_second",
                   positive_or_null(timing->rate_of_one), "speedup", positive_or_null(app_speedup(timing)));
}

/* That standard output takes no more is found by app_finish(). */
furrow_status app_print_json(furrow_pool *pool, json_t *json) {
  furrow_status status = FURROW_OK;
  if (furrow_is_root(pool)) {
    bool made = json && (json_dumpf(json, stdout, JSON_INDENT(2)) == 0 || ferror(stdout));
    if (!made) status = FURROW_E_NOMEM;
    putchar('\n');
    json_decref(json);
  }
  return furrow_agree(pool, status, "there is no room for the report");
}
