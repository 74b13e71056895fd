#include "run/furnish.h"

#include <stdlib.h>
#include <string.h>

#include "node/affinity.h"
#include "run/courier.h"
#include "run/server.h"

enum { INITIAL_SIZE = 1 << 20 };                /* 0.3 ms to make */
static const uint64_t MOST = UINT64_C(1) << 40; /* addresses that are mapped at once */

static void refuse(const furrow_pool *pool, furrow_error *why, const char *reason) {
  furrow__error_set(why, FURROW_E_NOMEM, furrow__here(pool), FURROW_NO_TASK, "shared memory refused: %s", reason);
}

/* Every rank opens its node's arena before its creator hides the name, and all agree before anyone uses it. */
static furrow_status try_share(furrow_pool *pool, size_t size, size_t limit, bool named, furrow__arena *arena,
                               furrow_error *why) {
  furrow__comm *comm = &pool->comm;
  bool first = comm->node_rank == 0;
  furrow__arena_name name = {0};
  char reason[160];
  const char *failure = NULL;
  furrow__error_clear(why);
  if (first) failure = furrow__arena_create(arena, size, limit, named, &name, reason, sizeof reason);
  if (failure) name.nonce = 0;
  if (furrow__comm_bcast(comm, comm->node, 0, &name, sizeof name) != FURROW_OK) return FURROW_E_MPI;
  if (!first && name.nonce) failure = furrow__arena_open(arena, &name, true, reason, sizeof reason);
  if (failure) refuse(pool, why, failure);
  furrow_status agreed = furrow__comm_verdict(comm, comm->all, why);
  if (first && name.nonce) furrow__arena_hide(&name);
  if (agreed != FURROW_OK) furrow__arena_close(arena);
  return agreed == FURROW_E_MPI ? FURROW_E_MPI : FURROW_OK;
}

furrow_status furrow__arena_share(furrow_pool *pool, size_t size, size_t limit, furrow__arena *arena,
                                  furrow_error *why) {
  if (pool->comm.size > 1) {
    furrow_status status = try_share(pool, size, limit, false, arena, why);
    if (status == FURROW_OK && why->status != FURROW_OK) status = try_share(pool, size, limit, true, arena, why);
    return status;
  }
  char reason[160];
  furrow__error_clear(why);
  const char *failure = furrow__arena_create_alone(arena, size, limit, reason, sizeof reason);
  if (failure) refuse(pool, why, failure);
  return FURROW_OK;
}

/* Ranks of a node that share cores yield; so do those that were bound to fewer cores than they are. */
static furrow_status choose_manner(furrow_pool *pool) {
  furrow__comm *comm = &pool->comm;
  uint64_t cores[FURROW__CORE_WORDS];
  furrow__affinity_read(cores);
  if (comm->size > 1 && furrow__comm_or(comm, comm->node, cores, FURROW__CORE_WORDS) != FURROW_OK) return FURROW_E_MPI;
  pool->cores = furrow__affinity_count(cores);
  comm->crowded = comm->node_size > pool->cores;
  pool->patience.manner = comm->crowded ? FURROW__YIELD : FURROW__SPIN;
  return FURROW_OK;
}

static furrow_status make_board(furrow_pool *pool, size_t limit) {
  int ranks = pool->comm.node_size;
  size_t fixed = furrow__board_fixed_size(ranks), least = fixed + (size_t)ranks * FURROW__ROOM_PER_WORKER;
  size_t size = least > INITIAL_SIZE ? least : INITIAL_SIZE;
  uint64_t needed = size; /* of the largest node: all have boards, or none */
  if (pool->comm.size > 1 && furrow__comm_max(&pool->comm, pool->comm.all, &needed, 1) != FURROW_OK)
    return FURROW_E_MPI;
  if (limit < needed) {
    snprintf(pool->note, sizeof pool->note, "%zu bytes of shared memory are allowed, %zu needed", limit,
             (size_t)needed);
    return FURROW_OK;
  }
  furrow_error why;
  furrow__arena arena = {NULL, 0, 0, -1, false};
  if (furrow__arena_share(pool, size, limit, &arena, &why) != FURROW_OK) return FURROW_E_MPI;
  if (why.status != FURROW_OK) {
    snprintf(pool->note, sizeof pool->note, "rank %d: %.100s", why.rank, why.message);
    return FURROW_OK;
  }
  furrow__board_lay_out(&pool->board, arena, ranks);
  furrow__text_copy(pool->board.hosts[pool->comm.node_rank], FURROW_HOST_SIZE, pool->host);
  pool->comm.broken = pool->board.broken;
  return FURROW_OK;
}

/* A thread of its own for the courier, where MPI allows; on all nodes or on none, since only then silence means anything. */
static furrow_status start_threads(furrow_pool *pool) {
  furrow__comm *comm = &pool->comm;
  uint64_t refused = comm->threads && furrow__is_first(pool) && !furrow__server_have(pool);
  furrow_status status = furrow__comm_max(comm, comm->all, &refused, 1);
  if (refused && furrow__is_first(pool)) furrow__server_free(pool);
  comm->threads = comm->threads && !refused;
  return status;
}

static furrow_status make_courier(furrow_pool *pool, furrow_error *error) {
  furrow_status status = furrow__is_first(pool) ? furrow__courier_create(pool) : FURROW_OK;
  if (status == FURROW_E_MPI) return status;
  if (status == FURROW_OK && furrow__is_first(pool)) {
    pool->turnouts = calloc((size_t)pool->comm.nodes, sizeof *pool->turnouts);
    if (!pool->turnouts) status = FURROW_E_NOMEM;
  }
  if (status != FURROW_OK)
    furrow__error_set(error, status, furrow__here(pool), FURROW_NO_TASK, "no memory for messages between nodes");
  status = furrow__comm_verdict(&pool->comm, pool->comm.all, error);
  if (status == FURROW_OK && furrow__is_first(pool)) status = furrow__courier_introduce(pool);
  return status == FURROW_OK ? start_threads(pool) : status;
}

furrow_status furrow__furnish(furrow_pool *pool, uint64_t limit, furrow_error *error) {
  furrow__comm *comm = &pool->comm;
  uint64_t ours[2] = {0, 0}; /* rank 0's wishes */
  if (comm->rank == 0) {
    ours[0] = limit < MOST ? limit : MOST;
    ours[1] = pool->node_timeout;
  }
  if (comm->size > 1 && furrow__comm_max(comm, comm->all, ours, 2) != FURROW_OK) return FURROW_E_MPI;
  pool->node_timeout = ours[1];
  if (choose_manner(pool) != FURROW_OK || make_board(pool, ours[0]) != FURROW_OK) return FURROW_E_MPI;
  return furrow__spans_nodes(pool) ? make_courier(pool, error) : FURROW_OK;
}
