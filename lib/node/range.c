/* Every unit is in exactly one word, or kept by the one worker whose compare-and-swap removed it. A word's value says
   all about it (which units are still there), so a compare-and-swap that succeeds on a value that went and came back is
   right all the same. Only the owner makes an empty word non-empty, and nobody swaps an empty word, so the owner may
   plainly store. A pile's owner is the one who fills it, and takes from it like everybody else.

   An idle worker may leave once every word is empty at one moment. It reads them one by one, so stolen units could pass
   behind its back: out of a word it has yet to read, into one that it has read. A thief therefore counts itself in
   `moving` before it takes and in `moved` after it has stored; a scan counts only if nothing was moving after it and
   `moved` stood still. Both orders matter: the thief's increment of `moving` comes before its swap (seq_cst), and the
   scanner reads `moving` after the words (seq_cst): if the scanner saw the word after the swap, it sees the thief. */
#include "node/range.h"

#include <sched.h>

#include "base/pause.h"

static uint64_t pack(furrow__range range) {
  return (uint64_t)range.end << 32 | range.begin;
}

static furrow__range unpack(uint64_t word) {
  return (furrow__range){(uint32_t)word, (uint32_t)(word >> 32)};
}

furrow__range furrow__range_read(const furrow__range_word *word) {
  return unpack(atomic_load_explicit(&word->word, memory_order_seq_cst));
}

void furrow__range_deal(furrow__range_word *word, furrow__range range) {
  atomic_store_explicit(&word->word, pack(range), memory_order_seq_cst);
}

furrow__range furrow__range_take(furrow__range_word *word, uint32_t want) {
  uint64_t seen = atomic_load_explicit(&word->word, memory_order_acquire);
  for (;;) {
    furrow__range all = unpack(seen), mine = all;
    if (furrow__range_length(all) > want) mine.end = all.begin + want;
    if (furrow__range_length(all) == 0) return all;
    furrow__range rest = {mine.end, all.end};
    FURROW__POINT("range: take");
    if (atomic_compare_exchange_weak_explicit(&word->word, &seen, pack(rest), memory_order_seq_cst,
                                              memory_order_acquire))
      return mine;
  }
}

/* The share is empty, or begins where the units end: thieves take from the back only. Counted like a theft, so that no
   scan misses what comes back behind it. */
void furrow__range_give_back(furrow__range_word *word, furrow__range units, furrow__steals *steals) {
  atomic_fetch_add_explicit(&steals->moving, 1, memory_order_seq_cst);
  uint64_t seen = atomic_load_explicit(&word->word, memory_order_acquire);
  furrow__range all;
  do {
    furrow__range rest = unpack(seen);
    all = (furrow__range){units.begin, furrow__range_length(rest) ? rest.end : units.end};
  } while (!atomic_compare_exchange_weak_explicit(&word->word, &seen, pack(all), memory_order_seq_cst,
                                                  memory_order_acquire));
  atomic_fetch_add_explicit(&steals->moved, 1, memory_order_seq_cst);
  atomic_fetch_sub_explicit(&steals->moving, 1, memory_order_seq_cst);
}

/* The index of the largest share, or -1 if all were empty when looked at. Looks at `count` of the `n`, from the first
   one behind the thief on, so that thieves spread. */
static int largest(const furrow__range_word *words, int n, int thief, int count, uint64_t *seen) {
  int victim = -1;
  uint32_t most = 0;
  for (int k = 1; k <= count; k++) {
    int i = (thief + k) % n;
    uint64_t word = atomic_load_explicit(&words[i].word, memory_order_seq_cst);
    if (furrow__range_length(unpack(word)) <= most) continue;
    most = furrow__range_length(unpack(word));
    victim = i;
    *seen = word;
  }
  return victim;
}

