/* Bytes between ranks. Sizes are 64 bits; MPI's counts are ints, so what is larger goes in pieces. */
#include <string.h>

#include "comm/comm.h"
#include "plan/leaves.h"

enum { TAG_BYTES = 1, TAG_CALL };

static int piece(size_t left) {
  return left < FURROW__TRANSFER ? (int)left : FURROW__TRANSFER;
}

/* Where MPI finds `size` bytes, or puts them: on the desk, or where they stand. */
static char *place_of(furrow__comm *comm, const void *data, size_t size) {
  return size <= sizeof comm->desk ? comm->desk : (char *)data;
}

static char *lay_out(furrow__comm *comm, const void *data, size_t size) {
  char *place = place_of(comm, data, size);
  if (place == comm->desk && size) memcpy(place, data, size);
  return place;
}

static furrow_status pick_up(furrow__comm *comm, void *data, size_t size, furrow_status status) {
  if (status == FURROW_OK && size && place_of(comm, data, size) == comm->desk) memcpy(data, comm->desk, size);
  return status;
}

static furrow_status bcast(furrow__comm *comm, MPI_Comm over, int root, char *data, size_t size) {
  for (size_t sent = 0; sent < size;) {
    MPI_Request request;
    int count = piece(size - sent);
    comm->messages++;
    if (MPI_Ibcast(data + sent, count, MPI_BYTE, root, over, &request) != MPI_SUCCESS ||
        furrow__comm_drive(comm, &request) != FURROW_OK)
      return FURROW_E_MPI;
    sent += (size_t)count;
  }
  return FURROW_OK;
}

furrow_status furrow__comm_bcast(furrow__comm *comm, MPI_Comm over, int root, void *data, size_t size) {
  furrow_status status = bcast(comm, over, root, lay_out(comm, data, size), size);
  return pick_up(comm, data, size, status);
}

/* Rank 0's own record is in its place already: so there is one buffer, on every rank. */
furrow_status furrow__comm_gather_records(furrow__comm *comm, MPI_Comm over, const void *mine, void *all, size_t size) {
  MPI_Request request;
  int me = 0, ranks = 0, count = (int)size;
  MPI_Comm_rank(over, &me);
  MPI_Comm_size(over, &ranks);
  size_t room = (size_t)ranks * size;
  comm->messages++;
  if (me > 0) {
    char *place = lay_out(comm, mine, size);
    if (MPI_Igather(place, count, MPI_BYTE, NULL, 0, MPI_BYTE, 0, over, &request) != MPI_SUCCESS) return FURROW_E_MPI;
    return furrow__comm_drive(comm, &request);
  }
  char *place = place_of(comm, all, room);
  if (size) memmove(place, mine, size);
  if (MPI_Igather(MPI_IN_PLACE, 0, MPI_BYTE, place, count, MPI_BYTE, 0, over, &request) != MPI_SUCCESS)
    return FURROW_E_MPI;
  return pick_up(comm, all, room, furrow__comm_drive(comm, &request));
}

furrow_status furrow__comm_call(furrow__comm *comm, MPI_Comm over, int rank) {
  MPI_Request request;
  comm->messages++;
  if (MPI_Isend(NULL, 0, MPI_BYTE, rank, TAG_CALL, over, &request) != MPI_SUCCESS) return FURROW_E_MPI;
  return furrow__comm_drive(comm, &request);
}

furrow_status furrow__comm_await_call(furrow__comm *comm, MPI_Comm over, int caller) {
  MPI_Request request;
  comm->messages++;
  if (MPI_Irecv(NULL, 0, MPI_BYTE, caller, TAG_CALL, over, &request) != MPI_SUCCESS) return FURROW_E_MPI;
  return furrow__comm_wait(comm, &request);
}

furrow_status furrow__comm_send(furrow__comm *comm, MPI_Comm over, const void *data, size_t size, int to) {
  const char *place = lay_out(comm, data, size);
  for (size_t sent = 0; sent < size;) {
    MPI_Request request;
    int count = piece(size - sent);
    comm->messages++;
    if (MPI_Isend(place + sent, count, MPI_BYTE, to, TAG_BYTES, over, &request) != MPI_SUCCESS ||
        furrow__comm_drive(comm, &request) != FURROW_OK)
      return FURROW_E_MPI;
    sent += (size_t)count;
  }
  return FURROW_OK;
}

furrow_status furrow__comm_receive(furrow__comm *comm, MPI_Comm over, void *data, size_t size, int from) {
  char *place = place_of(comm, data, size);
  for (size_t got = 0; got < size;) {
    MPI_Request request;
    int count = piece(size - got);
    comm->messages++;
    if (MPI_Irecv(place + got, count, MPI_BYTE, from, TAG_BYTES, over, &request) != MPI_SUCCESS ||
        furrow__comm_drive(comm, &request) != FURROW_OK)
      return FURROW_E_MPI;
    got += (size_t)count;
  }
  return pick_up(comm, data, size, FURROW_OK);
}

