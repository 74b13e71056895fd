/* The benchmark's clock, arguments and output line. Knows neither furrow nor its peers. */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void *bench_alloc(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) bench_fail("out of memory");
  memset(memory, 0xA5, size); /* not zeros: a result that nobody wrote must show */
  return memory;
}

const char *bench_word(int argc, char **argv, int i) {
  if (i < argc) return argv[i];
  fprintf(stderr, "%s: argument %d is missing; tests/bench/run knows what to give\n", argv[0], i);
  exit(2);
}

uint64_t bench_number(int argc, char **argv, int i) {
  const char *text = bench_word(argc, argv, i);
  char *end = NULL;
  errno = 0;
  uint64_t value = strtoull(text, &end, 10);
  if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0') return value;
  fprintf(stderr, "%s: argument %d is \"%s\", not a whole number\n", argv[0], i, text);
  exit(2);
}

void bench_fail(const char *message) {
  fprintf(stderr, "bench: %s\n", message);
  exit(EXIT_FAILURE);
}

void bench_line_begin(void) {
  fputs("bench", stdout);
}

void bench_line_doubles(const char *key, const double *values, size_t n) {
  printf(" %s=", key);
  for (size_t i = 0; i < n; i++) printf("%s%.9g", i ? "," : "", values[i]);
}

void bench_line_hex(const char *key, uint64_t value) {
  printf(" %s=%" PRIx64, key, value);
}

void bench_line_end(void) {
  fputs("\n", stdout);
  fflush(stdout);
}
