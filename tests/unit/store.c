/* The store of a stream's items: what is put in stays as it is until it is taken out, wherever the others come and go; and its
 * room comes back. */
#include "node/store.h"

#include <stdlib.h>

#include "furrow/rng.h"
#include "shim/test.h"

static const size_t PAGE = FURROW__STORE_PAGE;

typedef struct fixture {
  char *memory;
  furrow__store store;
} fixture;

static bool always(void *context, uint32_t pages) {
  (void)context;
  (void)pages;
  return true;
}

/* How many pages there may be: what exceeds that is refused. */
static bool up_to(void *context, uint32_t pages) {
  return pages <= *(const uint32_t *)context;
}

static fixture store_with(uint32_t pages, furrow__store_grow *grow, void *context) {
  size_t directory = furrow__store_directory(), size = directory + (size_t)pages * PAGE;
  fixture f = {.memory = aligned_alloc(64, size)};
  memset(f.memory, 0xee, size);
  furrow__store_find(&f.store, f.memory, f.memory + directory);
  if (!furrow__store_own(&f.store, pages, grow, context)) TEST_FAIL("no memory");
  return f;
}

static fixture store_of(uint32_t pages) {
  return store_with(pages, always, NULL);
}

static void free_store(fixture *f) {
  furrow__store_disown(&f->store);
  free(f->memory);
}

static uint32_t pages_of(size_t size) {
  return (uint32_t)((size + PAGE - 1) / PAGE);
}

/* ---- sizes ---- */

TEST(store, has_no_more_pages_than_it_needs) {
  fixture f = store_of(100);
  EXPECT_EQ(f.store.pages, 0u);
  for (uint32_t n = 0; n < 3; n++) EXPECT_TRUE(furrow__store_put(&f.store, n, n, PAGE) != NULL);
  EXPECT_LE(f.store.pages, 4u);
  EXPECT_TRUE(furrow__store_put(&f.store, 3, 3, 50 * PAGE) != NULL);
  EXPECT_LE(f.store.pages, 60u);
  furrow__store_free(&f.store, 3);
  uint32_t before = f.store.pages;
  EXPECT_TRUE(furrow__store_put(&f.store, 4, 4, 40 * PAGE) != NULL);
  EXPECT_EQ(f.store.pages, before);
  free_store(&f);
}

/* What is refused once is not asked for again; what is there goes on. */
TEST(store, goes_on_with_what_it_got) {
  uint32_t most = 4;
  fixture f = store_with(100, up_to, &most);
  for (uint32_t n = 0; n < 4; n++) EXPECT_TRUE(furrow__store_put(&f.store, n, n, PAGE) != NULL);
  EXPECT_TRUE(furrow__store_could_hold(&f.store, 50 * PAGE));
  EXPECT_TRUE(furrow__store_put(&f.store, 4, 4, 1) == NULL);
  EXPECT_FALSE(furrow__store_could_hold(&f.store, 4 * PAGE + 1));
  furrow__store_free(&f.store, 2);
  EXPECT_TRUE(furrow__store_put(&f.store, 4, 4, 1) == f.store.bytes + 2 * PAGE);
  free_store(&f);
}

TEST(store, works_without_a_page) {
  uint32_t none = 0;
  fixture f = store_with(10, up_to, &none);
  EXPECT_TRUE(furrow__store_put(&f.store, 0, 0, 0) == NULL);
  EXPECT_FALSE(furrow__store_could_hold(&f.store, 1));
  furrow__store_put_far(&f.store, 0, 5, 1);
  EXPECT_EQ(f.store.entries[0].index, 5u);
  furrow__store_free(&f.store, 0);
  free_store(&f);
}

TEST(store, could_hold_what_fills_it) {
  fixture f = store_of(3);
  EXPECT_TRUE(furrow__store_could_hold(&f.store, 0));
  EXPECT_TRUE(furrow__store_could_hold(&f.store, 3 * PAGE));
  EXPECT_FALSE(furrow__store_could_hold(&f.store, 3 * PAGE + 1));
  EXPECT_FALSE(furrow__store_could_hold(&f.store, SIZE_MAX));
  free_store(&f);
}

