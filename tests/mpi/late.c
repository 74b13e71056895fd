/* A rank that comes late, or works alone, is waited for asleep: those who wait use almost no processor time. */
#include <signal.h>
#include <sys/time.h>

#include "mpi/common/tools.h"

/* A wait that spins would use all of LATE; one that sleeps uses a few milliseconds, more on a busy machine. */
static const double LATE = 0.2, MOST_CPU = 0.05, MOST_CPU_OF_CREATE = 0.1;

typedef void action(furrow_pool *pool);

static void map_something(furrow_pool *pool) {
  expect_works(pool);
}

static void agree(furrow_pool *pool) {
  EXPECT_OK_ON(pool, furrow_agree(pool, FURROW_OK, NULL));
}

static void destroy(furrow_pool *pool) {
  furrow_pool_destroy(&pool);
}

/* The others wait until rank `late` comes, and meanwhile use little processor time. */
static void sleep_during(effort *e, furrow_pool *pool, action *act, int late, double most) {
  PMPI_Barrier(test_comm());
  if (test_rank() == late) nap(LATE * e->stretch);
  double came = now(), cpu = cpu_now(), ended;
  act(pool);
  in_time(e, test_rank() == late ? 0 : cpu_now() - cpu, most * e->stretch * slowness());
  ended = now();
  PMPI_Bcast(&came, 1, MPI_DOUBLE, late, test_comm());
  EXPECT_GE(ended, came);
}

static void expect_sleep_during(furrow_pool *pool, action *act, int late, double most) {
  for (effort e = {0}; try_again(&e);) sleep_during(&e, pool, act, late, most);
}

TEST(late, rank_is_waited_for_asleep) {
  if (test_size() == 1) return;
  expect_sleep_during(test_pool(), map_something, 0, MOST_CPU);
  expect_sleep_during(test_pool(), agree, last_rank(), MOST_CPU);
}

TEST(late, rank_is_waited_for_asleep_without_shared_memory) {
  if (test_size() == 1) return;
  furrow_pool *pool = make_pool_without_board();
  expect_sleep_during(pool, map_something, last_rank(), MOST_CPU);
  furrow_pool_destroy(&pool);
}

TEST(late, rank_is_waited_for_asleep_by_destroy) {
  if (test_size() == 1) return;
  for (effort e = {0}; try_again(&e);) sleep_during(&e, make_pool(NULL), destroy, 0, MOST_CPU);
  for (effort e = {0}; try_again(&e);) sleep_during(&e, make_pool_without_board(), destroy, last_rank(), MOST_CPU);
}

static void create_and_destroy(furrow_pool *pool) {
  pool = make_pool(NULL);
  furrow_pool_destroy(&pool);
}

TEST(late, rank_is_waited_for_asleep_by_create) {
  if (test_size() == 1) return;
  expect_sleep_during(NULL, create_and_destroy, last_rank(), MOST_CPU_OF_CREATE);
}

static int nap_in_one(furrow_task *task, const void *item, void *result) {
  (void)item;
  (void)result;
  if (task->index == 0) nap(*(double *)task->user);
  return 0;
}

static furrow_rank_metrics metrics_of(furrow_pool *pool, int rank) {
  furrow_metrics all;
  furrow_rank_metrics *ranks = calloc((size_t)test_size(), sizeof *ranks), one;
  EXPECT_OK_ON(pool, furrow_metrics_get(pool, &all, ranks));
  PMPI_Bcast(ranks, (int)(sizeof *ranks * (size_t)test_size()), MPI_BYTE, 0, test_comm());
  one = ranks[rank];
  free(ranks);
  return one;
}

static void expect_few_wake_ups(furrow_pool *pool, furrow_schedule schedule, uint64_t most) {
  for (effort e = {0}; try_again(&e);) {
    double seconds = 0.3 * e.stretch;
    furrow_options options = options_of(schedule, 1);
    uint64_t before = metrics_of(pool, test_rank()).sleeps;
    double cpu = cpu_now();
    EXPECT_OK_ON(pool, furrow_map(pool, nap_in_one, &seconds, NULL, 0, 4, NULL, 0, &options));
    in_time(&e, cpu_now() - cpu, MOST_CPU * e.stretch * slowness());
    in_time(&e, (double)(metrics_of(pool, test_rank()).sleeps - before), (double)most * e.stretch + 4);
  }
}

TEST(late, task_is_waited_for_asleep_with_few_wake_ups) {
  if (nodes_are_served())
    expect_few_wake_ups(test_pool(), FURROW_SCHEDULE_DYNAMIC, 80); /* looks after MPI, at growing intervals */
  expect_few_wake_ups(test_pool(), FURROW_SCHEDULE_STATIC, 250);   /* naps of 1 ms, and of 10 ms after 100 ms */
}

/* A message of the user's that is too long to be sent without the sender's help: the sender waits in the pool meanwhile. */
TEST(late, rank_may_be_receiving_from_one_that_waits) {
  enum { SIZE = 8 << 20 };
  if (test_size() == 1) return;
  char *data = calloc(SIZE, 1);
  double start = now();
  MPI_Request request = MPI_REQUEST_NULL;
  if (is_root()) MPI_Isend(data, SIZE, MPI_BYTE, last_rank(), 5, test_comm(), &request);
  if (test_rank() == last_rank()) MPI_Recv(data, SIZE, MPI_BYTE, 0, 5, test_comm(), MPI_STATUS_IGNORE);
  EXPECT_OK(furrow_agree(test_pool(), FURROW_OK, NULL));
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  EXPECT_LT(now() - start, soon());
  free(data);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number) {
  (void)number;
  alarms++;
}

/* The least of all ranks. Collective. */
static uint64_t fewest(uint64_t mine) {
  uint64_t least = 0;
  PMPI_Allreduce(&mine, &least, 1, MPI_UINT64_T, MPI_MIN, test_comm());
  return least;
}

/* Every wait is interrupted all the time, without SA_RESTART; as often as a busy machine lets a timer. */
TEST(late, rank_is_waited_for_in_spite_of_signals) {
  struct sigaction counting = {.sa_handler = count_alarm};
  struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  furrow_pool *pools[] = {test_pool(), make_pool_without_board()};
  double seconds = 0.05;
  alarms = 0;
  sigaction(SIGALRM, &counting, NULL); /* for good: an alarm may still be on its way when the timer stops */
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 2 || (i < 100 && fewest((uint64_t)alarms) <= 50); i++) {
    furrow_pool *own = make_pool(NULL), *used = pools[i % 2];
    EXPECT_OK_ON(used, furrow_map(used, nap_in_one, &seconds, NULL, 0, 4, NULL, 0, NULL));
    expect_works(used);
    expect_works(own);
    furrow_pool_destroy(&own);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  EXPECT_GT(alarms, 50);
  furrow_pool_destroy(&pools[1]);
}
