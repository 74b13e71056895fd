/* Events in the order of time: nodes run their shares, their progress threads poll and report, messages arrive. */
#include "simulate/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulate/forest.h"

static const uint64_t POLL = 1000000; /* a progress thread naps no longer */
static const uint64_t SPIN = 20000;   /* the first naps */
static const uint64_t WAKE = 5000;    /* a worker that finds nothing wakes its node's progress thread */

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

uint64_t cluster_notice(cluster *c, uint64_t arrival, uint64_t idle) {
  uint64_t nap = min(max(arrival > idle ? arrival - idle : 0, SPIN), POLL);
  return arrival + furrow_rng_below(&c->rng, nap);
}

/* ---- a node's progress thread ---- */

static void put_work(cluster *c, int k) {
  if (c->nodes[k].next != NEVER)
    queue_put(&c->events, (event){.time = c->nodes[k].next, .kind = EVENT_WORK, .node = k});
}

static void report(cluster *c, int k, bool wants, uint64_t now) {
  told *last = &c->told[k];
  last->at = now;
  last->finished = c->nodes[k].finished;
  last->wants = wants;
  last->hungry = wants && c->nodes[k].idle > 0;
  queue_put(&c->events, (event){.time = now + WAKE + c->settings->latency,
                                .kind = EVENT_REPORT,
                                .node = k,
                                .wants = wants,
                                .hungry = last->hungry,
                                .finished = last->finished});
}

/* How few units must be left for a node to ask, at the speed it has now. */
static uint64_t threshold(const node *at, uint64_t now) {
  uint64_t asks = 0, waits = at->lot + 1; /* it asks at the one, not at the other */
  while (asks + 1 < waits) {
    uint64_t middle = asks + (waits - asks) / 2;
    if (furrow__deck_asks(middle, at->lot, at->finished, now))
      asks = middle;
    else
      waits = middle;
  }
  return asks;
}

/* Polls come every millisecond; those at which nothing can have happened are left out. */
static void put_poll(cluster *c, int k, uint64_t left, uint64_t now) {
  const node *at = &c->nodes[k];
  uint64_t next = c->told[k].at + furrow__deck_interval(c->settings->nodes);
  if (!c->told[k].wants) {
    uint64_t above = left - min(left, threshold(at, now));
    double needs = at->finished ? 0.7 * (double)above * (double)now / (double)at->finished : 0;
    next = min(next, now + (uint64_t)needs);
  }
  c->told[k].poll = max(next, now + POLL);
  queue_put(&c->events, (event){.time = c->told[k].poll, .kind = EVENT_POLL, .node = k});
}

static void look(cluster *c, int k, uint64_t now) {
  if (k == 0) {
    root_look(c, now);
    return;
  }
  const node *at = &c->nodes[k];
  told *last = &c->told[k];
  uint64_t left = node_left(&c->nodes[k], now);
  bool wants = last->wants || furrow__deck_asks(left, at->lot, at->finished, now);
  bool news = wants > last->wants || (wants && at->idle > 0) > last->hungry;
  bool done = (at->idle == at->ranks || now >= last->at + furrow__deck_interval(c->settings->nodes)) &&
              at->finished != last->finished;
  if (news || done) report(c, k, wants, now);
  if (at->idle < at->ranks) put_poll(c, k, left, now);
}

/* ---- events ---- */

static void on_work(cluster *c, int k, uint64_t now) {
  node *at = &c->nodes[k];
  if (now != at->next) return; /* its share was stolen meanwhile */
  node_run(at, now);
  c->last_work = max(c->last_work, now);
  put_work(c, k);
  if (at->idle > 0 && (!c->told[k].hungry || at->idle == at->ranks)) look(c, k, now);
}

static void on_lot(cluster *c, const event *lot) {
  node *at = &c->nodes[lot->node];
  told *last = &c->told[lot->node];
  last->wants = last->hungry = false;
  last->at = lot->time;
  node_deal(at, lot->time + WAKE);
  put_work(c, lot->node);
  look(c, lot->node, lot->time);
}

static void on_recall(cluster *c, int k, uint64_t now) {
  node_give_back(&c->nodes[k], &c->nodes[k].back, c->settings->spans, now);
  put_work(c, k);
  c->told[k].at = now;
  c->told[k].finished = c->nodes[k].finished;
  queue_put(
      &c->events,
      (event){.time = now + c->settings->latency, .kind = EVENT_BACK, .node = k, .finished = c->nodes[k].finished});
}

static void step(cluster *c, const event *now) {
  switch (now->kind) {
    case EVENT_WORK:
      on_work(c, now->node, now->time);
      break;
    case EVENT_POLL:
      if (now->time == c->told[now->node].poll) look(c, now->node, now->time);
      break;
    case EVENT_REPORT:
    case EVENT_BACK:
      root_receive(c, now);
      break;
    case EVENT_LOT:
      on_lot(c, now);
      break;
    case EVENT_RECALL:
      on_recall(c, now->node, now->time);
      break;
    case EVENT_SERVE:
      root_serve(c, now->time);
      break;
  }
}

