/* Rank 0's side. Units are dealt in dealer.c; here are letters, data, and the end: every node tells how many tasks it has
   settled only after their results have left it, so once all tasks are settled and no data is on its way here, all
   results are here. Then, or after the first failure, everyone is told to stop, and answers when nothing of it is left to
   send; only then the caller's arrays are let go. Cost: one message to and from each node in the end. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier_inside.h"
#include "run/ledger.h"
#include "run/meet.h"
#include "run/roster.h"
#include "run/server.h"

/* Data on their way here. */
typedef struct arrival {
  bool used;
  int from;
  uint64_t number; /* in the order of letters */
  furrow__letter letter;
  furrow__receipt receipt;
  uint64_t taken; /* pieces of a parcel that the ledger has taken, and their bytes */
  size_t taken_bytes;
  bool waits;   /* it had no room for the next one: until the bell rings */
  char *buffer; /* PARCEL_BYTES; not used where they belong to the caller's array as they are */
} arrival;

/* A retry on its way to a node. */
typedef struct outgoing_retry {
  furrow__retry retry;
  furrow__receipt receipt;
} outgoing_retry;

enum { RETRIES = 8 };

struct root_side {
  dealer *deals;
  herald *words;
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
  uint64_t letters;         /* that brought data */
  furrow__receipt outgoing; /* items, and errors */
  outgoing_retry retries[RETRIES];
  int next_node; /* that gets a retry */
  bool enough;   /* of a stream: the rest is not wanted */
  furrow_error verdict;
};

bool root_create(furrow__courier *courier) {
  root_side *root = courier->root = calloc(1, sizeof *root);
  size_t n = (size_t)courier->nodes;
  if (!root) return false;
  root->deals = dealer_create(courier);
  root->words = herald_create(courier->nodes);
  root->settled = calloc(n, sizeof *root->settled);
  root->run = calloc(n, sizeof *root->run);
  root->gone = calloc(n, sizeof *root->gone);
  root->rested = calloc(n, sizeof *root->rested);
  bool good = root->deals && root->words && root->settled && root->run && root->gone && root->rested;
  for (int i = 0; i < INCOMING && good; i++) good = (root->arrivals[i].buffer = malloc(PARCEL_BYTES)) != NULL;
  return good;
}

