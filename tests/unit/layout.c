/* The layout of the data area: every region inside, none over another, for any traffic and any room down to the least. */
#include "plan/layout.h"

#include "furrow/rng.h"
#include "shim/test.h"

__extension__ typedef unsigned __int128 wide;

enum { LINE = 64, MOST_WORKERS = 1000, WINDOWS = 2, RINGS = FURROW__RESULT_BLOCKS + FURROW__ITEM_SLOTS };

/* ---- what holds for every layout ---- */

static bool moves_items(const furrow__traffic *traffic) {
  return traffic->count > 0 && traffic->item_size > 0;
}

static bool moves_results(const furrow__traffic *traffic) {
  return traffic->count > 0 && traffic->result_size > 0;
}

/* What must move has exactly one way: a window that holds all of it, or rings. */
static void expect_ways(const furrow__layout *layout, const furrow__traffic *traffic) {
  ASSERT_EQ((layout->items > 0) + (layout->slot > 0), moves_items(traffic));
  ASSERT_EQ((layout->results > 0) + (layout->block > 0), moves_results(traffic) || traffic->everyone);
  if (layout->items) ASSERT_TRUE(layout->items >= (wide)traffic->count * traffic->item_size);
  if (layout->results) ASSERT_TRUE(layout->results >= (wide)traffic->count * traffic->result_size);
  if (traffic->reduction) ASSERT_EQ(layout->results, 0u); /* accumulators go through rings */
}

/* The regions in the order of their offsets: windows, then blocks by worker, then slots by worker. So none overlaps
   another if each begins where the one before ends or later, and the last one ends within the total. */
static uint64_t place(uint64_t end, uint64_t offset, uint64_t size) {
  if (offset < end || offset % LINE != 0)
    TEST_FAIL("a region at %llu begins before %llu or within a line", (unsigned long long)offset,
              (unsigned long long)end);
  return offset + size;
}

static void expect_disjoint(const furrow__layout *layout, const furrow__traffic *traffic) {
  uint64_t end = place(0, 0, layout->items);
  end = place(end, layout->items, layout->results);
  for (int w = 0; w < traffic->workers && layout->block && !test_failed(); w++)
    for (uint32_t i = 0; i < FURROW__RESULT_BLOCKS; i++)
      end = place(end, furrow__layout_block(layout, (int)layout->first + w, i), layout->block);
  for (int w = 0; w < traffic->workers && layout->slot && !test_failed(); w++)
    for (uint32_t i = 0; i < FURROW__ITEM_SLOTS; i++)
      end = place(end, furrow__layout_slot(layout, (int)layout->first + w, i), layout->slot);
  ASSERT_LE(end, layout->total);
}

static furrow__layout expect_layout(const furrow__traffic *traffic, size_t room) {
  furrow__layout layout = furrow__layout_of(traffic, room), again = furrow__layout_of(traffic, room);
  EXPECT_BYTES_EQ(&layout, &again, sizeof layout);
  EXPECT_LE(layout.total, room);
  if (traffic->workers > 0) expect_ways(&layout, traffic);
  expect_disjoint(&layout, traffic);
  if (test_failed())
    TEST_FAIL("of %llu tasks, items of %zu, results of %zu bytes, %s, %d workers, room for %zu bytes",
              (unsigned long long)traffic->count, traffic->item_size, traffic->result_size,
              traffic->reduction ? "reduced" : "mapped", traffic->workers, room);
  return layout;
}

/* ---- any traffic, any room ---- */

static const uint64_t SIZES[] = {0, 1, 7, 8, 63, 64, 65, 1000, 4096, 100000, 1 << 20, UINT64_C(5) << 30, SIZE_MAX};
static const uint64_t COUNTS[] = {0, 1, 2, 3, 100, 1 << 16, 1000000, UINT64_C(1) << 32, UINT64_MAX};
static const int WORKERS[] = {0, 1, 2, 3, 7, 63, 64, 127, MOST_WORKERS};