/* ---- the whole operation ---- */

static double slowness_of(const cluster_settings *settings, int k) {
  return k == settings->slow ? settings->slowness : 1;
}

static bool make(cluster *c) {
  const cluster_settings *settings = c->settings;
  size_t nodes = (size_t)settings->nodes;
  c->room = 64 * nodes; /* a node has few messages under way */
  c->nodes = calloc(nodes, sizeof *c->nodes);
  c->told = calloc(nodes, sizeof *c->told);
  c->inbox = malloc(c->room * sizeof *c->inbox);
  c->deck = (furrow__deck){.nodes = settings->nodes, .hands = calloc(nodes, sizeof *c->deck.hands)};
  if (!c->nodes || !c->told || !c->inbox || !c->deck.hands) return false;
  int sampled = 0;
  for (int k = 0; k < settings->nodes; k++) {
    if (!node_make(&c->nodes[k], settings->load, settings->ranks, slowness_of(settings, k))) return false;
    c->nodes[k].from = &c->nodes[k].own;
    if (settings->reduce && k % (1 + settings->nodes / SAMPLE) == 0) c->nodes[k].done = &c->ran[sampled++];
    c->deck.hands[k].ranks = settings->ranks;
  }
  return true;
}

static void begin(cluster *c) {
  uint64_t units = c->settings->load->units.count;
  furrow__deck_start(&c->deck, units, 0);
  uint64_t first = furrow__deck_first(units, c->deck.ranks), before = 0;
  pile_put(&c->undealt, (furrow__span){first, units});
  c->nodes[0].from = &c->undealt;
  c->nodes[0].divisor = c->deck.ranks;
  for (int k = 0; k < c->settings->nodes; k++) {
    node_begin(&c->nodes[k], furrow__blocks(first, before, before + c->settings->ranks, c->deck.ranks), 0);
    before += c->settings->ranks;
    put_work(c, k);
    c->told[k].poll = furrow_rng_below(&c->rng, POLL);
    queue_put(&c->events, (event){.time = c->told[k].poll, .kind = EVENT_POLL, .node = k});
  }
}

/* Rank 0 tells every node to stop, and hears from each; the accumulators of a reduction come with the answer. */
static uint64_t end_of(cluster *c, uint64_t now) {
  uint64_t others = (uint64_t)c->settings->nodes - 1, each = c->settings->message;
  if (others == 0) return now;
  c->result->messages += 2 * others;
  uint64_t last_heard = cluster_notice(c, now + others * each + 2 * c->settings->latency, now) + each;
  return max(last_heard, now + 2 * others * each);
}

/* Every so many nodes one is looked at; the mean. */
static double accumulators_of(cluster *c) {
  uint64_t sum = 0, looked_at = 0;
  for (int k = 0; k < c->settings->nodes; k++) {
    if (!c->nodes[k].done) continue;
    sum += forest_accumulators(c->nodes[k].done, c->settings->load->units.count);
    looked_at++;
  }
  return looked_at ? (double)sum / (double)looked_at : 0;
}

static void sum_up(cluster *c, uint64_t end) {
  const cluster_settings *settings = c->settings;
  cluster_result *result = c->result;
  double power = 0; /* in ranks */
  for (int k = 0; k < settings->nodes; k++) power += settings->ranks / slowness_of(settings, k);
  double ideal = (double)load_until(settings->load, settings->load->units.count) / power;
  result->accumulators = accumulators_of(c);
  result->time = end;
  result->work = c->last_work;
  result->efficiency = ideal / (double)end;
  result->bound = fmin(1, ideal / (double)settings->load->longest);
  result->busy = (double)(result->messages * settings->message) / (double)end;
}

static void clear(cluster *c) {
  for (int k = 0; c->nodes && k < c->settings->nodes; k++) node_clear(&c->nodes[k]);
  for (int i = 0; i < SAMPLE; i++) pile_clear(&c->ran[i]);
  pile_clear(&c->undealt);
  queue_clear(&c->events);
  free(c->nodes);
  free(c->told);
  free(c->inbox);
  free(c->deck.hands);
}

/* An operation that hangs must not pass for one that is slow. */
static uint64_t run(cluster *c) {
  uint64_t now = 0;
  while (c->finished < c->settings->load->units.count) {
    if (c->events.count == 0) {
      fputs("simulate: units are left, and nothing is going to happen\n", stderr);
      abort();
    }
    event next = queue_take(&c->events);
    now = next.time;
    step(c, &next);
  }
  return now;
}

bool cluster_run(const cluster_settings *settings, cluster_result *result) {
  *result = (cluster_result){.time = 0};
  cluster c = {.settings = settings, .result = result, .starving_since = NEVER, .rng = furrow_rng_make(2, 0, 0)};
  bool made = make(&c);
  if (made) {
    begin(&c);
    uint64_t now = run(&c);
    sum_up(&c, end_of(&c, max(now, c.clock)));
  }
  clear(&c);
  return made;
}
