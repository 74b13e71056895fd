/* The calling thread of rank 0 goes round: it serves what workers have posted, delivers, asks the source, and sleeps when none of
   that moves. Its tasks run in threads of their own, so that a long one keeps nobody waiting.

   Sleeping: workers ring (`turn`) for each result only while `eager` is set. At first it is not: then this thread looks again
   after a millisecond, in which many results may have come. If there was nothing, it sets the word, looks once more,
   and sleeps until somebody rings. No result is missed: a worker posts, fences, then reads `eager`; this thread writes `eager`,
   fences, then looks at what was posted, so one of the two sees the other. Where somebody waits for it (a worker that rests,
   a source that has said "later") it skips the millisecond.

   Parts that tasks send ahead of their results wait in a short queue (run/parts.h). Where that is full they stay in the rings, and
   so do the results behind them, and tasks that send more wait. That ends: this thread empties the queue in each round, and
   waits in it for nothing but source and sink, no ring and no worker; and then it rings the bell for who was refused, so they are
   taken. Nothing is missed: who is refused marks that under the queue's lock while the queue is full, so before it is
   emptied next; and a thread that sleeps on the bell has read it before it looked. When this thread is through, the queue is
   closed, and what comes is dropped. */
#include "run/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pause.h"
#include "run/await.h"
#include "run/courier.h"
#include "run/failures.h"
#include "run/ledger.h"
#include "run/meet.h"
#include "run/server.h"
#include "run/stream_inside.h"

enum {
  LAZY_NAP = 1000000, /* nanoseconds */
  MORE = 4,           /* results may take this part of window_bytes more, before they go to files: their sizes vary; */
  LEAST_MEMORY = 1 << 20, /* and so many bytes */
};

/* ---- life ---- */

void furrow__stream_find_store(furrow__store *store, const furrow__board *board, const furrow__layout *layout) {
  furrow__store_find(store, board->data, board->data + layout->total);
}

static bool grow(void *context, uint32_t pages) {
  furrow__board *board = context;
  return furrow__arena_grow(&board->arena, board->pages_begin + (size_t)pages * FURROW__STORE_PAGE);
}

bool furrow__stream_own_store(furrow__store *store, furrow__board *board, const furrow__layout *layout) {
  furrow__stream_find_store(store, board, layout);
  board->pages_begin = (size_t)(board->data - board->arena.base) + layout->total;
  size_t pages = (board->arena.limit - board->pages_begin) / FURROW__STORE_PAGE;
  return furrow__store_own(store, pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX, grow, board);
}

static size_t most_memory(const furrow__settings *settings) {
  size_t bytes = stream_min(settings->window_bytes, SIZE_MAX / 2);
  return bytes + bytes / MORE + LEAST_MEMORY;
}

furrow__stream *furrow__stream_create(furrow_pool *pool, const furrow__work *work) {
  const furrow__settings *settings = &work->settings;
  furrow__stream *stream = calloc(1, sizeof *stream);
  if (!stream) return NULL;
  *stream = (furrow__stream){.pool = pool,
                             .work = work,
                             .ends = work->ends,
                             .forks = settings->isolate != 0,
                             .window = settings->window,
                             .window_bytes = settings->window_bytes};
  furrow__turns_start(&stream->turns);
  furrow__parts_start(&stream->parts);
  furrow__journal *journal = furrow__ledger_journal(pool->ledger);
  if (journal) stream->replay = furrow__replay_start(journal);
  if (furrow__arrivals_start(&stream->arrivals, settings->window, settings->unordered != 0, most_memory(settings)) &&
      (!journal || stream->replay))
    return stream;
  furrow__stream_free(stream);
  return NULL;
}

void furrow__stream_free(furrow__stream *stream) {
  if (!stream) return;
  while (stream->list_at < stream->list_count)
    furrow__arrival_let_go(&stream->arrivals, &stream->list[stream->list_at++]);
  furrow__parts_free(stream->sent);
  furrow__store_disown(&stream->store);
  furrow__arrivals_free(&stream->arrivals);
  furrow__parts_end(&stream->parts);
  furrow__turns_end(&stream->turns);
  furrow__replay_free(stream->replay);
  free(stream->kept);
  free(stream);
}

