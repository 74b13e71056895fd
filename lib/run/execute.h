/* Running tasks: the user's function, its generator, its failure. Knows one span of tasks at a time; does not know
   where items come from, or who claims. */
#ifndef FURROW_RUN_EXECUTE_H
#define FURROW_RUN_EXECUTE_H

#include <stdatomic.h>

#include "run/meet.h"
#include "run/pool.h"
#include "run/work.h"

/* Where the result of a stream's task is written: in memory that was given; once that is too small in its own; and once it is
   larger than FURROW__OUT_MEMORY all of it goes to a file. */
typedef struct furrow__out {
  char *bytes;
  size_t size, room;
  bool fixed; /* there is no other memory */
  char *own;
  size_t own_room;
  size_t spilled; /* bytes that stand in the file, before those in memory; when the task has ended, all or none */
  int file;       /* 1 + its number; 0: none yet */
} furrow__out;

enum { FURROW__OUT_MEMORY = 4 << 20 };

/* Bytes that a task of a stream sends before its result. Nothing in `out` stands in a ring then. */
typedef void furrow__send(void *sender, uint64_t index, const char *data, size_t size);

/* What stands behind the furrow_task that a function sees. */
typedef struct furrow__running {
  furrow_task task; /* first, so that the one leads to the other */
  bool has_rng, failed;
  uint64_t seed, series;
  furrow_rng rng;
  const furrow__work *work;
  const _Atomic uint32_t *signal; /* a word of other ranks: once it is not 0, look up from work. NULL: none */
  bool watches;                   /* then also: */
  const furrow__stop_watch *stop; /* when it is asked to stop; NULL: it can't be */
  uint64_t look_up;               /* at this time; 0: never */
  furrow__where where;
  furrow__out out;
  furrow__send *send;
  void *sender;
  furrow_error error; /* why the operation failed on this rank */
  int code;           /* what the function returned that failed */
  /* What tells a task that nobody waits for it; all but `told` stand from the beginning. */
  const furrow__meeting *record; /* NULL: there is no board */
  const atomic_bool *broken;
  furrow_pool *pool; /* may be asked to stop; NULL in a child, which leaves that to its rank */
  atomic_bool told;  /* it has been told so: then its failure is none */
} furrow__running;

/* For a thread of this rank. */
void furrow__running_start(furrow__running *running, furrow_pool *pool, const furrow__work *work, int thread);

/* worker_begin and worker_end. The first is false if it failed: running->error says why. */
bool furrow__running_begin(furrow__running *running);
void furrow__running_end(furrow__running *running);

/* Whether to stop, or whether it is time to look after a journal or other nodes. */
bool furrow__is_due(const furrow__running *running);

/* Whether to look up from work, between two tasks: the next one may take any time. */
static inline bool furrow__is_signalled(const furrow__running *running) {
  if (running->signal && atomic_load_explicit(running->signal, memory_order_relaxed) != 0) return true;
  return running->watches && furrow__is_due(running);
}

/* Map the tasks of a span. Returns how many were run: fewer if one failed (then running->error says why), or
   at a signal. */
uint64_t furrow__run_map(furrow__running *running, furrow__span span, const char *items, char *results);

/* Run the task of one item of a stream; its result is in running->out, where the caller has set bytes and room. False if it
   failed. */
bool furrow__run_item(furrow__running *running, uint64_t index, const void *item, size_t size);

/* The result in the file is of no use any more. */
void furrow__out_empty(furrow__out *out);

/* Free what the worker has. */
void furrow__running_free(furrow__running *running);

/* Fold the tasks of a span into one accumulator, which holds nothing yet if `fresh`. False if one failed. */
bool furrow__run_fold(furrow__running *running, furrow__span span, const char *items, char *accumulator, bool fresh);

#endif
