/* One pair of ranks at a time is measured, while the others sleep: rank 0 gives the orders. */
#include <stdlib.h>
#include <string.h>

#include "common/timing.h"
#include "gather.h"
#include "measure.h"

enum { MOST_PAIRS = 4 }; /* of a kind: a few, spread over the nodes, show what is wrong with most */
enum { PING_SIZE = 8, MOST_PINGS = 2001, WARM_UP = 10, PIECE = 1 << 20, WINDOW = 4 };
static const double PING_SECONDS = 0.1, STREAM_SECONDS = 0.15;

typedef struct order {
  enum { LEAD, FOLLOW, DISMISSED } what;
  int peer;
} order;

typedef struct result {
  double round_trip, bandwidth;
} result;

/* ---- a pair: the leader decides when it has seen enough, by the first byte of a message --------------------------- */

static int compare(const void *a, const void *b) {
  double p = *(const double *)a, q = *(const double *)b;
  return (p > q) - (p < q);
}

static double median(double *times, int count) {
  qsort(times, (size_t)count, sizeof *times, compare);
  return times[count / 2];
}

static double lead_pings(int peer) {
  double *times = malloc(MOST_PINGS * sizeof *times), end = app_seconds() + PING_SECONDS, before = 0;
  int count = 0;
  for (char bytes[PING_SIZE] = {1}; bytes[0];) {
    bool more = times && count < MOST_PINGS - 1 && (before < end || count <= WARM_UP);
    bytes[0] = (char)more; /* 0: the last one */
    before = app_seconds();
    MPI_Send(bytes, PING_SIZE, MPI_BYTE, peer, TAG_PING, MPI_COMM_WORLD);
    MPI_Recv(bytes, PING_SIZE, MPI_BYTE, peer, TAG_PING, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (times) times[count++] = app_seconds() - before;
  }
  double typical = count > WARM_UP ? median(times + WARM_UP, count - WARM_UP) : 0;
  free(times);
  return typical;
}

static void follow_pings(int peer) {
  for (char bytes[PING_SIZE] = {1}; bytes[0];) {
    MPI_Recv(bytes, PING_SIZE, MPI_BYTE, peer, TAG_PING, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(bytes, PING_SIZE, MPI_BYTE, peer, TAG_PING, MPI_COMM_WORLD);
  }
}

/* A window of large messages, then an answer. The first window does not count. */
static void stream(char *pieces, int peer, bool leads) {
  MPI_Request requests[WINDOW];
  MPI_Status unread[WINDOW]; /* MPICH's MPI_STATUSES_IGNORE looks like a bug to gcc */
  for (int i = 0; i < WINDOW; i++) {
    char *piece = pieces + (size_t)i * PIECE;
    if (leads)
      MPI_Isend(piece, PIECE, MPI_BYTE, peer, TAG_STREAM, MPI_COMM_WORLD, &requests[i]);
    else
      MPI_Irecv(piece, PIECE, MPI_BYTE, peer, TAG_STREAM, MPI_COMM_WORLD, &requests[i]);
  }
  MPI_Waitall(WINDOW, requests, unread);
  char answer = 0;
  if (leads)
    MPI_Recv(&answer, 1, MPI_BYTE, peer, TAG_STREAM, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  else
    MPI_Send(&answer, 1, MPI_BYTE, peer, TAG_STREAM, MPI_COMM_WORLD);
}

static double lead_stream(char *pieces, int peer) {
  double start = 0, now = app_seconds(), end = now + STREAM_SECONDS;
  int windows = -1; /* without the first */
  for (pieces[0] = 1; pieces[0];) {
    pieces[0] = (char)(now < end || windows < 0);
    stream(pieces, peer, true);
    now = app_seconds();
    if (windows++ < 0) start = now;
  }
  return windows * (double)WINDOW * PIECE / (now - start);
}

static void follow_stream(char *pieces, int peer) {
  for (pieces[0] = 1; pieces[0];) stream(pieces, peer, false);
}

/* Both have the room, or neither streams. */
static result measure_pair(int peer, bool leads) {
  char *pieces = calloc(WINDOW, PIECE);
  int mine = pieces != NULL, theirs = 0;
  result found = {0, 0};
  MPI_Sendrecv(&mine, 1, MPI_INT, peer, TAG_PING, &theirs, 1, MPI_INT, peer, TAG_PING, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
  if (leads)
    found.round_trip = lead_pings(peer);
  else
    follow_pings(peer);
  if (pieces && theirs) {
    if (leads)
      found.bandwidth = lead_stream(pieces, peer);
    else
      follow_stream(pieces, peer);
  }
  free(pieces);
  return found;
}

/* ---- the others obey ---------------------------------------------------------------------------------------------- */

static void obey(const rank_facts *mine, watch *w) {
  for (order got = {LEAD, 0};;) {
    MPI_Request request;
    watch_phase(w, "rank %d (%s) waited for rank 0", mine->rank, mine->host);
    MPI_Irecv(&got, (int)sizeof got, MPI_BYTE, 0, TAG_ORDER, MPI_COMM_WORLD, &request);
    wait_asleep(&request);
    if (got.what == DISMISSED) return;
    watch_phase(w, "rank %d (%s) measured the way to rank %d", mine->rank, mine->host, got.peer);
    result found = measure_pair(got.peer, got.what == LEAD);
    if (got.what == LEAD && got.peer != 0) MPI_Send(&found, (int)sizeof found, MPI_BYTE, 0, TAG_RESULT, MPI_COMM_WORLD);
  }
}

/* ---- rank 0 commands ----------------------------------------------------------------------------------------------- */

static void send_order(int rank, int what, int peer) {
  order sent = {what, peer};
  MPI_Send(&sent, (int)sizeof sent, MPI_BYTE, rank, TAG_ORDER, MPI_COMM_WORLD);
}

static void note(const facts *known, link_facts *link, int a, int b, result found) {
  if (link->pairs++ == 0 || found.bandwidth < link->bandwidth) link->bandwidth = found.bandwidth;
  if (found.round_trip <= link->round_trip) return;
  const char *first = known->ranks[a].host, *second = known->ranks[b].host;
  link->round_trip = found.round_trip;
  if (known->ranks[a].node == known->ranks[b].node)
    snprintf(link->where, sizeof link->where, "on %s", first);
  else
    snprintf(link->where, sizeof link->where, "%s to %s", first, second);
}

/* a < b. */
static void command(const facts *known, link_facts *link, int a, int b, watch *w) {
  result found;
  watch_phase(w, "ranks %d (%s) and %d (%s) measured the way between them", a, known->ranks[a].host, b,
              known->ranks[b].host);
  send_order(b, FOLLOW, a);
  if (a == 0) {
    found = measure_pair(b, true);
  } else {
    MPI_Request request;
    send_order(a, LEAD, b);
    MPI_Irecv(&found, (int)sizeof found, MPI_BYTE, a, TAG_RESULT, MPI_COMM_WORLD, &request);
    wait_asleep(&request);
  }
  note(known, link, a, b, found);
}

/* Where a node's ranks begin and end in the ranks' order; false if it has none. */
static bool span(const facts *known, int node, int *first, int *last) {
  *first = *last = -1;
  for (int i = 0; i < known->count; i++) {
    if (known->ranks[i].node != node) continue;
    if (*first < 0) *first = i;
    *last = i;
  }
  return *first >= 0;
}

static void command_all(facts *known, watch *w) {
  int first, last, pairs = known->nodes < MOST_PAIRS ? known->nodes : MOST_PAIRS;
  for (int i = 0; i < pairs; i++) {
    int node = (int)((int64_t)i * known->nodes / pairs);
    if (span(known, node, &first, &last) && last > first) command(known, &known->inside, first, last, w);
  }
  pairs = known->nodes - 1 < MOST_PAIRS ? known->nodes - 1 : MOST_PAIRS;
  for (int i = 0; i < pairs; i++) {
    int node = known->nodes - 1 - (int)((int64_t)i * (known->nodes - 1) / pairs);
    if (span(known, node, &first, &last)) command(known, &known->between, 0, first, w);
  }
  for (int i = 1; i < known->count; i++) send_order(i, DISMISSED, 0);
}

void measure_links(const rank_facts *mine, facts *known, watch *w) {
  if (mine->rank == 0)
    command_all(known, w);
  else
    obey(mine, w);
}
