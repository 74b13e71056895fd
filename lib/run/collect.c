#include "run/collect.h"

#include <string.h>

#include "run/await.h"

/* What precedes an accumulator in the stream. */
typedef struct node_header {
  uint64_t index, level;
} node_header;

static const uint64_t LACKING = UINT64_MAX; /* as a level: the sender had no memory for all that it should send */

/* One worker's stream, as far as it has been read. */
typedef struct node_stream {
  furrow__reduction *reduction;
  bool good;  /* false: take what comes, but keep nothing */
  size_t got; /* bytes of the current header and accumulator */
  node_header header;
  uint32_t slot;
} node_stream;

void furrow__collect_send(furrow__flow *flow, const furrow__reduction *reduction, bool good, bool lacks) {
  node_header lack = {0, LACKING};
  if (good && lacks) furrow__flow_stream(flow, &lack, sizeof lack);
  for (uint32_t i = 0; good && !lacks && i < reduction->forest.count; i++) {
    furrow__node node = reduction->forest.nodes[i];
    node_header header = {node.index, node.level};
    furrow__flow_stream(flow, &header, sizeof header);
    furrow__flow_stream(flow, furrow__reduction_at(reduction, node.slot), reduction->work->result_size);
  }
  furrow__flow_stream_end(flow);
}

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Take in bytes of the current header or accumulator; returns how many. */
static size_t digest_part(node_stream *stream, const char *bytes, size_t length) {
  furrow__reduction *reduction = stream->reduction;
  size_t head = sizeof stream->header, whole = head + reduction->work->result_size;
  bool in_head = stream->got < head;
  size_t part = min(length, (in_head ? head : whole) - stream->got);
  if (in_head)
    memcpy((char *)&stream->header + stream->got, bytes, part);
  else
    memcpy(furrow__reduction_at(reduction, stream->slot) + (stream->got - head), bytes, part);
  stream->got += part;
  if (stream->got == head)
    stream->good = stream->header.level != LACKING && furrow__reduction_take(reduction, &stream->slot);
  if (stream->got < whole) return part;
  stream->got = 0;
  furrow__reduction_add(reduction, (furrow__node){stream->header.index, (uint32_t)stream->header.level, stream->slot});
  return part;
}

/* Take one worker's stream to its end. What it posted before has been taken: it was settled, or the work failed. */
static void take_stream(furrow_pool *pool, node_stream *stream, int w, const furrow__layout *layout) {
  furrow__rings *rings = &pool->board.rings[w];
  for (uint32_t taken = furrow__gate_read(&rings->taken);; furrow__gate_set(&rings->taken, ++taken)) {
    while (furrow__gate_read(&rings->posted) == taken)
      if (!furrow__await(pool, &rings->posted, taken)) {
        furrow__pool_break(pool, "an operation");
        return;
      }
    uint32_t block = taken % FURROW__RESULT_BLOCKS;
    const char *bytes = pool->board.data + furrow__layout_block(layout, w, block);
    size_t length = rings->block[block].length;
    if (length == 0) return;
    for (size_t done = 0; done < length && stream->good;) done += digest_part(stream, bytes + done, length - done);
  }
}

/* The first worker of one rank after the other: neighbours in rank hold neighbouring leaves, so nodes find their siblings soon and few
   wait. */
bool furrow__collect_node(furrow_pool *pool, furrow__reduction *reduction, const furrow__layout *layout) {
  node_stream stream = {.reduction = reduction, .good = true};
  const furrow__board *board = &pool->board;
  for (int w = board->threads; w < board->workers && pool->broken == FURROW_OK; w += board->threads)
    take_stream(pool, &stream, w, layout);
  return stream.good;
}

/* ---- by messages: a binomial tree over the ranks. Neighbours hold neighbouring leaves, so what a rank holds stays small
   on the way. Cost for each rank that sends: a call, a count, and two messages for each batch of accumulators. ---- */

enum { BATCH_BYTES = 16 << 10, MOST_IN_BATCH = 512 };
_Static_assert((int)BATCH_BYTES <= (int)FURROW__DESK && MOST_IN_BATCH * sizeof(furrow__node) <= FURROW__DESK,
               "what stands on the stack goes by way of the desk");

/* Small accumulators travel together. The same on both sides. */
static uint32_t batch_size(const furrow__reduction *reduction) {
  size_t fit = BATCH_BYTES / reduction->work->result_size;
  return fit < 1 ? 1 : fit < MOST_IN_BATCH ? (uint32_t)fit : MOST_IN_BATCH;
}

