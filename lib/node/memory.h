/* How much memory may still be used: the machine's, and the control group's. */
#ifndef FURROW_NODE_MEMORY_H
#define FURROW_NODE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Bytes; UINT64_MAX where nothing tells. */
uint64_t furrow__memory_available(void);

/* Zeroed memory that children of this process share with it, some of it perhaps never used. NULL: refused. */
void *furrow__memory_share(size_t bytes);
void furrow__memory_unshare(void *memory, size_t bytes);

#endif
