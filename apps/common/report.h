/* How results are shown: numbers, estimates, and what a run cost. Plain text; json.h says the same to programs. */
#ifndef APPS_COMMON_REPORT_H
#define APPS_COMMON_REPORT_H

#include <stdint.h>

#include "timing.h"

/* A formatted number, by value: app_whole(n).text lives to the end of the expression. */
typedef struct app_words {
  char text[48];
} app_words;

app_words app_whole(uint64_t n);                            /* 1_000_000, as the command line takes it */
app_words app_exact(double value);                          /* as few digits as give the same number back */
app_words app_rate(double n);                               /* three or four figures and a letter: 812.4 M */
app_words app_range(double value, double by, int decimals); /* 3.1409 to 3.1421: value - by to value + by */

/* What Monte Carlo found out about one number. */
typedef struct app_estimate {
  double value;
  double standard_error;
  double exact; /* NaN: not known */
} app_estimate;

/* Half the width of the 95 % confidence interval. */
double app_estimate_margin(const app_estimate *estimate);

/* How many standard errors the estimate lies above the exact value; NaN if one of the two is not known. */
double app_estimate_deviation(const app_estimate *estimate);

/* Time, rate and speed-up, a line each; `unit` is what was counted, as in "points". */
void app_print_timing(const app_timing *timing, const char *unit);

#endif
