/* The stress runs of tests/unit for longer: every kind of crew, with and without delays.
 *
 * usage: stress SECONDS [threads]     `threads`: no processes, which the thread sanitizer does not see into
 *
 * One line a run; exits 1 if anything has been wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit/stress.h"

typedef struct protocol {
  const char *name;
  void (*run)(stress *s);
} protocol;

static const protocol PROTOCOLS[] = {{"shares", stress_range}, {"piles", stress_pile}, {"gates", stress_gate}};
static const int WORKERS[] = {2, 3, 8};
static const unsigned DELAYS[] = {0, 4};
enum { PROTOCOL_COUNT = 3, RUNS_A_KIND = PROTOCOL_COUNT * 3 * 2 };

static bool run(const protocol *p, stress s) {
  p->run(&s);
  printf("%-5s %s, %d %s, %s: %.0f thousand operations%s%s\n", s.wrong[0] ? "FAIL" : "ok", p->name, s.workers,
         s.kind == CREW_THREADS ? "threads" : "processes", s.delays ? "with delays" : "as it is",
         (double)s.operations / 1e3, s.wrong[0] ? ": " : "", s.wrong);
  return !s.wrong[0];
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? strtod(argv[1], NULL) : 0;
  bool threads_only = argc > 2 && strcmp(argv[2], "threads") == 0, good = true;
  if (!(seconds > 0)) {
    fprintf(stderr, "usage: %s SECONDS [threads]\n", argv[0]);
    return 2;
  }
  int kinds = threads_only ? 1 : 2;
  for (int p = 0; p < PROTOCOL_COUNT; p++)
    for (int kind = 0; kind < kinds; kind++)
      for (int w = 0; w < 3; w++)
        for (int d = 0; d < 2; d++)
          good = run(&PROTOCOLS[p], (stress){.kind = (crew_kind)kind,
                                             .workers = WORKERS[w],
                                             .seconds = seconds / (RUNS_A_KIND * kinds),
                                             .delays = DELAYS[d],
                                             .seed = (uint64_t)time(NULL)}) &&
                 good;
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
