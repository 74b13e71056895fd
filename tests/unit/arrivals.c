/* Results of a stream that have come: each is delivered once, in order or as it came, with its bytes; whoever brings them. And how
 * they stand side by side on their way. */
#include "run/arrivals.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "furrow/rng.h"
#include "plan/packed.h"
#include "shim/test.h"
#include "unit/temporary.h"

/* ---- packed ---- */

TEST(packed, bytes_are_aligned_and_ends_meet) {
  static const size_t sizes[] = {0, 1, 15, 16, 17, 1000};
  enum { COUNT = sizeof sizes / sizeof *sizes };
  _Alignas(16) char block[4096] = {0};
  size_t used = 0;
  for (int i = 0; i < COUNT; i++) {
    furrow__packed head = {.index = (uint64_t)i, .size = sizes[i], .number = 100 + (uint32_t)i};
    memcpy(block + used, &head, sizeof head);
    memset(block + used + FURROW__PACKED_HEAD, i, sizes[i]);
    used += furrow__packed_size(sizes[i]);
    EXPECT_EQ(used % 16, 0u);
  }
  const furrow__packed *one = (const furrow__packed *)(const void *)block;
  for (int i = 0; i < COUNT; i++, one = furrow__packed_next(one)) {
    EXPECT_EQ(one->index, (uint64_t)i);
    EXPECT_EQ(one->size, sizes[i]);
    EXPECT_EQ(one->number, 100 + (uint32_t)i);
    EXPECT_EQ((uintptr_t)furrow__packed_bytes(one) % 16, 0u);
    for (size_t k = 0; k < sizes[i]; k++) EXPECT_EQ(furrow__packed_bytes(one)[k], i);
  }
  EXPECT_TRUE((const char *)one == block + used);
}

TEST(packed, takes_a_head_and_whole_lines_of_16) {
  EXPECT_EQ(furrow__packed_size(0), (size_t)FURROW__PACKED_HEAD);
  EXPECT_EQ(furrow__packed_size(1), (size_t)FURROW__PACKED_HEAD + 16);
  EXPECT_EQ(furrow__packed_size(16), (size_t)FURROW__PACKED_HEAD + 16);
  EXPECT_EQ(furrow__packed_size(17), (size_t)FURROW__PACKED_HEAD + 32);
  EXPECT_EQ(furrow__packed_size((size_t)5 << 32), (size_t)FURROW__PACKED_HEAD + ((size_t)5 << 32));
}

/* ---- bringing and delivering ---- */

enum { MOST = 16384 }; /* bytes that come together */

static unsigned char byte_of(uint64_t index, size_t i) {
  return (unsigned char)(index * 7 + i);
}

static size_t size_of(uint64_t index) {
  return index * 13 % 50;
}

/* What comes together. */
typedef struct block {
  size_t used;
  _Alignas(16) char bytes[MOST];
} block;

static bool has_room(const block *b, uint64_t index) {
  return b->used + furrow__packed_size(size_of(index)) <= MOST;
}

static void add(block *b, uint64_t index) {
  furrow__packed head = {.index = index, .size = size_of(index), .number = (uint32_t)(index % 1000)};
  char *to = b->bytes + b->used;
  memcpy(to, &head, sizeof head);
  for (size_t i = 0; i < head.size; i++) to[FURROW__PACKED_HEAD + i] = (char)byte_of(index, i);
  b->used += furrow__packed_size(head.size);
}

static void bring(furrow__arrivals *arrivals, block *b) {
  char why[FURROW__SCRATCH_WHY];
  if (b->used && furrow__arrivals_take(arrivals, b->bytes, b->used, why) != FURROW_OK) TEST_FAIL("%s", why);
  memset(b->bytes, 0xee, b->used); /* it was copied */
  b->used = 0;
}

static void bring_one(furrow__arrivals *arrivals, uint64_t index) {
  block b = {0};
  add(&b, index);
  bring(arrivals, &b);
}

