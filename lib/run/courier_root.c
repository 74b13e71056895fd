/* Rank 0's side: the deck is dealt from here. Units that are not dealt yet are on rank 0's own board, in piles that its
   workers draw from directly, or wait in `spare` for a pile to become empty. A node that asks gets a lot at once, or as
   soon as there are units again. When there are none and somebody is hungry, some are taken back: from rank 0's own
   workers, else from the node that has most left to do.

   The end: every node tells how many tasks it has settled only after their results have left it, so once all tasks are
   settled and no data is on its way here, all results are here. Then, or after the first failure, everyone is told to
   stop, and answers when nothing of it is left to send; only then the caller's arrays are let go.

   Cost: two messages a lot, and one to and from each node in the end. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier_inside.h"

/* Data on their way here. */
typedef struct arrival {
  bool used;
  int from;
  furrow__letter letter;
  furrow__receipt receipt;
  char *buffer; /* PARCEL_BYTES; not used where they belong to the caller's array as they are */
} arrival;

struct root_side {
  furrow__deck deck;
  furrow__range *spare;
  int spare_count, spare_capacity;
  uint64_t *settled; /* tasks, of each node */
  uint64_t settled_elsewhere;
  bool *rested; /* nodes all of whose workers have been there, and found nothing to do */
  int rested_count;
  bool *gone; /* nodes that have said goodbye */
  int gone_count;
  bool told_all; /* to stop */
  _Atomic uint64_t elsewhere;
  uint64_t *run; /* tasks, of each node */
  arrival arrivals[INCOMING];
  furrow__receipt outgoing; /* items, and errors */
  furrow_error verdict;
  int wanting, recalled; /* nodes that want a lot; that have been asked to give back, and have not */
  uint64_t starving_since;
  uint64_t lots, recalls;
};

enum { FEW_SPARE = 256 }; /* more need memory */

bool root_create(furrow__courier *courier) {
  root_side *root = courier->root = calloc(1, sizeof *root);
  size_t n = (size_t)courier->nodes;
  if (!root) return false;
  root->deck = (furrow__deck){.nodes = courier->nodes, .hands = calloc(n, sizeof *root->deck.hands)};
  root->settled = calloc(n, sizeof *root->settled);
  root->run = calloc(n, sizeof *root->run);
  root->gone = calloc(n, sizeof *root->gone);
  root->rested = calloc(n, sizeof *root->rested);
  root->spare_capacity = FEW_SPARE;
  root->spare = calloc(FEW_SPARE, sizeof *root->spare);
  bool good = root->spare && root->deck.hands && root->settled && root->run && root->gone && root->rested;
  for (int i = 0; i < INCOMING && good; i++) good = (root->arrivals[i].buffer = malloc(PARCEL_BYTES)) != NULL;
  for (size_t i = 0; i < n && good; i++) root->deck.hands[i].ranks = (uint32_t)courier->pool->comm.node_sizes[i];
  return good;
}

void root_free(furrow__courier *courier) {
  root_side *root = courier->root;
  for (int i = 0; i < INCOMING; i++) free(root->arrivals[i].buffer);
  free(root->deck.hands);
  free(root->settled);
  free(root->run);
  free(root->gone);
  free(root->rested);
  free(root->spare);
  free(root);
}

/* ---- units ---- */

static bool is_empty(furrow__range units) {
  return furrow__range_length(units) == 0;
}

static void keep_spare(furrow__courier *courier, furrow__range units) {
  root_side *root = courier->root;
  if (is_empty(units)) return;
  if (root->spare_count == root->spare_capacity) {
    int more = 2 * root->spare_capacity;
    furrow__range *spare = realloc(root->spare, (size_t)more * sizeof *spare);
    if (!spare) {
      courier_check(courier, FURROW_E_NOMEM);
      return;
    }
    root->spare = spare;
    root->spare_capacity = more;
  }
  root->spare[root->spare_count++] = units;
}

static bool is_deck(const furrow__pile *pile) {
  return atomic_load_explicit(&pile->share, memory_order_relaxed) == 0;
}

static uint64_t left_to_deal(const furrow__courier *courier) {
  const root_side *root = courier->root;
  uint64_t left = 0;
  for (int i = 0; i < FURROW__PILES; i++)
    if (is_deck(&courier->board->piles[i]))
      left += furrow__range_length(furrow__range_read(&courier->board->piles[i].units));
  for (int i = 0; i < root->spare_count; i++) left += furrow__range_length(root->spare[i]);
  return left;
}

