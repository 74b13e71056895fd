/* Memory that the ranks of a node share: created by one, opened by the others, grown by the one. Knows the kernel's
   calls; does not know what stands in it, nor how the ranks tell each other its name. */
#ifndef FURROW_NODE_ARENA_H
#define FURROW_NODE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the others need to open an arena: plain words, to be sent to them. */
typedef struct furrow__arena_name {
  uint64_t nonce; /* stands at the start of the right memory */
  int64_t pid, fd;
  uint64_t size, limit;
  char shm[64]; /* the name for shm_open() until everyone has it; "" for a memfd */
} furrow__arena_name;

typedef struct furrow__arena {
  char *base;   /* NULL: none. `limit` bytes of addresses, of which `size` may be touched */
  size_t size;  /* on the creator, and as of the opening elsewhere */
  size_t limit; /* it may grow up to this */
  int fd;       /* the creator's, -1 elsewhere; valid with a base only */
  bool alone;   /* for this process alone */
} furrow__arena;

/* Make one: a memfd, which the others open through /proc, or a `named` one, for where that is not allowed. Returns NULL, or
   the reason why not, such as "memfd_create: Operation not permitted" (in `reason`). */
const char *furrow__arena_create(furrow__arena *arena, size_t size, size_t limit, bool named, furrow__arena_name *name,
                                 char *reason, size_t reason_size);

/* One for this process alone: no name, no other rank. */
const char *furrow__arena_create_alone(furrow__arena *arena, size_t size, size_t limit, char *reason,
                                       size_t reason_size);

/* Open another rank's, for reading and writing or for reading only. */
const char *furrow__arena_open(furrow__arena *arena, const furrow__arena_name *name, bool writable, char *reason,
                               size_t reason_size);

/* Remove the name once everyone has opened it, or failed to. On the creator. */
void furrow__arena_hide(const furrow__arena_name *name);

/* Have at least `size` bytes, on the creator; others may touch them once told. False: refused, nothing has changed. */
bool furrow__arena_grow(furrow__arena *arena, size_t size);

void furrow__arena_close(furrow__arena *arena);

#endif
