/* Round trip and bandwidth between some pairs of ranks, and how rank 0 serves while it computes. */
#ifndef FURROW_DOCTOR_MEASURE_H
#define FURROW_DOCTOR_MEASURE_H

#include "facts.h"
#include "watch.h"

/* Collective; below three seconds. known->inside and known->between are filled on rank 0; the other ranks' `known` need
 * not know anything. */
void measure_links(const rank_facts *mine, facts *known, watch *w);

/* Collective on the pool; a third of a second. Fills known->service and what is known of shared memory on rank 0. */
void measure_service(furrow_pool *pool, facts *known, watch *w);

#endif
