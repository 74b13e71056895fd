/* Values of options that are more than a number: slots, durations, when to halt. Pure. */
#ifndef FARM_VALUES_H
#define FARM_VALUES_H

#include "farm.h"

/* Each returns NULL, or what is wrong with the text, as in "is not a number". `into` is left alone then. */

/* 4, 150%, +2 and -1 (of the cores), 0: settings. */
const char *read_jobs(const char *text, void *into);
#define JOBS_ALLOWED "allowed are N, N% of the cores, +N or -N beside them, and 0 for as many as there can be"

/* 30, 1.5, 2m, 1h30m: a double, seconds. */
const char *read_seconds(const char *text, void *into);
#define SECONDS_ALLOWED "allowed are seconds, or numbers with d, h, m and s, such as 1h30m"

/* The same, or 200%: settings. */
const char *read_timeout(const char *text, void *into);
#define TIMEOUT_ALLOWED "allowed are seconds, times such as 1h30m, or a percentage of the median such as 200%"

/* -20 to 19: an int. */
const char *read_nice(const char *text, void *into);
#define NICE_ALLOWED "allowed is a whole number from -20 to 19"

/* never; now or soon, with fail, success or done, with a number or a percentage; 0, 1, 2, -1, -2 and N%: a halt. */
const char *read_halt(const char *text, void *into);
#define HALT_ALLOWED "allowed are never, or now or soon, a comma, and fail=, success= or done= with N or P%"

/* A folder's name: a const char *. */
const char *read_directory(const char *text, void *into);

#endif
