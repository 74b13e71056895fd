/* furrow: parallel maps and reductions over MPI ranks.
 *
 * This header is all of it. The core is furrow/pool.h, task.h, options.h, map.h and map_reduce.h; what goes
 * beyond stands in a header of its own. */
#ifndef FURROW_H
#define FURROW_H

#include "furrow/base.h"
#include "furrow/failure.h"
#include "furrow/journal.h"
#include "furrow/lead.h"
#include "furrow/map.h"
#include "furrow/map_reduce.h"
#include "furrow/metrics.h"
#include "furrow/moments.h"
#include "furrow/options.h"
#include "furrow/pool.h"
#include "furrow/progress.h"
#include "furrow/reduce.h"
#include "furrow/rng.h"
#include "furrow/share.h"
#include "furrow/status.h"
#include "furrow/stream.h"
#include "furrow/task.h"

#endif
