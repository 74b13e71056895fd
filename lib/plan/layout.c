#include "plan/layout.h"

enum {
  LINE = 64,
  PIECE = 128 << 10,     /* a copy this long runs at full speed, and still fits into a core's cache */
  ITEM_WINDOW = 1 << 20, /* so few items are copied as a whole: 0.1 ms at most */
  RESULT_WINDOW = PIECE, /* and so few results: 0.01 ms, after the last task */
  NEWS = 1024,           /* longer than most of what is to say about a task */
  STREAM_BLOCK = PIECE / 4,
  STREAM_SLOT = PIECE / 8, /* used by giants only */
};

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t round_up(uint64_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

/* a * b, or the largest number if that is more. */
static uint64_t product(uint64_t a, uint64_t b) {
  return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t piece_for(uint64_t bytes) {
  return bytes < PIECE ? round_up(bytes) : PIECE;
}

/* Accumulators travel as a stream of (node, bytes); a run of leaves ends with some dozens. */
static uint64_t stream_bytes(const furrow__traffic *traffic) {
  return product(min(traffic->count, 64), min(traffic->result_size, PIECE) + sizeof(uint64_t[2]));
}

furrow__layout furrow__layout_of(const furrow__traffic *traffic, size_t room) {
  furrow__layout layout = {.first = (uint64_t)traffic->without};
  uint64_t workers = layout.workers = (uint64_t)traffic->workers;
  if (workers == 0) return layout;
  uint64_t items = product(traffic->count, traffic->item_size);
  uint64_t results = product(traffic->count, traffic->result_size);
  uint64_t least = workers * FURROW__ROOM_PER_WORKER; /* the rings must have a line for each piece */
  uint64_t spare = room > least ? (room - least) / 4 / LINE * LINE : 0;
  if (traffic->item_window && items <= min(ITEM_WINDOW, spare)) layout.items = round_up(items);
  if (traffic->result_window && !traffic->reduction && results <= min(RESULT_WINDOW, spare))
    layout.results = round_up(results);
  uint64_t windows = layout.items + layout.results;
  uint64_t most = (room - windows) / (workers * (FURROW__RESULT_BLOCKS + FURROW__ITEM_SLOTS)) / LINE * LINE;
  if (results && !layout.results)
    layout.block = min(most, piece_for(traffic->reduction ? stream_bytes(traffic) : results));
  if (traffic->everyone) layout.block = max(layout.block, min(most, NEWS));
  if (items && !layout.items) layout.slot = min(most, piece_for(items));
  layout.total = windows + workers * (FURROW__RESULT_BLOCKS * layout.block + FURROW__ITEM_SLOTS * layout.slot);
  return layout;
}

furrow__layout furrow__layout_of_stream(size_t directory, int workers, size_t room) {
  enum { PARTS = 2 * (FURROW__RESULT_BLOCKS + FURROW__ITEM_SLOTS) }; /* half of the room is for items */
  furrow__layout layout = {.items = directory, .workers = (uint64_t)workers};
  uint64_t least = (uint64_t)workers * FURROW__ROOM_PER_WORKER;
  if (room < directory + 2 * least) return (furrow__layout){0};
  uint64_t most = (room - directory) / ((uint64_t)workers * PARTS) / LINE * LINE;
  layout.block = min(most, STREAM_BLOCK);
  layout.slot = min(most, STREAM_SLOT);
  layout.total =
      directory + (uint64_t)workers * (FURROW__RESULT_BLOCKS * layout.block + FURROW__ITEM_SLOTS * layout.slot);
  return layout;
}

bool furrow__layout_needs_server(const furrow__layout *layout, bool reduction) {
  return layout->slot > 0 || (layout->block > 0 && !reduction);
}

uint64_t furrow__layout_block(const furrow__layout *layout, int w, uint32_t block) {
  uint64_t i = (uint64_t)w - layout->first;
  return layout->items + layout->results + (i * FURROW__RESULT_BLOCKS + block) * layout->block;
}

uint64_t furrow__layout_slot(const furrow__layout *layout, int w, uint32_t slot) {
  uint64_t i = (uint64_t)w - layout->first, rings = layout->items + layout->results;
  uint64_t blocks = rings + layout->workers * FURROW__RESULT_BLOCKS * layout->block;
  return blocks + (i * FURROW__ITEM_SLOTS + slot) * layout->slot;
}
