/* What the tests of streams share: a source whose items and a task whose results tell where they belong, a sink that
 * knows what must come, and all three watching what the header promises. Works on the communicator under test. */
#ifndef TESTS_MPI_COMMON_STREAMS_H
#define TESTS_MPI_COMMON_STREAMS_H

#include "mpi/common/faults.h"

/* Sizes of items or results: all `most`, or mixed from 0 to `most`. */
typedef struct sizes {
  size_t most;
  bool mixed;
} sizes;

size_t size_at(sizes s, uint64_t i);

/* A stream as planned, the same on every rank; and what rank 0 saw of it. It is both `user` and `data`. */
typedef struct flow {
  uint64_t count; /* the source ends after so many; UINT64_MAX: never */
  sizes items, results;
  failing which;  /* these tasks fail */
  uint32_t until; /* at attempts below it */
  double task_nap, give_nap, take_nap;
  void (*before)(furrow_task *task, const struct flow *f); /* called in each task, if not NULL */
  counter *ran;        /* how often each task ran, up to `counters` of them; NULL: not counted */
  counter *item_bytes; /* bytes of items that are with the stream; NULL: not counted */
  size_t counters;
  uint64_t end_after; /* the sink ends with this many results; 0: never */
  uint64_t give_fails,
      take_fails;     /* the source fails when asked for this item, the sink at this call; UINT64_MAX: never */
  const char *reason; /* by furrow_stream_fail(); NULL: by FURROW_STREAM_FAILED alone */
  bool no_sink;
  /* ---- seen on rank 0 ---- */
  uint64_t given, taken, failed, most_under_way, most_bytes, gives, takes;
  uint8_t *had;              /* had[i]: the sink had a result, or a failure, of item i */
  unsigned char *buffer;     /* for items, the same each time: the stream has copied what was in it */
  bool gave_last, took_last; /* the source, the sink has ended or failed */
  bool unordered;
  uint64_t window;
  uint32_t attempt; /* that failures in the sink must have */
  uint64_t wrong;   /* how many things were wrong; the first few are told */
} flow;

/* A plan in which nothing fails: items and results of these sizes. */
flow flow_of(uint64_t count, sizes items, sizes results);

/* Run it. Collective. */
furrow_status flow_run(furrow_pool *pool, flow *f, furrow_options options);

/* Run it on the pool of all tests: it must end well, with each item's result in its place, once. */
void expect_flow(flow f, furrow_options options);

/* The sink has had each of the first `count` items just once, on rank 0. */
void expect_had_all(const flow *f, uint64_t count);

void flow_free(flow *f);

/* The parts, for tests of their own. */
furrow_stream_answer flow_give(furrow_stream_state *state, const void **item, size_t *size);
furrow_stream_answer flow_take(furrow_stream_state *state, const void *result, size_t size);
int flow_task(furrow_task *task, const void *item, size_t size);

/* A task without a result. */
int do_nothing(furrow_task *task, const void *item, size_t size);

#endif
