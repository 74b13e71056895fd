/* Dealing units to nodes. What is not dealt yet is on rank 0's own board, in piles that its workers draw from directly, or
   waits in `spare` for a pile to become empty. A node that asks gets a lot at once, or as soon as there are units again.
   When there are none and somebody is hungry, some are taken back: from rank 0's own workers, else from the node that has
   most left to do. Cost: two messages a lot. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier_inside.h"
#include "run/roster.h"

enum { FEW_SPARE = 256 }; /* spans; more need memory */

static const uint64_t PATIENCE = 10000000; /* nanoseconds until another node is asked */

struct dealer {
  furrow__deck deck;
  furrow__range *spare;
  int spare_count, spare_capacity;
  int wanting, recalled; /* nodes that want a lot; that have been asked to give back, and have not */
  uint64_t starving_since;
  furrow__receipt bundles; /* being sent */
  outbox *out;             /* of a stream: the same */
  uint64_t lots, recalls;
};

dealer *dealer_create(const furrow__courier *courier) {
  dealer *deals = calloc(1, sizeof *deals);
  if (!deals) return NULL;
  size_t n = (size_t)courier->nodes;
  deals->deck = (furrow__deck){.nodes = courier->nodes, .hands = calloc(n, sizeof *deals->deck.hands)};
  deals->spare_capacity = FEW_SPARE;
  deals->spare = calloc(FEW_SPARE, sizeof *deals->spare);
  deals->out = outbox_create();
  if (!deals->deck.hands || !deals->spare || !deals->out) {
    dealer_free(deals);
    return NULL;
  }
  return deals;
}

void dealer_free(dealer *deals) {
  if (!deals) return;
  free(deals->deck.hands);
  free(deals->spare);
  outbox_free(deals->out);
  free(deals);
}

static void keep_spare(dealer *deals, furrow__courier *courier, furrow__range units) {
  if (furrow__range_is_empty(units)) return;
  if (deals->spare_count == deals->spare_capacity) {
    int more = deals->spare_capacity > 0 ? 2 * deals->spare_capacity : FEW_SPARE;
    furrow__range *spare = realloc(deals->spare, (size_t)more * sizeof *spare);
    if (!spare) {
      courier_check(courier, FURROW_E_NOMEM);
      return;
    }
    deals->spare = spare;
    deals->spare_capacity = more;
  }
  deals->spare[deals->spare_count++] = units;
}

static bool is_deck(const furrow__pile *pile) {
  return atomic_load_explicit(&pile->share, memory_order_relaxed) == 0;
}

static uint64_t left_to_deal(const dealer *deals, const furrow__courier *courier) {
  uint64_t left = 0;
  for (int i = 0; i < FURROW__PILES; i++)
    if (is_deck(&courier->board->piles[i]))
      left += furrow__range_length(furrow__range_read(&courier->board->piles[i].units));
  for (int i = 0; i < deals->spare_count; i++) left += furrow__range_length(deals->spare[i]);
  return left;
}

static uint32_t cut(const furrow__courier *courier, uint32_t begin, uint32_t units) {
  return courier->work.reduction ? furrow__deck_align(begin, units) : units;
}

/* Up to so many units that are next to each other. */
static furrow__range take(dealer *deals, furrow__courier *courier, uint32_t most) {
  uint64_t first = courier->work.stream ? deals->lots : 0; /* in turn: some piles may never be empty */
  for (uint64_t i = 0; i < FURROW__PILES; i++) {
    furrow__pile *pile = &courier->board->piles[(first + i) % FURROW__PILES];
    if (!is_deck(pile)) continue;
    uint32_t begin = furrow__range_read(&pile->units).begin; /* a worker may draw meanwhile: then it is cut elsewhere */
    furrow__range units = furrow__range_take(&pile->units, cut(courier, begin, most));
    if (!furrow__range_is_empty(units)) return units;
  }
  if (deals->spare_count == 0) return (furrow__range){0, 0};
  furrow__range *last = &deals->spare[deals->spare_count - 1], units = *last;
  if (furrow__range_length(units) > most) units.end = units.begin + most;
  last->begin = units.end;
  if (furrow__range_is_empty(*last)) deals->spare_count--;
  return units;
}

