/* MPI tests: the communicator under test, its pool, and what the ranks tell each other after each test.
 * Knows MPI by its PMPI_ names, so that tests which count or break MPI calls see none of it, and on its own duplicate
 * of the world. Waits asleep. Does not know GoogleTest. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shim/test.h"

enum { STATUS_MISUSE = 2, TRIES = 1000 };

static MPI_Comm ours = MPI_COMM_NULL, under_test = MPI_COMM_NULL;
static int world_rank, world_size;
static const char *comm_name = "world";
static char who[320];
static furrow_pool *pool;
static bool pool_is_lost; /* nothing can be done with it any more */

/* Not a failing test but a failing shim: ends all ranks. */
static _Noreturn void die(const char *what) {
  fprintf(stderr, "%s: %s\n", who, what);
  PMPI_Abort(MPI_COMM_WORLD, 1);
  exit(1);
}

static _Noreturn void misuse(const char *what, const char *allowed) {
  if (world_rank == 0) fprintf(stderr, "%s is none of %s\n", what, allowed);
  PMPI_Finalize();
  exit(STATUS_MISUSE);
}

/* ---- the communicator under test ---- */

static MPI_Comm make_comm(const char *name) {
  MPI_Comm comm = MPI_COMM_NULL;
  if (strcmp(name, "world") == 0) {
    comm = MPI_COMM_WORLD;
  } else if (strcmp(name, "reversed") == 0) {
    PMPI_Comm_split(MPI_COMM_WORLD, 0, -world_rank, &comm);
  } else if (strcmp(name, "half") == 0) {
    PMPI_Comm_split(MPI_COMM_WORLD, world_rank < (world_size + 1) / 2, world_rank, &comm);
  } else if (strcmp(name, "dup") == 0) {
    PMPI_Comm_dup(MPI_COMM_WORLD, &comm);
  } else if (strcmp(name, "self") == 0) {
    comm = MPI_COMM_SELF;
  } else {
    misuse(name, "--comm=world, reversed, half, dup, self");
  }
  return comm;
}

static void make_pool(void) {
  if (furrow_pool_create(under_test, NULL, &pool) != FURROW_OK) die(furrow_pool_error(pool)->message);
}

static int thread_level(const char *name) {
  if (strcmp(name, "single") == 0) return MPI_THREAD_SINGLE;
  if (strcmp(name, "funneled") == 0) return MPI_THREAD_FUNNELED;
  if (strcmp(name, "serialized") == 0) return MPI_THREAD_SERIALIZED;
  return MPI_THREAD_MULTIPLE;
}

/* The value of --NAME=VALUE, which is taken out of argv, or else of the environment's VARIABLE. */
static const char *take_option(int *argc, char **argv, const char *option, const char *variable,
                               const char *otherwise) {
  const char *value = getenv(variable);
  size_t length = strlen(option);
  int kept = 0;
  for (int i = 0; i < *argc; i++) {
    if (strncmp(argv[i], option, length) == 0) {
      value = argv[i] + length;
    } else {
      argv[kept++] = argv[i];
    }
  }
  argv[kept] = NULL;
  *argc = kept;
  return value ? value : otherwise;
}

void shim_world_begin(int *argc, char **argv) {
  int provided = 0;
  comm_name = take_option(argc, argv, "--comm=", "TEST_COMM", "world");
  const char *threads = take_option(argc, argv, "--threads=", "TEST_THREADS", "multiple");
  PMPI_Init_thread(argc, &argv, thread_level(threads), &provided);
  PMPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  PMPI_Comm_size(MPI_COMM_WORLD, &world_size);
  PMPI_Comm_dup(MPI_COMM_WORLD, &ours);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  snprintf(who, sizeof who, "rank %d of %d (%s)", world_rank, world_size, host);
  under_test = make_comm(comm_name);
  make_pool();
}

int shim_world_end(int status) {
  int worst = status;
  furrow_pool_destroy(&pool);
  if (shim_leaks() && status == 0) status = 1;
  PMPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, ours);
  if (under_test != MPI_COMM_WORLD && under_test != MPI_COMM_SELF) PMPI_Comm_free(&under_test);
  PMPI_Comm_free(&ours);
  PMPI_Finalize();
  return worst;
}

MPI_Comm test_comm(void) {
  return under_test;
}

int test_rank(void) {
  int rank = 0;
  PMPI_Comm_rank(under_test, &rank);
  return rank;
}

int test_size(void) {
  int size = 0;
  PMPI_Comm_size(under_test, &size);
  return size;
}

