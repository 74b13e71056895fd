/* Random bits without end on stdout, interleaved from the generators of many tasks: what a battery of tests should see
 * to judge not one stream but how the streams of tasks go together. See tests/battery/run.
 *
 * usage: stream SEED TASKS WORDS
 *
 * Task 0, 1, … TASKS-1 give WORDS words of 64 bits each in turn, and go on where they stopped in the next round.
 * TASKS 0: tasks without end, each of which gives its first WORDS words and is never seen again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "furrow/rng.h"

enum { BUFFER = 8192 };

static uint64_t buffer[BUFFER];
static size_t held;

/* Returns false where nobody reads any more. */
static bool emit(furrow_rng *rng, uint64_t words) {
  for (uint64_t i = 0; i < words; i++) {
    buffer[held++] = furrow_rng_u64(rng);
    if (held < BUFFER) continue;
    if (fwrite(buffer, sizeof *buffer, held, stdout) != held) return false;
    held = 0;
  }
  return true;
}

static void emit_fresh(uint64_t seed, uint64_t words) {
  for (uint64_t task = 0;; task++) {
    furrow_rng rng = furrow_rng_make(seed, 0, task);
    if (!emit(&rng, words)) return;
  }
}

static void emit_in_turn(uint64_t seed, uint64_t tasks, uint64_t words, furrow_rng *rngs) {
  for (uint64_t task = 0; task < tasks; task++) rngs[task] = furrow_rng_make(seed, 0, task);
  for (uint64_t turn = 0; emit(&rngs[turn], words);) turn = turn + 1 < tasks ? turn + 1 : 0;
}

static uint64_t number(const char *text) {
  char *end;
  uint64_t value = strtoumax(text, &end, 0);
  if (*text >= '0' && *text <= '9' && *end == 0) return value;
  fprintf(stderr, "stream: '%s' is not a number\n", text);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s SEED TASKS WORDS\n", argv[0]);
    return 2;
  }
  uint64_t seed = number(argv[1]), tasks = number(argv[2]), words = number(argv[3]);
  if (words == 0) {
    fprintf(stderr, "stream: WORDS must be at least 1\n");
    return 2;
  }
  if (tasks == 0) {
    emit_fresh(seed, words);
    return 0;
  }
  furrow_rng *rngs = calloc(tasks, sizeof *rngs);
  if (!rngs) {
    fprintf(stderr, "stream: out of memory for %" PRIu64 " tasks\n", tasks);
    return 1;
  }
  emit_in_turn(seed, tasks, words, rngs);
  free(rngs);
  return 0;
}
