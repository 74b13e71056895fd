#include "node/board.h"

#include <string.h>

enum { LINE = 64, PAGE = 4096 };

static size_t round_up(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

static size_t mailbox_words(int ranks) {
  return ((size_t)ranks + 63) / 64;
}

/* Hand out the next `bytes`, on a line of their own. With a NULL base this only counts. */
static void *next(char *base, size_t *offset, size_t bytes) {
  char *here = base ? base + *offset : NULL;
  *offset = round_up(*offset + bytes, LINE);
  return here;
}

static size_t assign(furrow__board *board, char *base, int ranks) {
  size_t offset = LINE, n = (size_t)ranks; /* the first line holds the arena's nonce */
  board->records = next(base, &offset, 2 * sizeof *board->records);
  board->seats = next(base, &offset, 2 * n * sizeof *board->seats);
  board->hosts = next(base, &offset, n * sizeof *board->hosts);
  board->ranges = next(base, &offset, n * sizeof *board->ranges);
  board->steals = next(base, &offset, sizeof *board->steals);
  board->piles = next(base, &offset, FURROW__PILES * sizeof *board->piles);
  board->done = next(base, &offset, n * sizeof *board->done);
  board->rings = next(base, &offset, n * sizeof *board->rings);
  board->mailbox = next(base, &offset, mailbox_words(ranks) * sizeof *board->mailbox);
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
  board->ranks = ranks;
  assign(board, arena.base, ranks);
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

/* Relaxed stores do: the others read them after the start gate of the operation. */
void furrow__board_reset(furrow__board *board, uint32_t units) {
  uint64_t n = (uint64_t)board->ranks;
  for (uint64_t i = 0; i < n; i++) {
    furrow__range range = {(uint32_t)(units * i / n), (uint32_t)(units * (i + 1) / n)};
    furrow__range_deal(&board->ranges[i], range);
    atomic_store_explicit(&board->done[i].tasks, 0, memory_order_relaxed);
    atomic_store_explicit(&board->done[i].settled, 0, memory_order_relaxed);
    empty_rings(&board->rings[i]);
  }
  for (int i = 0; i < FURROW__PILES; i++) furrow__range_deal(&board->piles[i].units, (furrow__range){0, 0});
  for (size_t i = 0; i < mailbox_words(board->ranks); i++)
    atomic_store_explicit(&board->mailbox[i], 0, memory_order_relaxed);
}

uint64_t furrow__board_done(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->ranks; i++) sum += atomic_load_explicit(&board->done[i].tasks, memory_order_relaxed);
  return sum;
}

/* Acquire: what was posted before it was counted is there. */
uint64_t furrow__board_settled(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->ranks; i++) sum += atomic_load_explicit(&board->done[i].settled, memory_order_acquire);
  return sum;
}

uint64_t furrow__board_unclaimed(const furrow__board *board) {
  uint64_t sum = 0;
  for (int i = 0; i < board->ranks; i++) sum += furrow__range_length(furrow__range_read(&board->ranges[i]));
  for (int i = 0; i < FURROW__PILES; i++) {
    const furrow__pile *pile = &board->piles[i];
    bool ours = atomic_load_explicit(&pile->share, memory_order_relaxed) != 0;
    if (ours) sum += furrow__range_length(furrow__range_read(&pile->units));
  }
  return sum;
}

void furrow__board_notify(furrow__board *board, int w, bool now) {
  atomic_fetch_or_explicit(&board->mailbox[w / 64], UINT64_C(1) << (w % 64), memory_order_release);
  if (now) furrow__gate_bump(board->bell);
}
