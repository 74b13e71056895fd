/* Counts this rank's MPI calls, and delays those that start a message. Knows each call's parameters; does not know what
 * they are for. Any thread may call. */
#include "shim/pmpi.h"

#include <mpi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_DELAY = 1000000 };

static _Atomic uint64_t calls, tests, draws, longest;

uint64_t pmpi_calls(void) {
  return atomic_load(&calls);
}

uint64_t pmpi_tests(void) {
  return atomic_load(&tests);
}

void pmpi_delay(uint64_t microseconds) {
  atomic_store(&longest, microseconds);
}

/* Before main, so that no thread sees it change. */
__attribute__((constructor)) static void read_delay(void) {
  const char *text = getenv("TEST_DELAY");
  if (!text) return;
  char *end = NULL;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || value > LONGEST_DELAY) {
    fprintf(stderr, "TEST_DELAY: '%s' is not a number of microseconds from 0 to %d\n", text, LONGEST_DELAY);
    _exit(2);
  }
  pmpi_delay(value);
}

/* splitmix64 of a number that no other draw of any rank has: threads need no lock, and no state of their own. */
static uint64_t draw(void) {
  uint64_t z = ((uint64_t)getpid() << 40) + atomic_fetch_add(&draws, 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static void delay(void) {
  uint64_t bound = atomic_load(&longest);
  if (bound == 0) return;
  uint64_t nanoseconds = draw() % (bound * 1000 + 1);
  struct timespec time = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  nanosleep(&time, NULL);
}

#define COUNTED(counter, name, parameters, arguments) \
  int MPI_##name parameters {                         \
    atomic_fetch_add(&counter, 1);                    \
    return PMPI_##name arguments;                     \
  }

/* A call that starts a message, or a collective operation, and returns at once. */
#define STARTED(name, parameters, arguments) \
  int MPI_##name parameters {                \
    delay();                                 \
    atomic_fetch_add(&calls, 1);             \
    return PMPI_##name arguments;            \
  }

#define TYPE MPI_Datatype
#define REQ  MPI_Request *r
#define STAT MPI_Status *s

/* clang-format off */
#define SEND(name) COUNTED(calls, name, (const void *b, int n, TYPE t, int to, int tag, MPI_Comm c), (b, n, t, to, tag, c))
#define ISEND(name) STARTED(name, (const void *b, int n, TYPE t, int to, int tag, MPI_Comm c, REQ), (b, n, t, to, tag, c, r))

SEND(Send)
SEND(Ssend)
SEND(Bsend)
SEND(Rsend)
ISEND(Isend)
ISEND(Issend)
ISEND(Ibsend)
ISEND(Irsend)
COUNTED(calls, Recv, (void *b, int n, TYPE t, int from, int tag, MPI_Comm c, STAT), (b, n, t, from, tag, c, s))
STARTED(Irecv, (void *b, int n, TYPE t, int from, int tag, MPI_Comm c, REQ), (b, n, t, from, tag, c, r))
COUNTED(calls, Mrecv, (void *b, int n, TYPE t, MPI_Message *m, STAT), (b, n, t, m, s))
STARTED(Imrecv, (void *b, int n, TYPE t, MPI_Message *m, REQ), (b, n, t, m, r))
COUNTED(calls, Sendrecv, (const void *b, int n, TYPE t, int to, int tag, void *b2, int n2, TYPE t2, int from, int tag2, MPI_Comm c, STAT),
        (b, n, t, to, tag, b2, n2, t2, from, tag2, c, s))

COUNTED(calls, Barrier, (MPI_Comm c), (c))
STARTED(Ibarrier, (MPI_Comm c, REQ), (c, r))
COUNTED(calls, Bcast, (void *b, int n, TYPE t, int root, MPI_Comm c), (b, n, t, root, c))
STARTED(Ibcast, (void *b, int n, TYPE t, int root, MPI_Comm c, REQ), (b, n, t, root, c, r))

