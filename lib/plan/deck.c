/* Factoring: half of all units is dealt by arithmetic at the start. Of what is left a node that asks gets two thirds of
   its part, by speed, so lots shrink towards the end and the last ones end together: five to ten lots a node. A node
   that turned out slow is asked to give back what it has not begun. Rank 0 serves one message after the other, so what
   is small in time grows with the number of nodes: lots that are worth it, and how often to report. The figures are those
   at which tests/simulate/ comes out best. */
#include "plan/deck.h"

static const double PART = 2.0 / 3;
static const double LEAST_NANOSECONDS = 1e6;          /* of a lot: about what it takes to get the next one */
static const double AHEAD_NANOSECONDS = 20e6;         /* of work left when a node asks: both sides may be napping */
static const double ROUND_NANOSECONDS = 1e4;          /* times nodes: rank 0 gets a message from each and answers */
static const uint64_t REPORT_NANOSECONDS = 100000000; /* between reports: often enough for a progress bar */
static const uint64_t REPORTING_NANOSECONDS = 300000; /* times nodes: reports take 1 % of rank 0, whatever happens */
static const uint64_t LOOK_NANOSECONDS = 1000;        /* times nodes: looking for the richest takes less than 1 % */
enum { FEW = 2 };                                     /* units a rank: dealt as a whole */

static double min(double a, double b) {
  return a < b ? a : b;
}

static double max(double a, double b) {
  return a > b ? a : b;
}

/* Nanoseconds that a lot lasts: if all nodes asked for that much at a time, rank 0 could just serve them. */
static double least_lot(int nodes) {
  return max(LEAST_NANOSECONDS, ROUND_NANOSECONDS * nodes);
}

uint64_t furrow__deck_first(uint64_t units, uint64_t ranks) {
  return units <= FEW * ranks ? units : units / 2;
}

furrow__span furrow__deck_first_lot(uint64_t units, uint64_t before, uint32_t ranks, uint64_t all) {
  return furrow__blocks(furrow__deck_first(units, all), before, before + ranks, all);
}

uint32_t furrow__deck_each(uint64_t lot, uint32_t ranks) {
  return ranks ? (uint32_t)((lot + ranks - 1) / ranks) : 0;
}

void furrow__deck_start(furrow__deck *deck, uint64_t units, uint64_t now) {
  deck->ranks = deck->measured = 0;
  deck->speed = 0;
  deck->began = deck->now = now;
  deck->looked = UINT64_MAX;
  for (int i = 0; i < deck->nodes; i++) deck->ranks += deck->hands[i].ranks;
  uint64_t before = 0;
  for (int i = 0; i < deck->nodes; i++) {
    uint32_t ranks = deck->hands[i].ranks;
    furrow__span lot = furrow__deck_first_lot(units, before, ranks, deck->ranks);
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
  double part = (double)left * part_of(deck, hand) * PART;
  double lot = max(part, max(hand->speed * least_lot(deck->nodes), 1));
  return (uint32_t)min(lot, min((double)left, UINT32_MAX));
}

void furrow__deck_dealt(furrow__deck *deck, int node, int64_t units) {
  deck->hands[node].dealt += (uint64_t)units;
}

void furrow__deck_finished(furrow__deck *deck, int node, uint64_t units, uint64_t now) {
  furrow__hand *hand = &deck->hands[node];
  hand->reported = deck->now = now;
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

bool furrow__deck_is_worth(const furrow__deck *deck, int node, uint64_t left, uint64_t starving) {
  double speed = deck->hands[node].speed;
  return left > 0 && (speed == 0 || max((double)left / speed, (double)starving) > LEAST_NANOSECONDS);
}

int furrow__deck_richest(furrow__deck *deck, uint64_t starving) {
  int richest = -1;
  double most = 0;
  if (starving >= deck->looked && starving - deck->looked < LOOK_NANOSECONDS * (uint64_t)deck->nodes) return -1;
  bool doubts = (double)starving > least_lot(deck->nodes); /* whether nodes go on at the speed they had */
  for (int i = 1; i < deck->nodes; i++) {
    const furrow__hand *hand = &deck->hands[i];
    double left = hand->recalled ? 0 : time_left(hand, doubts ? hand->reported : deck->now);
    if (left <= most || (left <= LEAST_NANOSECONDS && !doubts)) continue;
    richest = i;
    most = left;
  }
  deck->looked = richest < 0 ? starving : UINT64_MAX;
  return richest;
}

bool furrow__deck_asks(uint64_t left, uint64_t lot, uint64_t finished, uint64_t elapsed) {
  if (left == 0) return true;
  double speed = elapsed ? (double)finished / (double)elapsed : 0;
  return left <= lot / 2 && (double)left <= speed * AHEAD_NANOSECONDS;
}

uint64_t furrow__deck_interval(int nodes) {
  uint64_t all = REPORTING_NANOSECONDS * (uint64_t)nodes;
  return all > REPORT_NANOSECONDS ? all : REPORT_NANOSECONDS;
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
