/* What ranks tell each other beside maps: bytes of rank 0, bytes for rank 0, and the worst of their statuses. */
#include <limits.h>
#include <string.h>

#include "run/meet.h"

furrow_status furrow_bcast(furrow_pool *pool, void *data, size_t size) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_BCAST);
  if (begun != FURROW_OK) return begun;
  call.numbers[0] = size;
  if (!data && size) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_bcast: data is NULL, but size is %zu", size);
  if (pool->lead) return (furrow_status)call.status; /* the others have no memory for it to go to */
  furrow_status status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK || pool->comm.size == 1) return status;
  if (furrow__comm_bcast(&pool->comm, pool->comm.all, 0, data, size) == FURROW_OK) return FURROW_OK;
  return furrow__pool_break(pool, "furrow_bcast");
}

furrow_status furrow_gather(furrow_pool *pool, const void *mine, size_t size, void *all) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_GATHER);
  if (begun != FURROW_OK) return begun;
  call.numbers[0] = size;
  bool nowhere = pool->comm.rank == 0 && !all;
  if (size && (!mine || nowhere))
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_gather: %s is NULL, but size is %zu", mine ? "all" : "mine",
                      size);
  else if (size > INT_MAX)
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_gather: size is %zu, more than %d", size, INT_MAX);
  else if (pool->lead)
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_gather: a program under furrow_lead() runs on rank 0 alone");
  if (pool->lead) return (furrow_status)call.status;
  furrow_status status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK || size == 0) return status;
  if (pool->comm.size == 1) {
    if (all && mine) memmove(all, mine, size);
    return FURROW_OK;
  }
  if (furrow__comm_gather_records(&pool->comm, pool->comm.all, mine, all, size) == FURROW_OK) return FURROW_OK;
  return furrow__pool_break(pool, "furrow_gather");
}

furrow_status furrow_agree(furrow_pool *pool, furrow_status mine, const char *why) {
  furrow__call call;
  char reason[FURROW_MESSAGE_SIZE]; /* `why` may be the message of the pool's error, which is cleared now */
  if (!pool) return FURROW_E_ARG;
  furrow__text_copy(reason, sizeof reason, why ? why : "");
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_AGREE);
  if (begun != FURROW_OK) return begun;
  if ((unsigned)mine > FURROW_E_MPI)
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_agree: %d is no furrow_status", (int)mine);
  else if (mine != FURROW_OK)
    furrow__call_fail(pool, &call, mine, "%s", reason);
  if (pool->lead) return (furrow_status)call.status; /* the others have no opinion */
  return furrow__meet(pool, &call, NULL, NULL);
}
