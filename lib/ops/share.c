/* Read-only data, one copy a node: an arena of its own, so that it may outlive the pool. */
#include "furrow/share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "node/memory.h"
#include "ops/step.h"
#include "run/furnish.h"
#include "run/meet.h"

enum { PAGE = 4096 }; /* the first page holds the arena's nonce, so the data starts at the second */

struct furrow_share {
  furrow__arena arena; /* base NULL: private */
  char *private;       /* this rank's own copy, where shared memory is refused */
  size_t size;
  furrow__shelved shelved;
};

static char *data_of(const furrow_share *share) {
  return share->arena.base ? share->arena.base + PAGE : share->private;
}

const void *furrow_share_data(const furrow_share *share) {
  return share ? data_of(share) : NULL;
}

size_t furrow_share_size(const furrow_share *share) {
  return share ? share->size : 0;
}

void furrow_share_destroy(furrow_share **share) {
  if (!share || !*share) return;
  uint64_t number = (*share)->shelved.number;
  furrow_pool *pool = furrow__shelf_take(&(*share)->shelved);
  if (pool && pool->lead) furrow__step_forget(pool, number);
  furrow__arena_close(&(*share)->arena);
  free((*share)->private);
  free(*share);
  *share = NULL;
}

/* Have room for the data: shared if every node can, else private on every rank. Sets the pool's error alike on all. */
static furrow_status make_room(furrow_pool *pool, furrow_share *share) {
  size_t bytes = share->size + PAGE;
  furrow_error why;
  bool alone = pool->comm.size == 1;
  if (!alone && furrow__arena_share(pool, bytes, bytes, &share->arena, &why) != FURROW_OK) return FURROW_E_MPI;
  if (!alone && why.status == FURROW_OK) return FURROW_OK;
  /* An allocation succeeds beyond what there is, and dies when it is touched. */
  bool fits = bytes <= furrow__memory_available() / (uint64_t)pool->comm.node_size;
  if (fits) share->private = aligned_alloc(PAGE, (share->size / PAGE + 1) * PAGE);
  if (!share->private)
    furrow__error_set(&pool->error, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK,
                      "furrow_share_create: no memory for %zu bytes", share->size);
  return alone ? pool->error.status : furrow__comm_verdict(&pool->comm, pool->comm.all, &pool->error);
}

/* Rank 0 to the first ranks of the nodes; then inside each node, by copying or by just telling. */
static furrow_status spread(furrow_pool *pool, furrow_share *share, const void *data) {
  furrow__comm *comm = &pool->comm;
  char *here = data_of(share);
  uint64_t word = 0;
  if (comm->rank == 0 && share->size) memcpy(here, data, share->size);
  if (comm->size == 1) return FURROW_OK;
  if (comm->leaders != MPI_COMM_NULL && comm->nodes > 1 &&
      furrow__comm_bcast(comm, comm->leaders, 0, here, share->size) != FURROW_OK)
    return FURROW_E_MPI;
  if (share->private) return furrow__comm_bcast(comm, comm->node, 0, here, share->size);
  return furrow__comm_max(comm, comm->node, &word, 1);
}

furrow_status furrow_share_create(furrow_pool *pool, const void *data, size_t size, furrow_share **out) {
  furrow__call call;
  if (out) *out = NULL;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_SHARE);
  if (begun != FURROW_OK) return begun;
  call.numbers[0] = size;
  furrow_share *share = calloc(1, sizeof *share);
  if (!share) furrow__call_fail(pool, &call, FURROW_E_NOMEM, "furrow_share_create: no memory");
  if (!out) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_share_create: share is NULL");
  if (pool->comm.rank == 0 && !data && size)
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_share_create: data is NULL, but size is %zu", size);
  if (size > SIZE_MAX / 4) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_share_create: size is %zu", size);
  if (!furrow__shelf_have(pool)) furrow__call_fail(pool, &call, FURROW_E_NOMEM, "furrow_share_create: no memory");
  if (share) *share = (furrow_share){.arena = {NULL, 0, 0, -1}, .size = size};
  furrow_status status = furrow__step_lead(pool, &call, &(furrow__step){.op = FURROW__OP_SHARE, .numbers = {size}});
  if (status == FURROW_OK) status = furrow__meet(pool, &call, NULL, NULL);
  if (status != FURROW_OK) {
    furrow_share_destroy(&share);
    return status;
  }
  FURROW__KNOWN(share && out && (data || !size || pool->comm.rank != 0));
  status = make_room(pool, share);
  if (status == FURROW_OK) status = spread(pool, share, data);
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): of a lost pool it stays, since MPI may write there */
  if (status == FURROW_E_MPI) return furrow__pool_break(pool, "furrow_share_create");
  if (status != FURROW_OK) {
    furrow_share_destroy(&share);
    return status;
  }
  if (share->arena.base) mprotect(share->arena.base, share->arena.limit, PROT_READ);
  share->shelved = (furrow__shelved){.handle = share, .data = data_of(share), .size = size};
  furrow__shelf_put(pool, &share->shelved);
  *out = share;
  return FURROW_OK;
}
