/* What goes to the workers. How far ahead: enough that they do not run dry before the calling thread comes round again, and no
   further, so that a source decides as late as possible, and what is in memory is mostly what runs. Items stand in the store
   until their results are here; results wait only for those of earlier items, or for the sink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/courier.h"
#include "run/meet.h"
#include "run/server.h"
#include "run/stream_inside.h"

enum {
  PERIOD = 5000000,   /* nanoseconds over which it is measured how fast items are claimed */
  AHEAD = 2,          /* periods for which there should be items; */
  AHEAD_OF_NODES = 8, /* where they travel to other nodes */
};

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* ---- items ---- */

/* Onto a pile that ends where these begin, or is empty. */
static bool publish(furrow__stream *stream) {
  furrow__board *board = &stream->pool->board;
  if (furrow__range_is_empty(stream->pending)) return true;
  for (int i = 0; i < FURROW__STREAM_PILES; i++) {
    int pile = (stream->pile + i) % FURROW__STREAM_PILES;
    if (!furrow__range_extend(&board->piles[pile].units, stream->pending)) continue;
    stream->pile = pile;
    stream->pending.begin = stream->pending.end;
    furrow__gate_bump(&stream->record->news);
    if (furrow__courier_wants_items(stream->pool)) furrow__gate_bump(board->bell);
    return true;
  }
  return false;
}

/* The next free number: pending ones go first if it is not next to them. False: they can't, or there is none. */
static bool next_number(furrow__stream *stream) {
  uint32_t number = stream->pending.end;
  for (uint32_t i = 0; i < FURROW__NUMBERS; i++, number++) {
    number %= FURROW__NUMBERS;
    if (furrow__store_has(&stream->store, number)) continue;
    if (number == stream->pending.end) return true;
    if (!publish(stream)) return false;
    stream->pending = (furrow__range){number, number};
    return true;
  }
  return false;
}

/* Keep an item that there is no room for. False: no memory. */
static bool hold(furrow__stream *stream, const void *item, size_t size) {
  if (size > stream->kept_room) {
    char *more = realloc(stream->kept, size);
    if (!more) return false;
    stream->kept = more;
    stream->kept_room = size;
  }
  if (size) memcpy(stream->kept, item, size);
  stream->kept_size = size;
  stream->holds = true;
  return true;
}

/* Other nodes' stores may be somewhat smaller than this one. */
static bool is_near(const furrow__stream *stream, size_t size) {
  return furrow__store_could_hold(&stream->store, furrow__spans_nodes(stream->pool) ? 2 * size : size);
}

/* An item that no store can hold goes alone, from `kept`, where it stands already. */
static bool place_far(furrow__stream *stream, const void *item, size_t size) {
  bool alone = item == stream->kept && stream->finished == stream->given;
  if (!alone) return false;
  furrow__server_set_items(stream->pool, stream->kept);
  furrow__courier_set_items(stream->pool, stream->kept);
  furrow__store_put_far(&stream->store, stream->pending.end, stream->given, size);
  return stream->far = true;
}

/* False: there is no room now. */
static bool place(furrow__stream *stream, const void *item, size_t size) {
  bool alone = stream->finished == stream->given;
  if (!alone && size > stream->window_bytes - stream_min(stream->item_bytes, stream->window_bytes)) return false;
  if (!next_number(stream)) return false;
  if (is_near(stream, size)) {
    char *to = furrow__store_put(&stream->store, stream->pending.end, stream->given, size);
    if (!to) return false;
    if (size) memcpy(to, item, size);
  } else if (!place_far(stream, item, size)) {
    return false;
  }
  if (stream->replay) furrow__replay_note(stream->replay, stream->pending.end, item, size);
  stream->pending.end++;
  stream->given++;
  stream->item_bytes += size;
  bool hungry = furrow__resting(stream->record) > 0;
  if (hungry || stream->pending.end == FURROW__NUMBERS) publish(stream);
  return true;
}

/* Whether the journal has its result, or there is an error: then no task is run for it. */
static bool replay(furrow__stream *stream, const void *item, size_t size) {
  char message[FURROW_MESSAGE_SIZE];
  const char *result = NULL;
  size_t result_size = 0;
  if (!stream->replay) return false;
  furrow_status status = furrow__replay_look(stream->replay, stream->given, item, size, &result, &result_size, message);
  if (status != FURROW_OK) {
    stream_give_up(stream, status, "source", stream->given, message);
    stream->settled = true; /* the sink would wonder about the item */
  } else if (!result) {
    return false;
  } else if ((status = furrow__arrivals_restore(&stream->arrivals, stream->given, result, result_size, message)) ==
             FURROW_OK) {
    stream->given++;
    stream->finished++;
    stream->replayed++;
  } else {
    stream_give_up(stream, status, "journal", stream->given, message);
  }
  return true;
}

static void have_item(furrow__stream *stream, const void *item, size_t size) {
  if (size && !item) {
    stream_give_up(stream, FURROW_E_ARG, "source", stream->given, "it gave an item that is NULL");
  } else if (replay(stream, item, size)) {
    return;
  } else if (!place(stream, item, size) && !hold(stream, item, size)) {
    stream_give_up(stream, FURROW_E_NOMEM, "source", stream->given, "no memory for its item");
  }
}