static void refill_piles(dealer *deals, furrow__courier *courier) {
  while (deals->spare_count > 0 && courier_fill_pile(courier, deals->spare[deals->spare_count - 1], 0))
    deals->spare_count--;
}

static void set_wants(dealer *deals, furrow__hand *hand, bool wants) {
  deals->wanting += wants - hand->wants;
  hand->wants = wants;
}

static void send_bundle(dealer *deals, furrow__courier *courier, int node, furrow__range units) {
  furrow__span items = courier_items(courier, units.begin, units.end);
  if (!courier_bundles(items)) return;
  furrow__letter letter = {.kind = BUNDLE, .words = {items.begin}, .bytes = items.end - items.begin};
  courier_tell(courier, node, letter, courier->work.items + items.begin, &deals->bundles);
}

/* Of a stream the items themselves go, which tell their numbers. */
static void send_lot(dealer *deals, furrow__courier *courier, int node, const furrow__letter *lot) {
  furrow__range spans[SPANS];
  int count = 0;
  for (int i = 0; i < SPANS; i++) {
    spans[count] = letter_span(lot, i);
    count += !furrow__range_is_empty(spans[count]);
  }
  if (courier->work.stream)
    outbox_send(deals->out, courier, node, spans, count, false);
  else if (count == 1)
    send_bundle(deals, courier, node, spans[0]);
  if (!courier->work.stream) courier_tell(courier, node, *lot, NULL, NULL);
}

/* A lot is of one piece, unless only scraps are left. Items that nobody had to ask for come with one piece only. */
static void deal_to(dealer *deals, furrow__courier *courier, int node) {
  furrow__hand *hand = &deals->deck.hands[node];
  furrow__letter lot = {.kind = LOT};
  uint32_t want = furrow__deck_lot(&deals->deck, node, left_to_deal(deals, courier)), got = 0;
  for (int i = 0; i < SPANS && got < want; i++) {
    furrow__range units = take(deals, courier, want - got);
    if (furrow__range_is_empty(units)) break;
    letter_put_span(&lot, i, units);
    got += furrow__range_length(units);
    if (got >= want / 2) break; /* where subtrees end, somewhat fewer than asked for */
  }
  if (got == 0) return;
  furrow__deck_dealt(&deals->deck, node, got);
  set_wants(deals, hand, false);
  hand->hungry = false;
  if (courier->work.stream) furrow__gate_bump(&courier->record->turn); /* there is less in stock now */
  send_lot(deals, courier, node, &lot);
  deals->lots++;
}

/* Hungry nodes first. */
static void deal_to_all(dealer *deals, furrow__courier *courier) {
  furrow__deck *deck = &deals->deck;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 1; i < deck->nodes && deals->wanting > 0 && left_to_deal(deals, courier) > 0; i++)
      if (deck->hands[i].wants && (deck->hands[i].hungry || pass == 1) && outbox_has_room(deals->out))
        deal_to(deals, courier, i);
  atomic_store_explicit(&courier->is_asked, deals->wanting > 0, memory_order_relaxed);
}

/* ---- hunger ---- */

static int count_hungry(const dealer *deals) {
  const furrow__deck *deck = &deals->deck;
  int hungry = 0;
  for (int i = 1; i < deck->nodes && deals->wanting > 0; i++) hungry += deck->hands[i].wants && deck->hands[i].hungry;
  return hungry;
}

/* How long somebody has had nothing to do, with nothing left to deal; and how many nodes. */
static uint64_t starving(dealer *deals, int hungry) {
  uint64_t now = furrow__now();
  if (hungry == 0) deals->starving_since = 0;
  if (hungry > 0 && deals->starving_since == 0) deals->starving_since = now;
  return hungry ? now - deals->starving_since : 0;
}

/* Find some for who is hungry, if nothing is left to deal: on this node, if others are; else one recall for each. Whoever of
   this node holds more than it runs is told to look up. */