static void expect_arrival(const furrow__arrival *one, uint64_t index) {
  bool same = one->index == index && !one->failed && one->size == size_of(index) && (uintptr_t)one->bytes % 16 == 0;
  for (size_t i = 0; same && i < one->size; i++) same = (unsigned char)one->bytes[i] == byte_of(index, i);
  if (!same) TEST_FAIL("where %d was expected, %d came, or other bytes", (int)index, (int)one->index);
}

static void expect_next(furrow__arrivals *arrivals, const uint64_t *indices, uint64_t count) {
  furrow__arrival list[32];
  EXPECT_EQ(furrow__arrivals_next(arrivals, list, 32), count);
  for (uint64_t i = 0; i < count; i++) {
    expect_arrival(&list[i], indices[i]);
    furrow__arrival_let_go(arrivals, &list[i]);
  }
}

/* There is room for those of a window. */
static void expect_next_one(furrow__arrivals *arrivals, uint64_t index) {
  furrow__arrival one;
  ASSERT_EQ(furrow__arrivals_next(arrivals, &one, 1), 1u);
  expect_arrival(&one, index);
  furrow__arrival_let_go(arrivals, &one);
}

static void let_numbers_go(furrow__arrivals *arrivals) {
  uint32_t numbers[32];
  EXPECT_LE(furrow__arrivals_finished(arrivals, numbers), 32u);
}

TEST(arrivals, are_delivered_in_order) {
  furrow__arrivals a;
  ASSERT_TRUE(furrow__arrivals_start(&a, 4, false, SIZE_MAX));
  expect_next(&a, NULL, 0);
  bring_one(&a, 2);
  bring_one(&a, 1);
  expect_next(&a, NULL, 0);
  bring_one(&a, 0);
  expect_next(&a, (uint64_t[]){0, 1, 2}, 3);
  let_numbers_go(&a);
  bring_one(&a, 6); /* the window has moved on: 3 to 6 are under way */
  expect_next(&a, NULL, 0);
  bring_one(&a, 3);
  expect_next(&a, (uint64_t[]){3}, 1);
  furrow__arrivals_free(&a); /* 6 was never delivered */
}

TEST(arrivals, are_delivered_as_they_come) {
  furrow__arrivals a;
  ASSERT_TRUE(furrow__arrivals_start(&a, 3, true, SIZE_MAX));
  bring_one(&a, 2);
  bring_one(&a, 0);
  expect_next(&a, (uint64_t[]){2, 0}, 2);
  let_numbers_go(&a);
  bring_one(&a, 9);
  bring_one(&a, 1);
  bring_one(&a, 5000);
  expect_next(&a, (uint64_t[]){9, 1, 5000}, 3);
  furrow__arrivals_free(&a);
}

/* What a journal has: it takes its place among the others, but has no number. */
TEST(arrivals, may_be_restored) {
  for (int unordered = 0; unordered < 2; unordered++) {
    furrow__arrivals a;
    uint32_t numbers[4];
    unsigned char bytes[MOST];
    char why[FURROW__SCRATCH_WHY];
    ASSERT_TRUE(furrow__arrivals_start(&a, 4, unordered, SIZE_MAX));
    bring_one(&a, 1);
    for (size_t i = 0; i < size_of(0); i++) bytes[i] = byte_of(0, i);
    ASSERT_EQ(furrow__arrivals_restore(&a, 0, (const char *)bytes, size_of(0), why), FURROW_OK);
    EXPECT_EQ(a.bytes, size_of(0) + size_of(1));
    EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 1u);
    EXPECT_EQ(numbers[0], 1u);
    expect_next(&a, unordered ? (uint64_t[]){1, 0} : (uint64_t[]){0, 1}, 2);
    ASSERT_EQ(furrow__arrivals_restore(&a, 2, NULL, 0, why), FURROW_OK);
    furrow__arrivals_free(&a);
  }
}

