/* The side of the nodes that rank 0 is not on: it asks for lots before its workers run dry, gives units back when others
   have none, and says how far it is. What it says it has settled has left it: a step first reads the workers' counts, then
   takes what they have posted, and sends it before the report. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier_inside.h"
#include "run/meet.h"
#include "run/stream.h"

enum {
  LARGEST_RING = 8 << 20, /* bytes of an own slot or block, if an item or result asks for so much */
  PIECE = 1 << 20,        /* if not */
  MOST_PENDING = 2 * SPANS,
};

struct node_side {
  fetch *items;
  parcels *results;
  furrow__layout layout;
  furrow__own_rings own;
  char *own_memory;
  size_t own_size;
  int workers;     /* for so many there is memory here, and in `items` */
  bool *attention; /* workers that have posted or asked, and are not done with */
  uint64_t began;
  furrow__range pending[MOST_PENDING]; /* of the last lot, what waits for a pile to become empty */
  int pending_count;
  uint64_t lot; /* units of the last one */
  bool asked, told_hungry, told_rested, recalled, told_failure;
  uint64_t settled, run; /* tasks, as last reported */
  uint64_t reported;     /* when */
  bool stopped;          /* rank 0 has said so */
  bool complete;         /* and that all tasks have been run */
  bool closed;           /* and the workers know */
  furrow_error verdict, failure;
  furrow__receipt incoming, outgoing;
  coming *retries;
  inbox *in; /* of a stream */
};

static bool have_workers(node_side *far, int workers) {
  if (workers <= far->workers) return true;
  bool *attention = realloc(far->attention, (size_t)workers * sizeof *attention);
  if (attention) far->attention = attention;
  if (!attention || !fetch_have_workers(far->items, workers)) return false;
  far->workers = workers;
  return true;
}

bool far_create(furrow__courier *courier) {
  node_side *far = courier->far = calloc(1, sizeof *far);
  if (!far) return false;
  far->items = fetch_create();
  far->results = parcels_create();
  far->in = inbox_create();
  far->retries = retries_create();
  return far->items && far->results && far->in && far->retries && have_workers(far, courier->board->workers);
}

void far_free(furrow__courier *courier) {
  node_side *far = courier->far;
  fetch_free(far->items);
  parcels_free(far->results);
  inbox_free(far->in);
  retries_free(far->retries);
  furrow__store_disown(&courier->store);
  free(far->attention);
  free(far->own_memory);
  free(far);
}

/* For the one worker of this process, where it is one. */
static bool far_has_own_rings(const furrow__courier *courier) {
  return !courier->work.guarded && courier->board->threads == 1;
}

const furrow__own_rings *far_own_rings(const furrow__courier *courier, int w) {
  return w == 0 && far_has_own_rings(courier) ? &courier->far->own : NULL;
}

const furrow__layout *far_layout(const furrow__courier *courier) {
  return &courier->far->layout;
}

/* ---- the rings of this process: long enough for one large item or result ---- */

static size_t ring_size(uint64_t all, size_t one) {
  size_t size = one > LARGEST_RING ? LARGEST_RING : one > PIECE ? one : PIECE;
  return ((size < all ? size : all) + 63) / 64 * 64;
}

static void make_own_rings(furrow__courier *courier) {
  node_side *far = courier->far;
  const carried *work = &courier->work;
  furrow__own_rings *own = &far->own;
  own->slot = ring_size(work->units.tasks * work->item_size, work->item_size);
  own->block = ring_size(work->units.tasks * work->result_size, work->result_size);
  size_t bytes = FURROW__ITEM_SLOTS * own->slot + FURROW__RESULT_BLOCKS * own->block;
  if (bytes > far->own_size) {
    free(far->own_memory);
    far->own_memory = aligned_alloc(64, bytes);
    far->own_size = far->own_memory ? bytes : 0;
  }
  char *next = bytes <= far->own_size ? far->own_memory : NULL;
  for (int i = 0; i < FURROW__ITEM_SLOTS; i++) own->slots[i] = next ? next + (size_t)i * own->slot : NULL;
  if (next) next += FURROW__ITEM_SLOTS * own->slot;
  for (int i = 0; i < FURROW__RESULT_BLOCKS; i++) own->blocks[i] = next ? next + (size_t)i * own->block : NULL;
}

