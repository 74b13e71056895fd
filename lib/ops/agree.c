/* What ranks tell each other beside maps: bytes of rank 0, and the worst of their statuses. */
#include "run/meet.h"

furrow_status furrow_bcast(furrow_pool *pool, void *data, size_t size) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_BCAST);
  if (begun != FURROW_OK) return begun;
  call.numbers[0] = size;
  if (!data && size) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_bcast: data is NULL, but size is %zu", size);
  furrow_status status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK || pool->comm.size == 1) return status;
  if (furrow__comm_bcast(&pool->comm, pool->comm.all, 0, data, size) == FURROW_OK) return FURROW_OK;
  return furrow__pool_break(pool, "furrow_bcast");
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
  return furrow__meet(pool, &call, NULL, NULL);
}
