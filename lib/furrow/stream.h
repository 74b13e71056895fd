/* Items that come one after the other, results that go as they come: for what has no end yet, does not fit into memory, or
 * depends on what came before. */
#ifndef FURROW_STREAM_H
#define FURROW_STREAM_H

#include "failure.h"
#include "options.h"
#include "pool.h"
#include "task.h"

FURROW_BEGIN_DECLS

/** What a source or a sink answers. */
typedef enum furrow_stream_answer {
  FURROW_STREAM_NEXT,   /**< source: here is an item. Sink: go on */
  FURROW_STREAM_LATER,  /**< source: there is no item now; ask again when the sink has had another result, or after
                             state->wait seconds */
  FURROW_STREAM_END,    /**< source: there are no more items. Sink: it has seen enough; what is under way is dropped */
  FURROW_STREAM_FAILED, /**< give up, with FURROW_E_IO; see furrow_stream_fail(). Any other answer is FURROW_E_ARG */
} furrow_stream_answer;

/** What a source and a sink are told. */
typedef struct furrow_stream_state {
  uint64_t index;     /**< source: of the item that is asked for, 0, 1, …. Sink: of the item whose result this is */
  uint64_t under_way; /**< items whose results the sink has not had, not counting this one */
  double wait; /**< source: 0; it may set with FURROW_STREAM_LATER after how many seconds to ask again at the latest */
  bool part;   /**< sink: these are not the result, but bytes that the task sent before, see furrow_task_send() */
  void *data;  /**< as given to furrow_stream() */
  const furrow_failure *failure; /**< sink: why there is no result, with FURROW_ON_ERROR_CONTINUE; else NULL */
} furrow_stream_state;

/** Give the next item. On rank 0, from the thread that called furrow_stream(). It may take its time: meanwhile the tasks
 *  that are under way run, but the sink waits. Neither a source nor a sink may use the pool (FURROW_E_ARG).
 *
 *  @param item,size  set to the item, if the answer is FURROW_STREAM_NEXT: any number of bytes, which are copied before the
 *                    next call. */
typedef furrow_stream_answer furrow_source(furrow_stream_state *state, const void **item, size_t *size);

/** Take a result. On rank 0, from the thread that called furrow_stream(), never two at a time. It may take its time: tasks go on
 *  until the window is full, then workers sleep.
 *
 *  @param result,size  what the task has written, aligned to 16 bytes, until the sink returns. NULL and 0 if
 *                      state->failure tells why there is none. */
typedef furrow_stream_answer furrow_sink(furrow_stream_state *state, const void *result, size_t size);

/** Give up, with a reason. Local, from inside a source or sink: `return furrow_stream_fail(state, "%s: %s", path,
 *  strerror(errno));`
 *
 *  @return FURROW_STREAM_FAILED, to be returned. */
FURROW_API furrow_stream_answer furrow_stream_fail(furrow_stream_state *state, const char *format, ...)
    FURROW_PRINTF(2, 3);

/** Tell all tasks of this stream a word, those that run and those to come: a limit, the best result so far, the bits of a double.
 *  They have it from furrow_task_told(). Local, from inside a source or sink; tasks of its node have it at once.
 *
 *  Nobody waits for it, and only the last word counts: tasks may never see one that was told before. In the next operation it
 *  is 0 again. A child sees it as well.
 *  Cost: a store; one message to each other node, at most 100 a second, fewer where there are more than 30 nodes. */
FURROW_API void furrow_stream_tell(furrow_stream_state *state, uint64_t word);

/** The last word that furrow_stream_tell() has told in this operation; 0 at first, and in a task that is not a stream's.
 *
 *  Local, from inside the task function, or from another thread while it runs. It may be another one at each call. On other
 *  nodes than rank 0's it comes some milliseconds later; where MPI offers less than MPI_THREAD_MULTIPLE, on their first ranks
 *  only between two tasks. So a result that depends on it is not the same in every run. Cost: a load. */
FURROW_API uint64_t furrow_task_told(const furrow_task *task);

/** A task: read the item, write a result with furrow_task_write(), return 0; or fail, with furrow_fail() or any other value.
 *
 *  @param item  `size` bytes, read only, aligned to 16; what it points to is unspecified if size is 0. */