bool furrow__courier_have_workers(furrow_pool *pool, int workers) {
  furrow__courier *courier = pool->courier;
  if (!courier || !courier->far) return true;
  pthread_mutex_lock(&courier->lock);
  bool good = have_workers(courier->far, workers);
  pthread_mutex_unlock(&courier->lock);
  return good;
}

bool furrow__courier_rings(furrow_pool *pool, const furrow__own_rings **rings) {
  *rings = NULL;
  if (!pool->courier || !pool->courier->far || pool->guarded || pool->board.threads > 1) return true;
  *rings = &pool->courier->far->own;
  return ((*rings)->slots[0] || !(*rings)->slot) && ((*rings)->blocks[0] || !(*rings)->block);
}

/* ---- letters ---- */

static void use_pending(furrow__courier *courier) {
  node_side *far = courier->far;
  uint32_t each = furrow__deck_each(far->lot, (uint32_t)courier->board->present);
  /* The oldest first: more may come before the last one's turn, again and again. */
  while (far->pending_count > 0 && courier_fill_pile(courier, far->pending[0], each))
    memmove(far->pending, far->pending + 1, (size_t)--far->pending_count * sizeof *far->pending);
}

/* There is room: a lot is asked for when no more than SPANS are pending. */
static void have_span(node_side *far, furrow__range units) {
  if (furrow__range_is_empty(units)) return;
  far->lot += furrow__range_length(units);
  if (far->pending_count < MOST_PENDING) far->pending[far->pending_count++] = units;
}

static void have_lot(furrow__courier *courier, const furrow__letter *letter) {
  node_side *far = courier->far;
  far->lot = 0;
  far->asked = far->told_hungry = false;
  for (int i = 0; i < SPANS; i++) have_span(far, letter_span(letter, i));
  use_pending(courier);
}

/* The items of a lot may come one by one, as there is room for them. */
static void have_items(node_side *far, furrow__range units) {
  furrow__range *last = far->pending_count > 0 ? &far->pending[far->pending_count - 1] : NULL;
  far->asked = far->told_hungry = false;
  if (last && last->end == units.begin) {
    last->end = units.end;
    far->lot += furrow__range_length(units);
    return;
  }
  far->lot = 0;
  have_span(far, units);
}

void far_begin(furrow__courier *courier, const furrow__layout *layout) {
  node_side *far = courier->far;
  *far = (node_side){.items = far->items,
                     .results = far->results,
                     .workers = far->workers,
                     .attention = far->attention,
                     .in = far->in,
                     .retries = far->retries,
                     .own_memory = far->own_memory,
                     .own_size = far->own_size,
                     .layout = *layout,
                     .began = furrow__now()};
  furrow__error_clear(&far->verdict);
  memset(far->attention, 0, (size_t)far->workers * sizeof *far->attention);
  if (far_has_own_rings(courier)) make_own_rings(courier);
  furrow__range lot = courier_first_lot(courier, courier->pool->before, (uint32_t)courier->board->present);
  fetch_begin(far->items, courier_items(courier, lot.begin, lot.end));
  parcels_begin(far->results);
  if (courier->work.stream && !furrow__stream_own_store(&courier->store, courier->board, layout))
    courier_check(courier, FURROW_E_NOMEM);
  have_span(far, lot);
  use_pending(courier);
}

