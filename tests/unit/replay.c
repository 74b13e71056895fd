/* What a stream gets back of its journal: what it has kept, item by item, whatever the records it stands in. */
#include "run/replay.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "furrow/rng.h"
#include "plan/packed.h"
#include "shim/test.h"
#include "unit/journal_bytes.h"
#include "unit/journal_scene.h"

static const furrow__journal_key STREAM = {.kind = FURROW__JOURNAL_STREAM};

/* A scene whose stream has begun, and what it has. */
static furrow__replay *open_replay(scene *s) {
  if (!scene_opens(s) || !scene_begins(s, &STREAM)) return NULL;
  return furrow__replay_start(s->journal);
}

static void close_replay(scene *s, furrow__replay *replay) {
  furrow__replay_free(replay);
  furrow__journal_end(s->journal);
  scene_close(s);
}

/* ---- keeping ---- */

typedef struct packets {
  journal_bytes bytes;
  uint64_t count;
} packets;

static size_t size_of_result(uint64_t index) {
  return (size_t)(index * 2654435761u % 61);
}

/* An item is its own index; its result is bytes of it. */
static void put_packed(packets *p, uint64_t index, uint32_t number) {
  unsigned char result[80];
  size_t size = size_of_result(index);
  const furrow__packed head = {.index = index, .size = size, .number = number};
  memset(result, (int)(unsigned char)index, sizeof result);
  journal_bytes_put(&p->bytes, &head, sizeof head);
  journal_bytes_put(&p->bytes, result, furrow__packed_size(size) - sizeof head);
  p->count++;
}

static void pack(packets *p, furrow__replay *replay, uint64_t index) {
  uint32_t number = (uint32_t)index; /* its own as long as there are no more */
  furrow__replay_note(replay, number, &index, sizeof index);
  put_packed(p, index, number);
}

static void keep(packets *p, furrow__replay *replay) {
  EXPECT_TRUE(furrow__replay_keep(replay, (const char *)p->bytes.bytes, p->bytes.size));
  journal_bytes_free(&p->bytes);
  p->count = 0;
}

/* ---- looking ---- */

static furrow_status look(scene *s, furrow__replay *replay, uint64_t index, bool *has) {
  const char *result;
  size_t size = 0;
  furrow_status status = furrow__replay_look(replay, index, &index, sizeof index, &result, &size, s->message);
  *has = status == FURROW_OK && result;
  if (!*has) return status;
  EXPECT_EQ(size, size_of_result(index));
  EXPECT_TRUE(size == 0 ||
              ((unsigned char)result[0] == (unsigned char)index && memcmp(result, result + 1, size - 1) == 0));
  EXPECT_EQ((uintptr_t)result % 8, 0u);
  return status;
}

/* Runs each do some of what is left, in any order and packets; each gets back all that those before it have done. */
TEST(replay, gives_back_what_was_kept) {
  enum { ITEMS = 2000, RUNS = 6 };
  for (uint64_t seed = 0; seed < 5 && !test_failed(); seed++) {
    furrow_rng rng = furrow_rng_make(seed, 0, 0);
    bool kept[ITEMS] = {false};
    scene s = scene_make();
    for (int run = 0; run < RUNS; run++) {
      furrow__replay *replay = open_replay(&s);
      ASSERT_TRUE(replay != NULL);
      packets late = {.count = 0}, now = {.count = 0};
      uint64_t count = furrow_rng_below(&rng, ITEMS + 1);
      for (uint64_t i = 0; i < count; i++) {
        bool has;
        ASSERT_STATUS(FURROW_OK, look(&s, replay, i, &has));
        ASSERT_EQ(has, kept[i]);
        uint64_t dice = furrow_rng_below(&rng, 10);
        if (!has && dice > 2) pack(dice == 3 ? &late : &now, replay, i), kept[i] = true;
        if (now.count > furrow_rng_below(&rng, 40)) keep(&now, replay);
        if (late.count > 20) keep(&late, replay);
      }
      /* The late ones stand behind others in one packet. */
      journal_bytes_put(&now.bytes, late.bytes.bytes, late.bytes.size);
      now.count += late.count;
      journal_bytes_free(&late.bytes);
      if (now.count) keep(&now, replay);
      close_replay(&s, replay);
    }
    scene_end(&s);
  }
}

TEST(replay, of_a_new_journal_has_nothing) {
  scene s = scene_make();
  furrow__replay *replay = open_replay(&s);
  for (uint64_t i = 0; i < 100; i++) {
    bool has;
    ASSERT_STATUS(FURROW_OK, look(&s, replay, i, &has));
    ASSERT_TRUE(!has);
  }
  close_replay(&s, replay);
  scene_end(&s);
}

