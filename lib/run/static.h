/* A static operation: equal blocks by scatter and gather, in rounds of bounded size. For uniform tasks, and wherever
   there is no shared memory. */
#ifndef FURROW_RUN_STATIC_H
#define FURROW_RUN_STATIC_H

#include "run/pool.h"
#include "run/work.h"

/* Take part in an operation that has started; return what all ranks return. */
furrow_status furrow__work_static(furrow_pool *pool, const furrow__work *work);

#endif
