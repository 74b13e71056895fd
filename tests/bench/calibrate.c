/* How many turns of work_spin() make a millisecond here: every program of a run is given the same, fixed work. */
#include "bench.h"
#include "work.h"

int main(void) {
  enum { TURNS = 4000000, TRIES = 15 };
  double best = 1e9, turns;
  uint64_t sink = 1;
  for (int i = 0; i < TRIES; i++) {
    double start = bench_now();
    sink = work_spin(sink, TURNS);
    double seconds = bench_now() - start;
    if (seconds < best) best = seconds;
  }
  turns = (double)(uint64_t)(TURNS / best / 1000);
  bench_line_begin();
  bench_line_doubles("loops", &turns, 1);
  bench_line_hex("check", sink);
  bench_line_end();
  return 0;
}