#define EACH(i, array) (size_t i = 0; i < sizeof array / sizeof *array && !test_failed(); i++)

static void expect_in_rooms(const furrow__traffic *traffic) {
  size_t least = (size_t)traffic->workers * FURROW__ROOM_PER_WORKER;
  const size_t rooms[] = {least, least + 1, least + 63, least + 64, 2 * least + 100, least + (1 << 20), 64 << 20};
  for
    EACH(i, rooms) expect_layout(traffic, rooms[i]);
}

TEST(layout, regions_are_disjoint_and_inside) {
  for
    EACH(w, WORKERS)
    for
      EACH(n, COUNTS)
      for
        EACH(i, SIZES)
        for
          EACH(r, SIZES) {
            furrow__traffic traffic = {COUNTS[n], SIZES[i], SIZES[r], false, WORKERS[w], true, true, false, 1};
            if (traffic.workers == MOST_WORKERS && (i + r) % 4 != 0) continue; /* they take long */
            expect_in_rooms(&traffic);
            traffic.reduction = true;
            expect_in_rooms(&traffic);
            traffic.everyone = traffic.workers > 0;
            traffic.result_window = false;
            expect_in_rooms(&traffic);
          }
}

TEST(layout, at_random) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (int i = 0; i < 20000 && !test_failed(); i++) {
    furrow__traffic traffic = {.count = furrow_rng_u64(&rng) >> furrow_rng_below(&rng, 64),
                               .item_size = furrow_rng_u64(&rng) >> furrow_rng_below(&rng, 64),
                               .result_size = furrow_rng_u64(&rng) >> furrow_rng_below(&rng, 64),
                               .reduction = furrow_rng_below(&rng, 2) == 0,
                               .workers = 1 + (int)furrow_rng_below(&rng, i % 16 ? 32 : MOST_WORKERS),
                               .item_window = furrow_rng_below(&rng, 2) == 0,
                               .result_window = furrow_rng_below(&rng, 2) == 0};
    traffic.everyone = !traffic.result_window && furrow_rng_below(&rng, 2) == 0;
    size_t least = (size_t)traffic.workers * FURROW__ROOM_PER_WORKER;
    expect_layout(&traffic, least + (furrow_rng_u64(&rng) >> (30 + furrow_rng_below(&rng, 30))));
  }
}

/* ---- what is worth having ---- */

TEST(layout, rank_0_alone_needs_nothing) {
  furrow__traffic traffic = {1000, 8, 8, false, 0, true, true, false, 1};
  EXPECT_EQ(furrow__layout_of(&traffic, 1 << 20).total, 0u);
}

TEST(layout, few_items_and_results_stand_in_windows) {
  furrow__traffic traffic = {100, 8, 8, false, 3, true, true, false, 1};
  furrow__layout layout = expect_layout(&traffic, 1 << 20);
  EXPECT_EQ(layout.items, 832u);
  EXPECT_EQ(layout.results, 832u);
  EXPECT_EQ(layout.total, 1664u);
  EXPECT_FALSE(furrow__layout_needs_server(&layout, false));
}

TEST(layout, windows_only_where_they_are_allowed) {
  furrow__traffic traffic = {100, 8, 8, false, 3, true, false, false, 1};
  furrow__layout layout = expect_layout(&traffic, 1 << 20);
  EXPECT_EQ(layout.items, 832u);
  EXPECT_EQ(layout.results, 0u);
  EXPECT_GT(layout.block, 0u);
  traffic.item_window = false;
  layout = expect_layout(&traffic, 1 << 20);
  EXPECT_EQ(layout.items, 0u);
  EXPECT_GT(layout.slot, 0u);
}

TEST(layout, many_go_through_rings) {
  furrow__traffic traffic = {100000000, 8, 8, false, 3, true, true, false, 1};
  furrow__layout layout = expect_layout(&traffic, 64 << 20);
  EXPECT_EQ(layout.items + layout.results, 0u);
  EXPECT_GE(layout.block, 64u << 10);
  EXPECT_GE(layout.slot, 64u << 10);
  EXPECT_TRUE(furrow__layout_needs_server(&layout, false));
}