TEST(arrivals, are_delivered_up_to_as_many_as_are_asked_for) {
  furrow__arrivals a;
  furrow__arrival list[2];
  block b = {0};
  ASSERT_TRUE(furrow__arrivals_start(&a, 5, false, SIZE_MAX));
  for (uint64_t i = 0; i < 5; i++) add(&b, i);
  bring(&a, &b);
  EXPECT_EQ(furrow__arrivals_next(&a, list, 2), 2u);
  expect_next(&a, (uint64_t[]){2, 3, 4}, 3);
  expect_arrival(&list[0], 0); /* what came together stays until the last of it is let go */
  expect_arrival(&list[1], 1);
  furrow__arrival_let_go(&a, &list[0]);
  expect_arrival(&list[1], 1);
  furrow__arrival_let_go(&a, &list[1]);
  furrow__arrivals_free(&a);
}

TEST(arrivals, may_be_failures) {
  furrow__arrivals a;
  furrow__arrival list[3];
  uint32_t numbers[2] = {0};
  furrow__failed failed = {.task = 1, .attempt = 3, .message = "broken"};
  ASSERT_TRUE(furrow__arrivals_start(&a, 2, false, SIZE_MAX));
  EXPECT_TRUE(furrow__arrivals_fail(&a, &failed, 77));
  memset(&failed, 0, sizeof failed);
  EXPECT_EQ(furrow__arrivals_next(&a, list, 3), 0u); /* it has its turn */
  bring_one(&a, 0);
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 2u);
  EXPECT_EQ(numbers[0], 77u);
  EXPECT_EQ(numbers[1], 0u);
  ASSERT_EQ(furrow__arrivals_next(&a, list, 3), 2u);
  expect_arrival(&list[0], 0);
  EXPECT_TRUE(list[1].failed);
  EXPECT_EQ(list[1].index, 1u);
  const furrow__failed *told = (const furrow__failed *)(const void *)list[1].bytes;
  EXPECT_EQ(told->attempt, 3u);
  EXPECT_EQ_STR(told->message, "broken");
  furrow__arrival_let_go(&a, &list[0]);
  furrow__arrival_let_go(&a, &list[1]);
  furrow__arrivals_free(&a);
}

TEST(arrivals, tell_the_numbers_of_their_items_once) {
  furrow__arrivals a;
  uint32_t numbers[3] = {0};
  ASSERT_TRUE(furrow__arrivals_start(&a, 3, false, SIZE_MAX));
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 0u);
  bring_one(&a, 1);
  bring_one(&a, 2);
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 2u); /* though they can't be delivered yet */
  EXPECT_EQ(numbers[0], 1u);
  EXPECT_EQ(numbers[1], 2u);
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 0u);
  bring_one(&a, 0);
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 1u);
  EXPECT_EQ(numbers[0], 0u);
  furrow__arrivals_free(&a);
}

TEST(arrivals, expect_more_bytes_the_more_wait) {
  furrow__arrivals a;
  furrow__arrival one;
  double mean = -1;
  ASSERT_TRUE(furrow__arrivals_start(&a, 100, false, SIZE_MAX));
  EXPECT_EQ(furrow__arrivals_expect(&a, 50, &mean), 0u);
  EXPECT_NEAR(mean, 0, 0);
  size_t bytes = 0;
  for (uint64_t i = 0; i < 100; i++) {
    bring_one(&a, i);
    bytes += size_of(i);
    EXPECT_EQ(furrow__arrivals_expect(&a, 0, &mean), bytes);
  }
  EXPECT_GT(mean, 10); /* sizes are 0 to 49, all as often */
  EXPECT_LT(mean, 40);
  EXPECT_NEAR((double)(furrow__arrivals_expect(&a, 10, &mean) - bytes), 10 * mean, 1);
  for (uint64_t i = 0; i < 100; i++) {
    EXPECT_EQ(furrow__arrivals_next(&a, &one, 1), 1u);
    furrow__arrival_let_go(&a, &one);
    bytes -= size_of(i);
    EXPECT_EQ(furrow__arrivals_expect(&a, 0, &mean), bytes);
  }
  EXPECT_EQ(bytes, 0u);
  furrow__arrivals_free(&a);
}

