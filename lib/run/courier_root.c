/* Rank 0's side. Units are dealt in dealer.c; here are letters, data, and the end: every node tells how many tasks it has
   settled only after their results have left it, so once all tasks are settled and no data is on its way here, all
   results are here. Then, or after the first failure, everyone is told to stop, and answers when nothing of it is left to
   send; only then the caller's arrays are let go. Cost: one message to and from each node in the end. */
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
  dealer *deals;
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
};

bool root_create(furrow__courier *courier) {
  root_side *root = courier->root = calloc(1, sizeof *root);
  size_t n = (size_t)courier->nodes;
  if (!root) return false;
  root->deals = dealer_create(courier);
  root->settled = calloc(n, sizeof *root->settled);
  root->run = calloc(n, sizeof *root->run);
  root->gone = calloc(n, sizeof *root->gone);
  root->rested = calloc(n, sizeof *root->rested);
  bool good = root->deals && root->settled && root->run && root->gone && root->rested;
  for (int i = 0; i < INCOMING && good; i++) good = (root->arrivals[i].buffer = malloc(PARCEL_BYTES)) != NULL;
  return good;
}

void root_free(furrow__courier *courier) {
  root_side *root = courier->root;
  for (int i = 0; i < INCOMING; i++) free(root->arrivals[i].buffer);
  dealer_free(root->deals);
  free(root->settled);
  free(root->run);
  free(root->gone);
  free(root->rested);
  free(root);
}

/* ---- letters ---- */

static void note_rest(root_side *root, int node) {
  root->rested_count += !root->rested[node];
  root->rested[node] = true;
}

static void note_report(furrow__courier *courier, int from, const furrow__letter *letter) {
  root_side *root = courier->root;
  root->settled_elsewhere += letter->words[0] - root->settled[from];
  root->settled[from] = letter->words[0];
  if (letter->words[2] & RESTED) note_rest(root, from);
  atomic_fetch_add_explicit(&root->elsewhere, letter->words[1] - root->run[from], memory_order_relaxed);
  root->run[from] = letter->words[1];
  dealer_note(root->deals, from, letter->words[1] / courier->work.units.size, letter->words[2]);
}

static void answer(furrow__courier *courier, int to, const furrow__letter *letter) {
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
      dealer_take_back(root->deals, courier, from, letter);
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
  bool was_full = !root_can_read(courier);
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
    for (int k = 0; k < courier->nodes && was_full; k++) courier->heard[k] = furrow__now(); /* nobody could be */
    courier_stir(courier);
  }
  return under_way;
}

/* ---- from the beginning to the end ---- */

void root_begin(furrow__courier *courier) {
  root_side *root = courier->root;
  memset(root->settled, 0, (size_t)courier->nodes * sizeof *root->settled);
  memset(root->run, 0, (size_t)courier->nodes * sizeof *root->run);
  memset(root->gone, 0, (size_t)courier->nodes * sizeof *root->gone);
  memset(root->rested, 0, (size_t)courier->nodes * sizeof *root->rested);
  root->gone_count = root->rested_count = 0;
  root->settled_elsewhere = 0;
  root->told_all = false;
  furrow__error_clear(&root->verdict);
  dealer_begin(root->deals, courier);
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
  uint64_t settled_here = furrow__board_settled(courier->board);
  int under_way = take_arrivals(courier);
  if (!root->told_all) {
    dealer_note(root->deals, 0, settled_here / courier->work.units.size, 0);
    if (courier_is_idle(courier)) note_rest(root, 0);
    uint32_t failer = atomic_load_explicit(&courier->record->failer, memory_order_acquire); /* who fails then rests */
    if (failer) fail(courier, &courier_seats(courier)[failer - 1].error);
    dealer_act(root->deals, courier);
    if (root->verdict.status != FURROW_OK || (under_way == 0 && is_complete(courier, settled_here))) tell_all(courier);
  }
  bool flows = under_way > 0 || !furrow__receipt_is_done(&root->outgoing) || !dealer_is_idle(root->deals);
  bool waits = root->told_all || dealer_is_urgent(root->deals);
  courier_expect(courier, flows ? FLOWS : waits ? WAITS : CALM, UINT64_MAX);
  bool all_gone = root->told_all && root->gone_count == courier->nodes - 1;
  if (all_gone && !flows && courier_work_is_left(courier)) courier_finish(courier);
}

void furrow__courier_forget(const furrow_pool *pool) {
  if (pool->courier && pool->courier->root) atomic_store(&pool->courier->root->elsewhere, 0);
}

uint64_t furrow__courier_elsewhere(const furrow_pool *pool) {
  const furrow__courier *courier = pool->courier;
  return courier && courier->root ? atomic_load_explicit(&courier->root->elsewhere, memory_order_relaxed) : 0;
}

furrow__courier_counts root_counted(const furrow__courier *courier) {
  return dealer_counted(courier->root->deals);
}
