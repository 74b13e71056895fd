/* A worker has one event, the end of its share: in between it runs unit after unit, and where it is at any moment, the
   load's sums say. So a share of a thousand units costs no more than one of a single unit. */
#include "simulate/node.h"

#include <stdlib.h>

#include "plan/deck.h"

bool node_make(node *made, const load *of, uint32_t ranks, double slowness) {
  *made = (node){.load = of, .slowness = slowness, .ranks = ranks, .idle = ranks, .next = NEVER};
  made->workers = calloc(ranks, sizeof *made->workers);
  made->ends = malloc(ranks * sizeof *made->ends);
  made->pace = furrow__pace_start(0);
  for (int i = 0; i < 64; i++) { /* as if it had run for a while already */
    uint64_t units = furrow__pace_next(&made->pace, UINT32_MAX);
    furrow__pace_learn(&made->pace, units, load_until(of, units < of->units.count ? units : of->units.count));
  }
  if (!made->workers || !made->ends) return false;
  for (uint32_t i = 0; i < ranks; i++) made->ends[i] = NEVER;
  return true;
}

void node_clear(node *cleared) {
  free(cleared->workers);
  free(cleared->ends);
  pile_clear(&cleared->own);
  pile_clear(&cleared->coming);
  pile_clear(&cleared->back);
}

/* ---- a worker and its share ---- */

static uint64_t lasts(const node *of, uint64_t begin, uint64_t end) {
  return (uint64_t)((double)(load_until(of->load, end) - load_until(of->load, begin)) * of->slowness);
}

/* Bring a worker up to date: what it has finished leaves its share. */
static void advance(node *of, worker *mine, uint64_t now) {
  if (mine->begin == mine->end || now <= mine->since) return;
  uint64_t worked = (uint64_t)((double)(now - mine->since) / of->slowness);
  uint64_t at = load_reached(of->load, mine->begin, mine->end, worked);
  if (at == mine->begin) return;
  if (of->done) pile_put(of->done, (furrow__span){mine->begin, at});
  of->finished += at - mine->begin;
  mine->since += lasts(of, mine->begin, at);
  mine->begin = at;
}

/* The end of a share is an event, exactly: no rounding may leave a last unit behind. */
static void finish(node *of, worker *mine, uint64_t now) {
  if (of->done) pile_put(of->done, (furrow__span){mine->begin, mine->end});
  of->finished += mine->end - mine->begin;
  *mine = (worker){mine->end, mine->end, now};
}

static void give(node *of, uint32_t i, furrow__span share, uint64_t now) {
  if (of->ends[i] == NEVER) of->idle--;
  of->workers[i] = (worker){share.begin, share.end, now};
  of->ends[i] = now + lasts(of, share.begin, share.end);
  if (of->ends[i] < of->next) of->next = of->ends[i];
}

/* What a worker has not claimed: its current claim has the size that the real pace gives it. */
static uint64_t unclaimed(node *of, worker *mine, uint64_t now) {
  advance(of, mine, now);
  uint64_t left = mine->end - mine->begin;
  if (left == 0) return 0;
  uint32_t claim = furrow__pace_next(&of->pace, (uint32_t)left);
  return left > claim ? left - claim : 0;
}

/* ---- finding something to do ---- */

static furrow__span take_back(node *of, uint32_t victim, uint64_t units) {
  worker *other = &of->workers[victim];
  furrow__span back = {other->end - units, other->end};
  other->end = back.begin;
  of->ends[victim] = other->since + lasts(of, other->begin, other->end);
  if (of->ends[victim] < of->next) of->next = of->ends[victim];
  return back;
}

/* The back half of the largest share; empty if nobody has any left. */
static furrow__span steal(node *of, uint64_t now) {
  uint64_t most = 0;
  uint32_t victim = 0;
  for (uint32_t i = 0; i < of->ranks; i++) {
    worker *other = &of->workers[i];
    if (other->end - other->begin <= most + 1) continue;
    uint64_t left = unclaimed(of, other, now);
    if (left <= most) continue;
    most = left;
    victim = i;
  }
  return most ? take_back(of, victim, most - most / 2) : (furrow__span){0, 0};
}

static uint64_t share_of(const node *of) {
  if (of->from != &of->own) return furrow__deck_share(of->from->left, of->divisor, (uint32_t)of->pace.want);
  return of->lot / of->ranks ? of->lot / of->ranks : 1;
}

static furrow__span find(node *of, uint64_t now) {
  if (of->from->left > 0) return pile_take(of->from, share_of(of));
  return steal(of, now);
}

/* One pass: `next` is the earliest end of those passed, and who gets or loses units sees to it, too. */
void node_run(node *of, uint64_t now) {
  of->next = NEVER;
  for (uint32_t i = 0; i < of->ranks; i++) {
    if (of->ends[i] > now) {
      if (of->ends[i] < of->next) of->next = of->ends[i];
      continue;
    }
    finish(of, &of->workers[i], now);
    of->ends[i] = NEVER;
    of->idle++;
    furrow__span share = find(of, now);
    if (span_length(share) > 0) give(of, i, share, now);
  }
}

void node_wake(node *of, uint64_t now) {
  for (uint32_t i = 0; i < of->ranks && of->idle > 0; i++) {
    if (of->ends[i] != NEVER) continue;
    furrow__span share = find(of, now);
    if (span_length(share) == 0) break;
    give(of, i, share, now);
  }
}

/* ---- units come and go ---- */

void node_begin(node *of, furrow__span first, uint64_t now) {
  of->lot = span_length(first);
  for (uint32_t i = 0; i < of->ranks; i++) {
    furrow__span block = furrow__block(of->lot, i, of->ranks);
    if (span_length(block) > 0) give(of, i, (furrow__span){first.begin + block.begin, first.begin + block.end}, now);
  }
}

void node_deal(node *of, uint64_t now) {
  of->lot = of->coming.left;
  pile_move(&of->own, &of->coming);
  node_wake(of, now);
}

uint64_t node_left(node *of, uint64_t now) {
  uint64_t left = of->own.left;
  for (uint32_t i = 0; i < of->ranks; i++) left += unclaimed(of, &of->workers[i], now);
  return left;
}

void node_give_back(node *of, pile *to, uint32_t spans, uint64_t now) {
  uint64_t half = (node_left(of, now) + 1) / 2;
  while (of->own.left > 0 && to->left < half && to->count < spans) {
    pile_put(to, pile_take_back(&of->own, half - to->left));
  }
  for (uint32_t i = 0; i < of->ranks && to->left < half && to->count < spans; i++) {
    uint64_t left = unclaimed(of, &of->workers[i], now);
    pile_put(to, left ? take_back(of, i, left - left / 2) : (furrow__span){0, 0});
  }
}
