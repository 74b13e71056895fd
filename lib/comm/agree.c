/* How ranks come to one mind by messages. In the good case one allreduce of some 30 words; only when ranks differ, or
   something failed, a second round tells who and why. */
#include <stdlib.h>
#include <string.h>

#include "comm/comm.h"

static furrow_status reduce_words(furrow__comm *comm, MPI_Comm over, uint64_t *words, int n, MPI_Op op) {
  MPI_Request request;
  size_t size = (size_t)n * sizeof *words;
  memcpy(comm->desk, words, size);
  comm->messages++;
  if (MPI_Iallreduce(MPI_IN_PLACE, comm->desk, n, MPI_UINT64_T, op, over, &request) != MPI_SUCCESS) return FURROW_E_MPI;
  furrow_status status = furrow__comm_wait(comm, &request);
  if (status == FURROW_OK) memcpy(words, comm->desk, size);
  return status;
}

furrow_status furrow__comm_or(furrow__comm *comm, MPI_Comm over, uint64_t *words, int n) {
  return reduce_words(comm, over, words, n, MPI_BOR);
}

furrow_status furrow__comm_max(furrow__comm *comm, MPI_Comm over, uint64_t *words, int n) {
  return reduce_words(comm, over, words, n, MPI_MAX);
}

/* Grows with the status, then falls with the rank; 0 if nothing failed. */
static uint64_t badness(furrow_status status, int rank) {
  return status == FURROW_OK ? 0 : (uint64_t)status << 32 | (UINT32_MAX - (uint32_t)rank);
}

furrow_status furrow__comm_verdict(furrow__comm *comm, MPI_Comm over, furrow_error *error) {
  int me = 0;
  MPI_Comm_rank(over, &me);
  uint64_t worst = badness(error->status, me);
  if (furrow__comm_max(comm, over, &worst, 1) != FURROW_OK) return FURROW_E_MPI;
  if (worst == 0) return FURROW_OK;
  int rank = (int)(UINT32_MAX - (uint32_t)worst);
  if (furrow__comm_bcast(comm, over, rank, error, sizeof *error) != FURROW_OK) return FURROW_E_MPI;
  return error->status;
}

/* Words whose maximum tells all there is to know: each number and its complement (so its minimum too), and rank 0's
   settings, where the others bring zeros; but for `uneven`, which any rank may bring. */
enum { NUMBERS = 2 + FURROW__CALL_NUMBERS, SETTINGS = sizeof(furrow__settings) / sizeof(uint64_t) };
typedef struct ballot_paper {
  uint64_t highest[NUMBERS], lowest[NUMBERS], settings[SETTINGS];
} ballot_paper;
_Static_assert(sizeof(ballot_paper) <= FURROW__DESK, "an allreduce goes by way of the desk");

static void raise_to(uint64_t *highest, uint64_t word) {
  if (word > *highest) *highest = word;
}

static void count_in(ballot_paper *ballot, const furrow__call *call) {
  uint64_t words[NUMBERS] = {call->op, call->status};
  memcpy(words + 2, call->numbers, sizeof call->numbers);
  for (int i = 0; i < NUMBERS; i++) {
    raise_to(&ballot->highest[i], words[i]);
    raise_to(&ballot->lowest[i], ~words[i]);
  }
}

static ballot_paper fill_in(const furrow__comm *comm, const furrow__call *calls, size_t stride, int n,
                            const furrow__settings *settings) {
  ballot_paper ballot = {{0}, {0}, {0}};
  if (comm->rank == 0) memcpy(ballot.settings, settings, sizeof *settings);
  for (int i = 0; i < n; i++) {
    const furrow__call *call = (const furrow__call *)(const void *)((const char *)calls + (size_t)i * stride);
    count_in(&ballot, call);
    if (call->own) ballot.settings[offsetof(furrow__settings, uneven) / sizeof(uint64_t)] = 1;
  }
  return ballot;
}

static bool unanimous(const ballot_paper *ballot) {
  bool same = ballot->highest[1] == FURROW_OK;
  for (int i = 0; i < NUMBERS; i++) same = same && ballot->highest[i] == ~ballot->lowest[i];
  return same;
}

/* Every rank gets every call and judges by itself; the rank that the judgement names then says where it is, or what
   it found. */
furrow_status furrow__comm_find_culprit(furrow__comm *comm, const furrow__call *call, const char *host,
                                        furrow_error *error) {
  furrow__call *calls = malloc((size_t)comm->size * sizeof *calls);
  uint64_t failed = calls == NULL;
  if (furrow__comm_max(comm, comm->all, &failed, 1) != FURROW_OK) goto broken;
  if (failed) {
    free(calls);
    furrow__error_set(error, FURROW_E_NOMEM, (furrow__where){-1, NULL}, FURROW_NO_TASK,
                      "ranks disagree, and there is no memory to find out who");
    return FURROW_OK;
  }
  MPI_Request request;
  comm->messages++;
  FURROW__KNOWN(calls);
  calls[comm->rank] = *call;
  if (MPI_Iallgather(MPI_IN_PLACE, 0, MPI_BYTE, calls, sizeof *call, MPI_BYTE, comm->all, &request) != MPI_SUCCESS ||
      furrow__comm_wait(comm, &request) != FURROW_OK)
    goto broken;
  bool own = false;
  furrow_error judged = {0}; /* all of its bytes are sent */
  furrow__error_clear(&judged);
  furrow__meet_judge(calls, sizeof *calls, comm->size, &judged, &own);
  if (!own || comm->rank != judged.rank) *error = judged;
  if (comm->rank == judged.rank) furrow__text_copy(error->host, sizeof error->host, host);
  free(calls);
  return furrow__comm_bcast(comm, comm->all, judged.rank, error, sizeof *error);
broken:
  furrow__comm_free_buffer(comm, calls);
  return FURROW_E_MPI;
}

furrow_status furrow__comm_compare(furrow__comm *comm, MPI_Comm over, const furrow__call *calls, size_t stride, int n,
                                   furrow__settings *settings, bool *same) {
  ballot_paper ballot = fill_in(comm, calls, stride, n, settings);
  if (furrow__comm_max(comm, over, ballot.highest, sizeof ballot / sizeof(uint64_t)) != FURROW_OK) return FURROW_E_MPI;
  *same = unanimous(&ballot);
  memcpy(settings, ballot.settings, sizeof *settings);
  return FURROW_OK;
}
