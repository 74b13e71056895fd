/* What several tests share: options in one line, clocks, and what the ranks must tell each other beside the library. Works on
 * the communicator under test. */
#ifndef TESTS_MPI_COMMON_TOOLS_H
#define TESTS_MPI_COMMON_TOOLS_H

#include <furrow.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "shim/test.h"

static const furrow_schedule SCHEDULES[] = {FURROW_SCHEDULE_AUTO, FURROW_SCHEDULE_STATIC, FURROW_SCHEDULE_DYNAMIC};
enum { SCHEDULE_COUNT = sizeof SCHEDULES / sizeof *SCHEDULES };

static inline furrow_options options_of(furrow_schedule schedule, uint64_t chunk) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = schedule;
  options.chunk = chunk;
  return options;
}

static inline bool is_root(void) {
  return test_rank() == 0;
}

static inline int last_rank(void) {
  return test_size() - 1;
}

static inline double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds of processor time that this rank has used. */
static inline double cpu_now(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline void nap(double seconds) {
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  while (nanosleep(&time, &time) != 0) continue;
}

/* By how much times stretch, under valgrind and the like. */
static inline double slowness(void) {
  const char *text = getenv("TEST_SLOWNESS");
  double factor = text ? strtod(text, NULL) : 1;
  return factor > 1 ? factor : 1;
}

/* Seconds. What has not come by then would come minutes later, if at all: a core may stand still for half a minute. */
static inline double soon(void) {
  return 60 * slowness();
}

/* How long something takes says little while something else keeps the machine busy. So a test of times that was late on some
 * rank is tried again, with all of its times twice as long: what is right is in time at last, what is wrong never is.
 *
 *   for (effort e = {0}; try_again(&e);) { ...; in_time(&e, now() - start, 0.5 * e.stretch); }
 */
typedef struct effort {
  double stretch; /* by which the test's own times must be longer than at first */
  double late;    /* the worst time of this rank in this try, as a part of what was allowed */
} effort;

enum { MOST_STRETCH = 8 };

static inline void in_time(effort *e, double took, double most) {
  if (took / most > e->late) e->late = took / most;
}

/* Whether it is to be tried (again). Collective. */
static inline bool try_again(effort *e) {
  double worst = e->late;
  if (e->stretch > 0) {
    PMPI_Allreduce(&e->late, &worst, 1, MPI_DOUBLE, MPI_MAX, test_comm());
    if (worst < 1) return false;
    if (is_root() && e->stretch < MOST_STRETCH) fprintf(stderr, "%.2f times of what is allowed: once more\n", worst);
  }
  if (e->stretch >= MOST_STRETCH) {
    if (e->late >= 1) TEST_FAIL("at each try it took too much; at the last %.3g times of what is allowed", e->late);
    return false;
  }
  *e = (effort){.stretch = e->stretch > 0 ? 2 * e->stretch : 1};
  return true;
}

static inline uint64_t sum_over_ranks(uint64_t mine) {
  uint64_t sum = 0;
  PMPI_Allreduce(&mine, &sum, 1, MPI_UINT64_T, MPI_SUM, test_comm());
  return sum;
}

/* What MPI says of nodes: this rank's number among them, how many there are, and how many ranks it shares its own with. */
typedef struct place {
  int node, nodes, neighbours;
} place;

static inline place place_in(MPI_Comm comm) {
  place here = {0, 0, 0};
  MPI_Comm node;
  int rank = 0;
  PMPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  PMPI_Comm_rank(node, &rank);
  PMPI_Comm_size(node, &here.neighbours);
  int first = rank == 0;
  PMPI_Allreduce(&first, &here.nodes, 1, MPI_INT, MPI_SUM, comm);
  PMPI_Scan(&first, &here.node, 1, MPI_INT, MPI_SUM, comm); /* firsts up to this rank: right for firsts */
  here.node--;
  PMPI_Bcast(&here.node, 1, MPI_INT, 0, node);
  PMPI_Comm_free(&node);
  return here;
}

/* Whether any rank shares its node with another. */
static inline bool ranks_share_nodes(void) {
  return place_in(test_comm()).nodes < test_size();
}

/* Whether what goes between nodes does not wait for tasks to end: there is one node, or there are threads for it. */
static inline bool nodes_are_served(void) {
  int level = MPI_THREAD_SINGLE;
  PMPI_Query_thread(&level);
  return level == MPI_THREAD_MULTIPLE || place_in(test_comm()).nodes == 1;
}

/* Rank 0's error of the last operation is every rank's. */
static inline void expect_same_error(const furrow_pool *pool) {
  furrow_error mine = *furrow_pool_error(pool), root = mine;
  PMPI_Bcast(&root, sizeof root, MPI_BYTE, 0, test_comm());
  EXPECT_EQ(mine.status, root.status);
  EXPECT_EQ(mine.rank, root.rank);
  EXPECT_EQ(mine.task, root.task);
  EXPECT_EQ_STR(mine.host, root.host);
  EXPECT_EQ_STR(mine.message, root.message);
}

/* A task that stores its index. */
static inline int store_index(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(uint64_t *)result = task->index;
  return 0;
}

/* The pool runs a map and gets it right. */
static inline void expect_works(furrow_pool *pool) {
  enum { COUNT = 100 };
  uint64_t results[COUNT];
  memset(results, 0xff, sizeof results);
  EXPECT_OK_ON(pool, furrow_map(pool, store_index, NULL, NULL, 0, COUNT, results, sizeof *results, NULL));
  for (uint64_t i = 0; i < COUNT && furrow_is_root(pool); i++) EXPECT_EQ(results[i], i);
}

/* A pool of its own on the communicator under test; NULL options for the defaults. */
static inline furrow_pool *make_pool(const furrow_pool_options *options) {
  furrow_pool *pool = NULL;
  EXPECT_OK_ON(pool, furrow_pool_create(test_comm(), options, &pool));
  return pool;
}

/* One that has no shared memory, so that all of it goes by messages. */
static inline furrow_pool *make_pool_without_board(void) {
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.shared_memory = 0;
  return make_pool(&options);
}

#endif
