/* Small items fill a page one behind the other; a page is free again when none of its items is left. So an item that stays for
   long holds one page back, not all that came after it. What is larger than a page has a run of pages for itself. */
#include "node/store.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16 };

static size_t round_up(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

size_t furrow__store_directory(void) {
  return round_up(FURROW__NUMBERS * sizeof(furrow__stored), 64);
}

void furrow__store_find(furrow__store *store, char *directory, char *pages) {
  *store = (furrow__store){.entries = (furrow__stored *)(void *)directory, .bytes = pages};
}

bool furrow__store_own(furrow__store *store, uint32_t most, furrow__store_grow *grow, void *context) {
  store->most = most;
  store->grow = grow;
  store->context = context;
  store->live = calloc((size_t)most + 1, sizeof *store->live);
  store->length = calloc((size_t)most + 1, sizeof *store->length);
  store->taken = calloc(FURROW__NUMBERS, sizeof *store->taken);
  if (store->live && store->length && store->taken) return true;
  furrow__store_disown(store);
  return false;
}

void furrow__store_disown(furrow__store *store) {
  free(store->live);
  free(store->length);
  free(store->taken);
  store->live = store->length = NULL;
  store->taken = NULL;
}

bool furrow__store_could_hold(const furrow__store *store, size_t size) {
  return size <= (size_t)store->most * FURROW__STORE_PAGE;
}

static bool is_open(const furrow__store *store, uint32_t page) {
  return store->used > 0 && store->open == page;
}

/* The first of `count` free pages in a row, or store->pages. */
static uint32_t find_run(const furrow__store *store, uint32_t count) {
  uint32_t run = 0;
  for (uint32_t page = 0; page < store->pages; page += store->length[page] ? store->length[page] : 1) {
    run = store->length[page] ? 0 : run + 1;
    if (run == count) return page + 1 - count;
  }
  return store->pages;
}

static bool is_used(const furrow__store *store, uint32_t page) {
  return store->live[page] > 0;
}

/* Close the open page: if nothing stands in it any more it is free. */
static void close_page(furrow__store *store) {
  if (store->used > 0 && !is_used(store, store->open)) store->length[store->open] = 0;
  store->used = 0;
}

/* More pages, behind the others: twice as many, or what is needed if that is more. False: there are no more. */
static bool grow(furrow__store *store, uint32_t count) {
  uint32_t want = store->pages + count > 2 * store->pages ? store->pages + count : 2 * store->pages;
  if (want > store->most) want = store->most;
  if (want == store->pages) return false;
  if (store->grow(store->context, want)) {
    store->pages = want;
    return true;
  }
  store->most = store->pages;
  return false;
}

/* Have room for so many bytes, in whole multiples of the alignment; false: there is none now. */
static bool have_room(furrow__store *store, size_t bytes) {
  if (store->used > 0 && store->used + bytes <= FURROW__STORE_PAGE) return true;
  close_page(store);
  uint32_t count = (uint32_t)((bytes + FURROW__STORE_PAGE - 1) / FURROW__STORE_PAGE);
  uint32_t page;
  while ((page = find_run(store, count)) == store->pages)
    if (!grow(store, count)) return false;
  store->open = page;
  store->length[page] = count;
  store->live[page] = 0;
  return true;
}

static void enter(furrow__store *store, uint32_t number, uint64_t index, size_t size, uint64_t at) {
  store->entries[number] = (furrow__stored){index, size, at};
  store->taken[number] = true;
}

char *furrow__store_put(furrow__store *store, uint32_t number, uint64_t index, size_t size) {
  size_t bytes = size ? round_up(size, ALIGNMENT) : ALIGNMENT;
  if (!have_room(store, bytes)) return NULL;
  uint64_t at = (uint64_t)store->open * FURROW__STORE_PAGE + store->used;
  store->live[store->open]++;
  store->used += bytes;
  if (store->used > FURROW__STORE_PAGE) store->used = 0; /* a run is not filled any further */
  enter(store, number, index, size, at);
  return store->bytes + at;
}

void furrow__store_put_far(furrow__store *store, uint32_t number, uint64_t index, size_t size) {
  enter(store, number, index, size, FURROW__FAR);
}

bool furrow__store_has(const furrow__store *store, uint32_t number) {
  return store->taken[number];
}

void furrow__store_free(furrow__store *store, uint32_t number) {
  uint64_t at = store->entries[number].at;
  store->taken[number] = false;
  if (at == FURROW__FAR) return;
  uint32_t page = (uint32_t)(at / FURROW__STORE_PAGE);
  store->live[page]--;
  if (!is_used(store, page) && !is_open(store, page)) store->length[page] = 0;
  if (!is_used(store, page) && is_open(store, page)) close_page(store);
}
