/* Which commands an earlier run has finished: a bit for each. Pure. */
#ifndef FARM_DONE_H
#define FARM_DONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DONE_MOST = INT32_MAX }; /* 256 MiB of bits */

/* All zero: none. Sequences count from 1. */
typedef struct done {
  unsigned char *bits;
  size_t bytes;
  uint64_t count;
} done;

/* False: beyond DONE_MOST, or no memory. */
bool done_add(done *all, uint64_t sequence);
bool done_has(const done *all, uint64_t sequence);

/* The i-th, from 0, that is not among them. */
uint64_t done_missing(const done *all, uint64_t i);
void done_clear(done *all);

#endif
