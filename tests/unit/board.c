/* The board: every region on lines of its own and inside, a reset deals everything, a notice reaches its bit. */
#include "node/board.h"

#include <stdlib.h>

#include "shim/test.h"

enum { LINE = 64, PAGE = 4096, DATA = 8192 };

static const int RANKS[] = {1, 2, 3, 5, 8, 63, 64, 65, 200, 1000};
#define EACH_RANKS(i) (size_t i = 0; i < sizeof RANKS / sizeof *RANKS && !test_failed(); i++)

static furrow__board make(int ranks) {
  size_t size = furrow__board_fixed_size(ranks) + DATA;
  furrow__arena arena = {aligned_alloc(PAGE, size), size, 10 * size, -1, false};
  memset(arena.base, 0, size);
  furrow__board board;
  furrow__board_lay_out(&board, arena, ranks);
  return board;
}

/* A region begins on a line, behind the one before. */
static char *expect_region(const char *end, void *region, size_t size) {
  EXPECT_EQ((uintptr_t)region % LINE, 0u);
  EXPECT_GE((const char *)region, end);
  return (char *)region + size;
}

TEST(board, regions_are_disjoint_and_aligned) {
  for
    EACH_RANKS(i) {
      furrow__board b = make(RANKS[i]);
      size_t n = (size_t)RANKS[i];
      EXPECT_EQ(b.ranks, RANKS[i]);
      char *end = b.arena.base + sizeof(uint64_t); /* the nonce */
      end = expect_region(end, b.records, 2 * sizeof *b.records);
      end = expect_region(end, b.seats, 2 * n * sizeof *b.seats);
      end = expect_region(end, b.hosts, n * sizeof *b.hosts);
      end = expect_region(end, b.ranges, n * sizeof *b.ranges);
      end = expect_region(end, b.done, n * sizeof *b.done);
      end = expect_region(end, b.rings, n * sizeof *b.rings);
      end = expect_region(end, b.mailbox, (n + 63) / 64 * sizeof *b.mailbox);
      end = expect_region(end, b.steals, sizeof *b.steals);
      end = expect_region(end, b.piles, FURROW__PILES * sizeof *b.piles);
      end = expect_region(end, b.retries, sizeof *b.retries);
      end = expect_region(end, b.bell, sizeof *b.bell);
      end = expect_region(end, b.broken, sizeof *b.broken);
      end = expect_region(end, b.why, FURROW__WHY_SIZE);
      end = expect_region(end, b.data, DATA);
      EXPECT_LE(end, b.arena.base + b.arena.size);
      EXPECT_EQ((uintptr_t)b.data % PAGE, 0u);
      EXPECT_EQ((size_t)(b.data - b.arena.base), furrow__board_fixed_size(RANKS[i]));
      EXPECT_EQ(furrow__board_room(&b), (size_t)DATA);
      EXPECT_EQ(furrow__board_most_room(&b), b.arena.limit - furrow__board_fixed_size(RANKS[i]));
      free(b.arena.base);
    }
}

/* Words of different writers share no line; nor do elements of an array that has a writer each. */
#define EXPECT_ALONE(type, word) EXPECT_EQ(offsetof(type, word) % LINE, 0u)

TEST(board, one_writer_a_line) {
  EXPECT_EQ(sizeof(furrow__seat) % LINE, 0u);
  EXPECT_EQ(sizeof(furrow__meeting) % LINE, 0u);
  EXPECT_EQ(sizeof(furrow__rings) % LINE, 0u);
  EXPECT_EQ(sizeof(furrow__range_word), (size_t)LINE);
  EXPECT_EQ(sizeof(furrow__steals), (size_t)LINE);
  EXPECT_EQ(sizeof(furrow__done), (size_t)LINE);
  EXPECT_EQ(FURROW_HOST_SIZE, LINE);
  EXPECT_ALONE(furrow__meeting, arrived);
  EXPECT_ALONE(furrow__meeting, start);
  EXPECT_ALONE(furrow__meeting, left);
  EXPECT_ALONE(furrow__meeting, end);
  EXPECT_ALONE(furrow__meeting, failer);
  EXPECT_ALONE(furrow__meeting, verdict);
  EXPECT_ALONE(furrow__rings, posted);
  EXPECT_ALONE(furrow__rings, asked);
  EXPECT_ALONE(furrow__rings, taken);
  EXPECT_ALONE(furrow__rings, served);
}