/* ---- several bring, one delivers ---- */

enum { BRINGERS = 3, COUNT = 60000, WINDOW = 200 };

typedef struct scene {
  furrow__arrivals arrivals;
  _Atomic uint64_t given; /* indices below it may be brought */
  _Atomic uint64_t next;  /* of them, to be brought */
} scene;

/* Takes one after the other and brings some of them together, in an order of its own. */
static void *live(void *argument) {
  scene *s = argument;
  static _Atomic uint64_t seeds;
  furrow_rng rng = furrow_rng_make(atomic_fetch_add(&seeds, 1), 0, 0);
  block b = {0};
  for (uint64_t index; (index = atomic_fetch_add(&s->next, 1)) < COUNT;) {
    if (index >= atomic_load(&s->given)) bring(&s->arrivals, &b); /* or who delivers might wait for it */
    while (index >= atomic_load(&s->given)) usleep(20);
    if (!has_room(&b, index)) bring(&s->arrivals, &b);
    add(&b, index);
    if (furrow_rng_below(&rng, 4) == 0) bring(&s->arrivals, &b);
  }
  bring(&s->arrivals, &b);
  return NULL;
}

static void deliver_all(scene *s, bool unordered) {
  static uint8_t had[COUNT];
  uint32_t numbers[WINDOW];
  furrow__arrival list[50];
  uint64_t delivered = 0, finished = 0, given = 0;
  memset(had, 0, sizeof had);
  while (delivered < COUNT && !test_failed()) {
    finished += furrow__arrivals_finished(&s->arrivals, numbers);
    uint64_t count = furrow__arrivals_next(&s->arrivals, list, 50);
    for (uint64_t i = 0; i < count; i++) {
      expect_arrival(&list[i], unordered ? list[i].index : delivered);
      had[list[i].index]++;
      furrow__arrival_let_go(&s->arrivals, &list[i]);
      delivered++;
    }
    uint64_t under_way = given - (delivered < finished ? delivered : finished);
    given = given + WINDOW - under_way < COUNT ? given + WINDOW - under_way : COUNT;
    atomic_store(&s->given, given);
  }
  for (uint64_t i = 0; i < COUNT && !test_failed(); i++) EXPECT_EQ(had[i], 1);
  EXPECT_EQ(finished + furrow__arrivals_finished(&s->arrivals, numbers), (uint64_t)COUNT);
}

TEST(arrivals, may_be_brought_by_several_threads) {
  for (int unordered = 0; unordered < 2; unordered++) {
    scene s = {.given = 0};
    pthread_t threads[BRINGERS];
    ASSERT_TRUE(furrow__arrivals_start(&s.arrivals, WINDOW, unordered, SIZE_MAX));
    for (int i = 0; i < BRINGERS; i++) ASSERT_EQ(pthread_create(&threads[i], NULL, live, &s), 0);
    deliver_all(&s, unordered);
    for (int i = 0; i < BRINGERS; i++) pthread_join(threads[i], NULL);
    double mean = 0;
    EXPECT_EQ(furrow__arrivals_expect(&s.arrivals, 0, &mean), 0u); /* all has been let go */
    EXPECT_EQ(s.arrivals.memory, 0u);
    furrow__arrivals_free(&s.arrivals);
  }
}

/* ---- more than there is memory for ---- */

static size_t kib_of_anonymous_memory(void) {
  char line[128];
  size_t kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "RssAnon: %zu", &kib) == 1) break;
  if (file) fclose(file);
  return kib;
}

enum { LARGE = 3000000, PIECE = 32768 };

