/* For tests/hosts/wake: time and again a node is silent for longer than node_timeout, in the midst of operations, and wakes up. Its
 * pool is lost, the program goes on with another one; and what MPI ends of the first one's calls hits nobody's memory. */
#include <furrow.h>
#include <mpi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 4, LARGE = 1 << 20, COUNT = 200, BLOCKS = 4096, STACK = 256 << 10, PATTERN = 0xA5 };

/* What a lost operation was given stays. */
static char large[LARGE], all[RANKS * LARGE];
static uint64_t items[COUNT], results[COUNT];

static void nap(double seconds) {
  struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  nanosleep(&time, NULL);
}

/* A child stops this process, all of its threads, and lets it go on after two seconds. */
static void fall_asleep_after(double seconds) {
  if (fork() != 0) return;
  nap(seconds);
  kill(getppid(), SIGSTOP);
  nap(2);
  kill(getppid(), SIGCONT);
  _exit(0);
}

/* ---- operations ---- */

static int square(furrow_task *task, const void *item, void *result) {
  uint64_t x = *(const uint64_t *)item;
  (void)task;
  *(uint64_t *)result = x * x;
  return 0;
}

static furrow_status map(furrow_pool *pool) {
  return furrow_map(pool, square, NULL, items, sizeof *items, COUNT, results, sizeof *results, NULL);
}

static furrow_status map_in_blocks(furrow_pool *pool) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = FURROW_SCHEDULE_STATIC;
  return furrow_map(pool, square, NULL, items, sizeof *items, COUNT, results, sizeof *results, &options);
}

static int fill(furrow_task *task, const void *item, void *accumulator) {
  (void)task;
  (void)item;
  memset(accumulator, 1, LARGE);
  return 0;
}

static void merge(void *accumulator, const void *later, void *user) {
  (void)user;
  memcpy(accumulator, later, LARGE);
}

static furrow_status reduce(furrow_pool *pool) {
  furrow_reducer reducer = {.size = sizeof reducer, .accumulator_size = LARGE, .fold = fill, .merge = merge};
  return furrow_map_reduce(pool, &reducer, NULL, NULL, 0, 64, large, NULL);
}

static furrow_status bcast(furrow_pool *pool) {
  return furrow_bcast(pool, large, 100);
}

static furrow_status bcast_large(furrow_pool *pool) {
  return furrow_bcast(pool, large, LARGE);
}

static furrow_status gather(furrow_pool *pool) {
  return furrow_gather(pool, large, 100, all);
}

static furrow_status share(furrow_pool *pool) {
  furrow_share *shared = NULL;
  furrow_status status = furrow_share_create(pool, large, LARGE, &shared);
  furrow_share_destroy(&shared);
  return status;
}

static furrow_status agree(furrow_pool *pool) {
  return furrow_agree(pool, FURROW_OK, NULL);
}

/* Each rank another call: they find out who made which. */
static furrow_status differ(furrow_pool *pool) {
  furrow_status status = furrow_pool_rank(pool) == 1 ? bcast(pool) : agree(pool);
  return status == FURROW_E_MISMATCH ? FURROW_OK : status;
}

static const struct {
  const char *name;
  furrow_status (*call)(furrow_pool *pool);
} OPERATIONS[] = {{"map", map},
                  {"map in blocks", map_in_blocks},
                  {"reduce", reduce},
                  {"bcast", bcast},
                  {"large bcast", bcast_large},
                  {"gather", gather},
                  {"share", share},
                  {"agree", agree},
                  {"differ", differ}};

/* ---- memory that is in use for something else by now ---- */

static size_t block_size(int i) {
  return (size_t)16 << (i % 10);
}

static int hit_bytes(const volatile unsigned char *bytes, size_t size) {
  int hit = 0;
  for (size_t i = 0; i < size; i++) hit += bytes[i] != PATTERN;
  return hit;
}

/* Where the operations had their frames and their buffers there is something else now; the barrier ends what was given up. */
__attribute__((noinline)) static int meet_again(int rank) {
  volatile unsigned char frame[STACK];
  unsigned char *blocks[BLOCKS];
  for (size_t i = 0; i < STACK; i++) frame[i] = PATTERN;
  for (int i = 0; i < BLOCKS; i++) {
    blocks[i] = malloc(block_size(i));
    if (blocks[i]) memset(blocks[i], PATTERN, block_size(i));
  }
  for (int i = 0; i < 3; i++) MPI_Barrier(MPI_COMM_WORLD);
  int stack = hit_bytes(frame, STACK), heap = 0;
  for (int i = 0; i < BLOCKS; i++) {
    if (blocks[i]) heap += hit_bytes(blocks[i], block_size(i));
    free(blocks[i]);
  }
  if (stack || heap) printf("rank %d: %d bytes of the stack and %d of the heap were hit\n", rank, stack, heap);
  return stack || heap;
}

static int lose(int what, int sleeper, double delay) {
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.node_timeout = 1;
  furrow_pool *pool = NULL;
  furrow_status status = furrow_pool_create(MPI_COMM_WORLD, &options, &pool);
  int rank = furrow_pool_rank(pool), bad = status != FURROW_OK;
  for (uint64_t i = 0; i < COUNT; i++) items[i] = i;
  if (status == FURROW_OK) status = OPERATIONS[what].call(pool); /* connects all */
  if (rank == sleeper) fall_asleep_after(delay);
  while (status == FURROW_OK) status = OPERATIONS[what].call(pool);
  if (status != FURROW_E_MPI)
    printf("rank %d: %s: %s: %s\n", rank, OPERATIONS[what].name, furrow_strerror(status),
           furrow_pool_error(pool)->message);
  furrow_pool_destroy(&pool);
  return bad || status != FURROW_E_MPI;
}

static int go_on(void) {
  furrow_pool *pool = NULL;
  int bad = furrow_pool_create(MPI_COMM_WORLD, NULL, &pool) != FURROW_OK;
  memset(results, 0, sizeof results);
  bad |= map(pool) != FURROW_OK;
  for (uint64_t i = 0; i < COUNT && furrow_is_root(pool); i++) bad |= results[i] != i * i;
  if (bad) printf("rank %d: no other pool works\n", furrow_pool_rank(pool));
  furrow_pool_destroy(&pool);
  return bad;
}

int main(int argc, char **argv) {
  int provided = 0, rank = 0, bad = 0, operations = (int)(sizeof OPERATIONS / sizeof *OPERATIONS);
  setvbuf(stdout, NULL, _IOLBF, 0); /* also what comes before a crash is read */
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int what = 0; what < operations; what++)
    for (int sleeper = 0; sleeper < 3; sleeper += 2) { /* the first ranks of two nodes */
      if (rank == 0) printf("%s, rank %d asleep\n", OPERATIONS[what].name, sleeper);
      bad |= lose(what, sleeper, 0.01 * (what + 1));
      bad |= meet_again(rank);
      bad |= go_on();
    }
  printf("rank %d: %s\n", rank, bad ? "bad" : "all is well");
  MPI_Finalize();
  return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
