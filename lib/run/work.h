/* One map or reduction, as every rank describes it to itself. */
#ifndef FURROW_RUN_WORK_H
#define FURROW_RUN_WORK_H

#include "furrow/map.h"
#include "furrow/map_reduce.h"
#include "plan/leaves.h"
#include "plan/meet.h"
#include "plan/settings.h"

typedef struct furrow__work {
  furrow__op op;
  furrow_map_fn *map;     /* of a map */
  furrow_reducer reducer; /* of a reduction; without `fold`, items are accumulators */
  void *user;
  const void *items; /* rank 0 */
  size_t item_size;
  uint64_t count;
  void *results;      /* rank 0: of a map, or the one accumulator of a reduction */
  size_t result_size; /* of a result, or of an accumulator */
  furrow_options options;
  furrow__settings settings; /* rank 0's, after the meeting */
  furrow__units units;       /* what is claimed: tasks, or leaves; after the meeting */
} furrow__work;

static inline bool furrow__is_reduction(const furrow__work *work) {
  return work->op != FURROW__OP_MAP;
}

#endif
