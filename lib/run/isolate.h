/* Isolation: a worker whose tasks run in a child. isolate.c is the rank's side, with birth.c for the fork
   and isolate_items.c for streams; inmate.c the child's; cell.h what they share. */
#ifndef FURROW_RUN_ISOLATE_H
#define FURROW_RUN_ISOLATE_H

#include "run/cell.h"
#include "run/worker_inside.h"

/* Memory for a cell. False: there is none. */
bool isolate_start(worker *w);

/* Have children run what there is, until nothing is left to take, or the operation is to stop. All that they have finished
   is posted then. */
void isolate_work_on(worker *w);

/* Have a child, if there is none that lives. False: the system refuses it; w->running.error says so. */
bool isolate_have_child(worker *w);

/* Dismiss the child. */
void isolate_end(worker *w);

/* Of a stream. Post what the child has finished; whether that is the item under `number`, of index `at`. */
void isolate_collect_items(worker *w);
bool isolate_has_item(const worker *w, uint32_t number, uint64_t at);

/* What stood in the file has been posted, or is of no use: the child is dead, or waits. */
void isolate_empty_file(worker *w);

/* The child waits: for room for more parts; for room; for the item under `number`, which is too large for the store. The latter ends it, since what is
   fetched now only the next child sees. */
void isolate_give_sending(worker *w);
void isolate_give_room(worker *w);
void isolate_give_item(worker *w, uint32_t number);

/* The body of a child. */
void inmate_live(void *argument);

#endif