furrow__span furrow__deal_block(const furrow__comm *comm, const furrow__deal *deal, int r) {
  furrow__span block = furrow__block(deal->dealt.end - deal->dealt.begin, (uint64_t)r, (uint64_t)comm->size);
  return (furrow__span){deal->dealt.begin + block.begin, deal->dealt.begin + block.end};
}

/* Where units stand in the array. */
static furrow__span bytes_of(const furrow__deal *deal, furrow__span units) {
  furrow__span tasks = furrow__units_span(&deal->units, units.begin, units.end);
  return (furrow__span){tasks.begin * deal->size, tasks.end * deal->size};
}

static furrow__span block_bytes(const furrow__comm *comm, const furrow__deal *deal, int r) {
  return bytes_of(deal, furrow__deal_block(comm, deal, r));
}

static bool fits_one_call(const furrow__deal *deal) {
  furrow__span bytes = bytes_of(deal, deal->dealt);
  return bytes.end - bytes.begin <= FURROW__TRANSFER;
}

/* Rank 0's counts, and behind them the displacements. */
static void fill_counts(const furrow__comm *comm, const furrow__deal *deal) {
  uint64_t start = bytes_of(deal, deal->dealt).begin;
  for (int r = 0; r < comm->size; r++) {
    furrow__span bytes = block_bytes(comm, deal, r);
    comm->counts[r] = (int)(bytes.end - bytes.begin);
    comm->counts[comm->size + r] = (int)(bytes.begin - start);
  }
}

typedef enum direction { OUT, BACK } direction;

/* One collective call. Rank 0's block stays where it is. */
static furrow_status move_at_once(furrow__comm *comm, const furrow__deal *deal, direction way) {
  MPI_Request request;
  bool root = comm->rank == 0;
  furrow__span bytes = block_bytes(comm, deal, comm->rank);
  int count = (int)(bytes.end - bytes.begin), code;
  if (root) fill_counts(comm, deal);
  const int *counts = comm->counts, *displacements = root ? counts + comm->size : NULL;
  char *mine = root ? MPI_IN_PLACE : deal->mine;
  uint64_t start = bytes_of(deal, deal->dealt).begin;
  comm->messages++;
  if (way == OUT)
    code = MPI_Iscatterv(root ? deal->from + start : NULL, counts, displacements, MPI_BYTE, mine, count, MPI_BYTE, 0,
                         comm->all, &request);
  else
    code = MPI_Igatherv(mine, count, MPI_BYTE, root ? deal->into + start : NULL, counts, displacements, MPI_BYTE, 0,
                        comm->all, &request);
  return code == MPI_SUCCESS ? furrow__comm_drive(comm, &request) : FURROW_E_MPI;
}

/* Too large for one call: each block by itself. */
static furrow_status move_one_by_one(furrow__comm *comm, const furrow__deal *deal, direction way) {
  furrow_status status = FURROW_OK;
  if (comm->rank != 0) {
    furrow__span bytes = block_bytes(comm, deal, comm->rank);
    size_t size = bytes.end - bytes.begin;
    status = furrow__comm_await_call(comm, comm->all, 0);
    if (status != FURROW_OK) return status;
    return way == OUT ? furrow__comm_receive(comm, comm->all, deal->mine, size, 0)
                      : furrow__comm_send(comm, comm->all, deal->mine, size, 0);
  }
  for (int r = 1; r < comm->size && status == FURROW_OK; r++) {
    furrow__span bytes = block_bytes(comm, deal, r);
    size_t size = bytes.end - bytes.begin;
    status = furrow__comm_call(comm, comm->all, r);
    if (status != FURROW_OK) break;
    status = way == OUT ? furrow__comm_send(comm, comm->all, deal->from + bytes.begin, size, r)
                        : furrow__comm_receive(comm, comm->all, deal->into + bytes.begin, size, r);
  }
  return status;
}

static furrow_status move(furrow__comm *comm, const furrow__deal *deal, direction way) {
  if (deal->size == 0 || comm->size == 1) return FURROW_OK;
  if (!fits_one_call(deal)) return move_one_by_one(comm, deal, way);
  return move_at_once(comm, deal, way);
}

furrow_status furrow__comm_scatter(furrow__comm *comm, const furrow__deal *deal) {
  return move(comm, deal, OUT);
}

furrow_status furrow__comm_gather(furrow__comm *comm, const furrow__deal *deal) {
  return move(comm, deal, BACK);
}