TEST(store, can_be_filled_to_the_last_byte_again_and_again) {
  fixture f = store_of(5);
  for (int round = 0; round < 4; round++) {
    EXPECT_TRUE(furrow__store_put(&f.store, 7, 1, 5 * PAGE) == f.store.bytes);
    EXPECT_TRUE(furrow__store_put(&f.store, 8, 2, 0) == NULL); /* even nothing needs a place */
    EXPECT_FALSE(furrow__store_has(&f.store, 8));
    furrow__store_free(&f.store, 7);
    for (uint32_t n = 0; n < 5; n++) EXPECT_TRUE(furrow__store_put(&f.store, n, n, PAGE) != NULL);
    EXPECT_TRUE(furrow__store_put(&f.store, 9, 9, 1) == NULL);
    for (uint32_t n = 0; n < 5; n++) furrow__store_free(&f.store, n);
  }
  free_store(&f);
}

/* ---- who takes which room ---- */

TEST(store, small_items_share_a_page) {
  fixture f = store_of(1);
  for (uint32_t n = 0; n < PAGE / 16; n++) {
    char *at = furrow__store_put(&f.store, n, n, n % 17);
    EXPECT_TRUE(at == f.store.bytes + (size_t)n * 16);
  }
  EXPECT_TRUE(furrow__store_put(&f.store, FURROW__NUMBERS - 1, 0, 0) == NULL);
  for (uint32_t n = 1; n < PAGE / 16; n++) furrow__store_free(&f.store, n);
  EXPECT_TRUE(furrow__store_put(&f.store, 1, 0, 1) == NULL); /* the first one still holds the page */
  furrow__store_free(&f.store, 0);
  EXPECT_TRUE(furrow__store_put(&f.store, 1, 0, PAGE) != NULL);
  free_store(&f);
}

/* One that stays holds its own page back, and no other. */
TEST(store, an_item_that_stays_holds_one_page) {
  fixture f = store_of(4);
  EXPECT_TRUE(furrow__store_put(&f.store, 0, 0, 100) != NULL);
  for (uint32_t i = 1; i < 100000; i++) {
    uint32_t n = 1 + i % (FURROW__NUMBERS - 1);
    if (!furrow__store_put(&f.store, n, i, 1000)) {
      TEST_FAIL("no room for item %d", (int)i);
      break;
    }
    furrow__store_free(&f.store, n);
  }
  EXPECT_EQ(f.store.entries[0].index, 0u);
  free_store(&f);
}

TEST(store, a_run_of_pages_needs_them_next_to_each_other) {
  fixture f = store_of(5);
  for (uint32_t n = 0; n < 5; n++) EXPECT_TRUE(furrow__store_put(&f.store, n, n, PAGE) != NULL);
  furrow__store_free(&f.store, 0);
  furrow__store_free(&f.store, 2);
  furrow__store_free(&f.store, 4);
  EXPECT_TRUE(furrow__store_put(&f.store, 10, 10, PAGE + 1) == NULL); /* three are free, but no two */
  furrow__store_free(&f.store, 3);
  EXPECT_TRUE(furrow__store_put(&f.store, 10, 10, 3 * PAGE) == f.store.bytes + 2 * PAGE);
  EXPECT_TRUE(furrow__store_put(&f.store, 11, 11, 1) == f.store.bytes);
  free_store(&f);
}

/* An entry, and no room, even where there is none. */
TEST(store, what_is_elsewhere_takes_a_number_only) {
  fixture f = store_of(1);
  EXPECT_TRUE(furrow__store_put(&f.store, 0, 0, PAGE) != NULL);
  furrow__store_put_far(&f.store, 1, 77, SIZE_MAX);
  EXPECT_TRUE(furrow__store_has(&f.store, 1));
  EXPECT_EQ(f.store.entries[1].index, 77u);
  EXPECT_EQ(f.store.entries[1].size, UINT64_MAX);
  EXPECT_EQ(f.store.entries[1].at, FURROW__FAR);
  furrow__store_free(&f.store, 1);
  EXPECT_FALSE(furrow__store_has(&f.store, 1));
  EXPECT_TRUE(furrow__store_put(&f.store, 1, 78, 1) == NULL); /* it has given no room back */
  free_store(&f);
}

/* ---- against a model ---- */

enum { MODEL_PAGES = 24, LIVE = 300 };

typedef struct kept {
  uint32_t number;
  uint64_t index;
  size_t size;
  char *at; /* NULL: elsewhere */
} kept;

typedef struct model {
  fixture f;
  furrow_rng rng;
  kept list[LIVE];
  uint32_t count;
  uint64_t next, refused;
} model;

static uint32_t draw(model *m, uint64_t below) {
  return (uint32_t)furrow_rng_below(&m->rng, below);
}

