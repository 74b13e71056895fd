/* Shares may be destroyed at any time, by any thread, also when the pool has gone; so the shelf has a lock, and belongs
   to the pool and all that is on it together: the last one frees it. */
#include "ops/shelf.h"

#include <pthread.h>
#include <stdlib.h>

struct furrow__shelf {
  pthread_mutex_t lock;
  furrow_pool *pool; /* NULL: has gone */
  furrow__shelved *first;
  uint64_t next; /* number */
};

bool furrow__shelf_have(furrow_pool *pool) {
  if (pool->shelf) return true;
  furrow__shelf *shelf = calloc(1, sizeof *shelf);
  if (!shelf) return false;
  pthread_mutex_init(&shelf->lock, NULL);
  shelf->pool = pool;
  pool->shelf = shelf;
  return true;
}

static void unlock(furrow__shelf *shelf) {
  bool unused = !shelf->pool && !shelf->first;
  pthread_mutex_unlock(&shelf->lock);
  if (!unused) return;
  pthread_mutex_destroy(&shelf->lock);
  free(shelf);
}

void furrow__shelf_put(furrow_pool *pool, furrow__shelved *shelved) {
  furrow__shelf *shelf = pool->shelf;
  pthread_mutex_lock(&shelf->lock);
  shelved->shelf = shelf;
  shelved->number = shelf->next++;
  shelved->next = shelf->first;
  shelf->first = shelved;
  unlock(shelf);
}

furrow_pool *furrow__shelf_take(furrow__shelved *shelved) {
  furrow__shelf *shelf = shelved->shelf;
  if (!shelf) return NULL;
  pthread_mutex_lock(&shelf->lock);
  furrow_pool *pool = shelf->pool;
  furrow__shelved **at = &shelf->first;
  while (*at != shelved) at = &(*at)->next;
  *at = shelved->next;
  shelved->shelf = NULL;
  unlock(shelf);
  return pool;
}

void furrow__shelf_leave(furrow_pool *pool) {
  furrow__shelf *shelf = pool->shelf;
  if (!shelf) return;
  pthread_mutex_lock(&shelf->lock);
  pool->shelf = NULL;
  shelf->pool = NULL;
  unlock(shelf);
}

/* ---- looking ---- */

static bool holds(const furrow__shelved *shelved, const void *address, size_t size) {
  uintptr_t offset = (uintptr_t)address - (uintptr_t)shelved->data;
  return offset < shelved->size && size <= shelved->size - offset;
}

bool furrow__shelf_locate(const furrow_pool *pool, const void *address, size_t size, furrow__shared *where) {
  furrow__shelf *shelf = pool->shelf;
  bool found = false;
  if (!shelf) return false;
  pthread_mutex_lock(&shelf->lock);
  for (const furrow__shelved *at = shelf->first; at && !found; at = at->next) {
    bool is_handle = address == at->handle;
    found = is_handle || holds(at, address, size);
    if (found)
      *where = (furrow__shared){at->number, is_handle ? 0 : (size_t)((const char *)address - at->data), is_handle};
  }
  unlock(shelf);
  return found;
}

void *furrow__shelf_address(const furrow_pool *pool, const furrow__shared *where) {
  furrow__shelf *shelf = pool->shelf;
  void *address = NULL;
  if (!shelf) return NULL;
  pthread_mutex_lock(&shelf->lock);
  for (const furrow__shelved *at = shelf->first; at && !address; at = at->next)
    if (at->number == where->number) address = where->is_handle ? (char *)at->handle : (char *)at->data + where->offset;
  unlock(shelf);
  return address;
}

uint64_t furrow__shelf_next(const furrow_pool *pool) {
  return pool->shelf ? pool->shelf->next : 0;
}

/* The newest stands in front. */
furrow_share *furrow__shelf_from(const furrow_pool *pool, uint64_t first) {
  furrow__shelf *shelf = pool->shelf;
  furrow_share *found = NULL;
  if (!shelf) return NULL;
  pthread_mutex_lock(&shelf->lock);
  for (const furrow__shelved *at = shelf->first; at && at->number >= first; at = at->next) found = at->handle;
  unlock(shelf);
  return found;
}
