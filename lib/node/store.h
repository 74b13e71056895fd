/* Items of a stream that are under way on a node, in its shared memory: a directory by number, and pages for their bytes, of
   which there are more as they are needed. One thread, the owner, puts items in and takes them out; whoever has been handed a
   number may read. Knows bytes and pages; does not know tasks, or who hands numbers out. */
#ifndef FURROW_NODE_STORE_H
#define FURROW_NODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  FURROW__NUMBERS = 1 << 15,     /* of items: places in the directory */
  FURROW__STORE_PAGE = 64 << 10, /* several small items, or a part of a large one */
};

/* An item, in the directory. */
typedef struct furrow__stored {
  uint64_t index; /* in the stream */
  uint64_t size;
  uint64_t at; /* where its bytes begin in the pages; or FURROW__FAR */
} furrow__stored;

/* Its bytes are too many for the store: they are elsewhere. */
static const uint64_t FURROW__FAR = UINT64_MAX;

/* How an owner gets memory for so many pages. False: it is refused. */
typedef bool furrow__store_grow(void *context, uint32_t pages);

typedef struct furrow__store {
  furrow__stored *entries; /* FURROW__NUMBERS */
  char *bytes;
  /* The owner's, in its own memory: */
  uint32_t pages, most; /* that there are, and that there may be */
  furrow__store_grow *grow;
  void *context;
  uint32_t *live;   /* items that begin in each page */
  uint32_t *length; /* pages of the run that begins here; 0: none begins, or it is free */
  bool *taken;      /* numbers */
  uint32_t open;    /* the page that is being filled */
  size_t used;      /* of it; 0: no page is */
} furrow__store;

/* Bytes of the directory. */
size_t furrow__store_directory(void);

/* Find a store whose directory and pages stand there, aligned to 64. */
void furrow__store_find(furrow__store *store, char *directory, char *pages);

/* Become its owner; it is empty then, and has no pages. False: no memory. And give that memory back. */
bool furrow__store_own(furrow__store *store, uint32_t most, furrow__store_grow *grow, void *context);
void furrow__store_disown(furrow__store *store);

/* Whether it could hold an item of that size, if it were empty. After a refusal of memory that may be less. */
bool furrow__store_could_hold(const furrow__store *store, size_t size);

/* Room for an item under a free number, aligned to 16; its entry stands then. NULL: there is none now. */
char *furrow__store_put(furrow__store *store, uint32_t number, uint64_t index, size_t size);

/* An entry for an item whose bytes are elsewhere. */
void furrow__store_put_far(furrow__store *store, uint32_t number, uint64_t index, size_t size);

bool furrow__store_has(const furrow__store *store, uint32_t number);

/* The item is of no use any more: its number and its room are free. */
void furrow__store_free(furrow__store *store, uint32_t number);

#endif
