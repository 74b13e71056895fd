/* What a worker asks for is copied from a bundle that came with its lot; else it is asked of rank 0, and comes straight into
   the slot if that is this process's own memory, by way of a private buffer if it is on the board, which MPI never touches.
   A worker may have asked for what another has stolen since: that is copied in vain, and harms nobody.

   Slots are served in the order of asking, whatever comes first. */
#include <stdlib.h>
#include <string.h>

#include "run/courier_inside.h"

typedef struct bundle {
  furrow__span bytes; /* of the items; empty: there is none */
  bool expected;      /* no letter has announced it yet */
  furrow__receipt receipt;
  char *data; /* BUNDLE_BYTES */
} bundle;

typedef struct asked {
  furrow__receipt receipt;
  int bounce; /* which buffer, or -1 */
} asked;

typedef struct queue {
  uint32_t begun; /* how many of a worker's pieces have been looked after */
  asked slots[FURROW__ITEM_SLOTS];
} queue;

struct fetch {
  int workers;
  queue *queues;
  bundle bundles[BUNDLES];
  int oldest;
  char *bounces[BOUNCES]; /* of a slot's size: at most PIECE_BYTES */
  bool busy[BOUNCES];
};

enum { PIECE_BYTES = 128 << 10 };

bool fetch_have_workers(fetch *items, int workers) {
  queue *more = calloc((size_t)workers, sizeof *more);
  if (!more) return false;
  free(items->queues);
  items->queues = more;
  items->workers = workers;
  return true;
}

fetch *fetch_create(void) {
  fetch *items = calloc(1, sizeof *items);
  bool good = items != NULL;
  for (int i = 0; i < BUNDLES && good; i++) good = (items->bundles[i].data = malloc(BUNDLE_BYTES)) != NULL;
  for (int i = 0; i < BOUNCES && good; i++) good = (items->bounces[i] = malloc(PIECE_BYTES)) != NULL;
  if (good) return items;
  fetch_free(items);
  return NULL;
}

void fetch_free(fetch *items) {
  if (!items) return;
  for (int i = 0; i < BUNDLES; i++) free(items->bundles[i].data);
  for (int i = 0; i < BOUNCES; i++) free(items->bounces[i]);
  free(items->queues);
  free(items);
}

void fetch_begin(fetch *items, furrow__span first) {
  memset(items->queues, 0, (size_t)items->workers * sizeof *items->queues);
  for (int i = 0; i < BUNDLES; i++) items->bundles[i].bytes = (furrow__span){0, 0};
  items->oldest = 0;
  if (!courier_bundles(first)) return;
  items->bundles[0].bytes = first;
  items->bundles[0].expected = true;
}

/* The next one takes the oldest one's place. That has come: at most the first one and one lot's are under way. */
void fetch_bundle(fetch *items, furrow__courier *courier, const furrow__letter *letter) {
  bundle *next = &items->bundles[0];
  if (!next->expected || next->bytes.begin != letter->words[0]) {
    items->oldest = (items->oldest + 1) % BUNDLES;
    next = &items->bundles[items->oldest];
  }
  next->expected = false;
  next->bytes = (furrow__span){letter->words[0], letter->words[0] + letter->bytes};
  courier_check(courier, furrow__mail_receive(courier->mail, 0, next->data, letter->bytes, &next->receipt));
}

static bundle *find_bundle(fetch *items, furrow__piece piece) {
  for (int i = 0; i < BUNDLES; i++) {
    furrow__span bytes = items->bundles[i].bytes;
    if (bytes.begin <= piece.offset && piece.offset + piece.length <= bytes.end && bytes.begin < bytes.end)
      return &items->bundles[i];
  }
  return NULL;
}

static char *slot_of(const furrow__courier *courier, int w, uint32_t slot) {
  const furrow__own_rings *own = far_own_rings(courier, w);
  if (own) return own->slots[slot];
  return courier->board->data + furrow__layout_slot(far_layout(courier), w, slot);
}

static int free_bounce(const fetch *items) {
  for (int i = 0; i < BOUNCES; i++)
    if (!items->busy[i]) return i;
  return -1;
}

/* False: it must wait for a buffer. */
static bool ask(fetch *items, furrow__courier *courier, int w, uint32_t slot, furrow__piece piece) {
  asked *one = &items->queues[w].slots[slot];
  bool own = far_own_rings(courier, w) != NULL;
  one->bounce = own ? -1 : free_bounce(items);
  if (!own && one->bounce < 0) return false;
  if (!own) items->busy[one->bounce] = true;
  char *to = own ? slot_of(courier, w, slot) : items->bounces[one->bounce];
  courier_check(courier, furrow__mail_expect(courier->mail, 0, to, piece.length, &one->receipt));
  courier_tell(courier, 0, (furrow__letter){.kind = ASK, .words = {piece.offset, piece.length}}, NULL, NULL);
  return true;
}

static bool begin_next(fetch *items, furrow__courier *courier, int w) {
  queue *of = &items->queues[w];
  uint32_t slot = of->begun % FURROW__ITEM_SLOTS;
  furrow__piece piece = courier->board->rings[w].slot[slot];
  bundle *from = find_bundle(items, piece);
  if (!from) return ask(items, courier, w, slot, piece);
  if (from->expected || !furrow__receipt_is_done(&from->receipt)) return false;
  memcpy(slot_of(courier, w, slot), from->data + (piece.offset - from->bytes.begin), piece.length);
  of->slots[slot] = (asked){.bounce = -1};
  return true;
}

/* What has come, in order. */
static void hand_over(fetch *items, furrow__courier *courier, int w) {
  furrow__rings *rings = &courier->board->rings[w];
  queue *of = &items->queues[w];
  uint32_t served = atomic_load_explicit(&rings->served.word, memory_order_relaxed);
  while (served != of->begun) {
    uint32_t slot = served % FURROW__ITEM_SLOTS;
    asked *one = &of->slots[slot];
    if (!furrow__receipt_is_done(&one->receipt)) return;
    if (one->bounce >= 0) {
      memcpy(slot_of(courier, w, slot), items->bounces[one->bounce], rings->slot[slot].length);
      items->busy[one->bounce] = false;
    }
    furrow__gate_set(&rings->served, ++served);
    courier_stir(courier);
  }
}

bool fetch_serve(fetch *items, furrow__courier *courier, int w) {
  furrow__rings *rings = &courier->board->rings[w];
  queue *of = &items->queues[w];
  uint32_t wanted = atomic_load_explicit(&rings->asked, memory_order_acquire);
  while (of->begun != wanted && begin_next(items, courier, w)) of->begun++;
  hand_over(items, courier, w);
  return atomic_load_explicit(&rings->served.word, memory_order_relaxed) == wanted;
}

bool fetch_is_idle(const fetch *items) {
  bool idle = true;
  for (int w = 0; w < items->workers; w++)
    for (int i = 0; i < FURROW__ITEM_SLOTS; i++)
      idle = idle && furrow__receipt_is_done(&items->queues[w].slots[i].receipt);
  for (int i = 0; i < BUNDLES; i++) idle = idle && furrow__receipt_is_done(&items->bundles[i].receipt);
  return idle;
}
