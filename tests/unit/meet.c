/* The judgement of a meeting: every way to disagree, what weighs more, and that it depends on the calls alone. */
#include "plan/meet.h"

#include "furrow/rng.h"
#include "shim/test.h"

enum { RANKS = 7, PLACES = 1000 };

/* Calls stand apart, as in the board's seats. */
typedef struct seat {
  furrow__call call;
  char between[40];
} seat;

typedef struct meeting {
  seat seats[RANKS];
  furrow_error error;
  bool own;
  furrow_status status;
} meeting;

static meeting all_call(furrow__op op, uint64_t a, uint64_t b, uint64_t c) {
  meeting m;
  memset(&m, 0xee, sizeof m);
  for (int i = 0; i < RANKS; i++) m.seats[i].call = (furrow__call){op, FURROW_OK, {a, b, c}, 0};
  return m;
}

static furrow_status judge_some(meeting *m, int ranks) {
  memset(&m->error, 0, sizeof m->error);
  strcpy(m->error.message, "untouched");
  m->own = true;
  m->status = furrow__meet_judge(&m->seats[0].call, sizeof(seat), ranks, &m->error, &m->own);
  return m->status;
}

static furrow_status judge(meeting *m) {
  return judge_some(m, RANKS);
}

TEST(meet, who_agrees_goes_on) {
  for (int op = FURROW__OP_NONE; op <= FURROW__OP_FINALIZE; op++)
    for (int ranks = 1; ranks <= RANKS; ranks++) {
      meeting m = all_call((furrow__op)op, UINT64_MAX, 2, 3);
      EXPECT_OK(judge_some(&m, ranks));
      EXPECT_EQ_STR(m.error.message, "untouched");
      EXPECT_FALSE(m.own);
    }
}

TEST(meet, own_threads_need_not_agree) {
  meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
  for (int i = 0; i < RANKS; i++) m.seats[i].call.own = (uint64_t)i;
  EXPECT_OK(judge(&m));
}

TEST(meet, own_threads_are_all_or_some_but_no_more) {
  furrow__call call = {.op = FURROW__OP_MAP};
  EXPECT_EQ(furrow__call_threads(&call, 1), 1u);
  EXPECT_EQ(furrow__call_threads(&call, 1024), 1024u);
  for (uint32_t own = 0; own < 10; own++) {
    call.own = 1 + own;
    EXPECT_EQ(furrow__call_threads(&call, 4), own < 4 ? own : 4);
  }
  call.own = UINT64_MAX;
  EXPECT_EQ(furrow__call_threads(&call, 4), 4u);
}

TEST(meet, every_pair_of_operations_is_a_mismatch) {
  for (int a = FURROW__OP_NONE; a <= FURROW__OP_FINALIZE; a++)
    for (int b = FURROW__OP_NONE; b <= FURROW__OP_FINALIZE; b++)
      for (int rank = 1; rank < RANKS && a != b; rank++) {
        meeting m = all_call((furrow__op)a, 1, 2, 3);
        m.seats[rank].call.op = (uint64_t)b;
        EXPECT_STATUS(FURROW_E_MISMATCH, judge(&m));
        EXPECT_EQ(m.error.status, FURROW_E_MISMATCH);
        EXPECT_EQ(m.error.rank, rank);
        EXPECT_EQ(m.error.task, FURROW_NO_TASK);
        EXPECT_FALSE(m.own);
        char expected[128];
        snprintf(expected, sizeof expected, "it called %s while rank 0 called %s", furrow__op_name((furrow__op)b),
                 furrow__op_name((furrow__op)a));
        EXPECT_EQ_STR(m.error.message, expected);
      }
}

TEST(meet, rank_0_alone_in_another_operation) {
  meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
  m.seats[0].call.op = FURROW__OP_FINALIZE;
  EXPECT_STATUS(FURROW_E_MISMATCH, judge(&m));
  EXPECT_EQ(m.error.rank, 1);
  EXPECT_EQ_STR(m.error.message, "it called furrow_map while rank 0 called furrow_finalize");
}

