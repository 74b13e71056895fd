/* A stream on rank 0: its source is asked as far ahead as keeps the workers busy, its sink gets what has come. Knows the user's
   two functions, what is under way, and when all is over; does not know tasks, or how units go to workers. */
#ifndef FURROW_RUN_STREAM_H
#define FURROW_RUN_STREAM_H

#include "furrow/stream.h"
#include "node/store.h"
#include "plan/retry.h"
#include "run/arrivals.h"
#include "run/pool.h"
#include "run/work.h"

/* Find the items of a stream on a board with such a layout; and own them, in the process of the node's first rank. */
void furrow__stream_find_store(furrow__store *store, const furrow__board *board, const furrow__layout *layout);
bool furrow__stream_own_store(furrow__store *store, furrow__board *board, const furrow__layout *layout);

/* Make one for work->settings, before the meeting. NULL: no memory. */
furrow__stream *furrow__stream_create(furrow_pool *pool, const furrow__work *work);
void furrow__stream_free(furrow__stream *stream);

/* Its items will stand there. False: no memory. */
bool furrow__stream_have_store(furrow__stream *stream, const furrow__layout *layout);

/* Around fork(), by its workers: neither source nor sink is in the midst of something. */
void furrow__stream_before_fork(furrow__stream *stream);
void furrow__stream_after_fork(furrow__stream *stream);

/* Ask and deliver until the operation is over: by the calling thread. `context` is the stream. */
void furrow__stream_conduct(void *context);

/* From the ledger: results have come, packed; or a piece of a large one, which begins at that offset, and may be the last. *packet
   stands for it, until then. Returns FURROW_OK, FURROW_E_NOMEM or FURROW_E_IO with a reason of FURROW__SCRATCH_WHY bytes. */
furrow_status furrow__stream_take(furrow__stream *stream, const char *packed, size_t length, char *why);
furrow_status furrow__stream_take_piece(furrow__stream *stream, furrow__packet **packet, size_t offset,
                                        const char *bytes, size_t length, bool last, char *why);

/* The operation ends in the midst of one. */
void furrow__stream_drop_piece(furrow__stream *stream, furrow__packet **packet);

/* An item has failed for good. False: no memory. */
bool furrow__stream_fail(furrow__stream *stream, const furrow__failed *failed, uint32_t number);

/* The same of bytes that a task sends before its result; and whether there is room for them now. If not, the bell rings when there
   is. */
bool furrow__stream_has_room(furrow__stream *stream, size_t size, bool far);
bool furrow__stream_take_part(furrow__stream *stream, uint64_t index, const char *bytes, size_t size, bool far);

#endif