/* Several threads a rank: what each worker has stands in front of the data, and for one thread where it stood before. */
TEST(board, threads_have_lines_of_their_own) {
  const int threads[] = {2, 3, 64, 1024};
  for (int ranks = 1; ranks <= 5; ranks += 2)
    for (int i = 0; i < 4; i++) {
      size_t size = furrow__board_least_size(ranks, threads[i]), n = (size_t)ranks * (size_t)threads[i];
      furrow__arena arena = {aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE), size, size, -1, false};
      furrow__board b, before;
      memset(arena.base, 0xff, size);
      furrow__board_lay_out(&b, arena, ranks);
      before = b;
      furrow__board_set_threads(&b, threads[i]);
      EXPECT_EQ((size_t)b.workers, n);
      char *end = expect_region(before.data, b.ranges, n * sizeof *b.ranges);
      end = expect_region(end, b.done, n * sizeof *b.done);
      end = expect_region(end, b.rings, n * sizeof *b.rings);
      end = expect_region(end, b.mailbox, (n + 63) / 64 * sizeof *b.mailbox);
      end = expect_region(end, b.data, n * FURROW__ROOM_PER_WORKER);
      EXPECT_LE(end, arena.base + size);
      EXPECT_EQ(furrow__board_room(&b), n * FURROW__ROOM_PER_WORKER);
      EXPECT_EQ(b.bell, before.bell);
      furrow__board_reset(&b, 1000003);
      EXPECT_EQ(furrow__range_read(&b.ranges[n - 1]).end, 1000003u);
      EXPECT_EQ(furrow__board_done(&b), 0u);
      for (size_t w = 0; w < n; w++) EXPECT_EQ(atomic_load(&b.rings[w].posted.sleepers), 0u);
      furrow__board_set_threads(&b, 1);
      EXPECT_BYTES_EQ(&b, &before, sizeof b);
      free(arena.base);
    }
}

static void dirty(furrow__board *b) {
  for (int i = 0; i < b->ranks; i++) {
    furrow__range_deal(&b->ranges[i], (furrow__range){7, 9});
    atomic_store(&b->done[i].tasks, 5);
    furrow__gate_set(&b->rings[i].posted, 3);
    furrow__gate_set(&b->rings[i].taken, 3);
    furrow__gate_set(&b->rings[i].served, 3);
    atomic_store(&b->rings[i].asked, 3);
    furrow__board_notify(b, i, false);
  }
}

TEST(board, a_reset_deals_all_units_in_equal_blocks) {
  const uint32_t units[] = {0, 1, 2, 7, 64, 1000, 1000003, UINT32_C(1) << 31, UINT32_MAX};
  for
    EACH_RANKS(i)
  for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
    furrow__board b = make(RANKS[i]);
    dirty(&b);
    furrow__board_reset(&b, units[u]);
    uint32_t end = 0, least = units[u] / (uint32_t)b.ranks;
    for (int r = 0; r < b.ranks; r++) {
      furrow__range range = furrow__range_read(&b.ranges[r]);
      EXPECT_EQ(range.begin, end);
      EXPECT_LE(furrow__range_length(range) - least, 1u);
      end = range.end;
      EXPECT_EQ(furrow__gate_read(&b.rings[r].posted), 0u);
      EXPECT_EQ(furrow__gate_read(&b.rings[r].taken), 0u);
      EXPECT_EQ(furrow__gate_read(&b.rings[r].served), 0u);
      EXPECT_EQ(atomic_load(&b.rings[r].asked), 0u);
    }
    EXPECT_EQ(end, units[u]);
    EXPECT_EQ(furrow__board_done(&b), 0u);
    for (int w = 0; w < (b.ranks + 63) / 64; w++) EXPECT_EQ(atomic_load(&b.mailbox[w]), 0u);
    free(b.arena.base);
  }
}

TEST(board, finished_tasks_add_up) {
  furrow__board b = make(65);
  for (uint64_t i = 0; i < 65; i++) atomic_store(&b.done[i].tasks, (UINT64_C(1) << 40) + i);
  EXPECT_EQ(furrow__board_done(&b), 65 * (UINT64_C(1) << 40) + 64 * 65 / 2);
  free(b.arena.base);
}

TEST(board, a_notice_sets_its_bit_and_rings_if_it_is_urgent) {
  furrow__board b = make(200);
  const int workers[] = {0, 1, 63, 64, 127, 199};
  for (int i = 0; i < 6; i++) {
    uint32_t rung = furrow__gate_read(b.bell);
    furrow__board_notify(&b, workers[i], i % 2 == 0);
    EXPECT_EQ(furrow__gate_read(b.bell), rung + (i % 2 == 0));
    EXPECT_EQ(atomic_exchange(&b.mailbox[workers[i] / 64], 0), UINT64_C(1) << (workers[i] % 64));
  }
  for (int w = 0; w < 4; w++) EXPECT_EQ(atomic_load(&b.mailbox[w]), 0u);
  free(b.arena.base);
}

/* What nobody has claimed: shares, and piles that are this node's own; not the deck's. */
TEST(board, counts_what_is_unclaimed_and_what_is_settled) {
  furrow__board b = make(3);
  furrow__board_reset(&b, 30);
  EXPECT_EQ(furrow__board_unclaimed(&b), 30u);
  furrow__range_deal(&b.piles[0].units, (furrow__range){30, 35});
  furrow__range_deal(&b.piles[1].units, (furrow__range){35, 45});
  b.piles[0].share = 2;
  EXPECT_EQ(furrow__board_unclaimed(&b), 35u);
  b.piles[1].share = 1;
  EXPECT_EQ(furrow__board_unclaimed(&b), 45u);
  for (int i = 0; i < 3; i++) b.done[i].settled = 10u + (uint64_t)i;
  EXPECT_EQ(furrow__board_settled(&b), 33u);
  furrow__board_reset(&b, 0);
  EXPECT_EQ(furrow__board_unclaimed(&b), 0u);
  EXPECT_EQ(furrow__board_settled(&b), 0u);
  free(b.arena.base);
}