COUNTED(calls, Gather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c), (b, n, t, b2, n2, t2, root, c))
STARTED(Igather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, root, c, r))
COUNTED(calls, Scatter, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c), (b, n, t, b2, n2, t2, root, c))
STARTED(Iscatter, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, root, c, r))
COUNTED(calls, Gatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, int root, MPI_Comm c),
        (b, n, t, b2, n2, d, t2, root, c))
STARTED(Igatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, int root, MPI_Comm c, REQ),
        (b, n, t, b2, n2, d, t2, root, c, r))
COUNTED(calls, Scatterv, (const void *b, const int *n, const int *d, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c),
        (b, n, d, t, b2, n2, t2, root, c))
STARTED(Iscatterv, (const void *b, const int *n, const int *d, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ),
        (b, n, d, t, b2, n2, t2, root, c, r))
COUNTED(calls, Allgather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c), (b, n, t, b2, n2, t2, c))
STARTED(Iallgather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, c, r))
COUNTED(calls, Alltoall, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c), (b, n, t, b2, n2, t2, c))
STARTED(Ialltoall, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, c, r))
COUNTED(calls, Allgatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, MPI_Comm c),
        (b, n, t, b2, n2, d, t2, c))
STARTED(Iallgatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, MPI_Comm c, REQ),
        (b, n, t, b2, n2, d, t2, c, r))
COUNTED(calls, Alltoallv, (const void *b, const int *n, const int *d, TYPE t, void *b2, const int *n2, const int *d2, TYPE t2, MPI_Comm c),
        (b, n, d, t, b2, n2, d2, t2, c))
STARTED(Ialltoallv, (const void *b, const int *n, const int *d, TYPE t, void *b2, const int *n2, const int *d2, TYPE t2, MPI_Comm c, REQ),
        (b, n, d, t, b2, n2, d2, t2, c, r))
COUNTED(calls, Reduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, int root, MPI_Comm c), (b, b2, n, t, o, root, c))
STARTED(Ireduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, int root, MPI_Comm c, REQ), (b, b2, n, t, o, root, c, r))
COUNTED(calls, Allreduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c), (b, b2, n, t, o, c))
STARTED(Iallreduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c, REQ), (b, b2, n, t, o, c, r))
COUNTED(calls, Scan, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c), (b, b2, n, t, o, c))
COUNTED(calls, Exscan, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c), (b, b2, n, t, o, c))

COUNTED(tests, Probe, (int from, int tag, MPI_Comm c, STAT), (from, tag, c, s))
COUNTED(tests, Iprobe, (int from, int tag, MPI_Comm c, int *f, STAT), (from, tag, c, f, s))
COUNTED(tests, Mprobe, (int from, int tag, MPI_Comm c, MPI_Message *m, STAT), (from, tag, c, m, s))
COUNTED(tests, Improbe, (int from, int tag, MPI_Comm c, int *f, MPI_Message *m, STAT), (from, tag, c, f, m, s))
COUNTED(tests, Test, (REQ, int *f, STAT), (r, f, s))
COUNTED(tests, Wait, (REQ, STAT), (r, s))
COUNTED(tests, Testall, (int n, MPI_Request r[], int *f, MPI_Status s[]), (n, r, f, s))
COUNTED(tests, Waitall, (int n, MPI_Request r[], MPI_Status s[]), (n, r, s))
COUNTED(tests, Testany, (int n, MPI_Request r[], int *i, int *f, STAT), (n, r, i, f, s))
COUNTED(tests, Waitany, (int n, MPI_Request r[], int *i, STAT), (n, r, i, s))
COUNTED(tests, Testsome, (int n, MPI_Request r[], int *m, int i[], MPI_Status s[]), (n, r, m, i, s))
COUNTED(tests, Waitsome, (int n, MPI_Request r[], int *m, int i[], MPI_Status s[]), (n, r, m, i, s))
/* clang-format on */
