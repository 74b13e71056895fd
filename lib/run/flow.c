/* A worker asks for spans of items before it needs them, and reads one slot while the others are filled. What it asked for
   ahead is the front of its own share: if a thief takes that, the copy was in vain and no more. Results gather in a
   block while they are neighbours, and go when the block is full or the worker moves elsewhere. */
#include "run/flow.h"

#include <stdlib.h>
#include <string.h>

#include "run/await.h"

enum { FAR_AND_LARGE = 32 << 10 }; /* bytes: such a block should be on its way to another node at once */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* The rings of ranks other than a node's first stand on its board. */
static void find_rings(furrow__flow *flow, const furrow__layout *layout, const furrow__own_rings *own) {
  int w = flow->pool->comm.node_rank - 1;
  flow->rings = &flow->board->rings[w + 1];
  flow->slot = own ? own->slot : layout->slot;
  flow->block = own ? own->block : layout->block;
  for (uint32_t i = 0; i < FURROW__ITEM_SLOTS; i++)
    flow->slots[i] = own ? own->slots[i] : flow->board->data + furrow__layout_slot(layout, &flow->traffic, w, i);
  for (uint32_t i = 0; i < FURROW__RESULT_BLOCKS; i++)
    flow->blocks[i] = own ? own->blocks[i] : flow->board->data + furrow__layout_block(layout, w, i);
}

bool furrow__flow_start(furrow__flow *flow, furrow_pool *pool, const furrow__layout *layout,
                        const furrow__traffic *traffic, const void *items, void *results,
                        const furrow__own_rings *own) {
  bool root = pool->comm.rank == 0;
  *flow = (furrow__flow){.pool = pool, .board = &pool->board, .metrics = &pool->metrics, .traffic = *traffic};
  if (root || layout->items) flow->items = root ? items : pool->board.data;
  if (root) flow->results = results;
  if (layout->results)
    flow->results = pool->board.data + layout->items; /* rank 0 too: it copies all of it at the end */
  if (root) return true;
  find_rings(flow, layout, own);
  bool large_item = flow->slot && traffic->item_size > flow->slot;
  bool large_result = flow->block && !traffic->reduction && traffic->result_size > flow->block;
  if (large_item) flow->large_item = aligned_alloc(64, (traffic->item_size + 63) / 64 * 64);
  if (large_result) flow->large_result = aligned_alloc(64, (traffic->result_size + 63) / 64 * 64);
  return (flow->large_item || !large_item) && (flow->large_result || !large_result);
}

void furrow__flow_free(furrow__flow *flow) {
  free(flow->large_item);
  free(flow->large_result);
}

/* Wait for the other side of a ring. */
static void wait_for(furrow__flow *flow, furrow__gate *gate, uint32_t old) {
  furrow__board_notify(flow->board, flow->pool->comm.node_rank, true);
  if (!furrow__await(flow->pool, gate, old)) flow->is_broken = true;
}

/* ---- items ---- */

static uint32_t asked_so_far(const furrow__flow *flow) {
  return atomic_load_explicit(&flow->rings->asked, memory_order_relaxed); /* its only writer is here */
}

/* Ask for a piece of the items array in the next slot, whose content is no longer needed. */
static void ask(furrow__flow *flow, uint64_t offset, uint64_t length) {
  uint32_t asked = asked_so_far(flow);
  flow->rings->slot[asked % FURROW__ITEM_SLOTS] = (furrow__piece){offset, length};
  atomic_store_explicit(&flow->rings->asked, asked + 1, memory_order_release);
  bool has_far_to_go = flow->pool->comm.node_index > 0;
  furrow__board_notify(flow->board, flow->pool->comm.node_rank, has_far_to_go);
  flow->metrics->bytes_in += length;
}

/* Wait until no more than `behind` of what was asked is outstanding. */
static void wait_served(furrow__flow *flow, uint32_t behind) {
  uint32_t asked = asked_so_far(flow), served;
  while (asked - (served = furrow__gate_read(&flow->rings->served)) > behind && !flow->is_broken)
    wait_for(flow, &flow->rings->served, served);
}