void far_read(furrow__courier *courier, const furrow__letter *letter) {
  node_side *far = courier->far;
  switch (letter->kind) {
    case LOT:
      have_lot(courier, letter);
      break;
    case BUNDLE:
      fetch_bundle(far->items, courier, letter);
      break;
    case RECALL:
      far->recalled = true;
      break;
    case ITEMS:
      inbox_receive(far->in, courier, letter);
      break;
    case RETRY:
      retries_receive(far->retries, courier, letter);
      break;
    case WORD:
      atomic_store_explicit(&courier->record->word, letter->words[0], memory_order_relaxed);
      break;
    case STOP:
      far->stopped = true;
      far->complete = letter->words[0] != 0;
      courier_check(courier, furrow__mail_receive(courier->mail, 0, &far->verdict, letter->bytes, &far->incoming));
      break;
    default:
      break;
  }
}

/* ---- what workers post and ask ---- */

/* Returns whether all that had been posted is taken. */
static bool serve_workers(furrow__courier *courier) {
  node_side *far = courier->far;
  bool all = true;
  for (int word = 0; word * 64 < courier->board->workers; word++) {
    uint64_t bits = atomic_exchange_explicit(&courier->board->mailbox[word], 0, memory_order_acq_rel);
    for (; bits != 0; bits &= bits - 1) far->attention[word * 64 + __builtin_ctzll(bits)] = true;
  }
  for (int w = 0; w < courier->board->workers; w++) {
    if (!far->attention[w]) continue;
    bool asks = courier->work.item_size > 0 || courier->work.stream;
    bool served = !asks || fetch_serve(far->items, courier, w);
    bool posts = courier->work.result_size > 0 || courier->work.guarded;
    bool taken = !posts || parcels_take(far->results, courier, w);
    far->attention[w] = !served || !taken;
    all = all && taken;
  }
  if (far_has_own_rings(courier)) parcels_free_blocks(far->results, courier);
  return all;
}

/* ---- units ---- */

static uint64_t unclaimed(const furrow__courier *courier) {
  const node_side *far = courier->far;
  uint64_t units = furrow__board_unclaimed(courier->board);
  for (int i = 0; i < far->pending_count; i++) units += furrow__range_length(far->pending[i]);
  return units;
}

static furrow__range take_back(furrow__courier *courier) {
  node_side *far = courier->far;
  return far->pending_count > 0 ? far->pending[--far->pending_count] : courier_seize(courier);
}

/* Half of what nobody has claimed, or as much of that as stands in few pieces: it is the back halves of the largest shares. If
   there is nothing, as soon as there is: workers give back what is left of their claims; unless all of them rest. */
static void answer_recall(furrow__courier *courier) {
  enum { LETTERS = 4 };
  uint64_t half = (unclaimed(courier) + 1) / 2, given = 0;
  bool idle = courier_is_idle(courier), last = false;
  for (int k = 0; k < LETTERS && !last; k++) {
    furrow__letter letter = {.kind = GIVE};
    for (int i = 0; i < SPANS && !last; i++) {
      furrow__range units = take_back(courier);
      if (courier->work.stream) inbox_forget(courier, units);
      letter_put_span(&letter, i, units);
      given += furrow__range_length(units);
      last = furrow__range_is_empty(units) || given >= half;
    }
    if (given == 0 && !idle) return;
    last = last || k == LETTERS - 1;
    letter.words[SPANS] = last;
    courier_tell(courier, 0, letter, NULL, NULL);
  }
  courier->far->recalled = false;
  courier_signal_hunger(courier, false);
}

/* ---- reports ---- */

static void report(furrow__courier *courier, uint64_t settled, uint64_t flags) {
  node_side *far = courier->far;
  far->settled = settled;
  uint64_t run = furrow__board_done(courier->board); /* counted somewhat later than what is settled */
  far->run = run > settled ? run : settled;
  far->reported = furrow__now();
  if (flags & ASKS) far->asked = true;
  if (flags & HUNGRY) far->told_hungry = true;
  if (flags & RESTED) far->told_rested = true;
  furrow__letter letter = {.kind = REPORT, .words = {settled, far->run, flags}};
  courier_tell(courier, 0, letter, NULL, NULL);
}

