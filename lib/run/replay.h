/* A stream and its journal, on rank 0: the results that earlier runs have, for their items, and those of this one. Knows the
   journal; does not know who runs tasks, or who wants results.

   The thread that asks the source looks and notes; one thread at a time keeps, beside it. */
#ifndef FURROW_RUN_REPLAY_H
#define FURROW_RUN_REPLAY_H

#include "journal/journal.h"

typedef struct furrow__replay furrow__replay;

/* Of the stream that has begun in the journal, which outlives it. NULL: no memory. */
furrow__replay *furrow__replay_start(furrow__journal *journal);
void furrow__replay_free(furrow__replay *replay);

/* Whether the journal has the result of an item, each index being asked for once, in ascending order. Then *result is that,
   aligned to 8, until the next call; else NULL. FURROW_E_ARG: the item was another one; FURROW_E_IO, FURROW_E_NOMEM; with a
   `message` of FURROW_MESSAGE_SIZE bytes. */
furrow_status furrow__replay_look(furrow__replay *replay, uint64_t index, const void *item, size_t size,
                                  const char **result, size_t *result_size, char *message);

/* An item goes to the workers under this number (node/store.h). */
void furrow__replay_note(furrow__replay *replay, uint32_t number, const void *item, size_t size);

/* Results of such items have come, packed: put them into the journal. False: no memory. What else goes wrong is in the
   journal's status. */
bool furrow__replay_keep(furrow__replay *replay, const char *packed, size_t length);

#endif
