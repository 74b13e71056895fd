/* Every call that a guarded, isolated or journalled operation makes of the system fails once, on each rank in turn: all
 * ranks return the same, the pool works afterwards, nothing is left behind, and the next run of the program goes on from
 * what the journal has.
 * ranks: 1 3 */
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "mpi/common/tools.h"
#include "shim/wrap.h"

enum { MOST = 60, COUNT = 60, FAILS = 7 }; /* calls of one operation; tasks; the first attempt of this one */

typedef struct call {
  wrap_symbol symbol;
  const char *name;
} call;

#define CALL(name) \
  { wrap_##name, #name }
static const call CALLS[] = {CALL(malloc),    CALL(calloc),    CALL(realloc),       CALL(aligned_alloc), CALL(mmap),
                             CALL(fork),      CALL(open),      CALL(flock),         CALL(pread),         CALL(pwrite),
                             CALL(fdatasync), CALL(ftruncate), CALL(pthread_create)};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

/* ---- the operations ---- */

typedef struct plan {
  bool isolated, journalled;
  bool ends;   /* the sink of a stream ends it, when nothing is under way */
  size_t size; /* of a result, or of an accumulator; in 8 bytes */
  bool
      spills; /* a stream's results are larger than that: they go to files, on both sides; and parts come before them */
  furrow_status (*run)(furrow_pool *pool, const struct plan *p, const furrow_options *options);
} plan;

static char path[200];
static int broken_at = -1; /* this task fails */
static uint64_t *results;

static int fail_sometimes(furrow_task *task) {
  if ((int)task->index == broken_at) return furrow_fail(task, "on purpose");
  return task->index == FAILS && task->attempt == 0 ? furrow_fail(task, "the first time") : 0;
}

static int square(furrow_task *task, const void *item, void *result) {
  const plan *p = task->user;
  uint64_t *words = result;
  for (size_t i = 0; i < p->size; i++) words[i] = *(const uint64_t *)item * task->index + i;
  return fail_sometimes(task);
}

static furrow_status map(furrow_pool *pool, const plan *p, const furrow_options *options) {
  uint64_t items[COUNT];
  for (uint64_t i = 0; i < COUNT; i++) items[i] = i;
  memset(results, 0xee, COUNT * p->size * 8);
  furrow_status status =
      furrow_map(pool, square, (void *)p, items, sizeof *items, COUNT, results, p->size * 8, options);
  for (uint64_t i = 0; status == FURROW_OK && is_root() && i < COUNT; i++)
    if (results[i * p->size] != i * i || results[(i + 1) * p->size - 1] != i * i + p->size - 1) {
      TEST_FAIL("result %d is wrong", (int)i);
      break;
    }
  return status;
}

static int fold(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  ((uint64_t *)accumulator)[0] += task->index;
  return fail_sometimes(task);
}

/* Not commutative. */
static void merge(void *accumulator, const void *later, void *user) {
  uint64_t *here = accumulator;
  const uint64_t *there = later;
  here[0] += there[0];
  here[1] = here[1] * 31 + there[1] + 1;
  (void)user;
}

static furrow_status reduce(furrow_pool *pool, const plan *p, const furrow_options *options) {
  static uint64_t first; /* what the tree gives */
  const furrow_reducer sum = {sizeof sum, p->size * 8, NULL, fold, merge};
  memset(results, 0xee, p->size * 8);
  furrow_status status = furrow_map_reduce(pool, &sum, (void *)p, NULL, 0, COUNT, results, options);
  if (status != FURROW_OK || !is_root()) return status;
  if (results[0] != COUNT * (COUNT - 1) / 2) TEST_FAIL("a wrong sum");
  if (first == 0) first = results[1];
  if (results[1] != first) TEST_FAIL("another tree");
  return status;
}

/* ---- streams: the last item is far too large for the store, if the others are large ---- */

typedef struct sight {
  const plan *p;
  uint64_t *item, given, taken;
} sight;

enum { LARGE = 1000, STORE = 40 << 20, ENDS_AFTER = COUNT - 5, SPILLED = 5 << 20, FEW = 9 };

static uint64_t count_of(const plan *p) {
  return p->spills ? FEW : COUNT;
}

static size_t size_of_result(const plan *p) {
  return p->spills ? SPILLED : p->size * 8;
}

static size_t size_of_item(const plan *p, uint64_t i) {
  return p->size > LARGE && i == COUNT - 1 ? STORE : p->size * 8;
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  sight *s = state->data;
  if (s->given == count_of(s->p)) return FURROW_STREAM_END;
  *size = size_of_item(s->p, s->given);
  *item = s->item;
  s->item[0] = s->item[*size / 8 - 1] = s->given++;
  return FURROW_STREAM_NEXT;
}

static int send_and_write(furrow_task *task) {
  static const char bytes[SPILLED / 2];
  uint64_t word = task->index;
  if (furrow_task_send(task, bytes, 100000) != 0 || furrow_task_write(task, &word, sizeof word) != 0) return 1;
  if (furrow_task_write(task, bytes, sizeof bytes - 8) != 0 || furrow_task_write(task, bytes, sizeof bytes) != 0)
    return 1;
  return fail_sometimes(task);
}

static int echo(furrow_task *task, const void *item, size_t size) {
  const plan *p = task->user;
  const uint64_t *words = item;
  bool good = size == size_of_item(p, task->index) && words[0] == task->index && words[size / 8 - 1] == task->index;
  if (!good) return furrow_fail(task, "a wrong item");
  if (p->spills) return send_and_write(task);
  return furrow_task_write(task, item, p->size * 8) != 0 ? 1 : fail_sometimes(task);
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  sight *s = state->data;
  if (state->part) return FURROW_STREAM_NEXT;
  if (state->index != s->taken || size != size_of_result(s->p) || *(const uint64_t *)result != s->taken)
    TEST_FAIL("a wrong result, where %d was expected", (int)s->taken);
  s->taken++;
  return s->p->ends && s->taken == ENDS_AFTER ? FURROW_STREAM_END : FURROW_STREAM_NEXT;
}

static furrow_status stream(furrow_pool *pool, const plan *p, const furrow_options *options) {
  static uint64_t item[STORE / 8];
  sight s = {p, item, 0, 0};
  furrow_options within = *options;
  uint64_t wanted = p->ends ? ENDS_AFTER : count_of(p);
  within.window = p->ends ? 1 : 7;
  if (p->spills) within.window_bytes = 1;
  furrow_status status = furrow_stream(pool, echo, (void *)p, give, take, &s, &within);
  if (status == FURROW_OK && is_root() && s.taken != wanted) TEST_FAIL("%d results, not %d", (int)s.taken, (int)wanted);
  return status;
}

static furrow_status run(furrow_pool *pool, const plan *p) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.retries = 1;
  options.chunk = 2;
  options.leaf = 3;
  options.label = "fault";
  if (p->isolated) options.isolate = FURROW_ISOLATE_ON;
  if (p->journalled) options.journal = path;
  return p->run(pool, p, &options);
}

