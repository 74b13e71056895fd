/* Random numbers that need more than a few inline lines: the state of a task's generator, and the ziggurats.
 * Knows xoshiro256++ from its public header, Philox from Random123, and the generated layers.
 * Does not know tasks, pools or threads: all state is the caller's. */
#include "furrow/rng.h"

#include <math.h>
#include <Random123/philox.h>
#include <string.h>

#include "base/ziggurat_tables.h"

#if defined(__GNUC__)
#define RARE __attribute__((noinline, cold))
#else
#define RARE
#endif

furrow_rng furrow_rng_make(uint64_t seed, uint64_t series, uint64_t task) {
  philox4x64_ctr_t counter = {{task, 0, 0, 0}};
  philox4x64_key_t key = {{seed, series}};
  philox4x64_ctr_t state = philox4x64_R(10, counter, key);
  furrow_rng rng = {{state.v[0], state.v[1], state.v[2], state.v[3]}};
  /* xoshiro never leaves the state zero. Of all 2^256 counters of a key just one would lead there. */
  if ((rng.s[0] | rng.s[1] | rng.s[2] | rng.s[3]) == 0) rng.s[0] = 1;
  return rng;
}

/* One draw of 64 bits chooses all: bits 0 to 7 the layer, bit 8 the sign, bits 11 to 63 the place in the layer. They
 * must not overlap: a place that depends on its layer is the known flaw of the first ziggurats. */
static inline unsigned layer_of(uint64_t bits) {
  return (unsigned)(bits & 255);
}

static inline uint64_t mantissa_of(uint64_t bits) {
  return bits >> 11;
}

static inline double place_in(const furrow__ziggurat_layer *layers, uint64_t bits) {
  return (double)(int64_t)mantissa_of(bits) * layers[layer_of(bits)].step;
}

static inline double with_sign_of(uint64_t bits, double x) {
  uint64_t representation;
  memcpy(&representation, &x, sizeof x);
  representation ^= (bits & 256) << 55;
  memcpy(&x, &representation, sizeof x);
  return x;
}

/* Whether the draw is settled: its place lies under the next layer too. 98.5 % (normal) or 97.8 % are. */
static inline bool inside(const furrow__ziggurat_layer *layers, uint64_t bits) {
  return mantissa_of(bits) < layers[layer_of(bits)].within;
}

/* A uniform height within the layer. */
static inline double height_in(const double *heights, unsigned layer, furrow_rng *rng) {
  return heights[layer] + furrow_rng_uniform(rng) * (heights[layer + 1] - heights[layer]);
}

/* Go on from `bits`, which were not inside. The tail has no memory: beyond its start it is the whole again. */
RARE static double exponential_slowly(furrow_rng *rng, uint64_t bits) {
  double start = 0.0;
  for (;;) {
    unsigned layer = layer_of(bits);
    double x = place_in(furrow__exponential_layers, bits);
    if (inside(furrow__exponential_layers, bits)) return start + x;
    if (layer == 0) {
      start += FURROW__EXPONENTIAL_START;
    } else if (height_in(furrow__exponential_heights, layer, rng) < exp(-x)) {
      return start + x;
    }
    bits = furrow_rng_u64(rng);
  }
}

double furrow_rng_exponential(furrow_rng *rng) {
  uint64_t bits = furrow_rng_u64(rng);
  if (inside(furrow__exponential_layers, bits)) return place_in(furrow__exponential_layers, bits);
  return exponential_slowly(rng, bits);
}

/* A normal number beyond START, exactly: propose exponentials (Marsaglia, 1964). */
static double normal_tail(furrow_rng *rng) {
  double beyond, limit;
  do {
    beyond = furrow_rng_exponential(rng) / FURROW__NORMAL_START;
    limit = furrow_rng_exponential(rng);
  } while (limit + limit < beyond * beyond);
  return FURROW__NORMAL_START + beyond;
}

/* Go on from `bits`, which were not inside. */
RARE static double normal_slowly(furrow_rng *rng, uint64_t bits) {
  for (;;) {
    unsigned layer = layer_of(bits);
    double x = place_in(furrow__normal_layers, bits);
    if (inside(furrow__normal_layers, bits)) return with_sign_of(bits, x);
    if (layer == 0) return with_sign_of(bits, normal_tail(rng));
    if (height_in(furrow__normal_heights, layer, rng) < exp(-0.5 * x * x)) return with_sign_of(bits, x);
    bits = furrow_rng_u64(rng);
  }
}

double furrow_rng_normal(furrow_rng *rng) {
  uint64_t bits = furrow_rng_u64(rng);
  if (inside(furrow__normal_layers, bits)) return with_sign_of(bits, place_in(furrow__normal_layers, bits));
  return normal_slowly(rng, bits);
}

/* The fills keep the state in registers: `local` never has its address taken but by what is inlined. */

void furrow_rng_fill_u64(furrow_rng *rng, uint64_t *out, size_t n) {
  furrow_rng local = *rng;
  for (size_t i = 0; i < n; i++) out[i] = furrow_rng_u64(&local);
  *rng = local;
}

void furrow_rng_fill_uniform(furrow_rng *rng, double *out, size_t n) {
  furrow_rng local = *rng;
  for (size_t i = 0; i < n; i++) out[i] = furrow_rng_uniform(&local);
  *rng = local;
}

void furrow_rng_fill_normal(furrow_rng *rng, double *out, size_t n) {
  furrow_rng local = *rng;
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = furrow_rng_u64(&local);
    out[i] = with_sign_of(bits, place_in(furrow__normal_layers, bits));
    if (inside(furrow__normal_layers, bits)) continue;
    furrow_rng lent = local;
    out[i] = normal_slowly(&lent, bits);
    local = lent;
  }
  *rng = local;
}

void furrow_rng_fill_exponential(furrow_rng *rng, double *out, size_t n) {
  furrow_rng local = *rng;
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = furrow_rng_u64(&local);
    out[i] = place_in(furrow__exponential_layers, bits);
    if (inside(furrow__exponential_layers, bits)) continue;
    furrow_rng lent = local;
    out[i] = exponential_slowly(&lent, bits);
    local = lent;
  }
  *rng = local;
}