/* In pieces, several on their way at any time; each is copied out before its slot is asked for again. */
static const char *fetch_large(furrow__flow *flow, uint64_t task) {
  uint64_t size = flow->traffic.item_size, piece = flow->slot, asked = 0;
  wait_served(flow, 0);
  for (uint64_t got = 0; got < size; got += piece) {
    for (; asked < size && asked < got + FURROW__ITEM_SLOTS * piece; asked += piece)
      ask(flow, task * size + asked, min(piece, size - asked));
    uint32_t behind =
        (uint32_t)((min(asked, size + piece - 1) - got) / piece) - 1; /* pieces asked for after this one */
    wait_served(flow, behind);
    const char *from = flow->slots[(asked_so_far(flow) - behind - 1) % FURROW__ITEM_SLOTS];
    memcpy(flow->large_item + got, from, min(piece, size - got));
  }
  return flow->large_item;
}

static void ask_tasks(furrow__flow *flow, furrow__span tasks) {
  uint64_t size = flow->traffic.item_size;
  flow->spans[asked_so_far(flow) % FURROW__ITEM_SLOTS] = tasks;
  ask(flow, tasks.begin * size, (tasks.end - tasks.begin) * size);
}

/* From `begin` on, as many tasks as a slot holds. */
static furrow__span slotful(const furrow__flow *flow, uint64_t begin, uint64_t end) {
  return (furrow__span){begin, min(end, begin + flow->slot / flow->traffic.item_size)};
}

static bool holds(const furrow__flow *flow, uint32_t number, uint64_t task) {
  furrow__span span = flow->spans[number % FURROW__ITEM_SLOTS];
  return span.begin <= task && task < span.end;
}

/* Have `task` in the held slot. What was asked for in front of it is given up, and served in vain; its slots may be asked for
   again only then. */
static furrow__span hold(furrow__flow *flow, uint64_t task, uint64_t end) {
  uint32_t asked = asked_so_far(flow);
  while (flow->held != asked && !holds(flow, flow->held, task)) flow->held++;
  if (flow->held == asked) {
    wait_served(flow, FURROW__ITEM_SLOTS - 1);
    ask_tasks(flow, slotful(flow, task, end));
  }
  wait_served(flow, asked_so_far(flow) - flow->held - 1);
  return flow->spans[flow->held % FURROW__ITEM_SLOTS];
}

/* Ask ahead for what follows in the own share, as far as there are slots. */
static void look_ahead(furrow__flow *flow, uint64_t share_end) {
  for (uint32_t asked; (asked = asked_so_far(flow)) - flow->held < FURROW__ITEM_SLOTS;) {
    uint64_t next = flow->spans[(asked - 1) % FURROW__ITEM_SLOTS].end;
    bool slot_is_free = asked - furrow__gate_read(&flow->rings->served) < FURROW__ITEM_SLOTS;
    if (next >= share_end || !slot_is_free) return;
    ask_tasks(flow, slotful(flow, next, share_end));
  }
}

furrow__span furrow__flow_items(furrow__flow *flow, furrow__span want, uint64_t share_end, const char **items) {
  uint64_t size = flow->traffic.item_size;
  *items = NULL;
  if (size == 0) return want;
  if (flow->items) {
    *items = flow->items + want.begin * size;
    return want;
  }
  if (flow->large_item) {
    *items = fetch_large(flow, want.begin);
    return (furrow__span){want.begin, want.begin + 1};
  }
  furrow__span held = hold(flow, want.begin, share_end);
  look_ahead(flow, share_end);
  *items = flow->slots[flow->held % FURROW__ITEM_SLOTS] + (want.begin - held.begin) * size;
  return (furrow__span){want.begin, min(want.end, held.end)};
}

/* ---- results ---- */

static char *block_address(const furrow__flow *flow) {
  uint32_t posted = atomic_load_explicit(&flow->rings->posted.word, memory_order_relaxed);
  return flow->blocks[posted % FURROW__RESULT_BLOCKS];
}

/* Wait until the block that is to be filled next has been taken. */
static char *acquire_block(furrow__flow *flow) {
  uint32_t posted = atomic_load_explicit(&flow->rings->posted.word, memory_order_relaxed), taken;
  while (posted - (taken = furrow__gate_read(&flow->rings->taken)) == FURROW__RESULT_BLOCKS && !flow->is_broken)
    wait_for(flow, &flow->rings->taken, taken);
  return block_address(flow);
}