bool furrow__stream_have_store(furrow__stream *stream, const furrow__layout *layout) {
  return furrow__stream_own_store(&stream->store, &stream->pool->board, layout);
}

/* ---- what comes ---- */

static void ring(furrow__stream *stream) {
  atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&stream->record->eager, memory_order_relaxed)) furrow__gate_bump(&stream->record->turn);
}

static furrow_status keep(furrow__stream *stream, const char *packed, size_t length, char *why) {
  if (!stream->replay || furrow__replay_keep(stream->replay, packed, length)) return FURROW_OK;
  snprintf(why, FURROW__SCRATCH_WHY, "no memory for a result and its journal");
  return FURROW_E_NOMEM;
}

furrow_status furrow__stream_take(furrow__stream *stream, const char *packed, size_t length, char *why) {
  furrow_status status = keep(stream, packed, length, why);
  if (status == FURROW_OK) status = furrow__arrivals_take(&stream->arrivals, packed, length, why);
  ring(stream);
  return status;
}

/* The first piece has the head. */
static furrow_status begin_large(furrow__stream *stream, furrow__packet **packet, const char *bytes, char *why) {
  furrow__packed head;
  memcpy(&head, bytes, sizeof head);
  return furrow__arrivals_expect_packet(&stream->arrivals, furrow__packed_size(head.size), packet, why);
}

static furrow_status end_large(furrow__stream *stream, furrow__packet *packet, size_t length, char *why) {
  const char *bytes = furrow__packet_bytes(packet, why);
  furrow_status status = bytes ? keep(stream, bytes, length, why) : FURROW_E_IO;
  if (status == FURROW_OK) furrow__arrivals_take_packet(&stream->arrivals, packet);
  return status;
}

furrow_status furrow__stream_take_piece(furrow__stream *stream, furrow__packet **packet, size_t offset,
                                        const char *bytes, size_t length, bool last, char *why) {
  furrow_status status = FURROW_OK;
  if (offset == 0) status = begin_large(stream, packet, bytes, why);
  if (!*packet) return status; /* what follows a failure */
  if (status == FURROW_OK) status = furrow__packet_fill(*packet, offset, bytes, length, why);
  if (status == FURROW_OK && last) status = end_large(stream, *packet, offset + length, why);
  if (status != FURROW_OK) furrow__arrivals_drop_packet(&stream->arrivals, *packet);
  if (status != FURROW_OK || last) *packet = NULL;
  if (last) ring(stream);
  return status;
}

void furrow__stream_drop_piece(furrow__stream *stream, furrow__packet **packet) {
  furrow__arrivals_drop_packet(&stream->arrivals, *packet);
  *packet = NULL;
}

bool furrow__stream_fail(furrow__stream *stream, const furrow__failed *failed, uint32_t number) {
  bool kept = furrow__arrivals_fail(&stream->arrivals, failed, number);
  ring(stream);
  return kept;
}

bool furrow__stream_has_room(furrow__stream *stream, size_t size, bool far) {
  return furrow__parts_have_room(&stream->parts, size, far);
}

bool furrow__stream_take_part(furrow__stream *stream, uint64_t index, const char *bytes, size_t size, bool far) {
  if (!stream->ends.sink) return true;
  bool kept = furrow__parts_put(&stream->parts, index, bytes, size, far);
  ring(stream);
  return kept;
}

/* Items whose results have come make room. */
static bool free_items(furrow__stream *stream) {
  uint64_t count = furrow__arrivals_finished(&stream->arrivals, stream->numbers);
  for (uint64_t i = 0; i < count; i++) {
    stream->item_bytes -= stream->store.entries[stream->numbers[i]].size;
    furrow__store_free(&stream->store, stream->numbers[i]);
  }
  stream->finished += count;
  if (stream->far && stream->finished == stream->given) stream->far = furrow__courier_sends_items(stream->pool);
  return count > 0;
}

void furrow__stream_before_fork(furrow__stream *stream) {
  furrow__turns_before_fork(&stream->turns);
}

void furrow__stream_after_fork(furrow__stream *stream) {
  furrow__turns_after_fork(&stream->turns);
}

/* ---- what the user's functions answer ---- */