static uint32_t cut(const furrow__courier *courier, uint32_t begin, uint32_t units) {
  return courier->work.reduction ? furrow__deck_align(begin, units) : units;
}

/* Up to so many units that are next to each other. */
static furrow__range take(furrow__courier *courier, uint32_t most) {
  root_side *root = courier->root;
  for (int i = 0; i < FURROW__PILES; i++) {
    furrow__pile *pile = &courier->board->piles[i];
    if (!is_deck(pile)) continue;
    uint32_t begin = furrow__range_read(&pile->units).begin; /* a worker may draw meanwhile: then it is cut elsewhere */
    furrow__range units = furrow__range_take(&pile->units, cut(courier, begin, most));
    if (!is_empty(units)) return units;
  }
  if (root->spare_count == 0) return (furrow__range){0, 0};
  furrow__range *last = &root->spare[root->spare_count - 1], units = *last;
  if (furrow__range_length(units) > most) units.end = units.begin + most;
  last->begin = units.end;
  if (is_empty(*last)) root->spare_count--;
  return units;
}

static void refill_piles(furrow__courier *courier) {
  root_side *root = courier->root;
  while (root->spare_count > 0 && courier_fill_pile(courier, root->spare[root->spare_count - 1], 0))
    root->spare_count--;
}

static void set_wants(root_side *root, furrow__hand *hand, bool wants) {
  root->wanting += wants - hand->wants;
  hand->wants = wants;
}

static void send_bundle(furrow__courier *courier, int node, furrow__range units) {
  furrow__span items = courier_items(courier, units.begin, units.end);
  if (!courier_bundles(items)) return;
  furrow__letter letter = {.kind = BUNDLE, .words = {items.begin}, .bytes = items.end - items.begin};
  courier_tell(courier, node, letter, courier->work.items + items.begin, &courier->root->outgoing);
}

/* A lot is of one piece, unless only scraps are left. Items that nobody had to ask for come with one piece only. */
static void deal_to(furrow__courier *courier, int node) {
  root_side *root = courier->root;
  furrow__hand *hand = &root->deck.hands[node];
  furrow__letter lot = {.kind = LOT};
  uint32_t want = furrow__deck_lot(&root->deck, node, left_to_deal(courier)), got = 0;
  for (int i = 0; i < SPANS && got < want; i++) {
    furrow__range units = take(courier, want - got);
    if (is_empty(units)) break;
    letter_put_span(&lot, i, units);
    got += furrow__range_length(units);
    if (got >= want / 2) break; /* where subtrees end, somewhat fewer than asked for */
  }
  if (got == 0) return;
  furrow__deck_dealt(&root->deck, node, got);
  set_wants(root, hand, false);
  hand->hungry = false;
  if (lot.words[1] == 0) send_bundle(courier, node, letter_span(&lot, 0));
  courier_tell(courier, node, lot, NULL, NULL);
  root->lots++;
}

/* Hungry nodes first. */
static void deal_to_all(furrow__courier *courier) {
  furrow__deck *deck = &courier->root->deck;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 1; i < deck->nodes && courier->root->wanting > 0 && left_to_deal(courier) > 0; i++)
      if (deck->hands[i].wants && (deck->hands[i].hungry || pass == 1)) deal_to(courier, i);
}

/* ---- hunger ---- */

static int count_hungry(const root_side *root) {
  const furrow__deck *deck = &root->deck;
  int hungry = 0;
  for (int i = 1; i < deck->nodes && root->wanting > 0; i++) hungry += deck->hands[i].wants && deck->hands[i].hungry;
  return hungry;
}

/* How long somebody has had nothing to do, with nothing left to deal; and how many nodes. */
static uint64_t starving(root_side *root, int hungry) {
  uint64_t now = furrow__now();
  if (hungry == 0) root->starving_since = 0;
  if (hungry > 0 && root->starving_since == 0) root->starving_since = now;
  return hungry ? now - root->starving_since : 0;
}

/* Find some for who is hungry, if nothing is left to deal: on this node, if others are; else one recall for each. Whoever of
   this node holds more than it runs is told to look up. */
