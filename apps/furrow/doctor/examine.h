/* What a rank can find out about itself. */
#ifndef FURROW_DOCTOR_EXAMINE_H
#define FURROW_DOCTOR_EXAMINE_H

#include "facts.h"

/* Size of /dev/shm; 0: not known. */
uint64_t examine_shm(void);

/* Local; after furrow_init(), whether or not that gave a pool. */
void examine(const furrow_pool *pool, rank_facts *mine);

#endif