void root_free(furrow__courier *courier) {
  root_side *root = courier->root;
  for (int i = 0; i < INCOMING; i++) free(root->arrivals[i].buffer);
  dealer_free(root->deals);
  herald_free(root->words);
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
  if (letter->words[2] & ASKS && courier->work.stream) furrow__gate_bump(&courier->record->turn); /* more are wanted */
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
  *data = (arrival){
      .used = true, .from = from, .number = ++courier->root->letters, .letter = *letter, .buffer = data->buffer};
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

/* Pieces, one behind the other; then their table. False: the rest has to wait. */
static bool unpack(furrow__courier *courier, arrival *data) {
  uint64_t count = data->letter.words[1];
  const parcel_piece *table =
      (const parcel_piece *)(const void *)(data->buffer + data->letter.bytes - count * sizeof *table);
  for (; data->taken < count; data->taken++) {
    const parcel_piece *piece = &table[data->taken];
    const char *from = data->buffer + data->taken_bytes;
    if (!courier->work.ledger)
      memcpy(courier->work.results + piece->offset, from, piece->length);
    else if (!furrow__ledger_take(courier->work.ledger, piece, from, true))
      return false;
    data->taken_bytes += piece->length;
  }
  return true;
}

/* The first failure counts. */
static void fail(furrow__courier *courier, const furrow_error *error) {
  if (courier->root->verdict.status == FURROW_OK) courier->root->verdict = *error;
}

/* What a node has sent before must come before it: a large result, or news of a task, may be in several parcels. */
static bool is_next(const root_side *root, const arrival *data) {
  for (int i = 0; i < INCOMING; i++) {
    const arrival *other = &root->arrivals[i];
    if (other->used && other->from == data->from && other->number < data->number) return false;
  }
  return true;
}

/* A failure does not wait for what was sent before: that comes all the same, but may have no room for as long as the sink takes. */
static arrival *next_arrival(root_side *root) {
  for (int i = 0; i < INCOMING; i++) {
    arrival *data = &root->arrivals[i];
    bool here = data->used && !data->waits && furrow__receipt_is_done(&data->receipt);
    if (here && (data->letter.kind == FAIL || is_next(root, data))) return data;
  }
  return NULL;
}

/* While no letter can be read, nobody can be heard: perhaps for as long as the sink takes. */
static void hear_nobody(furrow__courier *courier) {
  for (int k = 0; k < courier->nodes; k++) courier->heard[k] = furrow__now();
}

/* Returns how many are still here, or on their way. Who waits for room may have got it: the bell rang for this step. *flow: some
   are on their way. */
static int take_arrivals(furrow__courier *courier, bool *flow) {
  root_side *root = courier->root;
  int under_way = 0;
  *flow = false;
  if (!root_can_read(courier)) hear_nobody(courier);
  for (int i = 0; i < INCOMING; i++) root->arrivals[i].waits = false;
  for (arrival *data; (data = next_arrival(root)) != NULL;) {
    if (data->letter.kind == FAIL) fail(courier, (const furrow_error *)(const void *)data->buffer);
    if (data->letter.kind == PARCEL && !belongs_as_it_is(&data->letter)) data->waits = !unpack(courier, data);
    if (data->waits) continue;
    data->used = false;
    courier->heard[data->from] = furrow__now();
    courier_stir(courier);
  }
  for (int i = 0; i < INCOMING; i++) {
    under_way += root->arrivals[i].used;
    *flow = *flow || !furrow__receipt_is_done(&root->arrivals[i].receipt);
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
  root->told_all = root->enough = false;
  furrow__error_clear(&root->verdict);
  dealer_begin(root->deals, courier);
  herald_begin(root->words);
}

static uint64_t tasks_in_all(const furrow__courier *courier) {
  return courier->work.stream ? furrow__ledger_expected(courier->work.ledger) : courier->work.tasks;
}

/* Every worker must have been there, since worker_begin may fail late. */
static bool is_complete(const furrow__courier *courier, uint64_t settled_here) {
  const root_side *root = courier->root;
  return settled_here + root->settled_elsewhere == tasks_in_all(courier) && root->rested_count == courier->nodes;
}

static void tell_all(furrow__courier *courier, bool complete) {
  root_side *root = courier->root;
  if (complete && courier->work.ledger) {
    furrow__server_drain(courier->pool);
    complete = furrow__ledger_conclude(courier->work.ledger, &root->verdict);
  }
  bool failed = root->verdict.status != FURROW_OK;
  furrow__letter letter = {.kind = STOP, .words = {complete}, .bytes = failed ? sizeof root->verdict : 0};
  for (int i = 1; i < courier->nodes; i++) courier_tell(courier, i, letter, &root->verdict, &root->outgoing);
  root->told_all = true;
  furrow__close_work(courier->record, &root->verdict, complete);
}

/* ---- retries go to another node than they come from ---- */

static int retries_under_way(const root_side *root) {
  int under_way = 0;
  for (int i = 0; i < RETRIES; i++) under_way += !furrow__receipt_is_done(&root->retries[i].receipt);
  return under_way;
}

/* False: there is no room for it just now. */
static bool send_retry(furrow__courier *courier, int node, const furrow__retry *retry) {
  if (retries_under_way(courier->root) == RETRIES) return false;
  if (courier->work.stream && !dealer_send_item(courier->root->deals, courier, node, (uint32_t)retry->place))
    return false;
  for (int i = 0; i < RETRIES; i++) {
    outgoing_retry *one = &courier->root->retries[i];
    if (!furrow__receipt_is_done(&one->receipt)) continue;
    one->retry = *retry;
    furrow__letter letter = {.kind = RETRY, .bytes = furrow__retry_size(retry)};
    courier_tell(courier, node, letter, &one->retry, &one->receipt);
    return true;
  }
  return false;
}

static bool offer_here(furrow__courier *courier, const furrow__retry *retry) {
  bool offered = furrow__board_offer(courier->board, retry);
  if (offered) furrow__gate_bump(&courier->record->news);
  return offered;
}

/* One after the other, but for those without workers; and for `but`, unless no other has any. */
static int next_node(const furrow__courier *courier, int but) {
  int node = courier->root->next_node;
  for (int i = 0; i < courier->nodes; i++) {
    node = (node + 1) % courier->nodes;
    if (node != but && furrow__roster_node(courier->pool, node).workers > 0) return node;
  }
  return but;
}

static void deal_retries(furrow__courier *courier) {
  root_side *root = courier->root;
  furrow__retry retry;
  while (furrow__ledger_next_retry(courier->work.ledger, &retry)) {
    int node = root->next_node = next_node(courier, retry.node);
    if (node == 0 ? offer_here(courier, &retry) : send_retry(courier, node, &retry)) {
      dealer_moved(root->deals, retry.node, node);
      continue;
    }
    furrow__ledger_put_back(courier->work.ledger, &retry);
    return;
  }
}

/* What the ledger has to say. */
static void look_into_ledger(furrow__courier *courier) {
  root_side *root = courier->root;
  furrow_error error;
  if (furrow__ledger_stops(courier->work.ledger, &error)) {
    fail(courier, &error);
    root->enough = true;
  }
  deal_retries(courier);
}

void root_act(furrow__courier *courier) {
  root_side *root = courier->root;
  uint64_t settled_here = furrow__board_settled(courier->board);
  bool arrive;
  int under_way = take_arrivals(courier, &arrive);
  if (!root->told_all) {
    dealer_note(root->deals, 0, settled_here / courier->work.units.size, 0);
    if (courier_is_idle(courier)) note_rest(root, 0);
    uint32_t failer = atomic_load_explicit(&courier->record->failer, memory_order_acquire); /* who fails then rests */
    if (failer) fail(courier, furrow__failer_error(courier->pool, failer));
    if (courier->work.ledger) look_into_ledger(courier);
    dealer_act(root->deals, courier);
    herald_act(root->words, courier);
    bool stops = root->enough || root->verdict.status != FURROW_OK;
    if (stops || (under_way == 0 && is_complete(courier, settled_here))) tell_all(courier, !stops);
  }
  bool flows = arrive || retries_under_way(root) > 0 || !furrow__receipt_is_done(&root->outgoing) ||
               !dealer_is_idle(root->deals);
  bool waits = root->told_all || dealer_is_urgent(root->deals);
  courier_expect(courier, flows ? FLOWS : waits ? WAITS : CALM, UINT64_MAX);
  bool all_gone = root->told_all && root->gone_count == courier->nodes - 1;
  if (all_gone && !flows && under_way == 0 && courier_work_is_left(courier)) courier_finish(courier);
}

void furrow__courier_forget(const furrow_pool *pool) {
  if (pool->courier && pool->courier->root) atomic_store(&pool->courier->root->elsewhere, 0);
}

uint64_t furrow__courier_elsewhere(const furrow_pool *pool) {
  const furrow__courier *courier = pool->courier;
  return courier && courier->root ? atomic_load_explicit(&courier->root->elsewhere, memory_order_relaxed) : 0;
}

bool root_is_sending(const furrow__courier *courier) {
  return !furrow__receipt_is_done(&courier->root->outgoing);
}

furrow__courier_counts root_counted(const furrow__courier *courier) {
  return dealer_counted(courier->root->deals);
}
