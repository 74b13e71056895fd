/* For tests/hosts/messages: one MPI call of one rank fails in the midst of guarded operations, or of a stream. CALL RANK NUMBER
 * [stream]: the NUMBER-th MPI_CALL of RANK, counted from the first operation on. Each rank says how it ended there. */
#include <furrow.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *wanted = "";
static _Atomic long until_it_fails; /* 0: never */

static bool fails(const char *call) {
  return strcmp(call, wanted) == 0 && atomic_load(&until_it_fails) > 0 && atomic_fetch_sub(&until_it_fails, 1) == 1;
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
  return fails("Isend") ? MPI_ERR_OTHER : PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Irecv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request) {
  return fails("Irecv") ? MPI_ERR_OTHER : PMPI_Irecv(data, count, type, from, tag, comm, request);
}

int MPI_Iallreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request *request) {
  return fails("Iallreduce") ? MPI_ERR_OTHER : PMPI_Iallreduce(in, out, count, type, op, comm, request);
}

static int work(furrow_task *task, const void *item, void *result) {
  nanosleep(&(struct timespec){0, 100000}, NULL);
  memcpy(result, item, sizeof(uint64_t));
  return task->index % 50 == 7 && task->attempt == 0 ? furrow_fail(task, "the first time") : 0;
}

static int fold(furrow_task *task, const void *item, void *sum) {
  (void)item;
  nanosleep(&(struct timespec){0, 100000}, NULL);
  *(uint64_t *)sum += task->index;
  return task->index % 50 == 7 && task->attempt == 0 ? furrow_fail(task, "the first time") : 0;
}

static void merge(void *sum, const void *later, void *user) {
  (void)user;
  *(uint64_t *)sum += *(const uint64_t *)later;
}

enum { COUNT = 3000 };

static furrow_status run(furrow_pool *pool) {
  static uint64_t items[COUNT], results[COUNT];
  const furrow_reducer sum_up = {.accumulator_size = sizeof(uint64_t), .fold = fold, .merge = merge};
  furrow_options options = FURROW_OPTIONS_INIT;
  uint64_t sum = 0;
  options.retries = 1;
  for (uint64_t i = 0; i < COUNT; i++) items[i] = i;
  furrow_status status = FURROW_MAP(pool, work, NULL, items, COUNT, results, &options);
  if (status == FURROW_OK) status = furrow_map_reduce(pool, &sum_up, NULL, NULL, 0, COUNT, &sum, &options);
  if (status == FURROW_OK && furrow_is_root(pool) &&
      (memcmp(items, results, sizeof items) != 0 || sum != (uint64_t)COUNT * (COUNT - 1) / 2))
    fprintf(stderr, "wrong results\n");
  return status;
}

/* ---- a stream ---- */

typedef struct flow {
  uint64_t given, taken, wrong;
} flow;

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  flow *f = state->data;
  if (f->given == COUNT) return FURROW_STREAM_END;
  *item = &state->index;
  *size = sizeof state->index;
  f->given++;
  return FURROW_STREAM_NEXT;
}

static int echo(furrow_task *task, const void *item, size_t size) {
  uint64_t result;
  if (size != sizeof result) return furrow_fail(task, "another size");
  int failed = work(task, item, &result);
  return furrow_task_write(task, &result, sizeof result) ? 1 : failed;
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  flow *f = state->data;
  bool right = state->index == f->taken && size == 8 && memcmp(result, &f->taken, 8) == 0;
  f->wrong += !right;
  f->taken++;
  return FURROW_STREAM_NEXT;
}

static furrow_status run_stream(furrow_pool *pool) {
  furrow_options options = FURROW_OPTIONS_INIT;
  flow f = {0, 0, 0};
  options.retries = 1;
  furrow_status status = furrow_stream(pool, echo, NULL, give, take, &f, &options);
  bool all = status != FURROW_OK || !furrow_is_root(pool) || f.taken == COUNT;
  if (!all || f.wrong) fprintf(stderr, "wrong results\n");
  return status;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  if (argc < 4 || furrow_init(&argc, &argv, &pool) != FURROW_OK) return 2;
  wanted = argv[1];
  if (furrow_pool_rank(pool) == atoi(argv[2])) atomic_store(&until_it_fails, atol(argv[3]));
  bool asked = atomic_load(&until_it_fails) > 0;
  furrow_status status = argc > 4 ? run_stream(pool) : run(pool);
  if (asked) fprintf(stderr, "it %s\n", atomic_load(&until_it_fails) == 0 ? "failed" : "was not reached");
  fprintf(stderr, "rank %d: status %d\n", furrow_pool_rank(pool), (int)status);
  /* mpirun ends the other ranks as soon as one has failed, and some notice only by its silence. */
  if (status != FURROW_OK) nanosleep(&(struct timespec){7, 0}, NULL);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