/* One attempt at a victim's back half, or whole share; empty if somebody was faster. */
static furrow__range rob(furrow__range_word *words, int victim, uint64_t seen, int thief, uint32_t want, uint32_t whole,
                         furrow__steals *steals) {
  furrow__range all = unpack(seen), kept = {0, 0};
  uint32_t half = furrow__range_length(all) <= whole ? all.begin : all.begin + furrow__range_length(all) / 2;
  atomic_fetch_add_explicit(&steals->moving, 1, memory_order_seq_cst);
  if (atomic_compare_exchange_strong_explicit(&words[victim].word, &seen, pack((furrow__range){all.begin, half}),
                                              memory_order_seq_cst, memory_order_relaxed)) {
    kept = (furrow__range){half, all.end};
    if (furrow__range_length(kept) > want) kept.end = half + want;
    FURROW__POINT("range: stolen");
    furrow__range_deal(&words[thief], (furrow__range){kept.end, all.end});
    atomic_fetch_add_explicit(&steals->moved, 1, memory_order_seq_cst);
  }
  atomic_fetch_sub_explicit(&steals->moving, 1, memory_order_seq_cst);
  return kept;
}

furrow__range furrow__range_steal(furrow__range_word *words, int n, int thief, uint32_t want, uint32_t whole,
                                  furrow__steals *steals) {
  for (;;) {
    uint64_t seen = 0;
    uint32_t moved = atomic_load_explicit(&steals->moved, memory_order_seq_cst);
    int victim = largest(words, n, thief, n - 1, &seen);
    if (victim >= 0) {
      furrow__range kept = rob(words, victim, seen, thief, want, whole, steals);
      if (furrow__range_length(kept) > 0) return kept;
      continue;
    }
    FURROW__POINT("range: scanned");
    bool quiet = atomic_load_explicit(&steals->moving, memory_order_seq_cst) == 0 &&
                 atomic_load_explicit(&steals->moved, memory_order_seq_cst) == moved;
    if (quiet) return (furrow__range){0, 0};
    sched_yield(); /* a thief is between its swap and its store */
  }
}

furrow__range furrow__range_draw(furrow__range_word *pile, uint32_t share, furrow__range_word *own, uint32_t keep,
                                 furrow__steals *steals) {
  if (furrow__range_length(furrow__range_read(pile)) == 0) return (furrow__range){0, 0};
  atomic_fetch_add_explicit(&steals->moving, 1, memory_order_seq_cst);
  furrow__range drawn = furrow__range_take(pile, share), kept = drawn;
  if (furrow__range_length(drawn) > keep) kept.end = drawn.begin + keep;
  if (furrow__range_length(drawn) > 0) {
    furrow__range_deal(own, (furrow__range){kept.end, drawn.end});
    atomic_fetch_add_explicit(&steals->moved, 1, memory_order_seq_cst);
  }
  atomic_fetch_sub_explicit(&steals->moving, 1, memory_order_seq_cst);
  return kept;
}

bool furrow__range_extend(furrow__range_word *pile, furrow__range units) {
  uint64_t seen = atomic_load_explicit(&pile->word, memory_order_acquire);
  for (furrow__range all; furrow__range_length(all = unpack(seen)) > 0;) {
    if (all.end != units.begin) return false;
    FURROW__POINT("range: extend");
    if (atomic_compare_exchange_weak_explicit(&pile->word, &seen, pack((furrow__range){all.begin, units.end}),
                                              memory_order_seq_cst, memory_order_acquire))
      return true;
  }
  furrow__range_deal(pile, units);
  return true;
}

furrow__range furrow__range_seize(furrow__range_word *words, int n) {
  uint64_t seen = 0;
  for (int victim; (victim = largest(words, n, n - 1, n, &seen)) >= 0;) {
    furrow__range all = unpack(seen);
    uint32_t half = all.begin + furrow__range_length(all) / 2;
    if (atomic_compare_exchange_strong_explicit(&words[victim].word, &seen, pack((furrow__range){all.begin, half}),
                                                memory_order_seq_cst, memory_order_relaxed))
      return (furrow__range){half, all.end};
  }
  return (furrow__range){0, 0};
}
