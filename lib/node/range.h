/* A worker's share of the work: one 64-bit word {begin, end}, taken from the front by its owner and stolen from the
   back by others. Knows atomics; does not know what a unit is. */
#ifndef FURROW_NODE_RANGE_H
#define FURROW_NODE_RANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* begin == end: nothing. */
typedef struct furrow__range {
  uint32_t begin, end;
} furrow__range;

static inline uint32_t furrow__range_length(furrow__range range) {
  return range.end - range.begin;
}

static inline bool furrow__range_is_empty(furrow__range range) {
  return range.begin == range.end;
}

/* A shared word, alone on its cache line. */
typedef struct furrow__range_word {
  _Alignas(64) _Atomic uint64_t word;
} furrow__range_word;

/* What keeps an idle worker from leaving while stolen units are on their way to the thief's own word. */
typedef struct furrow__steals {
  _Alignas(64) _Atomic uint32_t moving;
  _Atomic uint32_t moved;
} furrow__steals;

furrow__range furrow__range_read(const furrow__range_word *word);

/* Give the owner its share. Only while nobody takes or steals. */
void furrow__range_deal(furrow__range_word *word, furrow__range range);

/* Take up to `want` units from the front: by the owner, or of a pile by anyone. Lock-free. */
furrow__range furrow__range_take(furrow__range_word *word, uint32_t want);

/* Put back units that the owner took last and has not run: those before what is left of its share. */
void furrow__range_give_back(furrow__range_word *word, furrow__range units, furrow__steals *steals);

/* Steal the back half of the largest of `n` shares, or all of it if it has no more than `whole` units. Keep up to `want` units
   and put the rest in the thief's own word, which is empty. Returns what was kept; empty only if every share was empty at
   one moment. */
furrow__range furrow__range_steal(furrow__range_word *words, int n, int thief, uint32_t want, uint32_t whole,
                                  furrow__steals *steals);

/* Take `share` units from the front of a pile that several workers draw from; keep up to `keep` and put the rest in the
   own word, which is empty. Counted like a theft. Returns what was kept; empty if the pile is. */
furrow__range furrow__range_draw(furrow__range_word *pile, uint32_t share, furrow__range_word *own, uint32_t keep,
                                 furrow__steals *steals);

/* Put units behind what a pile holds, or into it if it is empty. By its owner. False: it holds others, which end elsewhere. */
bool furrow__range_extend(furrow__range_word *pile, furrow__range units);

/* Take the back half of the largest of `n` shares out of them, for somebody who owns none; empty if all were empty. */
furrow__range furrow__range_seize(furrow__range_word *words, int n);

#endif
