/* The worker loop of a dynamic operation: claim, execute, deliver. */
#ifndef FURROW_RUN_WORKER_H
#define FURROW_RUN_WORKER_H

#include "plan/layout.h"
#include "run/pool.h"
#include "run/work.h"

/* Take part in an operation that has started on the board, until nothing is left to do here; leave it; return what
   all ranks return. */
furrow_status furrow__work_dynamic(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                                   const furrow__traffic *traffic);

#endif
