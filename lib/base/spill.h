/* Bytes that wait in files, since there is no room for them in memory: regions of known size, each written from front to back, then
   read in place, then let go, in any order. Knows files and how they are shared out; does not know what the bytes are. Any
   thread may take and let go. */
#ifndef FURROW_BASE_SPILL_H
#define FURROW_BASE_SPILL_H

#include <pthread.h>

#include "base/scratch.h"

/* A file, and what of it is used. */
typedef struct furrow__volume furrow__volume;

typedef struct furrow__spill {
  pthread_mutex_t lock;
  furrow__volume *open; /* the one that regions are taken from; NULL: none yet */
} furrow__spill;

typedef struct furrow__region {
  furrow__volume *volume; /* NULL: it is none */
  uint64_t begin;
  size_t size;
  void *mapped; /* NULL: not yet */
} furrow__region;

void furrow__spill_start(furrow__spill *spill);

/* All regions have been let go. */
void furrow__spill_end(furrow__spill *spill);

/* Take a region. This and what follows is false, or NULL, with a reason of FURROW__SCRATCH_WHY bytes. */
bool furrow__spill_take(furrow__spill *spill, size_t size, furrow__region *region, char *why);
bool furrow__region_write(const furrow__region *region, size_t at, const void *bytes, size_t size, char *why);

/* Its bytes, all of which have been written: aligned to a page, until it is let go. */
const char *furrow__region_map(furrow__region *region, char *why);

void furrow__spill_let_go(furrow__spill *spill, furrow__region *region);

#endif