typedef int furrow_stream_fn(furrow_task *task, const void *item, size_t size);

/** Append bytes to this task's result, which is empty at first. Local, from inside the function of a stream's task only.
 *
 *  @param data  may be NULL if size is 0.
 *  @return 0; or 1, if there is no room or an argument is wrong, in which case the task has failed:
 *          `return furrow_task_write(task, …);` */
FURROW_API int furrow_task_write(furrow_task *task, const void *data, size_t size);

/** Send bytes to the sink now, before the task has ended: progress, or output as it comes. Local, from inside the function of a
 *  stream's task only.
 *
 *  The sink has them as soon as it can, with state->part: parts of a task in their order and before its result, but not in
 *  the order of items. What is sent at a time is one part up to 64 KiB, and beyond that may be several. Waits while rank 0 is
 *  behind; once the stream fails, or its sink has seen enough, parts are dropped. What an attempt has sent is sent, also if it
 *  fails afterwards. A journal does not keep parts: results that it has come without. With isolation parts take some 10 ms
 *  longer, and a task that waits for rank 0 does so in its task_timeout. Where MPI offers less than MPI_THREAD_MULTIPLE the parts
 *  of another node leave it only while its first rank is between two tasks, or waits.
 *
 *  @param data  may be NULL if size is 0: then nothing is sent.
 *  @return as furrow_task_write(). */
FURROW_API int furrow_task_send(furrow_task *task, const void *data, size_t size);

/** Run a task for every item that the source gives, and give every result to the sink: in the order of items, or with
 *  options->unordered as they are finished.
 *
 *  Collective on the pool. Ends when the source has ended and the sink has had all, or when the sink ends. Rank 0's tasks
 *  run in threads of their own, while the calling thread asks the source and feeds the sink; it sleeps when neither can
 *  go on. The random numbers of task i are those of task i of a map. Needs shared memory on every node.
 *
 *  What is under way is bounded by options->window and options->window_bytes, so memory does not depend on the number of items.
 *  An item that is larger than the whole window goes alone. How large results will be nobody knows: by their mean so far items
 *  are handed out. Results for which there is no room, large ones that come of a sudden, stand in files without a name until
 *  the sink has had them: in the folder TMPDIR, or else /tmp, of the worker's node and of rank 0's. Where that is full a task
 *  fails; if it is rank 0's, the stream does, with FURROW_E_IO. A journal needs memory for the largest result.
 *
 *  A source that answers FURROW_STREAM_LATER while nothing is under way, and no time, would wait for ever: that is
 *  FURROW_E_ARG, and so is a time below 0.
 *
 *  A task that fails for good stops the stream or, with FURROW_ON_ERROR_CONTINUE, costs its result: the sink learns of it in
 *  its turn, and furrow_stream() returns FURROW_E_TASK in the end.
 *
 *  With options->journal the next run asks its source for all items again, and the sink gets all results; but those that the
 *  journal has come from there. The source must give the same items: one that differs is FURROW_E_ARG. See docs/faults.md.
 *
 *  @param fn       each rank's own pointer to the same function.
 *  @param user     each rank's own pointer, for task->user; may be NULL.
 *  @param source   on rank 0; ignored elsewhere.
 *  @param sink     on rank 0; ignored elsewhere. NULL: results are not wanted.
 *  @param data     for source and sink, as state->data; may be NULL.
 *  @param options  NULL for the defaults. `done`, `leaf` and `schedule` mean nothing here.
 *  @return FURROW_OK, FURROW_E_ARG, FURROW_E_NOMEM, FURROW_E_IO (source or sink failed, or a file), FURROW_E_TASK,
 *          FURROW_E_MISMATCH, FURROW_E_INTERRUPTED or FURROW_E_MPI; the same on every rank but for FURROW_E_MPI.
 *          furrow_pool_error() tells more.
 *  With isolation rank 0 begins children only between two calls of source and sink, whose files and locks a child would share.
 *  Cost: an item is copied once into shared memory, a result once out of it, once more each between nodes. */
FURROW_API FURROW_MUST_USE furrow_status furrow_stream(furrow_pool *pool, furrow_stream_fn *fn, void *user,
                                                       furrow_source *source, furrow_sink *sink, void *data,
                                                       const furrow_options *options);

FURROW_END_DECLS

#endif
