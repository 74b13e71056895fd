/* The sleep of a stream's conductor (furrow__stream_conduct() in lib/run/stream.c) as a model: workers post results and ring if it is
   eager to know; the end is told once. It may keep its stores for itself for a while as x86 does. A ring is one step here: model_gate
   looks into it. It may not sleep beside a result, nor for ever. */
#include <stdint.h>

#include "shim/test.h"
#include "unit/explore.h"

enum { WORKERS = 2, CONDUCTOR = WORKERS, CLOSER, STORE_BUFFER, ACTORS };

typedef enum mutation {
  NONE,
  TURN_READ_AFTER_LOOKING_FOR_THE_END,
  TURN_READ_BEFORE_SLEEP,
  SLEEPS_WITHOUT_ANOTHER_LOOK,
  NO_FENCE,
  EAGER_READ_BEFORE_POSTING,
  RINGS_BEFORE_THE_END
} mutation;

typedef struct setup {
  uint8_t each; /* results of a worker */
  bool stops;   /* the end may come at any time */
  mutation mutation;
} setup;

enum { READ_TURN, LOOK_FOR_END, LOOK, DOZE_OFF, FENCE, SLEEP, THROUGH }; /* the conductor's next step */
enum { AWAKE, LOOKED, EAGER };                                           /* its doze */
enum { POST, READ_EAGER, RING };                                         /* a worker's */
enum { FIRST, SECOND, CLOSED };                                          /* the closer's: furrow__close_work() */

typedef struct state {
  uint8_t posted, delivered, over, turn;
  uint8_t eager, eager_stored; /* as everybody sees it, and the conductor */
  uint8_t conductor, doze, heard;
  uint8_t worker[WORKERS], sees_eager[WORKERS], done[WORKERS];
  uint8_t closer;
} state;

static uint8_t all_results(const setup *it) {
  return (uint8_t)(WORKERS * it->each);
}

static void doze_off(const setup *it, state *s) {
  switch (s->doze) {
    case AWAKE: /* for a millisecond, which is over when it is over */
      s->doze = LOOKED;
      s->conductor = READ_TURN;
      return;
    case LOOKED: /* atomic_store(&stream->record->eager, 1) */
      s->eager_stored = 1;
      s->doze = EAGER;
      s->conductor = FENCE;
      return;
    default:
      if (it->mutation == TURN_READ_BEFORE_SLEEP) s->heard = s->turn;
      s->conductor = SLEEP;
  }
}

static bool step_conductor(const setup *it, state *s) {
  mutation m = it->mutation;
  bool moved = s->posted > s->delivered;
  switch (s->conductor) {
    case READ_TURN: /* heard = furrow__gate_read(&stream->record->turn) */
      s->heard = s->turn;
      s->conductor = LOOK_FOR_END;
      return true;
    case LOOK_FOR_END: /* if (is_over(stream)) break */
      s->conductor = s->over ? THROUGH : LOOK;
      return true;
    case LOOK: /* deliver() */
      if (m == TURN_READ_AFTER_LOOKING_FOR_THE_END) s->heard = s->turn;
      s->delivered = s->posted;
      s->conductor = moved ? READ_TURN : DOZE_OFF;
      if (!moved) return true;
      s->eager_stored = 0;
      s->doze = AWAKE;
      return true;
    case DOZE_OFF:
      doze_off(it, s);
      return true;
    case FENCE: /* atomic_thread_fence(): waits for the buffer */
      if (s->eager != s->eager_stored && m != NO_FENCE) return false;
      s->conductor = m == SLEEPS_WITHOUT_ANOTHER_LOOK ? SLEEP : READ_TURN;
      return true;
    case SLEEP: /* furrow__await_until(turn, heard) */
      if (s->turn == s->heard) return false;
      s->conductor = READ_TURN;
      return true;
    default:
      return false;
  }
}

static void post(state *s, int i) {
  s->posted++;
  s->done[i]++;
}

static bool step_worker(const setup *it, state *s, int i) {
  bool early = it->mutation == EAGER_READ_BEFORE_POSTING;
  switch (s->worker[i]) {
    case POST: /* and a fence: everybody sees it */
      if (s->done[i] == it->each) return false;
      if (early)
        s->sees_eager[i] = s->eager;
      else
        post(s, i);
      s->worker[i] = READ_EAGER;
      return true;
    case READ_EAGER: /* if (atomic_load(&record->eager)) */
      if (early)
        post(s, i);
      else
        s->sees_eager[i] = s->eager;
      s->worker[i] = s->sees_eager[i] ? RING : POST;
      s->sees_eager[i] = 0;
      return true;
    default: /* furrow__gate_bump(&record->turn) */
      s->turn++;
      s->worker[i] = POST;
      return true;
  }
}

static bool step_closer(const setup *it, state *s) {
  bool rings = (s->closer == FIRST) == (it->mutation == RINGS_BEFORE_THE_END);
  if (s->closer == CLOSED || (!it->stops && s->delivered < all_results(it))) return false;
  if (rings)
    s->turn++;
  else
    s->over = 1;
  s->closer++;
  return true;
}

static bool step(const void *setup_, void *argument, int actor) {
  const setup *it = setup_;
  state *s = argument;
  if (actor < WORKERS) return step_worker(it, s, actor);
  if (actor == CONDUCTOR) return step_conductor(it, s);
  if (actor == CLOSER) return step_closer(it, s);
  if (s->eager == s->eager_stored) return false;
  s->eager = s->eager_stored; /* the store leaves the buffer */
  return true;
}

static const char *wrong(const void *setup_, const void *argument) {
  const setup *it = setup_;
  const state *s = argument;
  return s->conductor == THROUGH && !it->stops && s->delivered < all_results(it) ? "it ended before the work" : NULL;
}

static const char *unfinished(const void *setup_, const void *argument) {
  (void)setup_;
  const state *s = argument;
  if (s->conductor == THROUGH) return NULL;
  return s->posted > s->delivered ? "it sleeps beside a result" : "it sleeps after the end";
}

static explored check(setup it) {
  state start = {.closer = FIRST};
  model m = {sizeof start, ACTORS, &it, step, wrong, unfinished};
  return explore(&m, &start);
}

TEST(model_conductor, no_result_and_no_end_is_missed) {
  for (uint8_t each = 0; each <= 3; each++)
    for (int stops = 0; stops < 2 && !test_failed(); stops++) {
      TEST_PHASE("%d results a worker, %s", each, stops ? "stopped" : "to the end");
      explored result = check((setup){each, stops, NONE});
      EXPECT_EQ_STR(result.wrong, NULL);
      EXPECT_EQ_STR(result.trace, "");
    }
  EXPECT_GT(check((setup){3, true, NONE}).states, 1000u);
}

TEST(model_conductor, the_check_can_fail) {
  static const char result[] = "it sleeps beside a result", end[] = "it sleeps after the end";
  EXPECT_EQ_STR(check((setup){1, false, TURN_READ_AFTER_LOOKING_FOR_THE_END}).wrong, end);
  EXPECT_EQ_STR(check((setup){1, false, TURN_READ_BEFORE_SLEEP}).wrong, result);
  EXPECT_EQ_STR(check((setup){1, false, SLEEPS_WITHOUT_ANOTHER_LOOK}).wrong, result);
  EXPECT_EQ_STR(check((setup){1, false, NO_FENCE}).wrong, result);
  EXPECT_EQ_STR(check((setup){1, false, EAGER_READ_BEFORE_POSTING}).wrong, result);
  EXPECT_EQ_STR(check((setup){1, false, RINGS_BEFORE_THE_END}).wrong, end);
}
