/* Small pieces are copied into a parcel, which goes when it is full or old; a large piece in this process's own memory goes
   as it is, and its block is free again when it has left. Cost: one copy, or none; a message for each 256 KiB at least. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier_inside.h"

enum {
  OLD = 50000000,          /* nanoseconds: about what a person who looks at results would bear */
  OLD_IN_STREAM = 2000000, /* somebody may wait for them */
  LARGE = 32 << 10         /* bytes: copying takes as long as a message */
};

typedef struct parcel {
  char *data; /* PARCEL_BYTES */
  size_t used;
  uint64_t count; /* pieces; they and their table must fit */
  uint64_t begun; /* when the first one came */
  furrow__receipt receipt;
} parcel;

enum { MOST_PIECES = 1024 };

struct parcels {
  parcel list[PARCELS];
  parcel *open; /* NULL: none */
  parcel_piece table[MOST_PIECES];
  /* Of the own ring: blocks that have been sent as they are, or copied, in all. */
  uint32_t begun;
  furrow__receipt blocks[FURROW__RESULT_BLOCKS];
};

parcels *parcels_create(void) {
  parcels *results = calloc(1, sizeof *results);
  bool good = results != NULL;
  for (int i = 0; i < PARCELS && good; i++) good = (results->list[i].data = aligned_alloc(64, PARCEL_BYTES)) != NULL;
  if (good) return results;
  parcels_free(results);
  return NULL;
}

void parcels_free(parcels *results) {
  if (!results) return;
  for (int i = 0; i < PARCELS; i++) free(results->list[i].data);
  free(results);
}

void parcels_begin(parcels *results) {
  results->open = NULL;
  results->begun = 0;
  for (int i = 0; i < FURROW__RESULT_BLOCKS; i++) results->blocks[i] = (furrow__receipt){0};
}

/* The table starts where its words are aligned. */
static size_t table_start(const parcel *one) {
  return (one->used + 7) / 8 * 8;
}

static bool has_room(const parcel *one, uint64_t length) {
  size_t with_table = one->used + length + 8 + (one->count + 1) * sizeof(parcel_piece);
  return with_table <= PARCEL_BYTES && one->count < MOST_PIECES;
}

static void send(parcels *results, furrow__courier *courier) {
  parcel *one = results->open;
  size_t start = table_start(one), bytes = start + one->count * sizeof(parcel_piece);
  memcpy(one->data + start, results->table, one->count * sizeof(parcel_piece));
  furrow__letter letter = {.kind = PARCEL, .words = {NOWHERE, one->count}, .bytes = bytes};
  courier_tell(courier, 0, letter, one->data, &one->receipt);
  results->open = NULL;
}

static bool have_open(parcels *results) {
  if (results->open) return true;
  for (int i = 0; i < PARCELS; i++) {
    parcel *one = &results->list[i];
    if (!furrow__receipt_is_done(&one->receipt)) continue;
    *one = (parcel){.data = one->data, .begun = furrow__now()};
    results->open = one;
    return true;
  }
  return false;
}

/* False: every parcel is under way. */
static bool pack(parcels *results, furrow__courier *courier, const char *from, furrow__post piece) {
  if (results->open && !has_room(results->open, piece.length)) send(results, courier);
  if (!have_open(results)) return false;
  parcel *one = results->open;
  memcpy(one->data + one->used, from, piece.length);
  one->used += piece.length;
  results->table[one->count++] = piece;
  return true;
}

/* In order. */
void parcels_free_blocks(parcels *results, furrow__courier *courier) {
  furrow__rings *rings = &courier->board->rings[0];
  uint32_t taken = atomic_load_explicit(&rings->taken.word, memory_order_relaxed);
  while (taken != results->begun && furrow__receipt_is_done(&results->blocks[taken % FURROW__RESULT_BLOCKS]))
    furrow__gate_set(&rings->taken, ++taken);
}

static bool take_own(parcels *results, furrow__courier *courier, furrow__rings *rings, const furrow__own_rings *own) {
  uint32_t posted = furrow__gate_read(&rings->posted);
  bool good = true;
  for (; results->begun != posted && good; results->begun += good) {
    uint32_t block = results->begun % FURROW__RESULT_BLOCKS;
    furrow__post piece = rings->block[block];
    if (piece.length < LARGE) {
      good = pack(results, courier, own->blocks[block], piece);
    } else {
      furrow__letter letter = {.kind = PARCEL, .words = {piece.offset}, .bytes = piece.length};
      courier_tell(courier, 0, letter, own->blocks[block], &results->blocks[block]);
    }
  }
  return good;
}

bool parcels_take(parcels *results, furrow__courier *courier, int w) {
  furrow__rings *rings = &courier->board->rings[w];
  const furrow__own_rings *own = far_own_rings(courier, w);
  if (own) return take_own(results, courier, rings, own);
  uint32_t taken = atomic_load_explicit(&rings->taken.word, memory_order_relaxed);
  while (taken != furrow__gate_read(&rings->posted)) {
    uint32_t block = taken % FURROW__RESULT_BLOCKS;
    if (rings->block[block].kind == FURROW__POST_STREAM) return true; /* the collector's */
    const char *from = courier->board->data + furrow__layout_block(far_layout(courier), w, block);
    if (!pack(results, courier, from, rings->block[block])) return false;
    if (courier->work.stream) inbox_note(courier, &rings->block[block], from);
    furrow__gate_set(&rings->taken, ++taken);
  }
  return true;
}

bool parcels_send(parcels *results, furrow__courier *courier, bool all) {
  uint64_t old = courier->work.stream ? OLD_IN_STREAM : OLD;
  if (results->open && (all || furrow__now() - results->open->begun > old)) send(results, courier);
  return results->open == NULL;
}

bool parcels_are_idle(const parcels *results) {
  bool idle = results->open == NULL;
  for (int i = 0; i < PARCELS; i++) idle = idle && furrow__receipt_is_done(&results->list[i].receipt);
  for (int i = 0; i < FURROW__RESULT_BLOCKS; i++) idle = idle && furrow__receipt_is_done(&results->blocks[i]);
  return idle;
}
