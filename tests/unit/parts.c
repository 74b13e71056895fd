/* Parts of results that wait for the sink: in the order in which they came, up to a bound; and whoever is refused is remembered. */
#include "run/parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/test.h"

static void put(furrow__parts *parts, uint64_t index, const char *text) {
  ASSERT_TRUE(furrow__parts_put(parts, index, text, strlen(text) + 1, false));
}

TEST(parts, come_out_as_they_went_in) {
  furrow__parts parts;
  bool refused = true;
  furrow__parts_start(&parts);
  EXPECT_TRUE(furrow__parts_take(&parts, &refused) == NULL);
  EXPECT_FALSE(refused);
  put(&parts, 7, "one");
  put(&parts, 3, "two");
  put(&parts, 7, "three");
  furrow__part *first = furrow__parts_take(&parts, &refused), *one = first;
  static const char *const texts[] = {"one", "two", "three"};
  static const uint64_t indices[] = {7, 3, 7};
  for (int i = 0; i < 3; i++, one = one->next) {
    ASSERT_TRUE(one != NULL);
    EXPECT_EQ(one->index, indices[i]);
    EXPECT_EQ(one->size, strlen(texts[i]) + 1);
    EXPECT_EQ_STR(one->bytes, texts[i]);
    EXPECT_EQ((uintptr_t)one->bytes % 16, 0u);
  }
  EXPECT_TRUE(one == NULL);
  EXPECT_TRUE(furrow__parts_take(&parts, &refused) == NULL);
  furrow__parts_free(first);
  put(&parts, 1, "left behind");
  furrow__parts_end(&parts);
}

TEST(parts, are_bounded_and_remember_who_was_refused) {
  static char bytes[FURROW__PART_MOST];
  furrow__parts parts;
  bool refused;
  int count = 0;
  furrow__parts_start(&parts);
  for (; furrow__parts_have_room(&parts, sizeof bytes, false); count++)
    ASSERT_TRUE(furrow__parts_put(&parts, 0, bytes, sizeof bytes, false));
  EXPECT_EQ(count, FURROW__PARTS_BYTES / FURROW__PART_MOST - 1); /* each has a head */
  furrow__parts_free(furrow__parts_take(&parts, &refused));
  EXPECT_TRUE(refused);
  EXPECT_TRUE(furrow__parts_have_room(&parts, sizeof bytes, false));
  furrow__parts_free(furrow__parts_take(&parts, &refused));
  EXPECT_FALSE(refused);
  furrow__parts_end(&parts);
}

TEST(parts, that_nobody_wants_are_dropped) {
  static char bytes[FURROW__PART_MOST];
  furrow__parts parts;
  bool refused;
  furrow__parts_start(&parts);
  while (furrow__parts_have_room(&parts, sizeof bytes, false)) furrow__parts_put(&parts, 0, bytes, sizeof bytes, false);
  EXPECT_TRUE(furrow__parts_close(&parts));
  for (int i = 0; i < 100; i++) {
    EXPECT_TRUE(furrow__parts_have_room(&parts, sizeof bytes, false));
    EXPECT_TRUE(furrow__parts_put(&parts, 0, bytes, sizeof bytes, false));
  }
  EXPECT_FALSE(furrow__parts_close(&parts));
  EXPECT_TRUE(furrow__parts_take(&parts, &refused) == NULL);
  furrow__parts_end(&parts);
}

/* ---- one brings, one takes: nobody who was refused is forgotten ---- */

enum { COUNT = 200000 };

typedef struct scene {
  furrow__parts parts;
  _Atomic int bells;
} scene;

static void *bring(void *argument) {
  scene *s = argument;
  char bytes[2000] = {0};
  for (uint64_t i = 0; i < COUNT; i++) {
    int heard = s->bells;
    while (!furrow__parts_have_room(&s->parts, sizeof bytes, false)) {
      while (s->bells == heard) usleep(1); /* for ever, if nobody rings */
      heard = s->bells;
    }
    if (!furrow__parts_put(&s->parts, i, bytes, sizeof bytes, false)) return NULL;
  }
  return NULL;
}

TEST(parts, bells_ring_for_those_who_wait) {
  static scene s;
  pthread_t thread;
  uint64_t next = 0;
  furrow__parts_start(&s.parts);
  ASSERT_EQ(pthread_create(&thread, NULL, bring, &s), 0);
  while (next < COUNT && !test_failed()) {
    bool refused;
    furrow__part *first = furrow__parts_take(&s.parts, &refused);
    if (refused) s.bells++;
    for (furrow__part *one = first; one; one = one->next, next++) EXPECT_EQ(one->index, next);
    furrow__parts_free(first);
  }
  pthread_join(thread, NULL);
  furrow__parts_end(&s.parts);
}

/* However much comes from near. */
TEST(parts, leave_room_for_what_comes_from_far) {
  static const char bytes[10000];
  furrow__parts parts;
  bool refused;
  furrow__parts_start(&parts);
  while (furrow__parts_have_room(&parts, sizeof bytes, false)) furrow__parts_put(&parts, 0, bytes, sizeof bytes, false);
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(furrow__parts_have_room(&parts, sizeof bytes, true));
    ASSERT_TRUE(furrow__parts_put(&parts, 1, bytes, sizeof bytes, true));
  }
  for (int i = 0; i < 100; i++) furrow__parts_put(&parts, 1, bytes, sizeof bytes, true);
  EXPECT_FALSE(furrow__parts_have_room(&parts, sizeof bytes, true));
  furrow__parts_free(furrow__parts_take(&parts, &refused));
  EXPECT_TRUE(furrow__parts_have_room(&parts, sizeof bytes, false));
  EXPECT_TRUE(furrow__parts_have_room(&parts, sizeof bytes, true));
  furrow__parts_end(&parts);
}
