/* Guided by halves (factoring): of what is left each node is dealt half of its part, by speed, so lots shrink towards the
   end and the last ones end together. No lot lasts longer than LOT_NANOSECONDS, so that results flow and a node that becomes
   slow holds little; with many nodes longer, so that rank 0 is not asked too often. */
#include "plan/deck.h"

static const double LOT_NANOSECONDS = 50e6;
static const double LOT_PER_NODE = 100e3;    /* nanoseconds: rank 0 spends some 10 µs a lot, a tenth of this */
static const double LEAST_NANOSECONDS = 1e6; /* about what it takes to get the next one */
enum { FIRST_PER_RANK = 4 };                 /* units, while nothing is known */

static double min(double a, double b) {
  return a < b ? a : b;
}

static double max(double a, double b) {
  return a > b ? a : b;
}

void furrow__deck_start(furrow__deck *deck) {
  deck->ranks = deck->measured = 0;
  deck->speed = 0;
  for (int i = 0; i < deck->nodes; i++) {
    deck->hands[i] = (furrow__hand){.ranks = deck->hands[i].ranks};
    deck->ranks += deck->hands[i].ranks;
  }
}

/* Measured, or what its ranks would do at the others' pace. */
static double part_of(const furrow__deck *deck, const furrow__hand *hand) {
  if (deck->measured == 0) return (double)hand->ranks / (double)deck->ranks;
  double each = deck->speed / (double)deck->measured;
  double all = deck->speed + each * (double)(deck->ranks - deck->measured);
  return (hand->speed > 0 ? hand->speed : each * hand->ranks) / all;
}

uint32_t furrow__deck_lot(const furrow__deck *deck, int node, uint32_t left, uint32_t room) {
  const furrow__hand *hand = &deck->hands[node];
  double half = (double)left * part_of(deck, hand) / 2, lot = FIRST_PER_RANK * hand->ranks, least = 1;
  if (hand->speed > 0) {
    lot = hand->speed * max(LOT_NANOSECONDS, LOT_PER_NODE * deck->nodes);
    least = hand->speed * LEAST_NANOSECONDS;
  }
  lot = min(max(min(half, lot), max(least, 1)), min(left, room));
  return (uint32_t)lot;
}

void furrow__deck_dealt(furrow__deck *deck, int node, int64_t units, uint64_t now) {
  furrow__hand *hand = &deck->hands[node];
  if (hand->began == 0) hand->began = now;
  hand->dealt += (uint64_t)units;
}

void furrow__deck_finished(furrow__deck *deck, int node, uint64_t units, uint64_t now) {
  furrow__hand *hand = &deck->hands[node];
  hand->finished += units;
  if (units == 0 || hand->began == 0 || now <= hand->began) return;
  deck->speed -= hand->speed;
  if (hand->speed == 0) deck->measured += hand->ranks;
  hand->speed = (double)hand->finished / (double)(now - hand->began);
  deck->speed += hand->speed;
}

/* Nanoseconds until a node is done with what it holds. */
static double time_left(const furrow__hand *hand) {
  uint64_t held = hand->dealt - hand->finished;
  if (held <= hand->ranks) return 0; /* each is being run */
  return hand->speed > 0 ? (double)held / hand->speed : 1e18;
}

int furrow__deck_richest(const furrow__deck *deck) {
  int richest = -1;
  double most = LEAST_NANOSECONDS;
  for (int i = 1; i < deck->nodes; i++) {
    if (deck->hands[i].recalled || time_left(&deck->hands[i]) <= most) continue;
    richest = i;
    most = time_left(&deck->hands[i]);
  }
  return richest;
}

uint32_t furrow__deck_share(uint32_t left, uint64_t ranks, uint32_t want) {
  uint64_t half = left / (2 * ranks);
  uint64_t share = half > want ? half : want;
  return share < left ? (uint32_t)share : left;
}

uint32_t furrow__deck_align(uint32_t begin, uint32_t units) {
  uint32_t size = 1;
  while (size <= units / 2 && begin % (2 * size) == 0) size *= 2;
  return size;
}
