/* The shares of a pool that are still there, by the number that each has on all ranks: so an address in one of them can
   be told to another rank, where it is another address. Outlives the pool as long as a share does. */
#ifndef FURROW_OPS_SHELF_H
#define FURROW_OPS_SHELF_H

#include "furrow/share.h"
#include "run/pool.h"

/* A share's place on the shelf; part of the share. */
typedef struct furrow__shelved {
  furrow__shelf *shelf; /* NULL: on none */
  struct furrow__shelved *next;
  uint64_t number;
  furrow_share *handle;
  const char *data;
  size_t size;
} furrow__shelved;

/* A place in a share, or the share itself. Plain words. */
typedef struct furrow__shared {
  uint64_t number, offset;
  uint64_t is_handle;
} furrow__shared;

/* False: no memory for the pool's shelf. */
bool furrow__shelf_have(furrow_pool *pool);

/* Put a new share on it: the next number, if this is called on all ranks. `handle`, `data` and `size` are filled in. */
void furrow__shelf_put(furrow_pool *pool, furrow__shelved *shelved);

/* Take it off. Returns the pool, or NULL if that has gone. */
furrow_pool *furrow__shelf_take(furrow__shelved *shelved);

/* Where an address with so many bytes behind it stands; false: in no share. */
bool furrow__shelf_locate(const furrow_pool *pool, const void *address, size_t size, furrow__shared *where);

/* The address there; NULL: this rank has no such share any more. */
void *furrow__shelf_address(const furrow_pool *pool, const furrow__shared *where);

/* The number that the next share gets, and the share with the lowest number from `first` on, or NULL. */
uint64_t furrow__shelf_next(const furrow_pool *pool);
furrow_share *furrow__shelf_from(const furrow_pool *pool, uint64_t first);

/* The pool goes. */
void furrow__shelf_leave(furrow_pool *pool);

#endif
