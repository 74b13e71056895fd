/* lib/node/gate.c as a model, line by line: a setter, who may keep its stores for itself for a while as x86 does, and two
   waiters. No wake-up may be lost in any interleaving; and the checker must find the loss where a line is missing. */
#include <stdint.h>

#include "shim/test.h"
#include "unit/explore.h"

enum { WAITERS = 2, SETS = 3, SETTER = WAITERS, STORE_BUFFER };

typedef enum mutation { NONE, NO_FENCE, COUNT_READ_BEFORE_STORE, KERNEL_DOES_NOT_COMPARE, WAKES_ONE } mutation;

enum { STORE, FENCE, READ_COUNT, WAKE, SET };                     /* the setter's next step: wake_sleepers() */
enum { LOOK_FIRST, COUNT, LOOK, SLEEP, ASLEEP, UNCOUNT, PASSED }; /* a waiter's: gate_wait() and sleep_once() */

typedef struct state {
  uint8_t word;   /* as everybody sees it */
  uint8_t stored; /* as the setter sees it: ahead of the word while stores are in its buffer */
  uint8_t sleepers;
  uint8_t setter, sees_sleepers;
  uint8_t waiter[WAITERS], old[WAITERS];
} state;

static bool step_setter(mutation m, state *s) {
  switch (s->setter) {
    case STORE: /* atomic_store(&gate->word, value) */
      if (m == COUNT_READ_BEFORE_STORE) s->sees_sleepers = s->sleepers > 0;
      s->stored++;
      s->setter = FENCE;
      return true;
    case FENCE: /* atomic_thread_fence(): waits for the buffer */
      if (s->word != s->stored && m != NO_FENCE) return false;
      s->setter = READ_COUNT;
      return true;
    case READ_COUNT: /* if (atomic_load(&gate->sleepers) == 0) return */
      if (m != COUNT_READ_BEFORE_STORE) s->sees_sleepers = s->sleepers > 0;
      s->setter = s->sees_sleepers ? WAKE : SET;
      return true;
    case WAKE: /* futex_wake() */
      for (int i = 0, woken = 0; i < WAITERS && !(woken && m == WAKES_ONE); i++)
        if (s->waiter[i] == ASLEEP) s->waiter[i] = UNCOUNT, woken++;
      s->setter = SET;
      return true;
    default:
      s->sees_sleepers = 0;
      if (s->stored == SETS) return false;
      s->setter = STORE;
      return true;
  }
}

static bool step_waiter(mutation m, state *s, int i) {
  uint8_t *pc = &s->waiter[i];
  bool still = s->word == s->old[i];
  switch (*pc) {
    case LOOK_FIRST: /* while (still(gate, old)) */
      *pc = still ? COUNT : PASSED;
      return true;
    case COUNT: /* atomic_fetch_add(&gate->sleepers, 1) */
      s->sleepers++;
      *pc = LOOK;
      return true;
    case LOOK: /* if (atomic_load(&gate->word) == old) */
      *pc = still ? SLEEP : UNCOUNT;
      return true;
    case SLEEP: /* futex_wait(): the kernel compares and sleeps in one step */
      *pc = still || m == KERNEL_DOES_NOT_COMPARE ? ASLEEP : UNCOUNT;
      return true;
    case UNCOUNT: /* atomic_fetch_sub(&gate->sleepers, 1) */
      s->sleepers--;
      *pc = LOOK_FIRST;
      return true;
    case PASSED: /* the caller waits for the next word */
      s->old[i] = s->word;
      if (s->word == SETS) return false;
      *pc = LOOK_FIRST;
      return true;
    default: /* ASLEEP */
      return false;
  }
}

static bool step(const void *setup, void *argument, int actor) {
  const mutation *m = setup;
  state *s = argument;
  if (actor == SETTER) return step_setter(*m, s);
  if (actor < WAITERS) return step_waiter(*m, s, actor);
  if (s->word == s->stored) return false;
  s->word++; /* a store leaves the buffer */
  return true;
}

static const char *wrong(const void *setup, const void *argument) {
  (void)setup;
  const state *s = argument;
  return s->sleepers > WAITERS ? "more sleepers than waiters" : NULL;
}

static const char *unfinished(const void *setup, const void *argument) {
  (void)setup;
  const state *s = argument;
  for (int i = 0; i < WAITERS; i++)
    if (s->waiter[i] != PASSED) return "a wake-up was lost";
  return s->sleepers ? "a sleeper is still counted" : NULL;
}

static explored check(mutation m) {
  state start = {.setter = SET};
  model it = {sizeof start, STORE_BUFFER + 1, &m, step, wrong, unfinished};
  return explore(&it, &start);
}

TEST(model_gate, no_wake_up_is_lost) {
  explored result = check(NONE);
  EXPECT_EQ_STR(result.wrong, NULL);
  EXPECT_EQ_STR(result.trace, "");
  EXPECT_GT(result.states, 1000u);
}

TEST(model_gate, the_check_can_fail) {
  EXPECT_EQ_STR(check(NO_FENCE).wrong, "a wake-up was lost");
  EXPECT_EQ_STR(check(COUNT_READ_BEFORE_STORE).wrong, "a wake-up was lost");
  EXPECT_EQ_STR(check(KERNEL_DOES_NOT_COMPARE).wrong, "a wake-up was lost");
  EXPECT_EQ_STR(check(WAKES_ONE).wrong, "a wake-up was lost");
}
