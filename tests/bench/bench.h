/* The benchmark's clock, arguments and output line. Knows neither furrow nor its peers. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/** Seconds on a clock that never goes back. */
double bench_now(void);

/** Memory, touched, so that no timed region pays for its first use. Ends the program if there is none. */
void *bench_alloc(size_t size);

/** Argument `i` as a whole number. Ends the program with status 2 if it is missing or is none. */
uint64_t bench_number(int argc, char **argv, int i);

/** Argument `i`, or the program ends with status 2. */
const char *bench_word(int argc, char **argv, int i);

/** Say what went wrong on stderr and end the program with status 1. */
_Noreturn void bench_fail(const char *message);

/** The output: one line `bench key=value,value ...` on stdout. */
void bench_line_begin(void);
void bench_line_doubles(const char *key, const double *values, size_t n);
void bench_line_hex(const char *key, uint64_t value);
void bench_line_end(void);

#endif
