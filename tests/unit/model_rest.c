/* Work and rest in lib/run (furrow__rest() and what calls it) as a model: workers claim units, give back what they do not
   run, and rest until there are news or all rest. Searching and waiting are one step each here: model_range and
   model_gate look into them. Nobody may wait for ever, or rest beside work, and nothing
   may be left; also after a failure. */
#include <stdint.h>

#include "shim/test.h"
#include "unit/explore.h"

enum { WORKERS = 3 };

typedef enum mutation {
  NONE,
  NEWS_READ_AFTER_WORK,
  NEWS_READ_AFTER_LOOKING,
  NO_NEWS_OF_GIVING,
  GETS_UP_ALWAYS,
  LAST_IS_SILENT
} mutation;

typedef struct setup {
  uint8_t units;
  uint8_t claim; /* units taken at a time; all but one are given back */
  bool fails;    /* whoever runs the last unit fails */
  mutation mutation;
} setup;

enum {
  READ_NEWS,
  SEARCH,
  RUN,
  BELL,
  READ_NEWS_LATE,
  REST,
  RING,
  WAIT,
  READ_NEWS_AGAIN,
  LOOK,
  READ_AFTER_LOOKING,
  GET_UP,
  LEFT
};

typedef struct worker {
  uint8_t pc, news, held;
} worker;

typedef struct state {
  uint8_t units; /* in shares, where anybody finds them */
  uint8_t done;
  uint8_t news, resting, failed;
  worker worker[WORKERS];
} state;

static void step_work(const setup *it, state *s, worker *w) {
  mutation m = it->mutation;
  switch (w->pc) {
    case READ_NEWS: /* news = furrow__news() */
      w->news = s->news;
      w->pc = SEARCH;
      return;
    case SEARCH: /* take_claim(): takes, or steals */
      w->held = s->failed ? 0 : s->units < it->claim ? s->units : it->claim;
      s->units = (uint8_t)(s->units - w->held);
      w->pc = w->held ? RUN : m == NEWS_READ_AFTER_WORK ? READ_NEWS_LATE : REST;
      return;
    case RUN: /* run_claim(): one unit; the others go back */
      s->done++;
      s->failed = it->fails && s->done == it->units;
      s->units = (uint8_t)(s->units + w->held - 1);
      w->pc = w->held > 1 && m != NO_NEWS_OF_GIVING ? BELL : SEARCH;
      w->held = 0;
      return;
    case BELL: /* furrow__tell_news() */
      s->news++;
      w->pc = SEARCH;
      return;
    default: /* READ_NEWS_LATE */
      w->news = s->news;
      w->pc = REST;
  }
}

/* furrow__rest(); false while there are no news. */
static bool step_rest(const setup *it, state *s, worker *w) {
  mutation m = it->mutation;
  bool all = s->resting == WORKERS;
  switch (w->pc) {
    case REST: /* atomic_fetch_add(&record->resting, 1) + 1 == all */
      w->pc = ++s->resting == WORKERS ? RING : WAIT;
      if (w->pc == RING && m == LAST_IS_SILENT) w->pc = LEFT;
      return true;
    case RING: /* furrow__tell_news(); return false */
      s->news++;
      w->pc = LEFT;
      return true;
    case WAIT: /* wait_for_change() */
      if (s->news == w->news) return false;
      w->pc = m == NEWS_READ_AFTER_LOOKING ? LOOK : READ_NEWS_AGAIN;
      return true;
    case READ_NEWS_AGAIN:
      w->news = s->news;
      w->pc = LOOK;
      return true;
    case LOOK: /* if (resting == all) return false; if (!failed) return get_up() */
      w->pc = all ? LEFT : !s->failed ? GET_UP : m == NEWS_READ_AFTER_LOOKING ? READ_AFTER_LOOKING : WAIT;
      return true;
    case READ_AFTER_LOOKING:
      w->news = s->news;
      w->pc = WAIT;
      return true;
    default: /* get_up(): a compare-and-swap that fails is tried again */
      if (all && m != GETS_UP_ALWAYS) {
        w->pc = LEFT;
      } else {
        s->resting--;
        w->pc = READ_NEWS;
      }
      return true;
  }
}

static bool step(const void *argument, void *bytes, int me) {
  state *s = bytes;
  worker *w = &s->worker[me];
  if (w->pc == LEFT) return false;
  if (w->pc >= REST) return step_rest(argument, s, w);
  step_work(argument, s, w);
  return true;
}

/* Units that were given back, and nobody is about to tell. */
static bool is_untold(const state *s) {
  for (int i = 0; i < WORKERS; i++)
    if (s->worker[i].pc == BELL) return false;
  return s->units > 0 && !s->failed;
}

static const char *wrong(const void *argument, const void *bytes) {
  (void)argument;
  const state *s = bytes;
  bool untold = is_untold(s);
  for (int i = 0; i < WORKERS; i++) {
    const worker *w = &s->worker[i];
    if (w->pc == LEFT && s->resting < WORKERS) return "one left while another worked";
    if (w->pc == WAIT && w->news == s->news && untold) return "one rests while there is work";
  }
  return NULL;
}

static const char *unfinished(const void *argument, const void *bytes) {
  const setup *it = argument;
  const state *s = bytes;
  for (int i = 0; i < WORKERS; i++)
    if (s->worker[i].pc != LEFT) return "one waits for ever";
  return s->done < it->units && !s->failed ? "work was left" : NULL;
}

static explored check(setup it) {
  state start = {.units = it.units};
  model m = {sizeof start, WORKERS, &it, step, wrong, unfinished};
  return explore(&m, &start);
}

TEST(model_rest, everybody_ends_and_nothing_is_left) {
  for (uint8_t units = 0; units <= 5; units++)
    for (uint8_t claim = 1; claim <= 3; claim++)
      for (int fails = 0; fails < 2 && !test_failed(); fails++) {
        TEST_PHASE("%d units, %d a claim, %s", units, claim, fails ? "a failure" : "no failure");
        explored result = check((setup){units, claim, fails, NONE});
        EXPECT_EQ_STR(result.wrong, NULL);
        EXPECT_EQ_STR(result.trace, "");
      }
}

static const char *wrong_with(mutation m, uint8_t units, bool fails) {
  return check((setup){units, 3, fails, m}).wrong;
}

TEST(model_rest, the_check_can_fail) {
  EXPECT_EQ_STR(wrong_with(NEWS_READ_AFTER_WORK, 4, false), "one rests while there is work");
  EXPECT_EQ_STR(wrong_with(NO_NEWS_OF_GIVING, 4, false), "one rests while there is work");
  EXPECT_EQ_STR(wrong_with(LAST_IS_SILENT, 1, false), "one waits for ever");
  EXPECT_EQ_STR(wrong_with(NEWS_READ_AFTER_LOOKING, 4, true), "one waits for ever");
  EXPECT_EQ_STR(wrong_with(GETS_UP_ALWAYS, 4, false), "one left while another worked");
}
