#include "node/board.h"

#include <string.h>

enum { LINE = 64, PAGE = 4096 };

static size_t round_up(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

static size_t mailbox_words(int workers) {
  return ((size_t)workers + 63) / 64;
}

/* Hand out the next `bytes`, on a line of their own. With a NULL base this only counts. */
static void *next(char *base, size_t *offset, size_t bytes) {
  char *here = base ? base + *offset : NULL;
  *offset = round_up(*offset + bytes, LINE);
  return here;
}

/* What each worker has. From `offset` on; returns where it ends. */
static size_t assign_workers(furrow__board *board, char *base, size_t offset, int workers) {
  size_t n = (size_t)workers;
  board->ranges = next(base, &offset, n * sizeof *board->ranges);
  board->done = next(base, &offset, n * sizeof *board->done);
  board->rings = next(base, &offset, n * sizeof *board->rings);
  board->mailbox = next(base, &offset, mailbox_words(workers) * sizeof *board->mailbox);
  return offset;
}

static size_t assign(furrow__board *board, char *base, int ranks) {
  size_t offset = LINE, n = (size_t)ranks; /* the first line holds the arena's nonce */
  board->records = next(base, &offset, 2 * sizeof *board->records);
  board->seats = next(base, &offset, 2 * n * sizeof *board->seats);
  board->hosts = next(base, &offset, n * sizeof *board->hosts);
  offset = assign_workers(board, base, offset, ranks);
  board->steals = next(base, &offset, sizeof *board->steals);
  board->piles = next(base, &offset, FURROW__PILES * sizeof *board->piles);
  board->retries = next(base, &offset, sizeof *board->retries);
  board->bell = next(base, &offset, sizeof *board->bell);
  board->broken = next(base, &offset, sizeof *board->broken);
  board->why = next(base, &offset, FURROW__WHY_SIZE);
  offset = round_up(offset, PAGE);
  board->data = next(base, &offset, 0);
  return offset;
}

size_t furrow__board_fixed_size(int ranks) {
  furrow__board scratch;
  return assign(&scratch, NULL, ranks);
}

void furrow__board_lay_out(furrow__board *board, furrow__arena arena, int ranks) {
  board->arena = arena;
  board->ranks = board->workers = board->present = ranks;
  board->threads = 1;
  assign(board, arena.base, ranks);
}

/* Several threads a rank need more than stands in its place: it stands at the begin of the data area instead. Returns where
   the rest of that begins. */
static size_t assign_threads(furrow__board *board, char *base, int ranks, int threads) {
  size_t fixed = furrow__board_fixed_size(ranks);
  return round_up(assign_workers(board, base, fixed, ranks * threads), PAGE);
}

size_t furrow__board_least_size(int ranks, int threads) {
  furrow__board scratch;
  size_t before = threads > 1 ? assign_threads(&scratch, NULL, ranks, threads) : furrow__board_fixed_size(ranks);
  return before + (size_t)ranks * (size_t)threads * FURROW__ROOM_PER_WORKER;
}

/* What else stands on the board is not touched: other threads read it at any time. */
void furrow__board_set_threads(furrow__board *board, int threads) {
  char *base = board->arena.base;
  size_t hosts_end = (size_t)((char *)(board->hosts + board->ranks) - base);
  if (threads == board->threads) return;
  board->threads = threads;
  board->workers = board->ranks * threads;
  if (threads == 1) assign_workers(board, base, round_up(hosts_end, LINE), board->ranks);
  board->data = base + (threads > 1 ? assign_threads(board, base, board->ranks, threads)
                                    : furrow__board_fixed_size(board->ranks));
}

size_t furrow__board_room(const furrow__board *board) {
  return board->arena.size - (size_t)(board->data - board->arena.base);
}

size_t furrow__board_most_room(const furrow__board *board) {
  return board->arena.limit - (size_t)(board->data - board->arena.base);
}

static void empty_rings(furrow__rings *rings) {
  atomic_store_explicit(&rings->posted.word, 0, memory_order_relaxed);
  atomic_store_explicit(&rings->taken.word, 0, memory_order_relaxed);
  atomic_store_explicit(&rings->asked, 0, memory_order_relaxed);
  atomic_store_explicit(&rings->served.word, 0, memory_order_relaxed);
}

/* Relaxed stores do: the others read them after the start gate of the operation. At the begin of the data area anything may
   have stood before, also where gates count their sleepers. */
void furrow__board_reset(furrow__board *board, uint32_t units) {
  uint64_t n = (uint64_t)board->workers;
  if (board->threads > 1) memset(board->ranges, 0, (size_t)(board->data - (char *)board->ranges));
  for (uint64_t i = 0; i < n; i++) {
    furrow__range range = {(uint32_t)(units * i / n), (uint32_t)(units * (i + 1) / n)};
    furrow__range_deal(&board->ranges[i], range);
    atomic_store_explicit(&board->done[i].tasks, 0, memory_order_relaxed);
    atomic_store_explicit(&board->done[i].settled, 0, memory_order_relaxed);
    empty_rings(&board->rings[i]);
  }
  for (int i = 0; i < FURROW__PILES; i++) furrow__range_deal(&board->piles[i].units, (furrow__range){0, 0});
  for (int i = 0; i < FURROW__RETRY_SLOTS; i++)
    atomic_store_explicit(&board->retries->words[i], 0, memory_order_relaxed);
  for (size_t i = 0; i < mailbox_words(board->workers); i++)
    atomic_store_explicit(&board->mailbox[i], 0, memory_order_relaxed);
}

uint64_t furrow__board_done(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->workers; i++) sum += atomic_load_explicit(&board->done[i].tasks, memory_order_relaxed);
  return sum;
}

