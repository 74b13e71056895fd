#include "run/parts.h"

#include <stdlib.h>
#include <string.h>

void furrow__parts_start(furrow__parts *parts) {
  *parts = (furrow__parts){.first = NULL};
  pthread_mutex_init(&parts->lock, NULL);
}

void furrow__parts_free(furrow__part *first) {
  while (first) {
    furrow__part *next = first->next;
    free(first);
    first = next;
  }
}

void furrow__parts_end(furrow__parts *parts) {
  furrow__parts_free(parts->first);
  pthread_mutex_destroy(&parts->lock);
}

bool furrow__parts_have_room(furrow__parts *parts, size_t size, bool far) {
  pthread_mutex_lock(&parts->lock);
  bool room = parts->closed || parts->bytes[far] + sizeof(furrow__part) + size <= FURROW__PARTS_BYTES;
  parts->refused = parts->refused || !room;
  pthread_mutex_unlock(&parts->lock);
  return room;
}

static void append(furrow__parts *parts, furrow__part *one, bool far) {
  if (parts->last)
    parts->last->next = one;
  else
    parts->first = one;
  parts->last = one;
  parts->bytes[far] += sizeof *one + one->size;
}

bool furrow__parts_put(furrow__parts *parts, uint64_t index, const char *bytes, size_t size, bool far) {
  furrow__part *one = malloc(sizeof *one + size);
  if (!one) return false;
  *one = (furrow__part){.index = index, .size = size};
  memcpy(one->bytes, bytes, size);
  pthread_mutex_lock(&parts->lock);
  bool wanted = !parts->closed;
  if (wanted) append(parts, one, far);
  pthread_mutex_unlock(&parts->lock);
  if (!wanted) free(one);
  return true;
}

/* Under the lock. */
static furrow__part *empty(furrow__parts *parts, bool *refused) {
  furrow__part *first = parts->first;
  *refused = parts->refused;
  parts->first = parts->last = NULL;
  parts->bytes[0] = parts->bytes[1] = 0;
  parts->refused = false;
  return first;
}

furrow__part *furrow__parts_take(furrow__parts *parts, bool *refused) {
  pthread_mutex_lock(&parts->lock);
  furrow__part *first = empty(parts, refused);
  pthread_mutex_unlock(&parts->lock);
  return first;
}

bool furrow__parts_close(furrow__parts *parts) {
  bool refused;
  pthread_mutex_lock(&parts->lock);
  furrow__part *first = empty(parts, &refused);
  parts->closed = true;
  pthread_mutex_unlock(&parts->lock);
  furrow__parts_free(first);
  return refused;
}
