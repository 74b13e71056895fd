/* One map or reduction, as every rank describes it to itself. */
#ifndef FURROW_RUN_WORK_H
#define FURROW_RUN_WORK_H

#include "furrow/map.h"
#include "furrow/map_reduce.h"
#include "furrow/stream.h"
#include "plan/leaves.h"
#include "plan/meet.h"
#include "plan/settings.h"
#include "plan/todo.h"

typedef struct furrow__stream furrow__stream;

/* What rank 0 was given. */
typedef struct furrow__ends {
  furrow_source *source;
  furrow_sink *sink; /* or NULL */
  void *data;
} furrow__ends;

typedef struct furrow__work {
  furrow__op op;
  furrow_map_fn *map;        /* of a map */
  furrow_stream_fn *stream;  /* of a stream */
  furrow__ends ends;         /* rank 0: its source and sink */
  furrow__stream *conductor; /* rank 0: who asks and feeds them */
  furrow_reducer reducer;    /* of a reduction; without `fold`, items are accumulators */
  void *user;
  const void *items; /* rank 0 */
  size_t item_size;
  uint64_t count;
  void *results;      /* rank 0: of a map, or the one accumulator of a reduction */
  size_t result_size; /* of a result, or of an accumulator */
  furrow_options options;
  furrow__settings settings;      /* rank 0's, after the meeting */
  furrow__units units;            /* tasks, or leaves; after the meeting */
  furrow__todo todo;              /* those that are claimed, by number */
  furrow__stretch *left;          /* the memory of that on ranks other than 0, or NULL */
  void (*conduct)(void *context); /* rank 0: what the thread that called does instead of tasks; NULL: it runs tasks */
  void *conduct_context;
} furrow__work;

static inline bool furrow__is_reduction(const furrow__work *work) {
  return work->op == FURROW__OP_MAP_REDUCE || work->op == FURROW__OP_REDUCE;
}

static inline bool furrow__is_stream(const furrow__work *work) {
  return work->op == FURROW__OP_STREAM;
}

#endif
