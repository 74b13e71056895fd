/* A worker asks for spans of items before it needs them, and reads one slot while the others are filled. What it asked for
   ahead is the front of its own share: if a thief takes that, the copy was in vain and no more. Results gather in a
   block while they are neighbours, and go when the block is full or the worker moves elsewhere. */
#include "run/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"
#include "node/memory.h"
#include "run/await.h"
#include "run/server.h"

enum { FAR_AND_LARGE = 32 << 10 }; /* bytes: such a block should be on its way to another node at once */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* Rings stand on the board, but for those of a node's first rank, as a rule. */
static void find_rings(furrow__flow *flow, const furrow__layout *layout, const furrow__own_rings *own) {
  int me = flow->worker;
  flow->rings = &flow->board->rings[me];
  flow->slot = own ? own->slot : layout->slot;
  flow->block = own ? own->block : layout->block;
  for (uint32_t i = 0; i < FURROW__ITEM_SLOTS; i++)
    flow->slots[i] = own ? own->slots[i] : flow->board->data + furrow__layout_slot(layout, me, i);
  for (uint32_t i = 0; i < FURROW__RESULT_BLOCKS; i++)
    flow->blocks[i] = own ? own->blocks[i] : flow->board->data + furrow__layout_block(layout, me, i);
}

static char *large_buffer(size_t size) {
  return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void free_large_item(furrow__flow *flow) {
  if (flow->shares)
    furrow__memory_unshare(flow->large_item, flow->large_size);
  else
    free(flow->large_item);
  flow->large_item = NULL;
  flow->large_size = 0;
}

/* A child reads items where its rank has put them. */
static bool have_large_item(furrow__flow *flow, size_t size) {
  if (flow->large_size >= size) return true;
  free_large_item(flow);
  flow->large_item = flow->shares ? furrow__memory_share(size) : large_buffer(size);
  flow->large_size = flow->large_item ? size : 0;
  return flow->large_item != NULL;
}

bool furrow__flow_start(furrow__flow *flow, furrow_pool *pool, const furrow__work *work, const furrow__layout *layout,
                        const furrow__traffic *traffic, const furrow__flow_owner *owner) {
  bool root = pool->comm.rank == 0, guarded = work->settings.guarded != 0;
  *flow = (furrow__flow){.pool = pool,
                         .board = &pool->board,
                         .worker = owner->worker,
                         .waiter = owner->waiter,
                         .metrics = owner->metrics,
                         .traffic = *traffic,
                         .guarded = guarded,
                         .shares = work->settings.isolate != 0};
  if (root || layout->items) flow->items = root ? work->items : pool->board.data;
  if (root && !guarded) flow->results = work->results;
  if (layout->results)
    flow->results = pool->board.data + layout->items; /* rank 0 too: it copies all of it at the end */
  if (root && !guarded) return true;
  find_rings(flow, layout, owner->own);
  bool large_item = !flow->items && flow->slot && traffic->item_size > flow->slot;
  bool large_result = flow->block && !traffic->reduction && traffic->result_size > flow->block;
  bool ready = !large_item || have_large_item(flow, traffic->item_size);
  if (large_result) flow->large_result = large_buffer(traffic->result_size);
  return ready && (flow->large_result || !large_result);
}

void furrow__flow_free(furrow__flow *flow) {
  free_large_item(flow);
  free(flow->large_result);
}

/* Wait for the other side of a ring. Rank 0 is that side, too. */
static void wait_for(furrow__flow *flow, furrow__gate *gate, uint32_t old) {
  if (furrow__server_help(flow->pool)) return;
  furrow__board_notify(flow->board, flow->worker, true);
  if (!furrow__await_as(flow->waiter, flow->pool, gate, old)) flow->is_broken = true;
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
  furrow__board_notify(flow->board, flow->worker, has_far_to_go);
  flow->metrics->bytes_in += length;
}

/* Wait until no more than `behind` of what was asked is outstanding. */
static void wait_served(furrow__flow *flow, uint32_t behind) {
  uint32_t asked = asked_so_far(flow), served;
  while (asked - (served = furrow__gate_read(&flow->rings->served)) > behind && !flow->is_broken)
    wait_for(flow, &flow->rings->served, served);
}

/* In pieces, several on their way at any time; each is copied out before its slot is asked for again. */
static const char *fetch_large(furrow__flow *flow, uint64_t begin, uint64_t size) {
  uint64_t piece = flow->slot, asked = 0;
  wait_served(flow, 0);
  for (uint64_t got = 0; got < size; got += piece) {
    for (; asked < size && asked < got + FURROW__ITEM_SLOTS * piece; asked += piece)
      ask(flow, begin + asked, min(piece, size - asked));
    uint32_t behind =
        (uint32_t)((min(asked, size + piece - 1) - got) / piece) - 1; /* pieces asked for after this one */
    wait_served(flow, behind);
    const char *from = flow->slots[(asked_so_far(flow) - behind - 1) % FURROW__ITEM_SLOTS];
    memcpy(flow->large_item + got, from, min(piece, size - got));
  }
  return flow->large_item;
}

const char *furrow__flow_fetch(furrow__flow *flow, size_t size) {
  if (!have_large_item(flow, size)) return NULL;
  const char *item = fetch_large(flow, 0, size);
  return flow->is_broken ? NULL : item;
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
    *items = fetch_large(flow, want.begin * size, size);
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

static void post_block(furrow__flow *flow, furrow__post post) {
  uint32_t posted = atomic_load_explicit(&flow->rings->posted.word, memory_order_relaxed);
  post.worker = flow->pool->comm.rank * flow->board->threads + flow->worker % flow->board->threads;
  flow->rings->block[posted % FURROW__RESULT_BLOCKS] = post;
  furrow__gate_set(&flow->rings->posted, posted + 1);
  bool has_far_to_go = flow->pool->comm.node_index > 0 && post.length >= FAR_AND_LARGE;
  bool is_urgent = has_far_to_go || post.kind == FURROW__POST_RETRY;
  if (post.kind != FURROW__POST_STREAM) furrow__board_notify(flow->board, flow->worker, is_urgent);
  if (flow->pool->comm.rank != 0) flow->metrics->bytes_out += post.length;
}

/* Its only writer is here. */
void furrow__flow_settle(furrow__flow *flow, uint64_t tasks) {
  _Atomic uint64_t *settled = &flow->board->done[flow->worker].settled;
  uint64_t before = atomic_load_explicit(settled, memory_order_relaxed);
  atomic_store_explicit(settled, before + tasks, memory_order_release);
}

/* ---- results of a stream ---- */

static void flush_packed(furrow__flow *flow) {
  furrow__post post = {.length = flow->packed_bytes, .count = flow->packed, .kind = FURROW__POST_PACKED, .last = 1};
  post_block(flow, post);
  furrow__flow_settle(flow, flow->packed);
  flow->packed = flow->packed_bytes = 0;
  flow->has_block = false;
}

char *furrow__flow_pack(furrow__flow *flow, size_t *room) {
  enum { LEAST = FURROW__PACKED_HEAD + FURROW__LEAST_ROOM };
  if (flow->packed && flow->block - flow->packed_bytes < LEAST) flush_packed(flow);
  if (!flow->has_block) acquire_block(flow);
  flow->has_block = true;
  *room = flow->block - flow->packed_bytes - FURROW__PACKED_HEAD;
  return block_address(flow) + flow->packed_bytes + FURROW__PACKED_HEAD;
}

/* What is larger than a block goes by itself, in pieces: from `bytes`, or if that is NULL from a file. False: *why that can't be
   read. */
static bool send_packed(furrow__flow *flow, const furrow__packed *result, const char *bytes, int file, char *why) {
  size_t size = furrow__packed_size(result->size), head = FURROW__PACKED_HEAD;
  for (size_t sent = 0, length; sent < size && !flow->is_broken; sent += length) {
    length = min(flow->block, size - sent);
    char *to = acquire_block(flow);
    if (sent == 0) memcpy(to, result, head);
    size_t skip = sent == 0 ? head : 0, from = sent + skip - head, left = result->size - min(from, result->size);
    size_t now = min(length - skip, left);
    if (bytes && now) memcpy(to + skip, bytes + from, now);
    if (!bytes && !furrow__scratch_read(file, from, to + skip, now, why)) return false;
    bool last = sent + length == size;
    post_block(flow, (furrow__post){
                         .offset = sent, .length = length, .count = last, .kind = FURROW__POST_PACKED, .last = last});
  }
  furrow__flow_settle(flow, 1);
  return true;
}

bool furrow__flow_packed_file(furrow__flow *flow, const furrow__packed *result, int file, char *why) {
  if (flow->packed) flush_packed(flow);
  flow->has_block = false; /* nothing stands in it */
  return send_packed(flow, result, NULL, file, why);
}

void furrow__flow_packed(furrow__flow *flow, const furrow__packed *result, const char *bytes) {
  size_t size = furrow__packed_size(result->size);
  bool in_place = bytes == block_address(flow) + flow->packed_bytes + FURROW__PACKED_HEAD;
  if (!in_place && flow->packed && size > flow->block - flow->packed_bytes) flush_packed(flow);
  if (size > flow->block) {
    flow->has_block = false; /* nothing stands in it */
    char none[FURROW__SCRATCH_WHY];
    send_packed(flow, result, bytes, -1, none);
    return;
  }
  if (!flow->has_block) acquire_block(flow); /* its task has sent parts meanwhile */
  flow->has_block = true;
  char *to = block_address(flow) + flow->packed_bytes;
  memcpy(to, result, FURROW__PACKED_HEAD);
  if (!in_place && result->size) memcpy(to + FURROW__PACKED_HEAD, bytes, result->size);
  flow->packed_bytes += size;
  flow->packed++;
}

void furrow__flow_flush(furrow__flow *flow) {
  if (flow->packed) flush_packed(flow);
  uint64_t size = flow->traffic.result_size;
  uint64_t tasks = flow->has_block ? flow->open.end - flow->open.begin : 0;
  if (tasks)
    post_block(flow, (furrow__post){.offset = flow->open.begin * size,
                                    .length = tasks * size,
                                    .first = flow->open.begin,
                                    .count = tasks,
                                    .last = 1});
  if (tasks) furrow__flow_settle(flow, tasks);
  flow->has_block = false;
}

static furrow__span room_in_block(furrow__flow *flow, furrow__span want, char **results) {
  uint64_t size = flow->traffic.result_size, holds = size ? flow->block / size : UINT64_MAX - want.begin;
  bool goes_on = flow->has_block && flow->open.end == want.begin && flow->open.end - flow->open.begin < holds;
  if (!goes_on) {
    furrow__flow_flush(flow);
    char *block = acquire_block(flow);
    if (size) memset(block, 0, holds * size);
    flow->has_block = true;
    flow->open = (furrow__span){want.begin, want.begin};
  }
  if (size) *results = block_address(flow) + (want.begin - flow->open.begin) * size;
  return (furrow__span){want.begin, size ? min(want.end, flow->open.begin + holds) : want.end};
}

furrow__span furrow__flow_room(furrow__flow *flow, furrow__span want, char **results) {
  uint64_t size = flow->traffic.result_size;
  *results = NULL;
  if (size == 0 && !flow->guarded) return want;
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
    bool last = sent + length == size;
    post_block(flow, (furrow__post){
                         .offset = task * size + sent, .length = length, .first = task, .count = last, .last = last});
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

/* ---- news of tasks ---- */

void furrow__flow_tell(furrow__flow *flow, furrow__post about, const void *data, size_t size) {
  furrow__flow_flush(flow);
  for (size_t sent = 0; sent < size && !flow->is_broken; sent += about.length) {
    about.offset = sent;
    about.length = min(flow->block, size - sent);
    about.last = sent + about.length == size;
    memcpy(acquire_block(flow), (const char *)data + sent, about.length);
    post_block(flow, about);
  }
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
    post_block(flow, (furrow__post){.length = flow->open.end, .kind = FURROW__POST_STREAM});
    flow->has_block = false;
  }
}

void furrow__flow_stream_end(furrow__flow *flow) {
  if (flow->has_block) post_block(flow, (furrow__post){.length = flow->open.end, .kind = FURROW__POST_STREAM});
  flow->has_block = false;
  acquire_block(flow);
  post_block(flow, (furrow__post){.kind = FURROW__POST_STREAM});
}