static void feed_hungry(furrow__courier *courier) {
  root_side *root = courier->root;
  furrow__deck *deck = &root->deck;
  bool empty = left_to_deal(courier) == 0, rests = courier_resting(courier) > 0;
  int others = empty ? count_hungry(root) : 0, hungry = empty ? others + rests : 0;
  uint64_t waited = starving(root, hungry), unclaimed = hungry ? furrow__board_unclaimed(courier->board) : 0;
  if (others > 0 && furrow__deck_is_worth(deck, 0, unclaimed + !rests, waited))
    keep_spare(courier, courier_seize(courier));
  if (root->spare_count > 0) return;
  for (int node; root->recalled < hungry; root->recalled++) {
    if ((node = furrow__deck_richest(deck, waited)) < 0) return;
    deck->hands[node].recalled = true;
    root->recalls++;
    courier_tell(courier, node, (furrow__letter){.kind = RECALL}, NULL, NULL);
  }
}

/* ---- letters ---- */

static void note_rest(root_side *root, int node) {
  root->rested_count += !root->rested[node];
  root->rested[node] = true;
}

static void note_report(furrow__courier *courier, int from, const furrow__letter *letter) {
  root_side *root = courier->root;
  furrow__hand *hand = &root->deck.hands[from];
  root->settled_elsewhere += letter->words[0] - root->settled[from];
  root->settled[from] = letter->words[0];
  if (letter->words[3] & RESTED) note_rest(root, from);
  atomic_fetch_add_explicit(&root->elsewhere, letter->words[1] - root->run[from], memory_order_relaxed);
  root->run[from] = letter->words[1];
  furrow__deck_finished(&root->deck, from, letter->words[1] / courier->work.units.size, furrow__now());
  if (letter->words[3] & ASKS) set_wants(root, hand, true);
  if (letter->words[3] & HUNGRY) hand->hungry = true;
}

static void note_gift(furrow__courier *courier, int from, const furrow__letter *letter) {
  root_side *root = courier->root;
  furrow__hand *hand = &root->deck.hands[from];
  for (int i = 0; i < SPANS; i++) {
    furrow__range units = letter_span(letter, i);
    furrow__deck_dealt(&root->deck, from, -(int64_t)furrow__range_length(units));
    keep_spare(courier, units);
  }
  bool last = letter->words[SPANS] != 0;
  root->recalled -= last && hand->recalled;
  if (last) hand->recalled = false;
}

static void answer(furrow__courier *courier, int to, const furrow__letter *letter) {
  courier->told[to] = furrow__now();
  courier_check(courier, furrow__mail_answer(courier->mail, to, courier->work.items + letter->words[0],
                                             letter->words[1], &courier->root->outgoing));
}

static arrival *free_arrival(const furrow__courier *courier) {
  for (int i = 0; i < INCOMING; i++)
    if (!courier->root->arrivals[i].used) return &courier->root->arrivals[i];
  return NULL;
}

/* Every letter may announce data. */
bool root_can_read(const furrow__courier *courier) {
  return free_arrival(courier) != NULL;
}

static bool belongs_as_it_is(const furrow__letter *letter) {
  return letter->kind == PARCEL && letter->words[0] != NOWHERE;
}

static void receive(furrow__courier *courier, int from, const furrow__letter *letter) {
  arrival *data = free_arrival(courier);
  *data = (arrival){.used = true, .from = from, .letter = *letter, .buffer = data->buffer};
  char *to = belongs_as_it_is(letter) ? courier->work.results + letter->words[0] : data->buffer;
  courier_check(courier, furrow__mail_receive(courier->mail, from, to, letter->bytes, &data->receipt));
}

void root_read(furrow__courier *courier, int from, const furrow__letter *letter) {
  root_side *root = courier->root;
  switch (letter->kind) {
    case REPORT:
      note_report(courier, from, letter);
      break;
    case GIVE:
      note_gift(courier, from, letter);
      break;
    case ASK:
      answer(courier, from, letter);
      break;
    case PARCEL:
    case FAIL:
      receive(courier, from, letter);
      break;
    case BYE:
      root->gone_count += !root->gone[from];
      root->gone[from] = true;
      break;
    default:
      break;
  }
}

/* ---- data ---- */

/* Pieces, one behind the other; then their table. */
static void unpack(furrow__courier *courier, const arrival *data) {
  uint64_t count = data->letter.words[1];
  const parcel_piece *table =
      (const parcel_piece *)(const void *)(data->buffer + data->letter.bytes - count * sizeof *table);
  const char *from = data->buffer;
  for (uint64_t i = 0; i < count; from += table[i++].length)
    memcpy(courier->work.results + table[i].offset, from, table[i].length);
}

/* The first failure counts. */
static void fail(furrow__courier *courier, const furrow_error *error) {
  if (courier->root->verdict.status == FURROW_OK) courier->root->verdict = *error;
}

