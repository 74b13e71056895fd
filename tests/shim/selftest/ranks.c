/* The shim's own test: what SELFTEST says happens on the world's rank SELFTEST_RANK. Driven by tests/cli/shim.
 *   fail, assert, skip, hang, crash, exit, threads; leak (seen by a sanitizer only); strand: leave while the others wait
 *   in an operation; often: fail more often than is told; sleep: be stopped for 3 seconds. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shim/pmpi.h"
#include "shim/test.h"
#include "shim/wrap.h"

static bool happens(const char *what) {
  const char *text = getenv("SELFTEST"), *rank_text = getenv("SELFTEST_RANK");
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return text && strcmp(text, what) == 0 && (!rank_text || atoi(rank_text) == rank);
}

TEST(before, passes) {
  EXPECT_TRUE(true);
}

static void asserting(void) {
  ASSERT_EQ(1, 2);
  _exit(1); /* never reached */
}

static void *fail_in_thread(void *unused) {
  (void)unused;
  TEST_FAIL("said by a thread");
  return NULL;
}

static void sleep_stopped(void) {
  if (fork() != 0) return;
  kill(getppid(), SIGSTOP);
  sleep(3);
  kill(getppid(), SIGCONT);
  _exit(0);
}

static void misbehave(void) {
  if (happens("fail")) EXPECT_EQ(test_rank(), -42);
  if (happens("assert")) asserting();
  if (happens("hang")) pause();
  if (happens("crash")) raise(SIGSEGV);
  if (happens("exit")) _exit(0);
  if (happens("sleep")) sleep_stopped();
  for (int i = 0; happens("often") && i < 1000; i++) TEST_FAIL("often");
  if (happens("leak")) {
    void *volatile lost = malloc(1000); /* NOLINT(clang-analyzer-deadcode.DeadStores): on purpose */
    lost = NULL;
    EXPECT_EQ(lost, NULL); /* NOLINT(clang-analyzer-unix.Malloc): on purpose */
  }
  if (happens("threads")) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, fail_in_thread, NULL) == 0) pthread_join(thread, NULL);
  }
}

TEST_TIMEOUT(behaviour, as_told, 10) {
  TEST_PHASE("being %s", "told");
  misbehave();
  if (happens("skip")) TEST_SKIP("told to skip");
  if (happens("strand")) {
    TEST_FAIL("left the others alone");
    return;
  }
  furrow_status status = furrow_bcast(test_pool(), NULL, 0);
  if (!getenv("SELFTEST")) EXPECT_OK(status);
}

TEST(after, passes) {
  EXPECT_OK(furrow_agree(test_pool(), FURROW_OK, NULL));
}

TEST(communicator, is_what_was_asked_for) {
  int rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const char *comm = getenv("SELFTEST_COMM");
  if (!comm || strcmp(comm, "world") == 0 || strcmp(comm, "dup") == 0) {
    EXPECT_EQ(test_rank(), rank);
    EXPECT_EQ(test_size(), size);
  } else if (strcmp(comm, "reversed") == 0) {
    EXPECT_EQ(test_rank(), size - 1 - rank);
    EXPECT_EQ(test_size(), size);
  } else if (strcmp(comm, "half") == 0) {
    int lower = (size + 1) / 2;
    EXPECT_EQ(test_size(), rank < lower ? lower : size - lower);
    EXPECT_EQ(test_rank(), rank < lower ? rank : rank - lower);
  } else {
    EXPECT_EQ(test_size(), 1);
  }
  EXPECT_EQ(furrow_pool_rank(test_pool()), test_rank());
  EXPECT_EQ(furrow_pool_size(test_pool()), test_size());
}

TEST(wrap, fails_the_nth_call) {
  wrap_fail_nth(wrap_malloc, 2);
  void *volatile kept[3];
  for (int i = 0; i < 3; i++) kept[i] = malloc(16);
  EXPECT_NE(kept[0], NULL);
  EXPECT_EQ(kept[1], NULL);
  EXPECT_NE(kept[2], NULL);
  EXPECT_EQ(wrap_calls(wrap_malloc), 3);
  EXPECT_EQ(wrap_failures(wrap_malloc), 1);
  for (int i = 0; i < 3; i++) free(kept[i]);

  wrap_fail_from(wrap_calloc, 2);
  void *volatile first = calloc(1, 16), *volatile second = calloc(1, 16), *volatile third = calloc(1, 16);
  EXPECT_NE(first, NULL);
  EXPECT_EQ(second, NULL);
  EXPECT_EQ(third, NULL);
  free(first);
  free(second);
  free(third);
}

TEST(wrap, is_reset_between_tests) {
  EXPECT_EQ(wrap_calls(wrap_malloc), 0);
  void *volatile memory = calloc(1, 16);
  EXPECT_NE(memory, NULL);
  free(memory);
}

TEST(pmpi, counts_calls_of_the_program) {
  uint64_t calls = pmpi_calls(), tests = pmpi_tests();
  MPI_Request request;
  int done = 0;
  MPI_Barrier(test_comm());
  MPI_Ibarrier(test_comm(), &request);
  while (!done) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  EXPECT_EQ(pmpi_calls() - calls, 2);
  EXPECT_GE(pmpi_tests() - tests, 1);
}

/* 40 random times up to 20 ms: 400 ms in the mean, and never less than a quarter of that. */
TEST(pmpi, delays_what_starts_a_message) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pmpi_delay(20000);
  for (int i = 0; i < 20; i++) {
    MPI_Request request[2];
    MPI_Status status[2];
    int sent = i, received = -1;
    MPI_Irecv(&received, 1, MPI_INT, 0, 0, MPI_COMM_SELF, &request[0]);
    MPI_Isend(&sent, 1, MPI_INT, 0, 0, MPI_COMM_SELF, &request[1]);
    MPI_Waitall(2, request, status);
    EXPECT_EQ(received, i);
  }
  pmpi_delay(0);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
  EXPECT_GE(seconds, 0.1);
}