static size_t draw_size(model *m) {
  switch (draw(m, 6)) {
    case 0:
      return draw(m, 20);
    case 1:
      return draw(m, PAGE);
    case 2:
      return (size_t)PAGE * (1 + draw(m, 4)) - draw(m, 3) + 1;
    case 3:
      return draw(m, 5 * PAGE);
    default:
      return draw(m, 2000);
  }
}

static unsigned char mark_of(const kept *one, size_t i) {
  return (unsigned char)(one->index * 31 + i / 7);
}

static void mark(const kept *one) {
  for (size_t i = 0; one->at && i < one->size; i++) one->at[i] = (char)mark_of(one, i);
}

static bool is_whole(const model *m, const kept *one) {
  const furrow__stored *entry = &m->f.store.entries[one->number];
  if (!furrow__store_has(&m->f.store, one->number) || entry->index != one->index || entry->size != one->size)
    return false;
  if (!one->at) return entry->at == FURROW__FAR;
  if (m->f.store.bytes + entry->at != one->at || (uintptr_t)one->at % 16 != 0) return false;
  for (size_t i = 0; i < one->size; i++)
    if ((unsigned char)one->at[i] != mark_of(one, i)) return false;
  return true;
}

/* Pages that no item stands in at all; the longest run of them. */
static uint32_t longest_free_run(const model *m) {
  bool used[MODEL_PAGES] = {false};
  uint32_t run = 0, longest = 0;
  for (uint32_t k = 0; k < m->count; k++) {
    const kept *one = &m->list[k];
    uint32_t first = one->at ? (uint32_t)((size_t)(one->at - m->f.store.bytes) / PAGE) : 0;
    for (uint32_t p = 0; one->at && p < (one->size ? pages_of(one->size) : 1); p++) used[first + p] = true;
  }
  for (uint32_t p = 0; p < MODEL_PAGES; p++) {
    run = used[p] ? 0 : run + 1;
    if (run > longest) longest = run;
  }
  return longest;
}

static void put_one(model *m) {
  kept one = {.number = draw(m, FURROW__NUMBERS), .index = m->next++, .size = draw_size(m)};
  if (m->count == LIVE || furrow__store_has(&m->f.store, one.number)) return;
  if (draw(m, 50) == 0) {
    furrow__store_put_far(&m->f.store, one.number, one.index, one.size);
  } else {
    uint32_t longest = longest_free_run(m);
    one.at = furrow__store_put(&m->f.store, one.number, one.index, one.size);
    m->refused += one.at == NULL;
    if (!one.at && longest >= pages_of(one.size ? one.size : 1))
      TEST_FAIL("%d bytes are refused, with %d pages free in a row", (int)one.size, (int)longest);
    if (!one.at) return;
  }
  mark(&one);
  m->list[m->count++] = one;
}

static void free_one(model *m) {
  if (m->count == 0) return;
  uint32_t k = draw(m, m->count);
  if (!is_whole(m, &m->list[k])) TEST_FAIL("item %d is not what it was", (int)m->list[k].index);
  furrow__store_free(&m->f.store, m->list[k].number);
  if (furrow__store_has(&m->f.store, m->list[k].number)) TEST_FAIL("a number is still taken");
  m->list[k] = m->list[--m->count];
}

static void run_model(uint64_t seed, int steps) {
  static model m;
  m = (model){.f = store_of(MODEL_PAGES), .rng = furrow_rng_make(seed, 0, 0)};
  for (int i = 0; i < steps && !test_failed(); i++) {
    bool fills = (i / 400) % 2 == 0; /* it swells, and shrinks */
    if (draw(&m, 3) < (fills ? 2u : 1u))
      put_one(&m);
    else
      free_one(&m);
  }
  for (uint32_t k = 0; k < m.count; k++)
    if (!is_whole(&m, &m.list[k])) TEST_FAIL("in the end item %d is not what it was", (int)m.list[k].index);
  while (m.count > 0) free_one(&m);
  EXPECT_GT(m.refused, 0u);
  EXPECT_TRUE(furrow__store_put(&m.f.store, 0, 0, (size_t)MODEL_PAGES * PAGE) != NULL); /* all of it is back */
  free_store(&m.f);
}

TEST(store, keeps_what_a_model_keeps) {
  for (uint64_t seed = 1; seed <= 6; seed++) {
    TEST_PHASE("seed %d", (int)seed);
    run_model(seed, 6000);
  }
}