/* Returns how many are still on their way. */
static int take_arrivals(furrow__courier *courier) {
  int under_way = 0;
  for (int i = 0; i < INCOMING; i++) {
    arrival *data = &courier->root->arrivals[i];
    if (!data->used) continue;
    if (!furrow__receipt_is_done(&data->receipt)) {
      under_way++;
      continue;
    }
    if (data->letter.kind == FAIL) fail(courier, (const furrow_error *)(const void *)data->buffer);
    if (data->letter.kind == PARCEL && !belongs_as_it_is(&data->letter)) unpack(courier, data);
    data->used = false;
    courier->heard[data->from] = furrow__now();
    courier_stir(courier);
  }
  return under_way;
}

/* ---- from the beginning to the end ---- */

void root_begin(furrow__courier *courier) {
  root_side *root = courier->root;
  furrow__deck_start(&root->deck, courier->work.units.count, furrow__now());
  memset(root->settled, 0, (size_t)courier->nodes * sizeof *root->settled);
  memset(root->run, 0, (size_t)courier->nodes * sizeof *root->run);
  memset(root->gone, 0, (size_t)courier->nodes * sizeof *root->gone);
  memset(root->rested, 0, (size_t)courier->nodes * sizeof *root->rested);
  root->gone_count = root->rested_count = 0;
  root->settled_elsewhere = 0;
  root->told_all = false;
  root->spare_count = root->wanting = root->recalled = 0;
  root->starving_since = 0;
  furrow__error_clear(&root->verdict);
  uint32_t first = 0, before = 0;
  for (int i = 0; i < courier->nodes; i++) {
    uint32_t ranks = root->deck.hands[i].ranks;
    furrow__range lot = courier_first_lot(courier, before, ranks);
    before += ranks;
    first = lot.end;
    if (i == 0) courier_fill_pile(courier, lot, furrow__deck_each(furrow__range_length(lot), ranks));
    if (i > 0) send_bundle(courier, i, lot);
  }
  keep_spare(courier, (furrow__range){first, (uint32_t)courier->work.units.count});
  refill_piles(courier);
}

/* Every worker must have been there, since worker_begin may fail late. */
static bool is_complete(const furrow__courier *courier, uint64_t settled_here) {
  const root_side *root = courier->root;
  return settled_here + root->settled_elsewhere == courier->work.count && root->rested_count == courier->nodes;
}

static void tell_all(furrow__courier *courier) {
  root_side *root = courier->root;
  bool failed = root->verdict.status != FURROW_OK;
  furrow__letter letter = {.kind = STOP, .bytes = failed ? sizeof root->verdict : 0};
  for (int i = 1; i < courier->nodes; i++) courier_tell(courier, i, letter, &root->verdict, &root->outgoing);
  root->told_all = true;
  courier_close_work(courier, &root->verdict);
}

void root_act(furrow__courier *courier) {
  root_side *root = courier->root;
  uint32_t failer = atomic_load_explicit(&courier->record->failer, memory_order_acquire);
  uint64_t settled_here = furrow__board_settled(courier->board);
  int under_way = take_arrivals(courier);
  if (!root->told_all) {
    furrow__deck_finished(&root->deck, 0, settled_here / courier->work.units.size, furrow__now());
    if (courier_is_idle(courier)) note_rest(root, 0);
    if (failer) fail(courier, &courier_seats(courier)[failer - 1].error);
    refill_piles(courier);
    deal_to_all(courier);
    feed_hungry(courier);
    if (root->verdict.status != FURROW_OK || (under_way == 0 && is_complete(courier, settled_here))) tell_all(courier);
  }
  bool all_gone = root->told_all && root->gone_count == courier->nodes - 1;
  if (all_gone && under_way == 0 && furrow__receipt_is_done(&root->outgoing) && courier_work_is_left(courier))
    courier_finish(courier);
}

void furrow__courier_forget(const furrow_pool *pool) {
  if (pool->courier && pool->courier->root) atomic_store(&pool->courier->root->elsewhere, 0);
}

uint64_t furrow__courier_elsewhere(const furrow_pool *pool) {
  const furrow__courier *courier = pool->courier;
  return courier && courier->root ? atomic_load_explicit(&courier->root->elsewhere, memory_order_relaxed) : 0;
}

furrow__courier_counts root_counted(const furrow__courier *courier) {
  return (furrow__courier_counts){0, courier->root->lots, courier->root->recalls};
}
