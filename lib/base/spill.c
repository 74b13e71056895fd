/* Few files, since there may be thousands of regions, and only so many files can be open. A region is taken behind the last one, so a
   file has holes where others were let go; they take no room on the disk where the file system can punch them. A file that is
   long enough gets no more regions, and ends with its last. Anyway, an empty one begins anew. */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  ALIGNMENT = 64 << 10,
  VOLUME = 1 << 30
}; /* pages are no longer anywhere; bytes of a file, or one region if that is more */

struct furrow__volume {
  int file;
  uint64_t used, regions;
};

void furrow__spill_start(furrow__spill *spill) {
  spill->open = NULL;
  pthread_mutex_init(&spill->lock, NULL);
}

/* A child may have the file open, too: what is cut off takes no room all the same. */
static bool cut(const furrow__volume *volume) {
  return ftruncate(volume->file, 0) == 0;
}

static uint64_t round_up(size_t size) {
  return ((uint64_t)size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Where that can't be, room comes back with the last region. */
static void punch(const furrow__volume *volume, const furrow__region *region) {
  fallocate(volume->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)region->begin,
            (off_t)round_up(region->size));
}

static void discard(furrow__volume *volume) {
  cut(volume);
  close(volume->file);
  free(volume);
}

void furrow__spill_end(furrow__spill *spill) {
  if (spill->open) discard(spill->open);
  pthread_mutex_destroy(&spill->lock);
}

static furrow__volume *make_volume(char *why) {
  furrow__volume *volume = malloc(sizeof *volume);
  if (!volume) {
    snprintf(why, FURROW__SCRATCH_WHY, "no memory for a file");
    return NULL;
  }
  *volume = (furrow__volume){.file = furrow__scratch_open(why)};
  if (volume->file >= 0) return volume;
  free(volume);
  return NULL;
}

/* Under the lock. The old one, if it is still in use, ends with its last region. */
static bool have_volume(furrow__spill *spill, size_t size, char *why) {
  uint64_t most = furrow__scratch_most() < VOLUME ? furrow__scratch_most() : VOLUME;
  furrow__volume *open = spill->open;
  if (open && (open->used == 0 || (open->used < most && size <= most - open->used))) return true;
  furrow__volume *volume = make_volume(why);
  if (!volume) return false;
  if (open && open->regions == 0) discard(open); /* it could not be cut */
  spill->open = volume;
  return true;
}

bool furrow__spill_take(furrow__spill *spill, size_t size, furrow__region *region, char *why) {
  pthread_mutex_lock(&spill->lock);
  bool good = have_volume(spill, size, why);
  if (good) {
    *region = (furrow__region){.volume = spill->open, .begin = spill->open->used, .size = size};
    spill->open->used += round_up(size);
    spill->open->regions++;
  }
  pthread_mutex_unlock(&spill->lock);
  return good;
}

bool furrow__region_write(const furrow__region *region, size_t at, const void *bytes, size_t size, char *why) {
  return furrow__scratch_write(region->volume->file, region->begin + at, bytes, size, why);
}

const char *furrow__region_map(furrow__region *region, char *why) {
  if (region->mapped) return region->mapped;
  void *mapped = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->volume->file, (off_t)region->begin);
  if (mapped != MAP_FAILED) return region->mapped = mapped;
  snprintf(why, FURROW__SCRATCH_WHY, "mmap of %zu bytes: %s", region->size, strerror(errno));
  return NULL;
}

void furrow__spill_let_go(furrow__spill *spill, furrow__region *region) {
  furrow__volume *volume = region->volume;
  if (!volume) return;
  if (region->mapped) munmap(region->mapped, region->size);
  pthread_mutex_lock(&spill->lock);
  bool empty = --volume->regions == 0;
  if (empty && volume == spill->open && cut(volume)) volume->used = 0;
  if (!empty) punch(volume, region);
  if (empty && volume != spill->open) discard(volume);
  pthread_mutex_unlock(&spill->lock);
  region->volume = NULL;
}
