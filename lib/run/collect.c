#include "run/collect.h"

#include <string.h>

#include "run/await.h"

/* What precedes an accumulator in the stream. */
typedef struct node_header {
  uint64_t index, level;
} node_header;

/* One worker's stream, as far as it has been read. */
typedef struct node_stream {
  furrow__reduction *reduction;
  bool good;  /* false: take what comes, but keep nothing */
  size_t got; /* bytes of the current header and accumulator */
  node_header header;
  uint32_t slot;
} node_stream;

void furrow__collect_send(furrow__flow *flow, const furrow__reduction *reduction, bool good) {
  for (uint32_t i = 0; good && i < reduction->forest.count; i++) {
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
  if (stream->got == head) stream->good = furrow__reduction_take(reduction, &stream->slot);
  if (stream->got < whole) return part;
  stream->got = 0;
  furrow__reduction_add(reduction, (furrow__node){stream->header.index, (uint32_t)stream->header.level, stream->slot});
  return part;
}

/* Take one worker's stream to its end. */
static void take_stream(furrow_pool *pool, node_stream *stream, int w, const furrow__layout *layout) {
  furrow__rings *rings = &pool->board.rings[w];
  for (uint32_t taken = 0;; furrow__gate_set(&rings->taken, ++taken)) {
    while (furrow__gate_read(&rings->posted) == taken)
      if (!furrow__await(pool, &rings->posted, taken)) {
        furrow__pool_break(pool, "an operation");
        return;
      }
    uint32_t block = taken % FURROW__RESULT_BLOCKS;
    const char *bytes = pool->board.data + furrow__layout_block(layout, w - 1, block);
    size_t length = rings->block[block].length;
    if (length == 0) return;
    for (size_t done = 0; done < length && stream->good;) done += digest_part(stream, bytes + done, length - done);
  }
}

/* One worker after the other: neighbours in rank hold neighbouring leaves, so nodes find their siblings soon and few
   wait. */
bool furrow__collect_node(furrow_pool *pool, furrow__reduction *reduction, const furrow__layout *layout) {
  node_stream stream = {.reduction = reduction, .good = true};
  for (int w = 1; w < pool->board.ranks && pool->broken == FURROW_OK; w++) take_stream(pool, &stream, w, layout);
  return stream.good;
}

/* ---- by messages ---- */

static furrow_status send_nodes(furrow_pool *pool, MPI_Comm over, furrow__reduction *reduction) {
  furrow__comm *comm = &pool->comm;
  const furrow__forest *forest = &reduction->forest;
  uint64_t count = forest->count;
  size_t size = reduction->work->result_size;
  furrow_status status = furrow__comm_await_call(comm, over);
  if (status == FURROW_OK) status = furrow__comm_send(comm, over, &count, sizeof count, 0);
  for (uint32_t i = 0; i < forest->count && status == FURROW_OK; i++) {
    furrow__node node = forest->nodes[i];
    status = furrow__comm_send(comm, over, &node, sizeof node, 0);
    if (status == FURROW_OK)
      status = furrow__comm_send(comm, over, furrow__reduction_at(reduction, node.slot), size, 0);
    pool->metrics.bytes_out += sizeof node + size;
  }
  furrow__reduction_clear(reduction);
  return status;
}

/* Everything is received, whether or not there is memory to keep it (else into `spare`): the sender must not be stranded. */
static furrow_status receive_nodes(furrow_pool *pool, MPI_Comm over, int from, furrow__reduction *reduction,
                                   uint32_t spare, bool *good) {
  furrow__comm *comm = &pool->comm;
  uint64_t count = 0;
  furrow_status status = furrow__comm_call(comm, over, from);
  if (status == FURROW_OK) status = furrow__comm_receive(comm, over, &count, sizeof count, from);
  for (uint64_t i = 0; i < count && status == FURROW_OK; i++) {
    furrow__node node;
    status = furrow__comm_receive(comm, over, &node, sizeof node, from);
    if (status != FURROW_OK) break;
    bool kept = furrow__reduction_take(reduction, &node.slot);
    *good = *good && kept;
    char *accumulator = furrow__reduction_at(reduction, kept ? node.slot : spare);
    status = furrow__comm_receive(comm, over, accumulator, reduction->work->result_size, from);
    if (status == FURROW_OK && kept) furrow__reduction_add(reduction, node);
  }
  return status;
}

furrow_status furrow__collect_over(furrow_pool *pool, MPI_Comm over, furrow__reduction *reduction, uint32_t spare,
                                   bool *good) {
  *good = true;
  if (pool->comm.rank != 0) return send_nodes(pool, over, reduction);
  int ranks = over == pool->comm.all ? pool->comm.size : pool->comm.nodes;
  furrow_status status = FURROW_OK;
  for (int r = 1; r < ranks && status == FURROW_OK; r++) status = receive_nodes(pool, over, r, reduction, spare, good);
  return status;
}

void furrow__collect_finish(const furrow__reduction *reduction) {
  const furrow__forest *forest = &reduction->forest;
  bool whole = forest->count == 1 && furrow__node_is_root(forest->nodes[0], forest->leaves);
  if (whole)
    memcpy(reduction->work->results, furrow__reduction_at(reduction, forest->nodes[0].slot),
           reduction->work->result_size);
}
