/* lib/node/range.c as a model, line by line: workers take, steal, give back, and leave when a scan finds nothing. Every
   operation there that matters is sequentially consistent, and so is the model. In no interleaving is a unit claimed twice
   or lost, or does a worker leave unless every share was empty at one moment of its last scan; and the checker must find
   it where a line is missing. */
#include <stdint.h>

#include "shim/test.h"
#include "unit/explore.h"

enum { WORKERS = 3 };

typedef enum mutation {
  NONE,
  NO_MOVING,
  NO_MOVED,
  COUNTS_LATE,
  MOVED_EARLY,
  STAYS_COUNTED,
  STORES_BLINDLY,
  BACK_UNCOUNTED
} mutation;

typedef struct setup {
  uint8_t deal[WORKERS]; /* units of each worker at the start */
  uint8_t want;
  bool gives_back; /* all but the first unit of each claim */
  mutation mutation;
} setup;

typedef struct range {
  uint8_t begin, end;
} range;

enum {
  TAKE_READ,
  TAKE_SWAP,
  BACK_COUNT,
  BACK_READ,
  BACK_SWAP,
  BACK_MOVED,
  BACK_UNCOUNT, /* take, give back */
  STEAL,
  SCAN,
  ROB_COUNT,
  ROB_SWAP,
  ROB_STORE,
  ROB_MOVED,
  ROB_UNCOUNT,
  SEE_MOVING,
  SEE_MOVED,
  LEFT
};

typedef struct worker {
  uint8_t pc;
  range seen, kept, rest;
  uint8_t k, victim; /* of a scan; victim + 1, or 0: none */
  uint8_t moved;     /* as the scan began */
  uint8_t quiet;     /* every share was empty, and nothing on its way, at one moment of the scan */
} worker;

typedef struct state {
  range word[WORKERS];
  uint8_t moving, moved;
  uint8_t claimed; /* a bit a unit */
  uint8_t twice;
  worker worker[WORKERS];
} state;

static uint8_t length(range r) {
  return (uint8_t)(r.end - r.begin);
}

static bool same(range a, range b) {
  return a.begin == b.begin && a.end == b.end;
}

static uint8_t bits(range r) {
  return (uint8_t)((1u << r.end) - (1u << r.begin));
}

static void claim(state *s, range units) {
  if (s->claimed & bits(units)) s->twice = 1;
  s->claimed |= bits(units);
}

/* Forget what no later step reads, so that states which differ in nothing else are one. */
static void go(worker *w, uint8_t pc) {
  *w = (worker){.pc = pc};
}

/* The claim has run, or its first unit. */
static void ran(const setup *it, worker *w, range units) {
  bool back = it->gives_back && length(units) > 1;
  go(w, back ? BACK_COUNT : TAKE_READ);
  if (back) w->kept = (range){(uint8_t)(units.begin + 1), units.end};
}

/* ---- furrow__range_take() ---- */

static void step_take(const setup *it, state *s, int me) {
  worker *w = &s->worker[me];
  range *word = &s->word[me];
  if (w->pc == TAKE_SWAP && same(*word, w->seen)) {
    range mine = w->seen;
    if (length(mine) > it->want) mine.end = (uint8_t)(mine.begin + it->want);
    word->begin = mine.end;
    claim(s, mine);
    ran(it, w, mine);
    return;
  }
  go(w, length(*word) ? TAKE_SWAP : STEAL); /* read, at first or by a swap that failed */
  if (w->pc == TAKE_SWAP) w->seen = *word;
}

/* ---- furrow__range_give_back() ---- */