static furrow_status send_batch(furrow_pool *pool, MPI_Comm over, int to, const furrow__reduction *reduction,
                                const furrow__node *nodes, uint32_t count) {
  char packed[BATCH_BYTES];
  size_t size = reduction->work->result_size;
  const char *bytes = count > 1 ? packed : furrow__reduction_at(reduction, nodes[0].slot);
  for (uint32_t i = 0; i < count && count > 1; i++)
    memcpy(packed + i * size, furrow__reduction_at(reduction, nodes[i].slot), size);
  furrow_status status = furrow__comm_send(&pool->comm, over, nodes, count * sizeof *nodes, to);
  if (status == FURROW_OK) status = furrow__comm_send(&pool->comm, over, bytes, count * size, to);
  pool->metrics.bytes_out += count * (sizeof *nodes + size);
  return status;
}

static furrow_status send_nodes(furrow_pool *pool, MPI_Comm over, int to, furrow__reduction *reduction) {
  const furrow__forest *forest = &reduction->forest;
  uint64_t count = forest->count;
  furrow_status status = furrow__comm_await_call(&pool->comm, over, to);
  if (status == FURROW_OK) status = furrow__comm_send(&pool->comm, over, &count, sizeof count, to);
  for (uint32_t i = 0, batch; i < forest->count && status == FURROW_OK; i += batch) {
    batch = batch_size(reduction) < forest->count - i ? batch_size(reduction) : forest->count - i;
    status = send_batch(pool, over, to, reduction, forest->nodes + i, batch);
  }
  furrow__reduction_clear(reduction);
  return status;
}

/* Everything is received, whether or not there is memory to keep it (else into `spare`): the sender must not be stranded. */
static furrow_status receive_batch(furrow_pool *pool, MPI_Comm over, int from, furrow__reduction *reduction,
                                   uint32_t count, uint32_t spare, bool *good) {
  furrow__node nodes[MOST_IN_BATCH];
  char packed[BATCH_BYTES];
  size_t size = reduction->work->result_size;
  furrow_status status = furrow__comm_receive(&pool->comm, over, nodes, count * sizeof *nodes, from);
  if (status == FURROW_OK && count > 1) status = furrow__comm_receive(&pool->comm, over, packed, count * size, from);
  for (uint32_t i = 0; i < count && status == FURROW_OK; i++) {
    bool kept = furrow__reduction_take(reduction, &nodes[i].slot);
    char *accumulator = furrow__reduction_at(reduction, kept ? nodes[i].slot : spare);
    *good = *good && kept;
    if (count > 1)
      memcpy(accumulator, packed + i * size, size);
    else
      status = furrow__comm_receive(&pool->comm, over, accumulator, size, from);
    if (status == FURROW_OK && kept) furrow__reduction_add(reduction, nodes[i]);
  }
  return status;
}

static furrow_status receive_nodes(furrow_pool *pool, MPI_Comm over, int from, furrow__reduction *reduction,
                                   uint32_t spare, bool *good) {
  uint64_t left = 0;
  furrow_status status = furrow__comm_call(&pool->comm, over, from);
  if (status == FURROW_OK) status = furrow__comm_receive(&pool->comm, over, &left, sizeof left, from);
  while (left > 0 && status == FURROW_OK) {
    uint32_t batch = batch_size(reduction) < left ? batch_size(reduction) : (uint32_t)left;
    status = receive_batch(pool, over, from, reduction, batch, spare, good);
    left -= batch;
  }
  return status;
}

furrow_status furrow__collect_over(furrow_pool *pool, MPI_Comm over, furrow__reduction *reduction, uint32_t spare,
                                   bool *good) {
  bool all = over == pool->comm.all;
  int ranks = all ? pool->comm.size : pool->comm.nodes, me = all ? pool->comm.rank : pool->comm.node_index;
  furrow_status status = FURROW_OK;
  *good = true;
  for (int bit = 1; bit < ranks && status == FURROW_OK; bit *= 2) {
    if (me & bit) return send_nodes(pool, over, me - bit, reduction);
    if (me + bit < ranks) status = receive_nodes(pool, over, me + bit, reduction, spare, good);
  }
  return status;
}

void furrow__collect_finish(const furrow__reduction *reduction) {
  const furrow__forest *forest = &reduction->forest;
  bool whole = forest->count == 1 && furrow__node_is_root(forest->nodes[0], forest->leaves);
  if (whole)
    memcpy(reduction->work->results, furrow__reduction_at(reduction, forest->nodes[0].slot),
           reduction->work->result_size);
}
