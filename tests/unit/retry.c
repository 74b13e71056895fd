/* What has failed in one place, when it is tried again, and who may take it. */
#include "plan/retry.h"

#include <string.h>

#include "furrow/rng.h"
#include "node/board.h"
#include "run/retries.h"
#include "shim/test.h"

enum { MOST = 50 };

TEST(tries, keeps_tasks_in_order_and_counts) {
  furrow__tried list[MOST];
  furrow__tries tries = {.list = list, .capacity = MOST};
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  uint64_t count[100] = {0};
  for (int i = 0; i < 400; i++) {
    uint64_t task = furrow_rng_below(&rng, MOST) * 2;
    EXPECT_EQ(furrow__tries_note(&tries, task), ++count[task]);
  }
  for (uint64_t i = 1; i < tries.count; i++) EXPECT_LT(list[i - 1].task, list[i].task);
  for (uint64_t task = 0; task < 100; task++) EXPECT_EQ(furrow__tries_of(&tries, task), count[task]);
}

TEST(tries, finds_the_next_of_a_span) {
  furrow__tried list[3] = {{5, 1}, {7, 2}, {UINT64_MAX - 1, 1}};
  furrow__tries tries = {.list = list, .count = 3, .capacity = 3};
  EXPECT_EQ(furrow__tries_next(&tries, 0, 100), 5);
  EXPECT_EQ(furrow__tries_next(&tries, 5, 100), 5);
  EXPECT_EQ(furrow__tries_next(&tries, 6, 7), 7); /* the end: none */
  EXPECT_EQ(furrow__tries_next(&tries, 6, 8), 7);
  EXPECT_EQ(furrow__tries_next(&tries, 8, 100), 100);
  EXPECT_EQ(furrow__tries_next(&tries, 8, UINT64_MAX), UINT64_MAX - 1);
  tries.count = 0;
  EXPECT_EQ(furrow__tries_next(&tries, 0, 100), 100);
}

TEST(tries, a_full_list_takes_no_new_task) {
  furrow__tried list[2];
  furrow__tries tries = {.list = list, .capacity = 2};
  EXPECT_EQ(furrow__tries_note(&tries, 9), 1);
  EXPECT_EQ(furrow__tries_note(&tries, 3), 1);
  EXPECT_EQ(furrow__tries_note(&tries, 5), 0);
  EXPECT_EQ(furrow__tries_note(&tries, 9), 2);
  EXPECT_EQ(furrow__tries_of(&tries, 5), 0);
}

TEST(retry, waits_twice_as_long_each_time) {
  EXPECT_EQ(furrow__retry_delay(0, 1000), 0);
  EXPECT_EQ(furrow__retry_delay(100, 1), 100);
  EXPECT_EQ(furrow__retry_delay(100, 2), 200);
  EXPECT_EQ(furrow__retry_delay(100, 5), 1600);
  EXPECT_EQ(furrow__retry_delay(1, UINT64_MAX), UINT64_C(1) << 60);
  EXPECT_EQ(furrow__retry_delay(UINT64_MAX, 1), UINT64_C(1) << 60);
}

TEST(retry, comes_in_the_order_of_time) {
  enum { COUNT = 3000 };
  furrow__retry_heap heap = {0};
  furrow_rng rng = furrow_rng_make(2, 0, 0);
  furrow__retry retry = {.count = 1}, out;
  for (uint64_t i = 0; i < COUNT; i++) {
    retry.place = retry.due = furrow_rng_below(&rng, 1000);
    retry.tried[0] = (furrow__tried){retry.place, i + 1};
    ASSERT_TRUE(furrow__retries_add(&heap, &retry));
  }
  uint64_t last = 0, taken = 0;
  EXPECT_FALSE(furrow__retries_take(&heap, 0, &out) && out.due > 0);
  taken = COUNT - heap.count;
  for (; furrow__retries_take(&heap, 1000, &out); taken++) {
    EXPECT_GE(out.due, last);
    EXPECT_EQ(out.tried[0].task, out.place);
    last = out.due;
  }
  EXPECT_EQ(taken, COUNT);
  EXPECT_EQ(furrow__retries_due(&heap), UINT64_MAX);
  furrow__retries_clear(&heap);
}

/* ---- the board's slots ---- */

static furrow__board board_with_slots(furrow__retries *slots) {
  memset(slots, 0, sizeof *slots);
  return (furrow__board){.retries = slots};
}

TEST(retry, is_taken_once_and_not_by_who_failed) {
  static furrow__retries slots;
  furrow__board board = board_with_slots(&slots);
  furrow__retry retry = {.place = 7, .avoid = 3, .count = 1, .tried = {{7, 2}}}, out = {0};
  EXPECT_FALSE(furrow__board_take_retry(&board, 0, &out));
  EXPECT_TRUE(furrow__board_offer(&board, &retry));
  EXPECT_FALSE(furrow__board_take_retry(&board, 3, &out));
  EXPECT_TRUE(furrow__board_take_retry(&board, 2, &out));
  EXPECT_EQ(out.place, 7);
  EXPECT_EQ(out.tried[0].attempts, 2);
  EXPECT_FALSE(furrow__board_take_retry(&board, 2, &out));
}

TEST(retry, of_anyone_goes_to_anyone) {
  static furrow__retries slots;
  furrow__board board = board_with_slots(&slots);
  furrow__retry retry = {.avoid = -1}, out;
  for (int rank = 0; rank < 3; rank++) {
    EXPECT_TRUE(furrow__board_offer(&board, &retry));
    EXPECT_TRUE(furrow__board_take_retry(&board, rank, &out));
  }
}

TEST(retry, waits_for_a_free_slot) {
  static furrow__retries slots;
  furrow__board board = board_with_slots(&slots);
  furrow__retry retry = {.avoid = 0}, out;
  for (uint64_t i = 0; i < FURROW__RETRY_SLOTS; i++) {
    retry.place = i;
    EXPECT_TRUE(furrow__board_offer(&board, &retry));
  }
  EXPECT_FALSE(furrow__board_offer(&board, &retry));
  EXPECT_TRUE(furrow__board_take_retry(&board, 1, &out));
  EXPECT_TRUE(furrow__board_offer(&board, &retry));
}