/* Acquire: what was posted before it was counted is there. */
uint64_t furrow__board_settled(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->workers; i++) sum += atomic_load_explicit(&board->done[i].settled, memory_order_acquire);
  return sum;
}

uint64_t furrow__board_unclaimed(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->workers; i++) sum += furrow__range_length(furrow__range_read(&board->ranges[i]));
  for (int i = 0; i < FURROW__PILES; i++) {
    const furrow__pile *pile = &board->piles[i];
    bool ours = atomic_load_explicit(&pile->share, memory_order_relaxed) != 0;
    if (ours) sum += furrow__range_length(furrow__range_read(&pile->units));
  }
  return sum;
}

enum { FREE, TAKEN, OFFERED }; /* of a retry slot; offered: plus 1 + the rank that may not take it */

bool furrow__board_offer(furrow__board *board, const furrow__retry *retry) {
  for (int i = 0; i < FURROW__RETRY_SLOTS; i++) {
    _Atomic uint32_t *word = &board->retries->words[i];
    if (atomic_load_explicit(word, memory_order_acquire) != FREE) continue;
    board->retries->slots[i] = *retry;
    atomic_store_explicit(word, OFFERED + (uint32_t)(retry->avoid + 1), memory_order_release);
    return true;
  }
  return false;
}

/* A slot that went and came back with the same word is as good as the one that was seen: it forbids the same rank. */
bool furrow__board_take_retry(furrow__board *board, int me, furrow__retry *retry) {
  for (int i = 0; i < FURROW__RETRY_SLOTS; i++) {
    _Atomic uint32_t *word = &board->retries->words[i];
    uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);
    if (seen < OFFERED || seen == OFFERED + (uint32_t)(me + 1)) continue;
    if (!atomic_compare_exchange_strong_explicit(word, &seen, TAKEN, memory_order_acquire, memory_order_relaxed))
      continue; /* somebody else has it, or has had it: what came since brings news of its own */
    *retry = board->retries->slots[i];
    atomic_store_explicit(word, FREE, memory_order_release);
    return true;
  }
  return false;
}

void furrow__board_notify(furrow__board *board, int w, bool now) {
  atomic_fetch_or_explicit(&board->mailbox[w / 64], UINT64_C(1) << (w % 64), memory_order_release);
  if (now) furrow__gate_bump(board->bell);
}