static void tell_failure(furrow__courier *courier) {
  node_side *far = courier->far;
  uint32_t failer = atomic_load_explicit(&courier->record->failer, memory_order_acquire);
  if (!failer || far->told_failure) return;
  far->told_failure = true;
  far->failure = *furrow__failer_error(courier->pool, failer);
  courier_tell(courier, 0, (furrow__letter){.kind = FAIL, .bytes = sizeof far->failure}, &far->failure, &far->outgoing);
}

/* Nanoseconds until nothing is left to claim, at the speed so far. */
static uint64_t dry_in(uint64_t left, uint64_t finished, uint64_t elapsed) {
  return finished ? (uint64_t)((double)left / (double)finished * (double)elapsed) : 0;
}

/* `settled` tasks have been posted, and all of that has been `taken`. */
static void say_how_far(furrow__courier *courier, uint64_t settled, bool taken) {
  node_side *far = courier->far;
  uint64_t now = furrow__now(), left = unclaimed(courier), finished = furrow__board_done(courier->board);
  uint64_t units = finished / courier->work.units.size;
  bool room = far->pending_count <= SPANS && inbox_is_idle(far->in); /* of a stream's lot all items have been placed */
  bool works = courier->board->present > 0;
  bool asks = works && !far->asked && room && furrow__deck_asks(left, far->lot, units, now - far->began);
  bool hungry = left == 0 && courier_resting(courier) > 0 && !far->told_hungry;
  bool idle = courier_is_idle(courier);
  tell_failure(courier); /* after this look, before the report: who fails says so, then rests */
  bool waits_for_results = courier->work.stream && courier_resting(courier) > 0;
  bool gone = parcels_send(far->results, courier, idle || waits_for_results);
  uint64_t sure = taken && gone ? settled : far->settled;
  bool news = idle && (sure != far->settled || !far->told_rested);
  bool due =
      (sure != far->settled || finished != far->run) && now - far->reported >= furrow__deck_interval(courier->nodes);
  if (asks || hungry || news || due)
    report(courier, sure, (asks ? ASKS : 0) | (hungry ? HUNGRY : 0) | (idle ? RESTED : 0));
  bool flows = !fetch_is_idle(far->items) || !parcels_are_idle(far->results);
  bool waits = far->asked || far->recalled;
  courier_expect(courier, flows ? FLOWS : waits ? WAITS : CALM, dry_in(left, units, now - far->began));
}

/* ---- the end ---- */

/* Nothing is under way any more, and no worker will begin anything. */
static bool is_drained(const furrow__courier *courier) {
  const node_side *far = courier->far;
  return courier_work_is_left(courier) && inbox_is_idle(far->in) && fetch_is_idle(far->items) &&
         parcels_are_idle(far->results) && furrow__receipt_is_done(&far->outgoing) && retries_are_idle(far->retries);
}

static void wind_up(furrow__courier *courier) {
  node_side *far = courier->far;
  if (!far->closed && furrow__receipt_is_done(&far->incoming)) {
    furrow__close_work(courier->record, &far->verdict, far->complete);
    far->closed = true;
  }
  retries_offer(far->retries, courier, far->closed);
  if (far->closed) inbox_drop(far->in);
  parcels_send(far->results, courier, true);
  if (!far->closed || !is_drained(courier)) return;
  courier_tell(courier, 0, (furrow__letter){.kind = BYE}, NULL, NULL);
  courier_finish(courier);
}

void far_act(furrow__courier *courier) {
  node_side *far = courier->far;
  uint64_t settled = furrow__board_settled(courier->board);
  bool taken = serve_workers(courier);
  if (far->stopped) {
    courier_expect(courier, WAITS, 0);
    wind_up(courier);
    return;
  }
  inbox_act(far->in, courier, have_items);
  use_pending(courier);
  if (courier->work.guarded) retries_offer(far->retries, courier, false);
  if (far->recalled) answer_recall(courier);
  say_how_far(courier, settled, taken);
}
