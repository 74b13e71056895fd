/* Factoring: half of all units is dealt by arithmetic at the start. Of what is left a node that asks gets half of its
   part, by speed, so lots shrink towards the end and the last ones end together: some log2(units) lots a node. A node
   that turned out slow is asked to give back what it has not begun. */
#include "plan/deck.h"

#ifndef LEAST
#define LEAST 1e6
#define HALF 2
#define ROUND 5e3
#define AHEAD 20e6
#define AHEADR 4
#define INTERVAL 100000000
#define INTERVALN 100000
#endif
static double least_of(int nodes) { return LEAST > ROUND * nodes ? LEAST : ROUND * nodes; }
static double ahead_of(int nodes) { return AHEAD > AHEADR * ROUND * nodes ? AHEAD : AHEADR * ROUND * nodes; }
uint64_t furrow__deck_interval(int nodes) {uint64_t i = INTERVALN * (uint64_t)nodes; return i > INTERVAL ? i : INTERVAL;}
enum { FEW = 2 };                             /* units a rank: dealt as a whole */

static double min(double a, double b) {
  return a < b ? a : b;
}

static double max(double a, double b) {
  return a > b ? a : b;
}

uint64_t furrow__deck_first(uint64_t units, uint64_t ranks) {
  return units <= FEW * ranks ? units : units / 2;
}

void furrow__deck_start(furrow__deck *deck, uint64_t units, uint64_t now) {
  deck->ranks = deck->measured = 0;
  deck->speed = 0;
  deck->began = now;
  deck->again = 0;
  for (int i = 0; i < deck->nodes; i++) deck->ranks += deck->hands[i].ranks;
  uint64_t first = furrow__deck_first(units, deck->ranks), before = 0;
  for (int i = 0; i < deck->nodes; i++) {
    uint32_t ranks = deck->hands[i].ranks;
    furrow__span lot = furrow__blocks(first, before, before + ranks, deck->ranks);
    deck->hands[i] = (furrow__hand){.ranks = ranks, .dealt = lot.end - lot.begin};
    before += ranks;
  }
}

/* Measured, or what its ranks would do at the others' pace. */
static double part_of(const furrow__deck *deck, const furrow__hand *hand) {
  if (deck->measured == 0) return (double)hand->ranks / (double)deck->ranks;
  double each = deck->speed / (double)deck->measured;
  double all = deck->speed + each * (double)(deck->ranks - deck->measured);
  return (hand->speed > 0 ? hand->speed : each * hand->ranks) / all;
}

uint32_t furrow__deck_lot(const furrow__deck *deck, int node, uint64_t left) {
  const furrow__hand *hand = &deck->hands[node];
  double half = (double)left * part_of(deck, hand) / HALF;
  double lot = max(half, max(hand->speed * least_of(deck->nodes), 1));
  return (uint32_t)min(lot, min((double)left, UINT32_MAX));
}

void furrow__deck_dealt(furrow__deck *deck, int node, int64_t units) {
  deck->hands[node].dealt += (uint64_t)units;
}

void furrow__deck_finished(furrow__deck *deck, int node, uint64_t units, uint64_t now) {
  furrow__hand *hand = &deck->hands[node];
  hand->reported = now;
  if (units == hand->finished || now <= deck->began) return;
  hand->finished = units;
  deck->speed -= hand->speed;
  if (hand->speed == 0) deck->measured += hand->ranks;
  hand->speed = (double)hand->finished / (double)(now - deck->began);
  deck->speed += hand->speed;
}

/* Nanoseconds until a node is done with what it holds; 0 if by now it has begun all of it. */
static double time_left(const furrow__hand *hand, uint64_t now) {
  uint64_t held = hand->dealt - hand->finished;
  if (held <= hand->ranks) return 0;
  if (hand->speed == 0) return 1e18;
  double since = (double)(now - hand->reported);
  if ((double)(held - hand->ranks) <= hand->speed * since) return 0;
  return (double)held / hand->speed - since;
}

int furrow__deck_richest(furrow__deck *deck, uint64_t now) {
  int richest = -1;
  double most = 1e6;
  if (now < deck->again) return -1;
  for (int i = 1; i < deck->nodes; i++) {
    double left = deck->hands[i].recalled ? 0 : time_left(&deck->hands[i], now);
    if (left <= most) continue;
    richest = i;
    most = left;
  }
  if (richest < 0) deck->again = now + 1000 * (uint64_t)deck->nodes;
  return richest;
}

bool furrow__deck_asks(uint64_t left, uint64_t lot, int nodes, uint64_t finished, uint64_t elapsed) {
  if (left == 0) return true;
  double speed = elapsed ? (double)finished / (double)elapsed : 0;
  return left <= lot / 2 && (double)left <= speed * ahead_of(nodes);
}

uint32_t furrow__deck_share(uint64_t left, uint64_t ranks, uint32_t want) {
  return (uint32_t)max(min((double)left / (2 * (double)ranks), UINT32_MAX), want);
}

uint32_t furrow__deck_align(uint32_t begin, uint32_t units) {
  uint32_t step = 1;
  while (step <= units / 8) step *= 2; /* at most a quarter of the units */
  uint32_t over = (uint32_t)(((uint64_t)begin + units) % step);
  return units > over ? units - over : units;
}