static void feed_hungry(dealer *deals, furrow__courier *courier) {
  furrow__deck *deck = &deals->deck;
  bool empty = left_to_deal(deals, courier) == 0, rests = courier_resting(courier) > 0;
  int others = empty ? count_hungry(deals) : 0, hungry = empty ? others + rests : 0;
  uint64_t waited = starving(deals, hungry), unclaimed = hungry ? furrow__board_unclaimed(courier->board) : 0;
  if (others > 0 && furrow__deck_is_worth(deck, 0, unclaimed + !rests, waited))
    keep_spare(deals, courier, courier_seize(courier));
  if (others == 0) courier_signal_hunger(courier, false);
  if (deals->spare_count > 0) return;
  uint64_t most = (uint64_t)hungry * (1 + waited / PATIENCE); /* who was asked may be unable to answer */
  for (int node; (uint64_t)deals->recalled < most; deals->recalled++) {
    if ((node = furrow__deck_richest(deck, waited)) < 0) return;
    deck->hands[node].recalled = true;
    deals->recalls++;
    courier_tell(courier, node, (furrow__letter){.kind = RECALL}, NULL, NULL);
  }
}

/* ---- from outside ---- */

void dealer_begin(dealer *deals, furrow__courier *courier) {
  for (int i = 0; i < courier->nodes; i++)
    deals->deck.hands[i].ranks = furrow__roster_node(courier->pool, i).workers; /* every worker counts */
  furrow__deck_start(&deals->deck, courier->work.todo.count, furrow__now());
  deals->spare_count = deals->wanting = deals->recalled = 0;
  deals->starving_since = 0;
  uint32_t first = 0, before = 0;
  for (int i = 0; i < courier->nodes; i++) {
    uint32_t workers = deals->deck.hands[i].ranks;
    furrow__range lot = courier_first_lot(courier, before, workers);
    before += workers;
    first = lot.end;
    if (i == 0) courier_fill_pile(courier, lot, furrow__deck_each(furrow__range_length(lot), workers));
    if (i > 0) send_bundle(deals, courier, i, lot);
  }
  keep_spare(deals, courier, (furrow__range){first, (uint32_t)courier->work.todo.count});
  refill_piles(deals, courier);
}

void dealer_note(dealer *deals, int node, uint64_t finished, uint64_t flags) {
  furrow__hand *hand = &deals->deck.hands[node];
  furrow__deck_finished(&deals->deck, node, finished, furrow__now());
  if (flags & ASKS) set_wants(deals, hand, true);
  if (flags & HUNGRY) hand->hungry = true;
}

void dealer_moved(dealer *deals, int from, int to) {
  furrow__deck_dealt(&deals->deck, from, -1);
  furrow__deck_dealt(&deals->deck, to, 1);
}

void dealer_take_back(dealer *deals, furrow__courier *courier, int from, const furrow__letter *letter) {
  furrow__hand *hand = &deals->deck.hands[from];
  for (int i = 0; i < SPANS; i++) {
    furrow__range units = letter_span(letter, i);
    furrow__deck_dealt(&deals->deck, from, -(int64_t)furrow__range_length(units));
    keep_spare(deals, courier, units);
  }
  bool last = letter->words[SPANS] != 0;
  deals->recalled -= last && hand->recalled;
  if (last) hand->recalled = false;
}

void dealer_act(dealer *deals, furrow__courier *courier) {
  refill_piles(deals, courier);
  deal_to_all(deals, courier);
  feed_hungry(deals, courier);
}

bool dealer_is_idle(const dealer *deals) {
  return furrow__receipt_is_done(&deals->bundles) && outbox_is_idle(deals->out);
}

bool dealer_send_item(dealer *deals, furrow__courier *courier, int node, uint32_t number) {
  if (!outbox_has_room(deals->out)) return false;
  outbox_send(deals->out, courier, node, &(furrow__range){number, number + 1}, 1, true);
  return true;
}

bool dealer_is_urgent(const dealer *deals) {
  return deals->starving_since != 0;
}

furrow__courier_counts dealer_counted(const dealer *deals) {
  return (furrow__courier_counts){0, deals->lots, deals->recalls};
}
