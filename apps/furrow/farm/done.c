/* A set of sequence numbers as a bitmap that grows. Knows no file. */
#include "done.h"

#include <stdlib.h>
#include <string.h>

static unsigned char mask(uint64_t sequence) {
  return (unsigned char)(1u << (sequence & 7));
}

static bool grow(done *all, size_t needed) {
  size_t bytes = all->bytes * 2 > needed ? all->bytes * 2 : needed + 4096;
  unsigned char *bits = realloc(all->bits, bytes);
  if (!bits) return false;
  memset(bits + all->bytes, 0, bytes - all->bytes);
  all->bits = bits;
  all->bytes = bytes;
  return true;
}

bool done_add(done *all, uint64_t sequence) {
  if (sequence > DONE_MOST) return false;
  if (sequence / 8 >= all->bytes && !grow(all, (size_t)(sequence / 8 + 1))) return false;
  if (!done_has(all, sequence)) all->count++;
  all->bits[sequence / 8] |= mask(sequence);
  return true;
}

bool done_has(const done *all, uint64_t sequence) {
  return sequence / 8 < all->bytes && (all->bits[sequence / 8] & mask(sequence));
}

uint64_t done_missing(const done *all, uint64_t i) {
  uint64_t sequence = 1;
  for (;; sequence++) {
    if (sequence / 8 >= all->bytes) return sequence + i;
    if (!done_has(all, sequence) && i-- == 0) return sequence;
  }
}

void done_clear(done *all) {
  free(all->bits);
  *all = (done){.bits = NULL};
}