/* ---- what may be left behind ---- */

static int descriptors(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

static void expect_no_child(void) {
  pid_t pid = waitpid(-1, NULL, WNOHANG);
  if (pid >= 0 || errno != ECHILD) TEST_FAIL("a child is left, or a zombie: %d", (int)pid);
}

/* ---- calls that fail ---- */

static void begin_anew(const plan *p) {
  if (is_root()) unlink(path);
  PMPI_Barrier(test_comm());
  if (!p->journalled) return;
  furrow_pool *pool = make_pool(NULL);
  broken_at = COUNT / 2;
  EXPECT_STATUS_ON(pool, FURROW_E_TASK, run(pool, p)); /* so there is something to go on from */
  broken_at = -1;
  furrow_pool_destroy(&pool);
}

static void expect_goes_on(const plan *p) {
  furrow_pool *pool = make_pool(NULL);
  EXPECT_OK_ON(pool, run(pool, p));
  furrow_pool_destroy(&pool);
}

/* Some calls it can do without, and for flock() there is another lock; but what is not in the journal is never passed over. */
static bool is_allowed(const plan *p, wrap_symbol symbol, bool failed, int status) {
  if (!failed) return status == FURROW_OK;
  bool retried = p->spills || (p->run == stream && symbol == wrap_realloc);
  if (retried && status == FURROW_E_TASK)
    return true; /* a task that finds no room for its result fails, perhaps again */
  if (p->spills && status == FURROW_OK) return true;
  if (symbol == wrap_pwrite || symbol == wrap_fdatasync) return status == FURROW_E_IO;
  return status == FURROW_OK || status == FURROW_E_NOMEM || status == FURROW_E_IO;
}

/* False: there are no more calls. */
static bool fail_one(const plan *p, const call *c, int rank, uint64_t n) {
  begin_anew(p);
  furrow_pool *pool = make_pool(NULL);
  wrap_reset();
  if (test_rank() == rank) wrap_fail_nth(c->symbol, n);
  furrow_status status = run(pool, p);
  bool failed = wrap_failures(c->symbol) > 0;
  wrap_reset();
  int words[3] = {-(int)status, (int)status, failed};
  PMPI_Allreduce(MPI_IN_PLACE, words, 3, MPI_INT, MPI_MAX, test_comm());
  int lowest = -words[0], highest = words[1];
  failed = words[2] > 0;
  if (lowest != highest || !is_allowed(p, c->symbol, failed, lowest))
    TEST_FAIL("call %d of %s %s on rank %d: statuses from %d to %d (%s)", (int)n, c->name,
              failed ? "failed" : "was not reached", rank, lowest, highest, furrow_pool_error(pool)->message);
  if (status != FURROW_OK) expect_same_error(pool);
  expect_works(pool);
  furrow_pool_destroy(&pool);
  expect_no_child();
  if (p->journalled) expect_goes_on(p);
  return failed;
}

static void fail_each(const plan *p) {
  const char *parent = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/furrow-guarded-%d", parent ? parent : P_tmpdir, (int)getpid());
  results = calloc(COUNT, p->size * 8);
  int before = descriptors();
  uint64_t provoked = 0;
  for (int c = 0; c < CALL_COUNT; c++)
    for (int rank = 0; rank < test_size(); rank++)
      for (uint64_t n = 1; n <= MOST && !test_failed(); n++) {
        TEST_PHASE("call %d of %s fails on rank %d", (int)n, CALLS[c].name, rank);
        if (!fail_one(p, &CALLS[c], rank, n)) break;
        provoked++;
      }
  EXPECT_GT(provoked, 0);
  EXPECT_EQ(descriptors(), before);
  if (is_root()) unlink(path);
  free(results);
}

TEST_TIMEOUT(guarded, map_may_be_refused_anything, 120) {
  fail_each(&(plan){.size = 1, .run = map});
  fail_each(&(plan){.size = 30000, .run = map});
}

TEST_TIMEOUT(guarded, reduction_may_be_refused_anything, 120) {
  fail_each(&(plan){.size = 2, .run = reduce});
}

TEST_TIMEOUT(guarded, isolated_map_may_be_refused_anything, 120) {
  fail_each(&(plan){.isolated = true, .size = 1, .run = map});
}

TEST_TIMEOUT(guarded, isolated_reduction_may_be_refused_anything, 120) {
  fail_each(&(plan){.isolated = true, .size = 2, .run = reduce});
}

TEST_TIMEOUT(guarded, stream_may_be_refused_anything, 240) {
  fail_each(&(plan){.size = 1, .run = stream});
  fail_each(&(plan){.size = 30000, .run = stream});
}

TEST_TIMEOUT(guarded, stream_with_files_and_parts_may_be_refused_anything, 240) {
  fail_each(&(plan){.spills = true, .size = 1, .run = stream});
}

TEST_TIMEOUT(guarded, isolated_stream_with_files_and_parts_may_be_refused_anything, 240) {
  fail_each(&(plan){.spills = true, .isolated = true, .size = 1, .run = stream});
}

TEST_TIMEOUT(guarded, isolated_stream_may_be_refused_anything, 240) {
  fail_each(&(plan){.isolated = true, .size = 1, .run = stream});
  fail_each(&(plan){.isolated = true, .size = 30000, .run = stream});
}

TEST_TIMEOUT(guarded, journalled_map_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .size = 1, .run = map});
}

TEST_TIMEOUT(guarded, journalled_map_of_large_results_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .size = 30000, .run = map});
}

TEST_TIMEOUT(guarded, journalled_reduction_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .size = 2, .run = reduce});
}

TEST_TIMEOUT(guarded, isolated_journalled_reduction_may_be_refused_anything, 240) {
  fail_each(&(plan){.isolated = true, .journalled = true, .size = 2, .run = reduce});
}

TEST_TIMEOUT(guarded, journalled_stream_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .size = 1, .run = stream});
}

TEST_TIMEOUT(guarded, journalled_stream_that_its_sink_ends_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .ends = true, .size = 1, .run = stream});
}

TEST_TIMEOUT(guarded, journalled_stream_of_large_results_may_be_refused_anything, 240) {
  fail_each(&(plan){.journalled = true, .size = 30000, .run = stream});
}
