/* Rank 0's progress thread: one message at a time, first come, first served. All decisions are lib/plan/deck's. */
#include <stdio.h>
#include <stdlib.h>

#include "simulate/cluster.h"

void root_receive(cluster *c, const event *message) {
  c->inbox[c->received++ % c->room] = *message;
  uint64_t waiting = c->received - c->served;
  if (waiting > c->room) {
    fputs("simulate: rank 0's inbox is full\n", stderr);
    abort();
  }
  if (waiting > c->result->waiting) c->result->waiting = waiting;
  if (c->busy) return;
  c->busy = true;
  queue_put(&c->events,
            (event){.time = cluster_notice(c, message->time, c->clock) + c->settings->message, .kind = EVENT_SERVE});
}

static void send(cluster *c, event message) {
  c->clock += c->settings->message;
  c->result->messages++;
  message.time = cluster_notice(c, c->clock + c->settings->latency, c->told[message.node].at);
  queue_put(&c->events, message);
}

/* ---- what it knows of the nodes ---- */

static void learn_finished(cluster *c, int k, uint64_t finished, uint64_t now) {
  c->finished += finished - c->deck.hands[k].finished;
  furrow__deck_finished(&c->deck, k, finished, now);
}

static void learn_wishes(cluster *c, int k, bool wants, bool hungry) {
  furrow__hand *hand = &c->deck.hands[k];
  c->wanting += (int)wants - (int)hand->wants;
  c->hungry += (int)hungry - (int)hand->hungry;
  hand->wants = wants;
  hand->hungry = hungry;
}

/* ---- dealing ---- */

static void put_own_work(cluster *c) {
  if (c->nodes[0].next != NEVER) queue_put(&c->events, (event){.time = c->nodes[0].next, .kind = EVENT_WORK});
}

static uint64_t take_lot(cluster *c, pile *lot, int k) {
  uint64_t units = furrow__deck_lot(&c->deck, k, c->undealt.left), before = lot->left;
  if (c->settings->reduce)
    units = furrow__deck_align((uint32_t)c->undealt.spans[c->undealt.count - 1].begin, (uint32_t)units);
  for (uint32_t i = 0; i < c->settings->spans && lot->left - before < units; i++)
    pile_put(lot, pile_take(&c->undealt, units - (lot->left - before)));
  return lot->left - before;
}

static void deal(cluster *c, int k) {
  if (k == 0) {
    node_wake(&c->nodes[0], c->clock);
    put_own_work(c);
    learn_wishes(c, 0, false, false);
    return;
  }
  uint64_t units = take_lot(c, &c->nodes[k].coming, k);
  furrow__deck_dealt(&c->deck, k, (int64_t)units);
  learn_wishes(c, k, false, false);
  c->result->lots++;
  send(c, (event){.kind = EVENT_LOT, .node = k});
}

/* The next node in turn that waits; -1 if there is none. */
static int next_waiting(cluster *c, bool hungry) {
  if ((hungry ? c->hungry : c->wanting) == 0) return -1;
  for (int k = 0; k < c->deck.nodes; k++) {
    int i = (c->turn + k) % c->deck.nodes;
    if (!(hungry ? c->deck.hands[i].hungry : c->deck.hands[i].wants)) continue;
    c->turn = i + 1;
    return i;
  }
  return -1;
}

static void deal_to_waiting(cluster *c) {
  int k;
  while (c->undealt.left > 0 && (k = next_waiting(c, true)) >= 0) deal(c, k);
  while (c->undealt.left > 0 && (k = next_waiting(c, false)) >= 0) deal(c, k);
}

/* Nobody may be idle while others hold units that they have not begun: first its own node's, then the richest's. */
static void fetch(cluster *c, uint64_t now) {
  while (c->hungry > 0 && c->undealt.left == 0 && !c->deck.hands[0].hungry) {
    uint32_t spans = c->undealt.count + c->settings->spans;
    node_give_back(&c->nodes[0], &c->undealt, spans, now);
    put_own_work(c);
    if (c->undealt.left == 0) break;
    deal_to_waiting(c);
  }
  if (c->hungry == 0 || c->undealt.left > 0) c->starving_since = NEVER;
  if (c->hungry == 0) return;
  if (c->starving_since == NEVER) c->starving_since = now;
  uint64_t starving = now - c->starving_since;
  int richest;
  while (c->hungry > c->recalled && (richest = furrow__deck_richest(&c->deck, starving)) >= 0) {
    c->deck.hands[richest].recalled = true;
    c->recalled++;
    c->result->recalls++;
    send(c, (event){.kind = EVENT_RECALL, .node = richest});
  }
}

static void serve(cluster *c, const event *message) {
  learn_finished(c, message->node, message->finished, c->clock);
  if (message->kind == EVENT_REPORT) {
    if (message->wants) learn_wishes(c, message->node, true, message->hungry);
  } else {
    pile *back = &c->nodes[message->node].back;
    c->deck.hands[message->node].recalled = false;
    c->recalled--;
    c->result->in_vain += back->left == 0;
    furrow__deck_dealt(&c->deck, message->node, -(int64_t)back->left);
    pile_move(&c->undealt, back);
  }
  if (message->wants && c->undealt.left > 0) deal(c, message->node);
  deal_to_waiting(c);
  fetch(c, c->clock);
}

void root_serve(cluster *c, uint64_t now) {
  event message = c->inbox[c->served++ % c->room];
  c->clock = now;
  c->result->messages++;
  serve(c, &message);
  c->busy = c->served < c->received;
  if (c->busy) queue_put(&c->events, (event){.time = c->clock + c->settings->message, .kind = EVENT_SERVE});
}

void root_look(cluster *c, uint64_t now) {
  node *own = &c->nodes[0];
  node_left(own, now);
  learn_finished(c, 0, own->finished, now);
  if (own->idle == 0 || c->deck.nodes == 1) return;
  learn_wishes(c, 0, true, true);
  if (c->clock < now) c->clock = now;
  deal_to_waiting(c);
  fetch(c, c->clock);
}
