/* Counts this rank's MPI calls. Knows each call's parameters; does not know what they are for. */
#include "shim/pmpi.h"

#include <mpi.h>
#include <stdatomic.h>

static _Atomic uint64_t calls, tests;

uint64_t pmpi_calls(void) {
  return atomic_load(&calls);
}

uint64_t pmpi_tests(void) {
  return atomic_load(&tests);
}

#define COUNTED(counter, name, parameters, arguments) \
  int MPI_##name parameters {                         \
    atomic_fetch_add(&counter, 1);                    \
    return PMPI_##name arguments;                     \
  }

#define TYPE MPI_Datatype
#define REQ  MPI_Request *r
#define STAT MPI_Status *s

/* clang-format off */
#define SEND(name) COUNTED(calls, name, (const void *b, int n, TYPE t, int to, int tag, MPI_Comm c), (b, n, t, to, tag, c))
#define ISEND(name) COUNTED(calls, name, (const void *b, int n, TYPE t, int to, int tag, MPI_Comm c, REQ), (b, n, t, to, tag, c, r))

SEND(Send)
SEND(Ssend)
SEND(Bsend)
SEND(Rsend)
ISEND(Isend)
ISEND(Issend)
ISEND(Ibsend)
ISEND(Irsend)
COUNTED(calls, Recv, (void *b, int n, TYPE t, int from, int tag, MPI_Comm c, STAT), (b, n, t, from, tag, c, s))
COUNTED(calls, Irecv, (void *b, int n, TYPE t, int from, int tag, MPI_Comm c, REQ), (b, n, t, from, tag, c, r))
COUNTED(calls, Mrecv, (void *b, int n, TYPE t, MPI_Message *m, STAT), (b, n, t, m, s))
COUNTED(calls, Imrecv, (void *b, int n, TYPE t, MPI_Message *m, REQ), (b, n, t, m, r))
COUNTED(calls, Sendrecv, (const void *b, int n, TYPE t, int to, int tag, void *b2, int n2, TYPE t2, int from, int tag2, MPI_Comm c, STAT),
        (b, n, t, to, tag, b2, n2, t2, from, tag2, c, s))

COUNTED(calls, Barrier, (MPI_Comm c), (c))
COUNTED(calls, Ibarrier, (MPI_Comm c, REQ), (c, r))
COUNTED(calls, Bcast, (void *b, int n, TYPE t, int root, MPI_Comm c), (b, n, t, root, c))
COUNTED(calls, Ibcast, (void *b, int n, TYPE t, int root, MPI_Comm c, REQ), (b, n, t, root, c, r))

COUNTED(calls, Gather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c), (b, n, t, b2, n2, t2, root, c))
COUNTED(calls, Igather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, root, c, r))
COUNTED(calls, Scatter, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c), (b, n, t, b2, n2, t2, root, c))
COUNTED(calls, Iscatter, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, root, c, r))
COUNTED(calls, Gatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, int root, MPI_Comm c),
        (b, n, t, b2, n2, d, t2, root, c))
COUNTED(calls, Igatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, int root, MPI_Comm c, REQ),
        (b, n, t, b2, n2, d, t2, root, c, r))
COUNTED(calls, Scatterv, (const void *b, const int *n, const int *d, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c),
        (b, n, d, t, b2, n2, t2, root, c))
COUNTED(calls, Iscatterv, (const void *b, const int *n, const int *d, TYPE t, void *b2, int n2, TYPE t2, int root, MPI_Comm c, REQ),
        (b, n, d, t, b2, n2, t2, root, c, r))
COUNTED(calls, Allgather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c), (b, n, t, b2, n2, t2, c))
COUNTED(calls, Iallgather, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, c, r))
COUNTED(calls, Alltoall, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c), (b, n, t, b2, n2, t2, c))
COUNTED(calls, Ialltoall, (const void *b, int n, TYPE t, void *b2, int n2, TYPE t2, MPI_Comm c, REQ), (b, n, t, b2, n2, t2, c, r))
COUNTED(calls, Allgatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, MPI_Comm c),
        (b, n, t, b2, n2, d, t2, c))
COUNTED(calls, Iallgatherv, (const void *b, int n, TYPE t, void *b2, const int *n2, const int *d, TYPE t2, MPI_Comm c, REQ),
        (b, n, t, b2, n2, d, t2, c, r))
COUNTED(calls, Alltoallv, (const void *b, const int *n, const int *d, TYPE t, void *b2, const int *n2, const int *d2, TYPE t2, MPI_Comm c),
        (b, n, d, t, b2, n2, d2, t2, c))
COUNTED(calls, Ialltoallv, (const void *b, const int *n, const int *d, TYPE t, void *b2, const int *n2, const int *d2, TYPE t2, MPI_Comm c, REQ),
        (b, n, d, t, b2, n2, d2, t2, c, r))
COUNTED(calls, Reduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, int root, MPI_Comm c), (b, b2, n, t, o, root, c))
COUNTED(calls, Ireduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, int root, MPI_Comm c, REQ), (b, b2, n, t, o, root, c, r))
COUNTED(calls, Allreduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c), (b, b2, n, t, o, c))
COUNTED(calls, Iallreduce, (const void *b, void *b2, int n, TYPE t, MPI_Op o, MPI_Comm c, REQ), (b, b2, n, t, o, c, r))
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