static void post_block(furrow__flow *flow, uint64_t offset, uint64_t length) {
  uint32_t posted = atomic_load_explicit(&flow->rings->posted.word, memory_order_relaxed);
  flow->rings->block[posted % FURROW__RESULT_BLOCKS] = (furrow__piece){offset, length};
  furrow__gate_set(&flow->rings->posted, posted + 1);
  bool has_far_to_go = flow->pool->comm.node_index > 0 && length >= FAR_AND_LARGE;
  if (!flow->traffic.reduction) furrow__board_notify(flow->board, flow->pool->comm.node_rank, has_far_to_go);
  flow->metrics->bytes_out += length;
}

/* Its only writer is here. */
void furrow__flow_settle(furrow__flow *flow, uint64_t tasks) {
  _Atomic uint64_t *settled = &flow->board->done[flow->pool->comm.node_rank].settled;
  uint64_t before = atomic_load_explicit(settled, memory_order_relaxed);
  atomic_store_explicit(settled, before + tasks, memory_order_release);
}

void furrow__flow_flush(furrow__flow *flow) {
  uint64_t size = flow->traffic.result_size;
  uint64_t tasks = flow->has_block ? flow->open.end - flow->open.begin : 0;
  if (tasks) post_block(flow, flow->open.begin * size, tasks * size);
  if (tasks) furrow__flow_settle(flow, tasks);
  flow->has_block = false;
}

static furrow__span room_in_block(furrow__flow *flow, furrow__span want, char **results) {
  uint64_t size = flow->traffic.result_size, holds = flow->block / size;
  bool goes_on = flow->has_block && flow->open.end == want.begin && flow->open.end - flow->open.begin < holds;
  if (!goes_on) {
    furrow__flow_flush(flow);
    memset(acquire_block(flow), 0, holds * size);
    flow->has_block = true;
    flow->open = (furrow__span){want.begin, want.begin};
  }
  *results = block_address(flow) + (want.begin - flow->open.begin) * size;
  return (furrow__span){want.begin, min(want.end, flow->open.begin + holds)};
}

furrow__span furrow__flow_room(furrow__flow *flow, furrow__span want, char **results) {
  uint64_t size = flow->traffic.result_size;
  *results = NULL;
  if (size == 0) return want;
  if (!flow->results && !flow->large_result) return room_in_block(flow, want, results);
  furrow__span span = {want.begin, flow->results ? want.end : want.begin + 1};
  *results = flow->results ? flow->results + want.begin * size : flow->large_result;
  memset(*results, 0, (span.end - span.begin) * size);
  return span;
}

static void send_large(furrow__flow *flow, uint64_t task) {
  uint64_t size = flow->traffic.result_size;
  for (uint64_t sent = 0; sent < size;) {
    uint64_t length = min(flow->block, size - sent);
    memcpy(acquire_block(flow), flow->large_result + sent, length);
    post_block(flow, task * size + sent, length);
    sent += length;
  }
  furrow__flow_settle(flow, 1);
}

void furrow__flow_deliver(furrow__flow *flow, furrow__span done) {
  if (flow->results && flow->pool->comm.rank != 0)
    flow->metrics->bytes_out += (done.end - done.begin) * flow->traffic.result_size;
  if (flow->large_result) send_large(flow, done.begin);
  if (flow->has_block) flow->open.end = done.end;
}

/* ---- the stream: `open` counts bytes in the block ---- */

void furrow__flow_stream(furrow__flow *flow, const void *data, size_t size) {
  for (size_t sent = 0; sent < size;) {
    if (!flow->has_block) acquire_block(flow);
    if (!flow->has_block) flow->open = (furrow__span){0, 0};
    flow->has_block = true;
    uint64_t length = min(flow->block - flow->open.end, size - sent);
    memcpy(block_address(flow) + flow->open.end, (const char *)data + sent, length);
    flow->open.end += length;
    sent += length;
    if (flow->open.end < flow->block) continue;
    post_block(flow, 0, flow->open.end);
    flow->has_block = false;
  }
}

void furrow__flow_stream_end(furrow__flow *flow) {
  if (flow->has_block) post_block(flow, 0, flow->open.end);
  flow->has_block = false;
  acquire_block(flow);
  post_block(flow, 0, 0);
}
