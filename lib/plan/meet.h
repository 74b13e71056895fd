/* What ranks bring to a meeting, and what follows from it. Pure: the judgement depends on the calls alone, so every
   rank that makes it comes to the same. */
#ifndef FURROW_PLAN_MEET_H
#define FURROW_PLAN_MEET_H

#include "base/error.h"

/* Every operation: name as the user knows it, and the names of the numbers that must agree. */
#define FURROW__OP_LIST(X)                                                     \
  X(NONE, "nothing", "", "", "")                                               \
  X(MAP, "furrow_map", "count", "item_size", "result_size")                    \
  X(MAP_REDUCE, "furrow_map_reduce", "count", "item_size", "accumulator_size") \
  X(REDUCE, "furrow_reduce", "count", "item_size", "")                         \
  X(STREAM, "furrow_stream", "", "", "")                                       \
  X(BCAST, "furrow_bcast", "size", "", "")                                     \
  X(GATHER, "furrow_gather", "size", "", "")                                   \
  X(AGREE, "furrow_agree", "", "", "")                                         \
  X(SHARE, "furrow_share_create", "size", "", "")                              \
  X(METRICS, "furrow_metrics_get", "", "", "")                                 \
  X(LEAD, "furrow_lead", "", "", "")                                           \
  X(DESTROY, "furrow_pool_destroy", "", "", "")                                \
  X(FINALIZE, "furrow_finalize", "", "", "")

typedef enum furrow__op {
#define FURROW__OP_ENUM(name, ...) FURROW__OP_##name,
  FURROW__OP_LIST(FURROW__OP_ENUM)
#undef FURROW__OP_ENUM
} furrow__op;

enum { FURROW__CALL_NUMBERS = 3 };

/* One rank's call. */
typedef struct furrow__call {
  uint64_t op;                            /* furrow__op */
  uint64_t status;                        /* furrow_status: what this rank found wrong by itself */
  uint64_t numbers[FURROW__CALL_NUMBERS]; /* that must agree; 0 where the operation has none */
  uint64_t own;                           /* 1 + this rank's own number of threads; 0: all, as a rule */
} furrow__call;

/* Of so many threads, those that the rank has. */
static inline uint32_t furrow__call_threads(const furrow__call *call, uint32_t threads) {
  return call->own == 0 || call->own > threads ? threads : (uint32_t)call->own - 1;
}

const char *furrow__op_name(furrow__op op);

/* Judge the calls of `n` ranks, `stride` bytes apart. On FURROW_OK `error` is not touched. Else `error` gets status and
   rank; `message` too, but for a rank's own failure (FURROW_E_ARG and the like found before the meeting), whose
   message is that rank's: then *own is true. Different operations weigh most, then the worst failure of the
   lowest rank, then numbers that differ from rank 0's. */
furrow_status furrow__meet_judge(const furrow__call *calls, size_t stride, int n, furrow_error *error, bool *own);

#endif
