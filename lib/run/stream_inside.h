/* The inside of a stream's conductor, for the files that make it up: stream.c (the round, and what comes), stream_feed.c (the
   source, and what goes to the workers). All of it belongs to the thread that called, but for the arrivals. */
#ifndef FURROW_RUN_STREAM_INSIDE_H
#define FURROW_RUN_STREAM_INSIDE_H

#include "run/arrivals.h"
#include "run/parts.h"
#include "run/replay.h"
#include "run/stream.h"
#include "run/turns.h"

enum {
  STREAM_ROUND = 256, /* items, or results, before it looks at the other side */
  STREAM_FEW = 2,     /* unclaimed items for each worker, at least */
};

typedef enum doze { AWAKE, LOOKED, EAGER } doze;

struct furrow__stream {
  furrow_pool *pool;
  const furrow__work *work;
  furrow__meeting *record;
  furrow__ends ends;
  furrow__store store;
  furrow__arrivals arrivals;
  bool forks; /* children run the tasks: then the user's functions take turns with their forks */
  furrow__turns turns;
  furrow__replay *replay;                      /* NULL: there is no journal */
  uint64_t window, given, finished, delivered; /* items */
  uint64_t replayed;                           /* of the finished ones: the journal had their results */
  size_t window_bytes, item_bytes;             /* the second: of items that are not finished */
  uint64_t workers;                            /* of all ranks */
  bool ended, later, settled;
  uint64_t ask_at; /* of `later`: when to ask again at the latest; UINT64_MAX: never */
  bool holds;      /* an item that there is no room for yet, in `kept` */
  bool far;        /* the item in `kept` is under way: too large for the store */
  char *kept;
  size_t kept_size, kept_room;
  furrow__range pending;      /* numbers that have items, and are on no pile yet */
  int pile;                   /* where they go */
  uint64_t target;            /* unclaimed items there should be */
  uint64_t measured, claimed; /* when, and how many items had been claimed by then */
  uint64_t raised;            /* items that had been claimed when there were too few last */
  doze doze;
  furrow__arrival list[STREAM_ROUND]; /* to be delivered, from `at` on */
  uint64_t list_at, list_count;
  furrow__parts parts;
  furrow__part *sent; /* parts to be delivered before the list */
  uint32_t numbers[FURROW_WINDOW_MOST];
};

/* What stands behind the state that a source or sink sees. */
typedef struct stream_call {
  furrow_stream_state state; /* first, so that the one leads to the other */
  furrow__stream *stream;
  char why[FURROW_MESSAGE_SIZE];
} stream_call;

static inline uint64_t stream_min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* A call of the source or the sink about an item. */
void stream_begin_call(furrow__stream *stream, stream_call *call, uint64_t index, uint64_t under_way);

/* Around the call itself. */
static inline void stream_enter(furrow__stream *stream) {
  if (stream->forks) furrow__turns_enter(&stream->turns);
}

static inline void stream_leave(furrow__stream *stream) {
  if (stream->forks) furrow__turns_leave(&stream->turns);
}

/* The operation ends with this. */
void stream_give_up(furrow__stream *stream, furrow_status status, const char *who, uint64_t index, const char *why);

/* Of any answer but those that this one may give; `reason` is the user's. */
void stream_give_up_at(furrow__stream *stream, furrow_stream_answer answer, const char *who, uint64_t index,
                       const char *reason);

/* Ask the source, if there is a wish and room for more. Whether that gave an item, or there is another one that waits for room. */
bool stream_feed(furrow__stream *stream);

#endif
