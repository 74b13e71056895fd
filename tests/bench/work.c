/* The tasks of the benchmark. Compiled once, apart from all that call them; see work.h. */
#include "work.h"

#include <string.h>

#include "bench.h"

typedef struct timed_result {
  double seconds;
  uint64_t value;
} timed_result;

typedef struct row_result {
  double seconds;
  uint32_t iterations[WORK_ROW_PIXELS];
} row_result;

uint64_t work_spin(uint64_t start, uint64_t loops) {
  uint64_t x = start;
  for (uint64_t i = 0; i < loops; i++) x = x * 6364136223846793005u + 1442695040888963407u;
  return x;
}

static int noop(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = 2 * task->index + 1;
  return 0;
}

static int spin_for(uint64_t index, uint64_t loops, timed_result *result) {
  double start = bench_now();
  result->value = work_spin(index, loops);
  result->seconds = bench_now() - start;
  return 0;
}

static int unit(furrow_task *task, const void *item, void *result) {
  const work_params *params = task->user;
  (void)item;
  return spin_for(task->index, params->loops, result);
}

static int linear(furrow_task *task, const void *item, void *result) {
  const work_params *params = task->user;
  (void)item;
  return spin_for(task->index, params->loops * task->index, result);
}

/* A third of the way in: at the very end nobody who does not know the costs could balance it. */
static int one_long(furrow_task *task, const void *item, void *result) {
  const work_params *params = task->user;
  (void)item;
  uint64_t loops = params->loops;
  if (task->index == params->count / 3) loops *= (params->count - 1) / 4;
  return spin_for(task->index, loops, result);
}

/* A view that is not symmetrical, or two halves of the rows would cost the same. */
static int mandelbrot(furrow_task *task, const void *item, void *result) {
  const work_params *params = task->user;
  row_result *row = result;
  (void)item;
  double start = bench_now();
  double ci = -0.4 + 1.6 * (double)task->index / (double)params->count;
  for (int x = 0; x < WORK_ROW_PIXELS; x++) {
    double cr = -2.0 + 2.6 * (double)x / WORK_ROW_PIXELS, zr = 0, zi = 0;
    uint32_t n = 0;
    while (n < params->loops && zr * zr + zi * zi < 4) {
      double next = zr * zr - zi * zi + cr;
      zi = 2 * zr * zi + ci;
      zr = next;
      n++;
    }
    row->iterations[x] = n;
  }
  row->seconds = bench_now() - start;
  return 0;
}

int work_tiny(furrow_task *task, const void *item, void *result) {
  double x = *(const double *)item;
  (void)task;
  *(double *)result = x * x + 1;
  return 0;
}

uint64_t work_pi_hits(furrow_rng *rng, uint64_t points) {
  furrow_rng local = *rng; /* in registers */
  uint64_t hits = 0;
  for (uint64_t i = 0; i < points; i++) {
    double x = furrow_rng_uniform(&local);
    double y = furrow_rng_uniform(&local);
    hits += x * x + y * y < 1;
  }
  *rng = local;
  return hits;
}

const work *work_find(const char *name) {
  static const work all[] = {
      {"noop", noop, sizeof(uint64_t), false},
      {"unit", unit, sizeof(timed_result), true},
      {"linear", linear, sizeof(timed_result), true},
      {"long", one_long, sizeof(timed_result), true},
      {"mandelbrot", mandelbrot, sizeof(row_result), true},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].name, name) == 0) return &all[i];
  return NULL;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  return (hash ^ word) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

uint64_t work_check(const work *kind, const void *results, uint64_t count) {
  uint64_t hash = count;
  const unsigned char *at = results;
  for (uint64_t i = 0; i < count; i++, at += kind->result_size) {
    if (!kind->timed) {
      uint64_t value;
      memcpy(&value, at, sizeof value);
      if (value != 2 * i + 1) bench_fail("a result is wrong");
      hash = mix(hash, value);
      continue;
    }
    for (size_t byte = sizeof(double); byte + 4 <= kind->result_size; byte += 4) {
      uint32_t word;
      memcpy(&word, at + byte, sizeof word);
      hash = mix(hash, word);
    }
  }
  return hash;
}

double work_bound(const work *kind, const void *results, uint64_t count, int workers) {
  double sum = 0, longest = 0;
  if (!kind->timed) return 0;
  for (uint64_t i = 0; i < count; i++) {
    double seconds;
    memcpy(&seconds, (const unsigned char *)results + i * kind->result_size, sizeof seconds);
    sum += seconds;
    if (seconds > longest) longest = seconds;
  }
  return sum / workers > longest ? sum / workers : longest;
}
