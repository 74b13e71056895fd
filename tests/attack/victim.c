/* The program that tests/attack/run kills and resumes: several operations in one journal, some of them in children, some of
 * whose tasks fail at first. Prints a digest of all their results. Knows the public API only.
 *
 *   victim JOURNAL LOG     JOURNAL - for none
 *
 * Each task that is run writes its operation and its index to LOG. Exits 75 if it was stopped by SIGUSR1. */
#include <fcntl.h>
#include <furrow.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  STATUS_STOPPED = 75,
  MAPPED = 400,
  REDUCED = 900,
  RECORDS = 250,
  RECORD_SIZE = 3000,
  BLOCKS = 700,
  NUMBERS = 5000,
  STREAMED = 300, /* items of each of two streams */
  STREAMED_SIZE = 2000
};

/* What tasks are told. */
typedef struct operation {
  int number;
  int log;
  uint64_t step,
      crash; /* of every `step` tasks one fails at its first attempt: number 3; by a crash, or by what it returns */
} operation;

/* ---- tasks ---- */

/* One write, so that lines of many processes stay whole. */
static void begin_task(const furrow_task *task) {
  const operation *op = task->user;
  struct timespec time = {0, 400000};
  char line[64];
  int length = snprintf(line, sizeof line, "%d %" PRIu64 "\n", op->number, task->index);
  if (write(op->log, line, (size_t)length) != length) _exit(9);
  nanosleep(&time, NULL); /* cores are few, and the attack needs some */
}

static int end_task(furrow_task *task) {
  const operation *op = task->user;
  if (op->step == 0 || task->index % op->step != 3 || task->attempt > 0) return 0;
  if (op->crash) raise(SIGSEGV);
  return furrow_fail(task, "at first");
}

static int map_numbers(furrow_task *task, const void *item, void *result) {
  begin_task(task);
  double *numbers = result;
  for (int i = 0; i < 6; i++) numbers[i] = furrow_rng_normal(furrow_task_rng(task)) + *(const double *)item;
  return end_task(task);
}

static int map_records(furrow_task *task, const void *item, void *result) {
  (void)item;
  begin_task(task);
  for (int i = 0; i < RECORD_SIZE; i++)
    ((unsigned char *)result)[i] = (unsigned char)(task->index * 7 + (uint64_t)i * 3);
  return end_task(task);
}

/* Does not commute, and rounds. */
typedef struct chain {
  uint64_t a, b;
  double sum, rest[60];
} chain;

static void chain_init(void *accumulator, void *user) {
  (void)user;
  ((chain *)accumulator)->a = 1;
}

static void chain_merge(void *accumulator, const void *later, void *user) {
  chain *f = accumulator;
  const chain *g = later;
  (void)user;
  f->b = g->a * f->b + g->b;
  f->a *= g->a;
  f->sum = f->sum * 0.999 + g->sum;
  for (int i = 0; i < 60; i++) f->rest[i] += g->rest[i];
}

static int chain_fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  begin_task(task);
  chain one = {
      .a = 2 * task->index + 3, .b = task->index * 0x9e3779b97f4a7c15u, .sum = 1.0 / (double)(task->index + 1)};
  for (int i = 0; i < 60; i++) one.rest[i] = furrow_rng_uniform(furrow_task_rng(task)) * (i % 3 ? 1 : 1e9);
  chain_merge(accumulator, &one, NULL);
  return end_task(task);
}

static void add(void *accumulator, const void *later, void *user) {
  (void)user;
  *(double *)accumulator += *(const double *)later;
}

/* ---- streams ---- */

static uint64_t digest(const void *bytes, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  return hash;
}

/* What rank 0 has of one: a digest of each result. */
typedef struct ends {
  uint64_t digests[STREAMED], taken;
  bool ordered;
} ends;

/* Items and results of many sizes. */
static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  static unsigned char bytes[STREAMED_SIZE];
  if (state->index == STREAMED) return FURROW_STREAM_END;
  *size = state->index * 37 % STREAMED_SIZE;
  for (size_t i = 0; i < *size; i++) bytes[i] = (unsigned char)(state->index * 5 + i);
  *item = bytes;
  return FURROW_STREAM_NEXT;
}

