/* Waiting for MPI without burning a core. MPI makes progress only inside its calls, so a wait is a row of MPI_Test: at
   first back to back, then with naps that double. Once data flows, a nap would only stretch the transfer: then a rank
   drives it, and yields where ranks share a core. */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/pause.h"
#include "comm/comm.h"

enum {
  SPIN = 50000,           /* nanoseconds of looking before the first nap */
  FIRST_NAP = 20000,      /* nanoseconds; doubled each time, up to */
  LONG_NAP = 1000000,     /* while it is recent, and */
  QUIET = 100000000,      /* after so long */
  LONGEST_NAP = 10000000, /* up to this */
  POKES = 10,             /* some microseconds: a transfer in pieces needs an answer to each */
};

typedef struct nap_plan {
  uint64_t start, next;
} nap_plan;

static void back_off(furrow__comm *comm, nap_plan *naps) {
  uint64_t now = furrow__now();
  if (!naps->start) *naps = (struct nap_plan){now, FIRST_NAP};
  if (now - naps->start < SPIN) {
    if (comm->crowded)
      sched_yield();
    else
      furrow__pause();
    return;
  }
  furrow__nap(naps->next);
  comm->sleeps++;
  uint64_t most = now - naps->start > QUIET ? LONGEST_NAP : LONG_NAP;
  naps->next = naps->next * 2 < most ? naps->next * 2 : most;
}

bool furrow__comm_is_late(const furrow__comm *comm) {
  return comm->deadline != 0 && furrow__now() > comm->deadline;
}

bool furrow__comm_is_lost(const furrow__comm *comm) {
  return comm->lost || (comm->broken && atomic_load_explicit(comm->broken, memory_order_relaxed));
}

void furrow__comm_free_buffer(const furrow__comm *comm, void *buffer) {
  if (!furrow__comm_is_lost(comm)) free(buffer);
}

/* Whether to ask no more: MPI failed, or will never answer. */
static bool give_up(furrow__comm *comm, MPI_Request *request, int *done) {
  *done = 0;
  comm->lost = furrow__comm_is_lost(comm) || furrow__comm_is_late(comm) ||
               MPI_Test(request, done, MPI_STATUS_IGNORE) != MPI_SUCCESS;
  return comm->lost;
}

furrow_status furrow__comm_wait(furrow__comm *comm, MPI_Request *request) {
  nap_plan naps = {0, 0};
  for (int done;;) {
    if (give_up(comm, request, &done)) return FURROW_E_MPI;
    if (done) return FURROW_OK;
    back_off(comm, &naps);
  }
}

void furrow__comm_poke(furrow__comm *comm) {
  int found = 0;
  for (int i = 0; comm->size > 1 && i < POKES; i++)
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm->all, &found, MPI_STATUS_IGNORE);
}

furrow_status furrow__comm_drive(furrow__comm *comm, MPI_Request *request) {
  for (int done;;) {
    if (give_up(comm, request, &done)) return FURROW_E_MPI;
    if (done) return FURROW_OK;
    if (comm->crowded) sched_yield();
  }
}
