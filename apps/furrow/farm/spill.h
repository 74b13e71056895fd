/* A file without a name for what is too much for memory: put in, looked at once, dropped. */
#ifndef FARM_SPILL_H
#define FARM_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct spill {
  int file;   /* 0: not yet open */
  off_t end;  /* where the next goes */
  off_t live; /* bytes of what is in it and not dropped */
} spill;

/* All zero at first. Where it stands in the file goes to *at. False, with errno. */
bool spill_put(spill *to, const void *bytes, size_t size, off_t *at);

/* NULL, with errno. */
void *spill_look(const spill *from, off_t at, size_t size);
void spill_drop(spill *from, void *bytes, off_t at, size_t size);
void spill_close(spill *of);

#endif
