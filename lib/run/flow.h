/* How a worker comes to its items and where it puts results: the caller's arrays on rank 0, windows or rings
   elsewhere. Knows offsets and rings; does not know task functions. */
#ifndef FURROW_RUN_FLOW_H
#define FURROW_RUN_FLOW_H

#include "plan/leaves.h"
#include "run/pool.h"

/* Rings in a rank's own memory, where the courier is in the same process: MPI reads and writes them directly. */
typedef struct furrow__own_rings {
  size_t slot, block; /* bytes of each; 0: there are none */
  char *slots[FURROW__ITEM_SLOTS];
  char *blocks[FURROW__RESULT_BLOCKS];
} furrow__own_rings;

typedef struct furrow__flow {
  furrow_pool *pool;
  furrow__board *board;
  furrow__rings *rings; /* of this worker */
  bool is_broken;       /* communication broke: what is returned since then must not be used */
  furrow_rank_metrics *metrics;
  size_t slot, block; /* bytes of a slot, of a block; 0: there are none */
  char *slots[FURROW__ITEM_SLOTS];
  char *blocks[FURROW__RESULT_BLOCKS];
  furrow__traffic traffic;
  const char *items; /* of task 0, where all can be read in place; else NULL */
  char *results;     /* of task 0, where all can be written in place; else NULL */
  /* Items asked for, by number: those from `held` on, up to rings->asked. The tasks of number k stand in spans[k %
     FURROW__ITEM_SLOTS]; its items in the slot of the same index, once served. */
  uint32_t held;
  furrow__span spans[FURROW__ITEM_SLOTS];
  /* The result block being filled, or none: tasks whose results stand in it. */
  bool has_block;
  furrow__span open;
  /* One item, or one result, that is larger than a slot or block. */
  char *large_item, *large_result;
} furrow__flow;

/* `items` and `results` are the caller's, on rank 0. `own`: rings for this rank beside the board's, or NULL. False: no
   memory. */
bool furrow__flow_start(furrow__flow *flow, furrow_pool *pool, const furrow__layout *layout,
                        const furrow__traffic *traffic, const void *items, void *results, const furrow__own_rings *own);
void furrow__flow_free(furrow__flow *flow);

/* The items of the tasks from `want.begin` on: as many of `want` as can be had at once. Fetches ahead up to
   `share_end`. The address is good until the next call. */
furrow__span furrow__flow_items(furrow__flow *flow, furrow__span want, uint64_t share_end, const char **items);

/* Room of zero bytes for the results of as many tasks of `want` as can be had at once. */
furrow__span furrow__flow_room(furrow__flow *flow, furrow__span want, char **results);

/* Whether results are posted block by block, and not where they are written. */
static inline bool furrow__flow_posts(const furrow__flow *flow) {
  return !flow->traffic.reduction && flow->traffic.result_size > 0 && !flow->results;
}

/* The results of so many more tasks will come to rank 0 whatever this worker does next. */
void furrow__flow_settle(furrow__flow *flow, uint64_t tasks);

/* The results of these tasks now stand in the room. */
void furrow__flow_deliver(furrow__flow *flow, furrow__span done);

/* Send what has been delivered. */
void furrow__flow_flush(furrow__flow *flow);

/* Send bytes to rank 0's collector, in order, as a stream; and end it. */
void furrow__flow_stream(furrow__flow *flow, const void *data, size_t size);
void furrow__flow_stream_end(furrow__flow *flow);

#endif