furrow_stream_answer furrow_stream_fail(furrow_stream_state *state, const char *format, ...) {
  stream_call *behind = (stream_call *)(void *)state;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(behind->why, sizeof behind->why, format, arguments);
  va_end(arguments);
  return FURROW_STREAM_FAILED;
}

/* Other nodes have it from the courier, which looks at least every 10 ms: it is not rung for, so that a call costs a store. */
void furrow_stream_tell(furrow_stream_state *state, uint64_t word) {
  stream_call *behind = (stream_call *)(void *)state;
  _Atomic uint64_t *told = &behind->stream->record->word;
  if (atomic_load_explicit(told, memory_order_relaxed) != word) atomic_store_explicit(told, word, memory_order_relaxed);
}

void stream_begin_call(furrow__stream *stream, stream_call *call, uint64_t index, uint64_t under_way) {
  call->state = (furrow_stream_state){.index = index, .under_way = under_way, .data = stream->ends.data};
  call->stream = stream;
  call->why[0] = '\0';
}

void stream_give_up(furrow__stream *stream, furrow_status status, const char *who, uint64_t index, const char *why) {
  furrow_error error;
  furrow__error_set(&error, status, furrow__here(stream->pool), FURROW_NO_TASK,
                    "furrow_stream: %s, item %" PRIu64 ": %s", who, index, why);
  furrow__ledger_fail(stream->pool->ledger, &error);
  stream->ended = true;
}

void stream_give_up_at(furrow__stream *stream, furrow_stream_answer answer, const char *who, uint64_t index,
                       const char *reason) {
  char message[64];
  if (answer == FURROW_STREAM_FAILED) {
    stream_give_up(stream, FURROW_E_IO, who, index, *reason ? reason : "it failed");
    return;
  }
  snprintf(message, sizeof message, "it answers %d, which is no answer of a %s", (int)answer, who);
  stream_give_up(stream, FURROW_E_ARG, who, index, message);
}

/* ---- results ---- */

static const furrow__failed *failure_in(const furrow__arrival *one) {
  return (const furrow__failed *)(const void *)one->bytes;
}

static furrow_stream_answer tell_sink(furrow__stream *stream, stream_call *call, const void *bytes, size_t size) {
  stream_enter(stream);
  furrow_stream_answer answer = stream->ends.sink(&call->state, bytes, size);
  stream_leave(stream);
  if (answer == FURROW_STREAM_END) furrow__ledger_have_enough(stream->pool->ledger);
  if (answer != FURROW_STREAM_NEXT && answer != FURROW_STREAM_END)
    stream_give_up_at(stream, answer, "sink", call->state.index, call->why);
  if (answer != FURROW_STREAM_NEXT) stream->ended = stream->settled = true;
  return answer;
}

/* Items that the sink has had no result of, but for one. */
static uint64_t others_under_way(const furrow__stream *stream) {
  return stream->given + stream->holds - stream->delivered - 1;
}

static void tell_result(furrow__stream *stream, const furrow__arrival *one) {
  stream_call call;
  furrow_failure failure;
  stream_begin_call(stream, &call, one->index, others_under_way(stream));
  if (one->failed) {
    failure = furrow__failure_of(failure_in(one));
    call.state.failure = &failure;
  }
  tell_sink(stream, &call, one->failed ? NULL : one->bytes, one->failed ? 0 : one->size);
}

/* Once the sink has seen enough the rest is let go. */
static void deliver_result(furrow__stream *stream, const furrow__arrival *one) {
  if (!stream->settled && one->failed) furrow__ledger_count(stream->pool->ledger, failure_in(one));
  if (!stream->settled && stream->ends.sink) tell_result(stream, one);
  furrow__arrival_let_go(&stream->arrivals, one);
  stream->delivered++;
  stream->later = false;
}

static void deliver_part(furrow__stream *stream, furrow__part *one) {
  stream_call call;
  stream_begin_call(stream, &call, one->index, others_under_way(stream));
  call.state.part = true;
  if (!stream->settled) tell_sink(stream, &call, one->bytes, one->size);
  free(one);
}

/* Results first: a task's parts were here before its result was, so all that belong before one of these are here by now. All of
   both is delivered before this looks again: else tasks that go on sending would keep the results of others from a slow sink. */
