/* furrow_stream(), in order: COUNT REPS. Item i is one of 1000 blocks of 100 bytes, its result the block's Adler-32 in 8
 * bytes, as in stream_pool.py. Prints the seconds of each repetition. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "furrow.h"

enum { BLOCKS = 1000, BLOCK = 100, CHECKED = 4000, REPS_MAX = 32 };

typedef struct job {
  uint64_t count, given, taken, check, wrong; /* check: of the first results, in their order */
  unsigned char blocks[BLOCKS][BLOCK];
  uint64_t sums[BLOCKS];
} job;

static uint64_t adler32(const unsigned char *bytes, size_t size) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < size; i++) b += a += bytes[i];
  return (uint64_t)(b % 65521) << 16 | a % 65521; /* no overflow below 5552 bytes */
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  job *j = state->data;
  if (j->given == j->count) return FURROW_STREAM_END;
  *item = j->blocks[j->given++ % BLOCKS];
  *size = BLOCK;
  return FURROW_STREAM_NEXT;
}

static int sum(furrow_task *task, const void *item, size_t size) {
  uint64_t result = adler32(item, size);
  return furrow_task_write(task, &result, sizeof result);
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  job *j = state->data;
  uint64_t got = 0;
  if (size == sizeof got) memcpy(&got, result, sizeof got);
  j->wrong += got != j->sums[j->taken % BLOCKS];
  if (j->taken++ < CHECKED) j->check = j->check * 31 + got;
  return FURROW_STREAM_NEXT;
}

static void prepare(job *j, uint64_t count) {
  for (int block = 0; block < BLOCKS; block++) {
    for (int i = 0; i < BLOCK; i++) j->blocks[block][i] = (unsigned char)(block * 7 + i * 13 + block / 256);
    j->sums[block] = adler32(j->blocks[block], BLOCK);
  }
  j->count = count;
}

static furrow_status run(furrow_pool *pool, job *j, int reps, double *seconds) {
  furrow_status status = FURROW_OK;
  for (int i = 0; i < reps && status == FURROW_OK; i++) {
    j->given = j->taken = j->check = 0;
    double start = bench_now();
    status = furrow_stream(pool, sum, NULL, give, take, j, NULL);
    seconds[i] = bench_now() - start;
    if (furrow_is_root(pool) && status == FURROW_OK && (j->wrong > 0 || j->taken != j->count))
      bench_fail("a result is wrong");
  }
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  static job j;
  double seconds[REPS_MAX];
  furrow_status status = furrow_init(&argc, &argv, &pool);
  prepare(&j, bench_number(argc, argv, 1));
  int reps = (int)bench_number(argc, argv, 2);
  if (reps < 1 || reps > REPS_MAX) bench_fail("not 1 to 32 repetitions");
  if (status == FURROW_OK) status = run(pool, &j, reps, seconds);
  if (status == FURROW_OK && furrow_is_root(pool)) {
    bench_line_begin();
    bench_line_doubles("seconds", seconds, (size_t)reps);
    bench_line_hex("check", j.check);
    bench_line_end();
  }
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
