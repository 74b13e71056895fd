/* Collecting metrics where the ranks have met already. */
#ifndef FURROW_OPS_METRICS_H
#define FURROW_OPS_METRICS_H

#include "run/pool.h"

/* On rank 0, fill `metrics` and the `ranks`, one for each rank of the pool. */
furrow_status furrow__metrics_gather(furrow_pool *pool, furrow_metrics *metrics, furrow_rank_metrics *ranks);

#endif