static void look_what_came(furrow__stream *stream) {
  bool refused;
  stream->list_count = furrow__arrivals_next(&stream->arrivals, stream->list, STREAM_ROUND);
  stream->list_at = 0;
  stream->sent = furrow__parts_take(&stream->parts, &refused);
  if (refused) furrow__gate_bump(stream->pool->board.bell);
}

/* For a while: the other side waits. */
static bool deliver(furrow__stream *stream) {
  if (!stream->sent && stream->list_at == stream->list_count) look_what_came(stream);
  uint64_t start = furrow__now_roughly();
  bool moved = stream->sent != NULL || stream->list_at < stream->list_count, on_time = true;
  while (stream->sent && on_time) {
    furrow__part *one = stream->sent;
    stream->sent = one->next;
    deliver_part(stream, one);
    on_time = furrow__now_roughly() == start;
  }
  while (!stream->sent && stream->list_at < stream->list_count && on_time) {
    deliver_result(stream, &stream->list[stream->list_at++]);
    on_time = furrow__now_roughly() == start;
  }
  return moved;
}

/* ---- round and round ---- */

/* All ranks have met. Until something is on a pile nothing comes. */
static void begin(furrow__stream *stream) {
  stream->record = furrow__record_of(stream->pool);
  stream->workers = stream->pool->all.workers;
  stream->target = stream_min(STREAM_FEW * stream->workers, stream->window);
  stream->measured = furrow__now();
  for (int i = 0; i < FURROW__PILES; i++) atomic_store(&stream->pool->board.piles[i].share, 0);
}

static bool is_over(const furrow__stream *stream) {
  bool over = atomic_load_explicit(&stream->record->over, memory_order_acquire) != 0;
  FURROW__POINT("stream: looked whether it is over");
  return over || atomic_load(stream->pool->board.broken);
}

/* The sink has had all: once the workers rest, the ledger ends the operation. */
static void settle(furrow__stream *stream) {
  bool all = stream->ended && !stream->holds && stream->delivered == stream->given;
  if (!all || stream->settled) return;
  stream->settled = true;
  furrow__ledger_expect(stream->pool->ledger, stream->given - stream->replayed);
}

static bool somebody_waits(const furrow__stream *stream) {
  bool few = stream->given - stream->finished <= STREAM_FEW * stream->workers;
  return stream->later || few || furrow__resting(stream->record) > 0;
}

/* Nothing moved since `heard`. */
static void doze_off(furrow__stream *stream, uint32_t heard) {
  furrow__patience patience = {FURROW__SLEEP, 0};
  bool sends = stream->far && stream->finished == stream->given; /* nobody tells when that is done */
  if (sends || (stream->doze == AWAKE && !somebody_waits(stream))) {
    furrow__gate_wait(&stream->record->turn, heard, LAZY_NAP, &patience);
    if (stream->doze == AWAKE) stream->doze = LOOKED;
  } else if (stream->doze != EAGER) {
    atomic_store(&stream->record->eager, 1);
    atomic_thread_fence(memory_order_seq_cst);
    stream->doze = EAGER;
  } else {
    furrow__await_until(stream->pool, &stream->record->turn, heard, stream->later ? stream->ask_at : UINT64_MAX);
  }
}

void furrow__stream_conduct(void *context) {
  furrow__stream *stream = context;
  begin(stream);
  for (;;) {
    uint32_t heard = furrow__gate_read(&stream->record->turn); /* before any look: the end rings only once */
    if (is_over(stream)) break;
    bool moved = stream->doze == EAGER ? furrow__server_serve(stream->pool) : furrow__server_help(stream->pool);
    if (furrow__courier_is_ours(stream->pool)) furrow__courier_step(stream->pool);
    moved = free_items(stream) || moved;
    moved = deliver(stream) || moved;
    moved = stream_feed(stream) || moved;
    settle(stream);
    if (!moved) {
      doze_off(stream, heard);
    } else if (stream->doze != AWAKE) {
      stream->doze = AWAKE;
      atomic_store_explicit(&stream->record->eager, 0, memory_order_relaxed);
    }
  }
  if (furrow__parts_close(&stream->parts)) furrow__gate_bump(stream->pool->board.bell);
}
