/* Bytes that tasks of a stream have sent before their results, on rank 0, until the sink has had them. Knows bytes, indices and a
   bound; does not know who brings them. Who brings does so one at a time; one thread takes. */
#ifndef FURROW_RUN_PARTS_H
#define FURROW_RUN_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the sink gets at a time. */
typedef struct furrow__part {
  struct furrow__part *next;
  uint64_t index; /* of the item whose task sent it */
  size_t size;
  _Alignas(16) char bytes[];
} furrow__part;

typedef struct furrow__parts {
  pthread_mutex_t lock;
  furrow__part *first, *last;
  size_t bytes[2]; /* of memory, of those that wait: from this node, and from others */
  bool refused;    /* somebody was told that there is no room, and has not been rung for */
  bool closed;     /* nobody wants parts any more */
} furrow__parts;

enum {
  FURROW__PART_MOST = 64 << 10, /* bytes of one */
  FURROW__PARTS_BYTES =
      1 << 20, /* that wait from this node, and from others; as many again may be with the one who takes */
};

void furrow__parts_start(furrow__parts *parts);
void furrow__parts_end(furrow__parts *parts);

/* Whether there is room for so many bytes more, which come from `far` or from this node: neither takes it all, since who is near
   would always come first. If not, who takes next will know that somebody was refused. */
bool furrow__parts_have_room(furrow__parts *parts, size_t size, bool far);

/* Bytes that have come, which are copied, whether or not there is room. False: no memory. */
bool furrow__parts_put(furrow__parts *parts, uint64_t index, const char *bytes, size_t size, bool far);

/* All that wait, in the order in which they came, to be freed; NULL: none. *refused: there is room again for somebody. */
furrow__part *furrow__parts_take(furrow__parts *parts, bool *refused);

void furrow__parts_free(furrow__part *first);

/* From now on there is always room, and what comes is dropped. Whether somebody had been refused. */
bool furrow__parts_close(furrow__parts *parts);

#endif
