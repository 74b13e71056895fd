/* The end of a pool, for those who can't wait for it as long as it takes. */
#ifndef FURROW_OPS_POOL_H
#define FURROW_OPS_POOL_H

#include "run/pool.h"

/* The process ends, and other ranks may still use the pool: part from them as furrow_finalize() or
   furrow_pool_destroy() would, whichever they call, until the deadline of its communicator. The pool remains, since the
   program may still finalize it; operations on it fail. */
void furrow__pool_part_at_exit(furrow_pool *pool);

#endif