/* A large one in pieces. */
static void bring_large(furrow__arrivals *arrivals, uint64_t index) {
  static char bytes[FURROW__PACKED_HEAD + LARGE + 16];
  furrow__packed head = {.index = index, .size = LARGE, .number = (uint32_t)index};
  size_t size = furrow__packed_size(LARGE);
  furrow__packet *packet = NULL;
  char why[FURROW__SCRATCH_WHY] = "";
  memcpy(bytes, &head, sizeof head);
  memset(bytes + sizeof head, (int)index + 1, LARGE);
  ASSERT_EQ(furrow__arrivals_expect_packet(arrivals, size, &packet, why), FURROW_OK);
  for (size_t at = 0; at < size; at += PIECE)
    ASSERT_EQ(furrow__packet_fill(packet, at, bytes + at, size - at < PIECE ? size - at : PIECE, why), FURROW_OK);
  ASSERT_TRUE(furrow__packet_bytes(packet, why) != NULL);
  furrow__arrivals_take_packet(arrivals, packet);
}

TEST(arrivals, beyond_the_bound_stand_in_files) {
  furrow__arrivals a;
  furrow__arrival one;
  static char wanted[LARGE];
  ASSERT_TRUE(furrow__arrivals_start(&a, 60, false, (size_t)2 * LARGE));
  bring_large(&a, 59);
  size_t before = kib_of_anonymous_memory();
  for (uint64_t i = 59; i-- > 0;) bring_large(&a, i);
  if (!getenv("TEST_SLOWNESS")) EXPECT_LT(kib_of_anonymous_memory(), before + (size_t)3 * LARGE / 1024);
  EXPECT_LE(a.memory, (size_t)2 * LARGE);
  for (uint64_t i = 0; i < 60; i++) {
    ASSERT_EQ(furrow__arrivals_next(&a, &one, 1), 1u);
    memset(wanted, (int)i + 1, LARGE);
    EXPECT_EQ(one.index, i);
    EXPECT_EQ(one.size, (size_t)LARGE);
    EXPECT_EQ((uintptr_t)one.bytes % 16, 0u);
    EXPECT_BYTES_EQ(one.bytes, wanted, LARGE);
    furrow__arrival_let_go(&a, &one);
  }
  furrow__arrivals_free(&a);
}

TEST(arrivals, small_ones_beyond_the_bound_do_too) {
  furrow__arrivals a;
  uint32_t numbers[1000];
  ASSERT_TRUE(furrow__arrivals_start(&a, 1000, false, 5000));
  for (uint64_t i = 0; i < 1000; i++) bring_one(&a, 999 - i);
  EXPECT_LE(a.memory, 5000u);
  EXPECT_EQ(furrow__arrivals_finished(&a, numbers), 1000u);
  for (uint64_t i = 0; i < 1000; i++) expect_next_one(&a, i);
  bring_one(&a, 1000); /* there is room again */
  EXPECT_GT(a.memory, 0u);
  expect_next_one(&a, 1000);
  furrow__arrivals_free(&a);
}

TEST(arrivals, may_be_dropped_or_left) {
  furrow__arrivals a;
  furrow__packet *packet = NULL;
  char why[FURROW__SCRATCH_WHY];
  for (int in_file = 0; in_file < 2; in_file++) {
    ASSERT_TRUE(furrow__arrivals_start(&a, 10, false, in_file ? 0 : LARGE));
    ASSERT_EQ(furrow__arrivals_expect_packet(&a, 1000, &packet, why), FURROW_OK);
    EXPECT_EQ(a.memory, in_file ? 0u : 1000u);
    furrow__arrivals_drop_packet(&a, packet);
    EXPECT_EQ(a.memory, 0u);
    bring_one(&a, 5); /* and stays */
    furrow__arrivals_free(&a);
  }
}

TEST(arrivals, say_why_there_is_no_file) {
  furrow__arrivals a;
  char why[FURROW__SCRATCH_WHY] = "";
  block b = {0};
  ASSERT_TRUE(furrow__arrivals_start(&a, 10, false, 0));
  char *folder = move_temporary("/nowhere");
  add(&b, 3);
  EXPECT_EQ(furrow__arrivals_take(&a, b.bytes, b.used, why), FURROW_E_IO);
  restore_temporary(folder);
  EXPECT_CONTAINS(why, "/nowhere: No such file");
  furrow__arrivals_free(&a);
}
