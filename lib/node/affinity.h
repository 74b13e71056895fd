/* On which cores this process may run. Knows the kernel's mask only. */
#ifndef FURROW_NODE_AFFINITY_H
#define FURROW_NODE_AFFINITY_H

#include <stdint.h>

enum { FURROW__CORE_WORDS = 16 }; /* 1024 cores */

/* Set the bits of the cores that this process may use; all bits if the kernel does not tell. */
void furrow__affinity_read(uint64_t cores[FURROW__CORE_WORDS]);

int furrow__affinity_count(const uint64_t cores[FURROW__CORE_WORDS]);

#endif