TEST(meet, numbers_that_differ_are_named) {
  static const struct {
    furrow__op op;
    const char *name[3];
  } numbers[] = {
      {FURROW__OP_MAP, {"count", "item_size", "result_size"}},
      {FURROW__OP_MAP_REDUCE, {"count", "item_size", "accumulator_size"}},
      {FURROW__OP_REDUCE, {"count", "item_size", NULL}},
      {FURROW__OP_BCAST, {"size", NULL, NULL}},
      {FURROW__OP_SHARE, {"size", NULL, NULL}},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    for (int k = 0; k < 3 && numbers[i].name[k]; k++)
      for (int rank = 1; rank < RANKS; rank++) {
        meeting m = all_call(numbers[i].op, UINT64_MAX, 2, 3);
        uint64_t there = m.seats[0].call.numbers[k], here = m.seats[rank].call.numbers[k] = 77;
        EXPECT_STATUS(FURROW_E_ARG, judge(&m));
        EXPECT_EQ(m.error.rank, rank);
        EXPECT_FALSE(m.own);
        char expected[128];
        snprintf(expected, sizeof expected, "%s: %s is %llu here and %llu on rank 0", furrow__op_name(numbers[i].op),
                 numbers[i].name[k], (unsigned long long)here, (unsigned long long)there);
        EXPECT_EQ_STR(m.error.message, expected);
      }
}

TEST(meet, a_failure_of_a_rank_is_its_own) {
  for (int status = FURROW_E_ARG; status <= FURROW_E_MPI; status++)
    for (int rank = 0; rank < RANKS; rank++) {
      meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
      m.seats[rank].call.status = (uint64_t)status;
      EXPECT_STATUS((furrow_status)status, judge(&m));
      EXPECT_EQ(m.error.status, (furrow_status)status);
      EXPECT_EQ(m.error.rank, rank);
      EXPECT_TRUE(m.own);
      EXPECT_EQ_STR(m.error.message, "untouched"); /* the rank's own stands in its seat */
    }
}

TEST(meet, the_worst_failure_of_the_lowest_rank_counts) {
  meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
  m.seats[1].call.status = FURROW_E_ARG;
  m.seats[3].call.status = FURROW_E_NOMEM;
  m.seats[5].call.status = FURROW_E_NOMEM;
  m.seats[6].call.status = FURROW_E_ARG;
  EXPECT_STATUS(FURROW_E_NOMEM, judge(&m));
  EXPECT_EQ(m.error.rank, 3);
}

TEST(meet, operations_weigh_more_than_failures_and_those_more_than_numbers) {
  meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
  m.seats[1].call.numbers[0] = 9;
  m.seats[4].call.status = FURROW_E_ARG;
  EXPECT_STATUS(FURROW_E_ARG, judge(&m));
  EXPECT_TRUE(m.own);
  EXPECT_EQ(m.error.rank, 4);
  m.seats[2].call.status = FURROW_E_MPI;
  m.seats[6].call.op = FURROW__OP_BCAST;
  EXPECT_STATUS(FURROW_E_MISMATCH, judge(&m));
  EXPECT_FALSE(m.own);
  EXPECT_EQ(m.error.rank, 6);
}

/* The lowest rank that differs, and its first number that does. */
TEST(meet, the_first_difference_is_told) {
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  for (int i = 0; i < 2000 && !test_failed(); i++) {
    meeting m = all_call(FURROW__OP_MAP, 1, 2, 3);
    int first = 3 * RANKS;
    for (int changes = 1 + (int)furrow_rng_below(&rng, 5); changes > 0; changes--) {
      int place = 3 + (int)furrow_rng_below(&rng, UINT64_C(3) * (RANKS - 1));
      m.seats[place / 3].call.numbers[place % 3] = 100;
      if (place < first) first = place;
    }
    EXPECT_STATUS(FURROW_E_ARG, judge(&m));
    EXPECT_EQ(m.error.rank, first / 3);
    const char *const names[] = {" count ", " item_size ", " result_size "};
    EXPECT_CONTAINS(m.error.message, names[first % 3]);
  }
}

TEST(meet, names) {
  EXPECT_EQ_STR(furrow__op_name(FURROW__OP_MAP_REDUCE), "furrow_map_reduce");
  EXPECT_EQ_STR(furrow__op_name((furrow__op)PLACES), "an unknown operation");
  EXPECT_EQ_STR(furrow__op_name((furrow__op)-1), "an unknown operation");
}