static void step_back(const setup *it, state *s, int me) {
  worker *w = &s->worker[me];
  uint8_t one = it->mutation != BACK_UNCOUNTED;
  range *word = &s->word[me];
  switch (w->pc) {
    case BACK_COUNT:
      s->moving = (uint8_t)(s->moving + one);
      w->pc = BACK_READ;
      return;
    case BACK_READ:
      w->seen = *word;
      w->pc = BACK_SWAP;
      return;
    case BACK_SWAP:
      if (!same(*word, w->seen)) {
        w->seen = *word;
        return;
      }
      s->claimed &= (uint8_t)~bits(w->kept);
      *word = (range){w->kept.begin, length(w->seen) ? w->seen.end : w->kept.end};
      go(w, BACK_MOVED);
      return;
    case BACK_MOVED:
      s->moved = (uint8_t)(s->moved + one);
      w->pc = BACK_UNCOUNT;
      return;
    default: /* BACK_UNCOUNT */
      s->moving = (uint8_t)(s->moving - one);
      go(w, TAKE_READ);
  }
}

/* ---- furrow__range_steal() ---- */

static void step_scan(const setup *it, state *s, int me) {
  worker *w = &s->worker[me];
  switch (w->pc) {
    case STEAL:
      go(w, SCAN);
      w->moved = s->moved;
      w->k = 1;
      return;
    case SCAN: { /* largest(), one word a step */
      uint8_t i = (uint8_t)((me + w->k) % WORKERS);
      if (length(s->word[i]) > length(w->seen)) w->victim = (uint8_t)(i + 1), w->seen = s->word[i];
      if (++w->k == WORKERS) w->pc = w->victim ? ROB_COUNT : SEE_MOVING;
      return;
    }
    case SEE_MOVING:
      w->pc = s->moving == 0 || it->mutation == NO_MOVING ? SEE_MOVED : STEAL;
      return;
    default:
      w->pc = s->moved == w->moved || it->mutation == NO_MOVED ? LEFT : STEAL;
  }
}

/* The swap of rob(); false: somebody was faster. */
static bool rob(const setup *it, state *s, int me) {
  worker *w = &s->worker[me];
  range *word = &s->word[w->victim - 1], all = w->seen;
  if (!same(*word, all) && it->mutation != STORES_BLINDLY) return false;
  uint8_t half = (uint8_t)(all.begin + length(all) / 2);
  *word = (range){all.begin, half};
  range kept = {half, all.end};
  if (length(kept) > it->want) kept.end = (uint8_t)(half + it->want);
  claim(s, kept);
  go(w, ROB_STORE);
  w->kept = kept;
  w->rest = (range){kept.end, all.end};
  return true;
}

static void step_rob(const setup *it, state *s, int me) {
  worker *w = &s->worker[me];
  mutation m = it->mutation;
  switch (w->pc) {
    case ROB_COUNT:
      if (m != COUNTS_LATE) s->moving++;
      w->pc = ROB_SWAP;
      return;
    case ROB_SWAP: {
      bool robbed = rob(it, s, me);
      if (!robbed) go(w, ROB_UNCOUNT);
      if (!robbed && m == COUNTS_LATE) go(w, STEAL);
      if (robbed && m == MOVED_EARLY) s->moved++;
      return;
    }
    case ROB_STORE:
      if (m == COUNTS_LATE) s->moving++;
      s->word[me] = w->rest;
      w->rest = (range){0, 0};
      w->pc = ROB_MOVED;
      return;
    case ROB_MOVED:
      if (m != MOVED_EARLY) s->moved++;
      w->pc = ROB_UNCOUNT;
      return;
    default: /* ROB_UNCOUNT */
      if (m != STAYS_COUNTED || length(w->kept)) s->moving--;
      if (length(w->kept))
        ran(it, w, w->kept);
      else
        go(w, STEAL);
  }
}

/* ---- the whole ---- */

static bool all_quiet(const state *s) {
  for (int i = 0; i < WORKERS; i++)
    if (length(s->word[i]) || length(s->worker[i].rest)) return false;
  return true;
}

