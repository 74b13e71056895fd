/* How a worker comes to its items and where it puts results: the caller's arrays on rank 0, windows or rings
   elsewhere. Knows offsets and rings; does not know task functions. */
#ifndef FURROW_RUN_FLOW_H
#define FURROW_RUN_FLOW_H

#include "plan/leaves.h"
#include "plan/packed.h"
#include "run/await.h"
#include "run/pool.h"
#include "run/work.h"

/* Rings in a rank's own memory, where the courier is in the same process: MPI reads and writes them directly. */
typedef struct furrow__own_rings {
  size_t slot, block; /* bytes of each; 0: there are none */
  char *slots[FURROW__ITEM_SLOTS];
  char *blocks[FURROW__RESULT_BLOCKS];
} furrow__own_rings;

typedef struct furrow__flow {
  furrow_pool *pool;
  furrow__board *board;
  int worker; /* of the node */
  furrow__waiter *waiter;
  furrow__rings *rings; /* of this worker */
  bool is_broken;       /* communication broke: what is returned since then must not be used */
  bool guarded;         /* rank 0 keeps a ledger: all results go through rings, and so does news of tasks without */
  bool shares;          /* children read what is too large for a ring */
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
  /* In a stream: results that stand in the block being filled, and their bytes. */
  uint64_t packed;
  size_t packed_bytes;
  /* One item, or one result, that is larger than a slot or block. */
  char *large_item, *large_result;
  size_t large_size; /* of large_item */
} furrow__flow;

/* For whom a flow is, and where that one waits and counts. */
typedef struct furrow__flow_owner {
  int worker; /* of the node */
  furrow__waiter *waiter;
  furrow_rank_metrics *metrics;
  const furrow__own_rings *own; /* rings beside the board's, or NULL */
} furrow__flow_owner;

/* False: no memory. */
bool furrow__flow_start(furrow__flow *flow, furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                        const furrow__traffic *traffic, const furrow__flow_owner *owner);
void furrow__flow_free(furrow__flow *flow);

/* The items of the tasks from `want.begin` on: as many of `want` as can be had at once. Fetches ahead up to
   `share_end`. The address is good until the next call. */
furrow__span furrow__flow_items(furrow__flow *flow, furrow__span want, uint64_t share_end, const char **items);

/* Room of zero bytes for the results of as many tasks of `want` as can be had at once. */
furrow__span furrow__flow_room(furrow__flow *flow, furrow__span want, char **results);

/* Whether results are posted block by block, and not where they are written. */
static inline bool furrow__flow_posts(const furrow__flow *flow) {
  return !flow->traffic.reduction && (flow->guarded || (flow->traffic.result_size > 0 && !flow->results));
}

/* The results of so many more tasks will come to rank 0 whatever this worker does next. */
void furrow__flow_settle(furrow__flow *flow, uint64_t tasks);

/* The results of these tasks now stand in the room. */
void furrow__flow_deliver(furrow__flow *flow, furrow__span done);

/* Send what has been delivered. */
void furrow__flow_flush(furrow__flow *flow);

/* Of a stream. Where the bytes of the next result may be written, at least FURROW__LEAST_ROOM of them: *room. */
enum { FURROW__LEAST_ROOM = 256 };
char *furrow__flow_pack(furrow__flow *flow, size_t *room);

/* The result of an item is complete: it stands there; or elsewhere, and is copied. It goes with the next flush, or earlier. */
void furrow__flow_packed(furrow__flow *flow, const furrow__packed *result, const char *bytes);

/* The same of one that stands in a file, from its beginning; it goes at once. False: it can't be read, for a reason of
   FURROW__SCRATCH_WHY bytes. */
bool furrow__flow_packed_file(furrow__flow *flow, const furrow__packed *result, int file, char *why);

/* Fetch an item of a stream that is too large for the store into memory of this worker; NULL: there is none, or communication
   broke. */
const char *furrow__flow_fetch(furrow__flow *flow, size_t size);

/* Tell rank 0's ledger something. `data` is copied. */
void furrow__flow_tell(furrow__flow *flow, furrow__post about, const void *data, size_t size);

/* Send bytes to the collector of the node, in order, as a stream; and end it. */
void furrow__flow_stream(furrow__flow *flow, const void *data, size_t size);
void furrow__flow_stream_end(furrow__flow *flow);

#endif