enum { LEAST_WAIT = 50000 }; /* nanoseconds: a source that says less would keep this thread awake */

static const double LONGEST_WAIT = 1e9; /* seconds */

/* The source has no item now, and says after how many seconds to ask it again. */
static void put_off(furrow__stream *stream, double wait, uint64_t under_way) {
  char message[96];
  stream->later = true;
  stream->ask_at = UINT64_MAX;
  if (!(wait >= 0)) {
    snprintf(message, sizeof message, "state->wait is %g; it must be 0 or more seconds", wait);
    stream_give_up(stream, FURROW_E_ARG, "source", stream->given, message);
  } else if (wait > 0) {
    double nanoseconds = (wait < LONGEST_WAIT ? wait : LONGEST_WAIT) * 1e9;
    stream->ask_at = furrow__now() + max((uint64_t)nanoseconds, LEAST_WAIT);
  } else if (under_way == 0) {
    stream_give_up(stream, FURROW_E_ARG, "source", stream->given,
                   "it answers FURROW_STREAM_LATER, but nothing is under way, and it does not say how long to wait");
  }
}

static void ask_source(furrow__stream *stream) {
  stream_call call;
  const void *item = NULL;
  size_t size = 0;
  uint64_t under_way = stream->given - stream->delivered;
  stream_begin_call(stream, &call, stream->given, under_way);
  stream_enter(stream);
  furrow_stream_answer answer = stream->ends.source(&call.state, &item, &size);
  stream_leave(stream);
  switch (answer) {
    case FURROW_STREAM_NEXT:
      have_item(stream, item, size);
      break;
    case FURROW_STREAM_LATER:
      put_off(stream, call.state.wait, under_way);
      break;
    case FURROW_STREAM_END:
      stream->ended = true;
      break;
    default:
      stream_give_up_at(stream, answer, "source", stream->given, call.why);
  }
}

/* ---- how far ahead ---- */

/* Items that no worker has claimed. */
static uint64_t stock(const furrow__stream *stream) {
  const furrow__board *board = &stream->pool->board;
  uint64_t items = furrow__range_length(stream->pending);
  for (int i = 0; i < FURROW__PILES; i++) items += furrow__range_length(furrow__range_read(&board->piles[i].units));
  return items;
}

/* What is claimed in some periods, by the last one; twice as much at once if so many are gone, and somebody rests. */
static void aim(furrow__stream *stream, uint64_t unclaimed) {
  uint64_t now = furrow__now(), claimed = stream->given - stream->replayed - unclaimed,
           least = STREAM_FEW * stream->workers;
  bool dry = unclaimed == 0 && furrow__resting(stream->record) > 0;
  if (dry && claimed >= stream->raised + stream->target) {
    stream->target *= 2;
    stream->raised = claimed;
  }
  if (now - stream->measured >= PERIOD) {
    double more = claimed > stream->claimed ? (double)(claimed - stream->claimed) : 0; /* less: some came back */
    double rate = more / (double)(now - stream->measured);
    double periods = furrow__spans_nodes(stream->pool) ? AHEAD_OF_NODES : AHEAD;
    stream->target = max(least, (uint64_t)(rate * periods * PERIOD));
    stream->claimed = claimed;
    stream->measured = now;
  }
  stream->target = stream_min(stream->target, stream->window);
}

/* How many items may be asked for now. Under way is also what has been delivered, until its number is free again: the lists
   have no more room than the window. */
static uint64_t appetite(furrow__stream *stream) {
  uint64_t under_way = stream->given - stream_min(stream->delivered, stream->finished), unclaimed = stock(stream);
  aim(stream, unclaimed);
  bool shut = stream->ended || stream->later || stream->holds || stream->far;
  if (shut || under_way >= stream->window || unclaimed >= stream->target) return 0;
  double mean = 0;
  size_t bytes = furrow__arrivals_expect(&stream->arrivals, stream->given - stream->finished, &mean);
  uint64_t left = bytes < stream->window_bytes ? stream->window_bytes - bytes : 0;
  uint64_t most = mean < 1 ? STREAM_ROUND : (uint64_t)((double)left / mean);
  if (under_way == 0) most = max(1, most);
  return stream_min(stream_min(STREAM_ROUND, most), stream_min(stream->window - under_way, stream->target - unclaimed));
}

/* An item that is held moves, too: if it is alone it has room in the next round, and nothing else may ever wake this thread. */
bool stream_feed(furrow__stream *stream) {
  uint64_t before = stream->given;
  bool held = stream->holds;
  if (stream->holds && place(stream, stream->kept, stream->kept_size)) stream->holds = false;
  if (stream->later && stream->ask_at != UINT64_MAX && furrow__now() >= stream->ask_at) stream->later = false;
  uint64_t most = appetite(stream), start = furrow__now_roughly();
  for (uint64_t i = 0; i < most && !stream->ended && !stream->later && !stream->holds; i++) {
    ask_source(stream);
    if (furrow__now_roughly() != start) break;
  }
  publish(stream);
  return stream->given > before || stream->holds != held;
}