static void note_quiet(state *s) {
  if (!all_quiet(s)) return;
  for (int i = 0; i < WORKERS; i++) {
    uint8_t pc = s->worker[i].pc;
    if (pc == SCAN || pc == SEE_MOVING || pc == SEE_MOVED) s->worker[i].quiet = 1;
  }
}

static bool step(const void *argument, void *bytes, int me) {
  state *s = bytes;
  uint8_t pc = s->worker[me].pc;
  if (pc == LEFT) return false;
  if (pc <= TAKE_SWAP)
    step_take(argument, s, me);
  else if (pc <= BACK_UNCOUNT)
    step_back(argument, s, me);
  else if (pc >= ROB_COUNT && pc <= ROB_UNCOUNT)
    step_rob(argument, s, me);
  else
    step_scan(argument, s, me);
  note_quiet(s);
  return true;
}

static const char *wrong(const void *argument, const void *bytes) {
  (void)argument;
  const state *s = bytes;
  for (int i = 0; i < WORKERS; i++)
    if (s->worker[i].pc == LEFT && !s->worker[i].quiet) return "a worker left too early";
  return s->twice ? "a unit was claimed twice" : NULL;
}

static const char *unfinished(const void *argument, const void *bytes) {
  const setup *it = argument;
  const state *s = bytes;
  range units = {0, 0};
  for (int i = 0; i < WORKERS; i++) units.end = (uint8_t)(units.end + it->deal[i]);
  return s->claimed != bits(units) || !all_quiet(s) ? "a unit was lost" : NULL;
}

static explored check(setup it) {
  state start;
  memset(&start, 0, sizeof start);
  uint8_t begin = 0;
  for (int i = 0; i < WORKERS; i++) {
    start.word[i] = (range){begin, (uint8_t)(begin + it.deal[i])};
    begin = start.word[i].end;
  }
  model m = {sizeof start, WORKERS, &it, step, wrong, unfinished};
  return explore(&m, &start);
}

/* Every deal of so many units to three workers; the first has the most, since the workers stand in a ring. */
static void check_deals(int units, uint8_t want, bool gives_back) {
  for (int a = 0; a <= units; a++)
    for (int b = 0; b <= a && a + b <= units && !test_failed(); b++) {
      setup it = {{(uint8_t)a, (uint8_t)b, (uint8_t)(units - a - b)}, want, gives_back, NONE};
      if (it.deal[2] > a) continue;
      TEST_PHASE("deal %d %d %d", a, b, it.deal[2]);
      explored result = check(it);
      EXPECT_EQ_STR(result.wrong, NULL);
      EXPECT_EQ_STR(result.trace, "");
    }
}

TEST(model_range, every_unit_is_claimed_once_and_nobody_leaves_too_early) {
  for (int units = 0; units <= 4; units++) check_deals(units, 1, false);
}

TEST(model_range, claims_of_two) {
  check_deals(4, 2, false);
}

TEST(model_range, units_that_are_given_back_are_claimed_again) {
  check_deals(3, 2, true);
}

static const char *wrong_with(mutation m, bool gives_back) {
  setup it = {{gives_back ? 3 : 4, 0, 0}, gives_back ? 2 : 1, gives_back, m};
  return check(it).wrong;
}

TEST(model_range, the_check_can_fail) {
  EXPECT_EQ_STR(wrong_with(NO_MOVING, false), "a worker left too early");
  EXPECT_EQ_STR(wrong_with(NO_MOVED, false), "a worker left too early");
  EXPECT_EQ_STR(wrong_with(COUNTS_LATE, false), "a worker left too early");
  EXPECT_EQ_STR(wrong_with(MOVED_EARLY, false), "a worker left too early");
  EXPECT_EQ_STR(wrong_with(BACK_UNCOUNTED, true), "a worker left too early");
  EXPECT_EQ_STR(wrong_with(STORES_BLINDLY, false), "a unit was claimed twice");
  EXPECT_EQ_STR(wrong_with(STAYS_COUNTED, false), "from here no end can be reached");
}
