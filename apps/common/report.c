/* How results are shown as text. */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double MARGIN_95 = 1.959963984540054; /* standard errors to either side */

app_words app_whole(uint64_t n) {
  app_words words = {.text = ""};
  char digits[24];
  int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
  char *out = words.text;
  for (int i = 0; i < count; i++) {
    if (i > 0 && (count - i) % 3 == 0) *out++ = '_';
    *out++ = digits[i];
  }
  *out = '\0';
  return words;
}

app_words app_exact(double value) {
  app_words words;
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(words.text, sizeof words.text, "%.*g", digits, value);
    if (strtod(words.text, NULL) == value) break;
  }
  return words;
}

app_words app_rate(double n) {
  static const char *const PREFIXES[] = {"", " k", " M", " G", " T", " P"};
  app_words words;
  size_t prefix = 0;
  for (; n >= 999.95 && prefix < sizeof PREFIXES / sizeof *PREFIXES - 1; prefix++) n /= 1000;
  snprintf(words.text, sizeof words.text, n < 10 ? "%.2f%s" : "%.1f%s", n, PREFIXES[prefix]);
  return words;
}

app_words app_range(double value, double by, int decimals) {
  app_words words;
  snprintf(words.text, sizeof words.text, "%.*f to %.*f", decimals, value - by, decimals, value + by);
  return words;
}

double app_estimate_margin(const app_estimate *estimate) {
  return MARGIN_95 * estimate->standard_error;
}

double app_estimate_deviation(const app_estimate *estimate) {
  return estimate->standard_error > 0 ? (estimate->value - estimate->exact) / estimate->standard_error : NAN;
}

void app_print_timing(const app_timing *timing, const char *unit) {
  printf("  time              %.2f s on %d rank%s\n", timing->seconds, timing->ranks, timing->ranks == 1 ? "" : "s");
  if (timing->rate > 0)
    printf("  rate              %s %s/s\n", app_rate(timing->rate).text, unit);
  else
    printf("  rate              not measured: the journal may have had part of it\n");
  double speedup = app_speedup(timing);
  if (speedup > 0)
    printf("  speed-up          %.2f over one rank (%.0f %% of %d ranks)\n", speedup, 100 * speedup / timing->ranks,
           timing->ranks);
  else if (timing->ranks > 1 && timing->rate > 0)
    printf("  speed-up          not measured: the run was too short\n");
}
