/* How much memory may still be used: the machine's, and the control group's. */
#ifndef FURROW_NODE_MEMORY_H
#define FURROW_NODE_MEMORY_H

#include <stdint.h>

/* Bytes; UINT64_MAX where nothing tells. */
uint64_t furrow__memory_available(void);

#endif