static int stream_bytes(furrow_task *task, const void *item, size_t size) {
  begin_task(task);
  uint64_t first[2] = {digest(item, size), furrow_rng_u64(furrow_task_rng(task))};
  unsigned char rest[STREAMED_SIZE];
  size_t length = task->index * 53 % STREAMED_SIZE;
  memset(rest, (int)(unsigned char)task->index, length);
  if (furrow_task_write(task, first, sizeof first) || furrow_task_write(task, rest, length)) return 1;
  return end_task(task);
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  ends *here = state->data;
  if (here->ordered && state->index != here->taken) return furrow_stream_fail(state, "out of order");
  if (here->digests[state->index]) return furrow_stream_fail(state, "it comes twice");
  here->digests[state->index] = digest(result, size);
  here->taken++;
  return FURROW_STREAM_NEXT;
}

/* ---- operations ---- */

typedef struct results {
  double numbers[MAPPED][6];
  unsigned char records[RECORDS][RECORD_SIZE];
  chain isolated, plain;
  double sum;
  ends ordered, unordered; /* on rank 0 */
} results;

static const furrow_reducer CHAIN = {sizeof(furrow_reducer), sizeof(chain), chain_init, chain_fold, chain_merge};

static furrow_status run(furrow_pool *pool, const char *journal, int log, results *all) {
  static double items[NUMBERS];
  for (int i = 0; i < NUMBERS; i++) items[i] = 1.0 / (i + 1);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.journal = journal;
  options.label = "victim";

  operation op = {0, log, 0, 0};
  furrow_status status =
      furrow_map(pool, map_numbers, &op, items, sizeof *items, MAPPED, all->numbers, sizeof *all->numbers, &options);
  if (status != FURROW_OK) return status;

  /* More retries than children can be killed. */
  options.isolate = FURROW_ISOLATE_ON;
  options.retries = 20;
  options.leaf = 7;
  op.number = 1;
  status = furrow_map_reduce(pool, &CHAIN, &op, NULL, 0, REDUCED, &all->isolated, &options);
  if (status != FURROW_OK) return status;

  op = (operation){2, log, 17, 1};
  status = furrow_map(pool, map_records, &op, NULL, 0, RECORDS, all->records, RECORD_SIZE, &options);
  if (status != FURROW_OK) return status;

  op = (operation){3, log, 31, 0};
  options.isolate = FURROW_ISOLATE_OFF;
  options.leaf = 5;
  status = furrow_map_reduce(pool, &CHAIN, &op, NULL, 0, BLOCKS, &all->plain, &options);
  if (status != FURROW_OK) return status;

  status = furrow_reduce(pool, add, NULL, items, sizeof *items, NUMBERS, &all->sum, &options);
  if (status != FURROW_OK) return status;

  op = (operation){5, log, 13, 0};
  options.unordered = true;
  options.threads = 2;
  status = furrow_stream(pool, stream_bytes, &op, give, take, &all->unordered, &options);
  if (status != FURROW_OK) return status;

  op = (operation){6, log, 17, 1};
  options.unordered = false;
  options.threads = 1;
  options.isolate = FURROW_ISOLATE_ON;
  options.window = 50;
  all->ordered.ordered = true;
  return furrow_stream(pool, stream_bytes, &op, give, take, &all->ordered, &options);
}

/* Between two operations the stop signal is not the library's. */
static void let_pass(int number) {
  (void)number;
}

int main(int argc, char **argv) {
  static results all; /* without padding */
  struct sigaction ignore = {.sa_handler = let_pass, .sa_flags = SA_RESTART};
  furrow_pool *pool = NULL;
  sigaction(SIGUSR1, &ignore, NULL);
  if (argc != 3) {
    fputs("usage: victim JOURNAL LOG\n", stderr);
    return 2;
  }
  const char *journal = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
  int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = furrow_agree(pool, log < 0 ? FURROW_E_IO : FURROW_OK, "the log can't be written");
  if (status == FURROW_OK) status = run(pool, journal, log, &all);
  if (status == FURROW_OK && furrow_is_root(pool)) printf("digest %016" PRIx64 "\n", digest(&all, sizeof all));
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  if (status == FURROW_E_INTERRUPTED) return STATUS_STOPPED;
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
