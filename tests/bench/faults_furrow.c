/* What surviving faults costs: a map as it is, and the same map made safe, in turns within one run, so that both see the same
 * machine. WAY COUNT LOOPS CHUNK REPS MIB FILE
 *
 *   WAY    never    a policy and retries that no task needs
 *          isolate  tasks in child processes; `fork` is then what an operation of one empty task a rank costs more
 *          journal  what is finished goes to FILE
 *          crash    one task of COUNT is killed: how many results there are all the same
 *
 * MIB is memory that each rank has touched. Results are 64 bytes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "work.h"

enum { REPS_MAX = 32, FORKS = 10 };

typedef struct result {
  uint64_t words[8];
} result;

typedef struct job {
  const char *way, *file;
  uint64_t count, loops;
  furrow_options plain, safe;
  int reps;
  result *results;
  uint8_t *done;
  double plain_seconds[REPS_MAX], safe_seconds[REPS_MAX], fork_seconds[FORKS];
  uint64_t check;
} job;

static int spin(furrow_task *task, const void *item, void *out) {
  const job *j = task->user;
  (void)item;
  uint64_t value = work_spin(task->index, j->loops);
  for (uint64_t i = 0; i < 8; i++) ((result *)out)->words[i] = value + i;
  if (j->done && task->index == j->count / 2) raise(SIGKILL);
  return 0;
}

static int nothing(furrow_task *task, const void *item, void *out) {
  (void)task;
  (void)item;
  (void)out;
  return 0;
}

static uint64_t check(const job *j) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < j->count; i++) sum = sum * 31 + j->results[i].words[7];
  return sum;
}

static furrow_status map(furrow_pool *pool, job *j, const furrow_options *options, double *seconds) {
  double start = bench_now();
  furrow_status status = furrow_map(pool, spin, j, NULL, 0, j->count, j->results, sizeof(result), options);
  *seconds = bench_now() - start;
  return status;
}

/* A journal is of one run: each repetition has a pool of its own, and rank 0 takes the file away before. */
static furrow_status map_safely(furrow_pool *pool, job *j, double *seconds) {
  if (!j->safe.journal) return map(pool, j, &j->safe, seconds);
  furrow_pool *fresh = NULL;
  if (furrow_is_root(pool)) unlink(j->file);
  furrow_status status = furrow_pool_create(MPI_COMM_WORLD, NULL, &fresh);
  if (status == FURROW_OK) status = map(fresh, j, &j->safe, seconds);
  if (status != FURROW_OK && furrow_is_root(fresh)) furrow_error_print(stderr, furrow_pool_error(fresh));
  furrow_pool_destroy(&fresh);
  return status;
}

/* The one and the other, each first every second time. */
static furrow_status compare(furrow_pool *pool, job *j) {
  double warm;
  furrow_status status = map(pool, j, &j->plain, &warm);
  uint64_t wanted = furrow_is_root(pool) ? check(j) : 0;
  for (int i = 0; i < 2 * j->reps && status == FURROW_OK; i++) {
    bool safely = (i + i / 2) % 2 == 1;
    status = safely ? map_safely(pool, j, &j->safe_seconds[i / 2]) : map(pool, j, &j->plain, &j->plain_seconds[i / 2]);
    if (status == FURROW_OK && furrow_is_root(pool) && check(j) != wanted) bench_fail("results differ");
  }
  j->check = wanted;
  return status;
}

/* What an operation costs more when it has to make children. */
static furrow_status measure_fork(furrow_pool *pool, job *j) {
  furrow_status status = FURROW_OK;
  uint64_t ranks = (uint64_t)furrow_pool_size(pool);
  for (int i = 0; i < FORKS && status == FURROW_OK; i++) {
    double start = bench_now();
    status = furrow_map(pool, nothing, NULL, NULL, 0, ranks, NULL, 0, &j->plain);
    double between = bench_now();
    if (status == FURROW_OK) status = furrow_map(pool, nothing, NULL, NULL, 0, ranks, NULL, 0, &j->safe);
    j->fork_seconds[i] = bench_now() - between - (between - start);
  }
  return status;
}

static furrow_status crash(furrow_pool *pool, job *j) {
  struct rlimit none = {0, 0};
  uint64_t there = 0;
  setrlimit(RLIMIT_CORE, &none);
  j->done = bench_alloc(j->count);
  j->safe.done = j->done;
  furrow_status status = map(pool, j, &j->safe, &j->safe_seconds[0]);
  for (uint64_t i = 0; furrow_is_root(pool) && i < j->count; i++) there += j->done[i];
  j->check = there;
  free(j->done);
  return status == FURROW_E_TASK ? FURROW_OK : FURROW_E_ARG;
}

static void print(const job *j) {
  double there = 100.0 * (double)j->check / (double)(j->count - 1);
  bench_line_begin();
  bench_line_doubles("seconds", j->safe_seconds, (size_t)j->reps);
  if (strcmp(j->way, "crash") == 0) {
    bench_line_doubles("there", &there, 1);
  } else {
    bench_line_doubles("plain", j->plain_seconds, (size_t)j->reps);
  }
  if (strcmp(j->way, "isolate") == 0) bench_line_doubles("fork", j->fork_seconds, FORKS);
  bench_line_hex("check", j->check);
  bench_line_end();
}

static void choose(job *j) {
  furrow_options *safe = &j->safe;
  *safe = j->plain;
  if (strcmp(j->way, "never") == 0) {
    safe->on_error = FURROW_ON_ERROR_CONTINUE;
    safe->retries = 3;
  } else if (strcmp(j->way, "isolate") == 0) {
    safe->isolate = FURROW_ISOLATE_ON;
  } else if (strcmp(j->way, "crash") == 0) {
    safe->isolate = FURROW_ISOLATE_ON;
    safe->on_error = FURROW_ON_ERROR_CONTINUE;
  } else if (strcmp(j->way, "journal") == 0) {
    safe->journal = j->file;
  } else {
    bench_fail("the first argument is none of never, isolate, journal, crash");
  }
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  job j = {.way = bench_word(argc, argv, 1), .plain = FURROW_OPTIONS_INIT};
  j.count = bench_number(argc, argv, 2);
  j.loops = bench_number(argc, argv, 3);
  j.plain.chunk = bench_number(argc, argv, 4);
  j.reps = (int)bench_number(argc, argv, 5);
  void *resident = bench_alloc(bench_number(argc, argv, 6) << 20);
  j.file = bench_word(argc, argv, 7);
  if (j.count < 2 || j.reps < 1 || j.reps > REPS_MAX) bench_fail("fewer than 2 tasks, or not 1 to 32 repetitions");
  choose(&j);
  if (furrow_is_root(pool)) j.results = bench_alloc(j.count * sizeof *j.results);
  if (status == FURROW_OK) status = strcmp(j.way, "crash") == 0 ? crash(pool, &j) : compare(pool, &j);
  if (status == FURROW_OK && j.safe.isolate == FURROW_ISOLATE_ON && !j.done) status = measure_fork(pool, &j);
  if (furrow_is_root(pool)) {
    if (j.safe.journal) unlink(j.file);
    if (status == FURROW_OK)
      print(&j);
    else
      furrow_error_print(stderr, furrow_pool_error(pool));
  }
  free(j.results);
  free(resident);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