furrow_pool *test_pool(void) {
  return pool;
}

int shim_world_rank(void) {
  return world_rank;
}

const char *shim_world_who(void) {
  return who;
}

void shim_world_error(void *asked, char *text, size_t size) {
  const furrow_error *error = furrow_pool_error(asked ? asked : pool);
  text[0] = '\0';
  if (error && error->status != FURROW_OK) {
    snprintf(text, size, "status %d, rank %d (%s), task %lld: %s", (int)error->status, error->rank, error->host,
             error->task == FURROW_NO_TASK ? -1 : (long long)error->task, error->message);
  }
}

/* ---- after a test ---- */

/* A rank that left the test early, by an ASSERT, meets here ranks that are still in an operation. They get
   FURROW_E_MISMATCH from it and come here too, and the early rank tries again: so one rank's failure ends the test. */
void shim_world_check(void) {
  furrow_status status = FURROW_E_MISMATCH;
  int mismatches = 0;
  test_phase("after the test: does the pool still work?");
  for (int i = 0; i < TRIES && status == FURROW_E_MISMATCH; i++) {
    status = furrow_agree(pool, FURROW_OK, NULL);
    mismatches += status == FURROW_E_MISMATCH;
  }
  if (status != FURROW_OK) {
    char error[FURROW_MESSAGE_SIZE + 256];
    shim_world_error(pool, error, sizeof error);
    test_fail(__FILE__, __LINE__, "the pool no longer works after this test: %s", error);
    pool_is_lost = true;
  } else if (mismatches > 0 && !test_failed() && !shim_record_get().skipped) {
    test_fail(__FILE__, __LINE__, "this rank had left the test while others were still in an operation");
  }
}

static void wait_asleep(MPI_Request *request) {
  int done = 0;
  struct timespec nap = {0, 20000};
  for (PMPI_Test(request, &done, MPI_STATUS_IGNORE); !done; PMPI_Test(request, &done, MPI_STATUS_IGNORE)) {
    nanosleep(&nap, NULL);
    if (nap.tv_nsec < 1000000) nap.tv_nsec *= 2;
  }
}

void shim_world_agree(void *data, size_t size) {
  MPI_Request request;
  PMPI_Ibcast(data, (int)size, MPI_BYTE, 0, ours, &request);
  wait_asleep(&request);
}

typedef struct verdict {
  unsigned long size;
  int failed, skipped, lost;
} verdict;

static void receive_notes(int rank, size_t size, shim_see *see, void *user) {
  char *message = malloc(size + sizeof who);
  MPI_Request request;
  if (!message) die("no memory for the tests' failures");
  PMPI_Irecv(message, (int)(size + sizeof who), MPI_BYTE, rank, 0, ours, &request);
  wait_asleep(&request);
  see(user, message + size, message, size);
  free(message);
}

static void send_notes(const shim_record *record) {
  size_t size = record->size;
  char *message = malloc(size + sizeof who);
  MPI_Request request;
  if (!message) die("no memory for the tests' failures");
  memcpy(message, record->notes, size);
  memcpy(message + size, who, sizeof who);
  PMPI_Isend(message, (int)(size + sizeof who), MPI_BYTE, 0, 0, ours, &request);
  wait_asleep(&request);
  free(message);
}

/* The tests that follow would tell of this one only. All have been told to rank 0, which ends them. */
static _Noreturn void end_lost(void) {
  if (world_rank == 0) die("the pool under test is lost: no test can follow");
  for (;;) pause();
}

void shim_world_gather(shim_see *see, void *user, bool *failed, bool *skipped) {
  shim_record record = shim_record_get();
  verdict mine = {record.size, record.failed, record.skipped, pool_is_lost};
  verdict *all = calloc((size_t)world_size, sizeof *all);
  MPI_Request request;
  if (!all) die("no memory for the tests' verdicts");
  test_phase("after the test: waiting for the other ranks to end it");
  PMPI_Iallgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, ours, &request);
  wait_asleep(&request);
  *failed = *skipped = false;
  for (int rank = 0; rank < world_size; rank++) {
    *failed |= all[rank].failed != 0;
    *skipped |= all[rank].skipped != 0;
    pool_is_lost |= all[rank].lost != 0;
    if (all[rank].size == 0) continue;
    if (world_rank == 0 && rank == 0) see(user, who, record.notes, record.size);
    if (world_rank == 0 && rank > 0) receive_notes(rank, all[rank].size, see, user);
    if (world_rank == rank && rank > 0) send_notes(&record);
  }
  free(all);
  if (pool_is_lost) end_lost();
}