TEST(layout, accumulators_alone_need_no_server) {
  furrow__traffic traffic = {100000000, 0, 8, true, 3, true, true, false, 1};
  furrow__layout layout = expect_layout(&traffic, 64 << 20);
  EXPECT_GT(layout.block, 0u);
  EXPECT_FALSE(furrow__layout_needs_server(&layout, true));
  traffic.item_size = 8;
  layout = expect_layout(&traffic, 64 << 20);
  EXPECT_TRUE(furrow__layout_needs_server(&layout, true));
}

/* Memory is bounded by the room, and by the workers where the room is ample: never by the traffic. */
TEST(layout, ample_room_is_not_used_up) {
  furrow__traffic traffic = {UINT64_MAX, SIZE_MAX, SIZE_MAX, false, 2, true, true, false, 1};
  EXPECT_LE(expect_layout(&traffic, SIZE_MAX / 2).total, 4u << 20);
}

/* The least room is enough, whatever moves. */
TEST(layout, the_least_room_gives_everyone_a_line) {
  for (int workers = 1; workers <= MOST_WORKERS && !test_failed(); workers++) {
    furrow__traffic traffic = {1000000, 8, 8, false, workers, true, true, false, 1};
    furrow__layout layout = expect_layout(&traffic, (size_t)workers * FURROW__ROOM_PER_WORKER);
    EXPECT_EQ(layout.block, (uint64_t)LINE);
    EXPECT_EQ(layout.slot, (uint64_t)LINE);
    EXPECT_EQ(layout.total, (uint64_t)workers * RINGS * LINE);
    traffic.count = 10; /* items would fit into a window, but results would not get a block beside it */
    traffic.result_size = 1000000;
    expect_layout(&traffic, (size_t)workers * FURROW__ROOM_PER_WORKER);
  }
}

/* ---- streams ---- */

/* The directory, then blocks and slots that do not overlap, all within half of the rest of the room. */
TEST(layout, of_a_stream_has_a_directory_and_rings) {
  static const size_t stores[] = {64 << 10, 1 << 20, 32 << 20};
  for (int s = 0; s < 3; s++)
    for (int workers = 1; workers <= 100; workers += 9) {
      size_t least = 2 * (size_t)workers * FURROW__ROOM_PER_WORKER;
      size_t room = stores[s] + (stores[s] > least ? stores[s] : least);
      furrow__layout layout = furrow__layout_of_stream(stores[s], workers, room);
      EXPECT_EQ(layout.items, stores[s]);
      EXPECT_EQ(layout.results, 0u);
      EXPECT_GE(layout.block, (uint64_t)LINE);
      EXPECT_EQ(layout.block % LINE, 0u);
      EXPECT_LE(layout.total, stores[s] + (room - stores[s]) / 2);
      uint64_t next = layout.items;
      for (int w = 0; w < workers; w++)
        for (uint32_t i = 0; i < FURROW__RESULT_BLOCKS; i++, next += layout.block)
          EXPECT_EQ(furrow__layout_block(&layout, w, i), next);
      for (int w = 0; w < workers; w++)
        for (uint32_t i = 0; i < FURROW__ITEM_SLOTS; i++, next += layout.slot)
          EXPECT_EQ(furrow__layout_slot(&layout, w, i), next);
      EXPECT_EQ(next, layout.total);
      EXPECT_TRUE(furrow__layout_needs_server(&layout, false));
    }
}

TEST(layout, of_a_stream_needs_some_room) {
  EXPECT_EQ(furrow__layout_of_stream(1 << 20, 4, 1 << 20).items, 0u);
  EXPECT_EQ(furrow__layout_of_stream(1 << 20, 4, 0).items, 0u);
  EXPECT_GT(furrow__layout_of_stream(1 << 20, 4, 2 << 20).items, 0u);
}
