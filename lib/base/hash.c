#include "base/hash.h"

/* All of it is compiled in here: the library links to no libxxhash, and exports nothing of it. */
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(XXH_VERSION_NUMBER >= 800, "XXH3 has its final form since xxHash 0.8.0");
_Static_assert(sizeof(furrow__hasher) >= sizeof(XXH3_state_t), "room for XXH3's state");
_Static_assert(_Alignof(furrow__hasher) >= _Alignof(XXH3_state_t), "and its alignment");

static furrow__hash128 words_of(XXH128_hash_t hash) {
  return (furrow__hash128){hash.low64, hash.high64};
}

static XXH3_state_t *state_of(furrow__hasher *hasher) {
  return (XXH3_state_t *)(void *)hasher->state;
}

uint64_t furrow__hash64(const void *bytes, size_t size) {
  return XXH3_64bits(bytes, size);
}

furrow__hash128 furrow__hash128_of(const void *bytes, size_t size) {
  return words_of(XXH3_128bits(bytes, size));
}

/* Calls with a state fail for NULL only. */

void furrow__hasher_start64(furrow__hasher *hasher) {
  (void)XXH3_64bits_reset(state_of(hasher));
}

void furrow__hasher_start128(furrow__hasher *hasher) {
  (void)XXH3_128bits_reset(state_of(hasher));
}

void furrow__hasher_add64(furrow__hasher *hasher, const void *bytes, size_t size) {
  (void)XXH3_64bits_update(state_of(hasher), bytes, size);
}

void furrow__hasher_add128(furrow__hasher *hasher, const void *bytes, size_t size) {
  (void)XXH3_128bits_update(state_of(hasher), bytes, size);
}

uint64_t furrow__hasher_end64(const furrow__hasher *hasher) {
  return XXH3_64bits_digest((const XXH3_state_t *)(const void *)hasher->state);
}

furrow__hash128 furrow__hasher_end128(const furrow__hasher *hasher) {
  return words_of(XXH3_128bits_digest((const XXH3_state_t *)(const void *)hasher->state));
}
