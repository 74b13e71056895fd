/* Hashes for checksums and keys: XXH3, the same on every machine. Knows bytes only. */
#ifndef FURROW_BASE_HASH_H
#define FURROW_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct furrow__hash128 {
  uint64_t low, high;
} furrow__hash128;

uint64_t furrow__hash64(const void *bytes, size_t size);
furrow__hash128 furrow__hash128_of(const void *bytes, size_t size);

static inline bool furrow__hash128_equal(furrow__hash128 a, furrow__hash128 b) {
  return a.low == b.low && a.high == b.high;
}

/* The same of bytes that come in pieces. One hasher gives one of the two. */
typedef struct furrow__hasher {
  _Alignas(64) unsigned char state[576];
} furrow__hasher;

void furrow__hasher_start64(furrow__hasher *hasher);
void furrow__hasher_start128(furrow__hasher *hasher);
void furrow__hasher_add64(furrow__hasher *hasher, const void *bytes, size_t size);
void furrow__hasher_add128(furrow__hasher *hasher, const void *bytes, size_t size);
uint64_t furrow__hasher_end64(const furrow__hasher *hasher);
furrow__hash128 furrow__hasher_end128(const furrow__hasher *hasher);

#endif
