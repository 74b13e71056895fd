/* Nobody waits inside MPI, which would burn the cores that are to be measured. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void nap(void) {
  const struct timespec millisecond = {0, 1000000};
  nanosleep(&millisecond, NULL);
}

void wait_asleep(MPI_Request *request) {
  for (int done = 0; MPI_Test(request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done;) nap();
}

/* "ranks 1, 3 and 7 more" */
static void tell_missing(const MPI_Request *requests, int count, watch *w) {
  char text[PHASE_ROOM / 2] = "";
  int missing = 0, told = 0;
  for (int i = 1; i < count; i++) missing += requests[i] != MPI_REQUEST_NULL;
  for (int i = 1; i < count && told < 8; i++) {
    if (requests[i] == MPI_REQUEST_NULL) continue;
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s%d", told++ > 0 ? ", " : "", i);
  }
  size_t used = strlen(text);
  if (missing > told) snprintf(text + used, sizeof text - used, " and %d more", missing - told);
  watch_phase(w, "rank 0 had no word from rank%s %s", missing == 1 ? "" : "s", text);
}

/* Requests that are done become MPI_REQUEST_NULL. */
static void receive(facts *known, MPI_Request *requests, watch *w) {
  for (int i = 1; i < known->count; i++)
    MPI_Irecv(&known->ranks[i], (int)sizeof *known->ranks, MPI_BYTE, i, TAG_FACTS, MPI_COMM_WORLD, &requests[i]);
  for (int left = known->count - 1, fresh = 1; left > 0;) {
    int index, done = 0;
    MPI_Testany(known->count, requests, &index, &done, MPI_STATUS_IGNORE);
    if (done) {
      left--;
      fresh = 1;
      continue;
    }
    if (fresh) tell_missing(requests, known->count, w); /* only when nothing is left to take */
    fresh = 0;
    nap();
  }
}

static bool receive_all(const rank_facts *mine, facts *known, watch *w) {
  size_t count = (size_t)known->count;
  MPI_Request *requests = malloc(count * sizeof(MPI_Request));
  known->ranks = calloc(count, sizeof *known->ranks);
  bool room = requests && known->ranks;
  if (room) {
    for (size_t i = 0; i < count; i++) requests[i] = MPI_REQUEST_NULL;
    known->ranks[0] = *mine;
    receive(known, requests, w);
  }
  free(requests);
  return room;
}

/* Rank 0 answers, so that all know whether it goes on. */
bool gather(const rank_facts *mine, facts *known, watch *w) {
  int room = 0;
  MPI_Request request;
  if (mine->rank == 0) {
    room = receive_all(mine, known, w);
    for (int i = 1; i < known->count; i++) MPI_Send(&room, 1, MPI_INT, i, TAG_FACTS, MPI_COMM_WORLD);
  } else {
    watch_phase(w, "rank %d (%s) waited for rank 0", mine->rank, mine->host);
    MPI_Irecv(&room, 1, MPI_INT, 0, TAG_FACTS, MPI_COMM_WORLD, &request);
    MPI_Send(mine, (int)sizeof *mine, MPI_BYTE, 0, TAG_FACTS, MPI_COMM_WORLD);
    wait_asleep(&request);
  }
  return room;
}

int share_status(int status) {
  MPI_Request request;
  MPI_Ibcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD, &request);
  wait_asleep(&request);
  return status;
}