/* ---- two threads ---- */

enum { MANY = 20000, WINDOW = 500 };

typedef struct pair {
  furrow__replay *replay;
  _Atomic uint64_t noted, kept; /* so many items, from the first on */
} pair;

/* Brings what has been noted, as soon as that is. */
static void *keep_on(void *argument) {
  pair *p = argument;
  for (uint64_t next = 0; next < MANY;) {
    packets some = {.count = 0};
    uint64_t end = atomic_load(&p->noted);
    for (; next < end; next++) put_packed(&some, next, (uint32_t)(next % WINDOW));
    if (some.count) keep(&some, p->replay);
    atomic_store(&p->kept, next);
  }
  return NULL;
}

/* Numbers are used again once their results are there. */
TEST(replay, notes_and_keeps_at_the_same_time) {
  scene s = scene_make();
  for (int run = 0; run < 2; run++) {
    pair p = {.replay = open_replay(&s)};
    pthread_t thread;
    if (run == 0) ASSERT_EQ(pthread_create(&thread, NULL, keep_on, &p), 0);
    for (uint64_t i = 0; i < MANY && !test_failed(); i++) {
      bool has = false;
      EXPECT_STATUS(FURROW_OK, look(&s, p.replay, i, &has));
      EXPECT_EQ(has, run == 1);
      while (run == 0 && i - atomic_load(&p.kept) >= WINDOW) sched_yield();
      furrow__replay_note(p.replay, (uint32_t)(i % WINDOW), &i, sizeof i);
      atomic_store(&p.noted, i + 1);
    }
    if (run == 0) pthread_join(thread, NULL);
    close_replay(&s, p.replay);
  }
  scene_end(&s);
}

/* ---- what it refuses ---- */

static void put_items(const scene *s, const uint64_t (*records)[3], int count) {
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &STREAM);
  for (int i = 0; i < count; i++) journal_bytes_items(&journal, &STREAM, records[i], 3);
  scene_put(s, journal.bytes, journal.size);
  journal_bytes_free(&journal);
}

static furrow_status look_up_to(scene *s, uint64_t most) {
  furrow__replay *replay = open_replay(s);
  furrow_status status = FURROW_OK;
  for (uint64_t i = 0; i <= most && status == FURROW_OK; i++) {
    const char *result;
    size_t size = 0;
    status = furrow__replay_look(replay, i, &i, sizeof i, &result, &size, s->message);
    if (status == FURROW_OK && result) EXPECT_EQ(size, i % 21);
  }
  close_replay(s, replay);
  return status;
}

TEST(replay, refuses_an_item_that_stands_in_two_records) {
  const uint64_t apart[2][3] = {{0, 2, 4}, {1, 3, 5}}, inside[2][3] = {{0, 2, 4}, {1, 2, 5}},
                 last[2][3] = {{0, 2, 4}, {1, 3, 4}}, first[2][3] = {{0, 2, 4}, {0, 3, 5}};
  scene s = scene_make();
  put_items(&s, apart, 2);
  EXPECT_STATUS(FURROW_OK, look_up_to(&s, 10));
  put_items(&s, inside, 2);
  EXPECT_STATUS(FURROW_OK, look_up_to(&s, 1));
  EXPECT_STATUS(FURROW_E_IO, look_up_to(&s, 2));
  EXPECT_CONTAINS(s.message, "stands in another record, too");
  EXPECT_CONTAINS(s.message, "damaged at byte");
  put_items(&s, last, 2);
  EXPECT_STATUS(FURROW_E_IO, look_up_to(&s, 4));
  put_items(&s, first, 2);
  EXPECT_STATUS(FURROW_E_IO, look_up_to(&s, 0));
  scene_end(&s);
}

TEST(replay, refuses_another_item) {
  const uint64_t items[1][3] = {{0, 2, 4}};
  scene s = scene_make();
  put_items(&s, items, 1);
  furrow__replay *replay = open_replay(&s);
  const char *result;
  size_t size;
  const uint64_t right = 0, wrong = 1;
  EXPECT_STATUS(FURROW_OK, furrow__replay_look(replay, 0, &right, sizeof right, &result, &size, s.message));
  EXPECT_STATUS(FURROW_OK, furrow__replay_look(replay, 1, NULL, 0, &result, &size, s.message));
  EXPECT_TRUE(result == NULL);
  EXPECT_STATUS(FURROW_E_ARG, furrow__replay_look(replay, 2, &wrong, sizeof wrong, &result, &size, s.message));
  EXPECT_CONTAINS(s.message, s.path);
  close_replay(&s, replay);
  scene_end(&s);
}
