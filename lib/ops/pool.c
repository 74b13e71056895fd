/* Birth and death of pools. Nobody may be stranded: duplicate first, then agree, on the duplicate, whether every rank
   has what it needs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/metrics.h"
#include "ops/pool.h"
#include "ops/shelf.h"
#include "run/courier.h"
#include "run/furnish.h"
#include "run/ledger.h"
#include "run/meet.h"
#include "run/server.h"

static const furrow_error NO_POOL = {FURROW_E_ARG, -1, FURROW_NO_TASK, "", "the pool is NULL"};

bool furrow_is_root(const furrow_pool *pool) {
  return furrow_pool_rank(pool) == 0;
}

int furrow_pool_rank(const furrow_pool *pool) {
  return pool ? pool->comm.rank : 0;
}

int furrow_pool_size(const furrow_pool *pool) {
  return pool ? pool->comm.size : 1;
}

int furrow_pool_node(const furrow_pool *pool) {
  return pool ? pool->comm.node_index : 0;
}

int furrow_pool_nodes(const furrow_pool *pool) {
  return pool ? pool->comm.nodes : 1;
}

int furrow_pool_node_rank(const furrow_pool *pool) {
  return pool ? pool->comm.node_rank : 0;
}

int furrow_pool_node_size(const furrow_pool *pool) {
  return pool ? pool->comm.node_size : 1;
}

const furrow_error *furrow_pool_error(const furrow_pool *pool) {
  return pool ? &pool->error : &NO_POOL;
}

static const char *get_environment(const char *name) {
  return getenv(name);
}

static void read_environment(furrow_pool *pool, furrow_error *error) {
  furrow__where here = furrow__here(pool);
  const char *journal = furrow__defaults_journal(get_environment);
  if (furrow__defaults_read(&pool->defaults, get_environment, error, here) != FURROW_OK || !journal) return;
  pool->journal = strdup(journal);
  if (!pool->journal) furrow__error_set(error, FURROW_E_NOMEM, here, FURROW_NO_TASK, "no memory for FURROW_JOURNAL");
}

/* What this rank can find wrong by itself. Only rank 0 reads the environment. */
static void check(furrow_pool *pool, const furrow_pool_options *options, furrow_status comm_status,
                  furrow_error *error) {
  furrow__where here = furrow__here(pool);
  if (comm_status == FURROW_E_NOMEM)
    furrow__error_set(error, FURROW_E_NOMEM, here, FURROW_NO_TASK, "no memory for the communicator");
  else if (options && options->size != sizeof *options)
    furrow__error_set(error, FURROW_E_ARG, here, FURROW_NO_TASK,
                      "furrow_pool_create: options.size is %zu; start from FURROW_POOL_OPTIONS_INIT", options->size);
  else if (options && !(options->node_timeout >= 0))
    furrow__error_set(error, FURROW_E_ARG, here, FURROW_NO_TASK,
                      "furrow_pool_create: options.node_timeout is %g; it must be 0 or more seconds",
                      options->node_timeout);
  else if (pool->comm.rank == 0)
    read_environment(pool, error);
}

static const double LONGEST_TIMEOUT = 1e9; /* seconds; what is longer is for ever */

/* An option that still has its default takes the environment's value. */
static void apply(furrow_pool *pool, const furrow_pool_options *options) {
  furrow__defaults *defaults = &pool->defaults;
  if (options && options->seed) defaults->seed = options->seed;
  bool chosen = options && options->shared_memory != FURROW_SHARED_MEMORY_DEFAULT;
  if (chosen) defaults->shared_memory = options->shared_memory;
  if (defaults->shared_memory == UINT64_MAX) defaults->shared_memory = FURROW_SHARED_MEMORY_DEFAULT;
  double seconds = defaults->node_timeout == UINT64_MAX ? FURROW_NODE_TIMEOUT_DEFAULT : (double)defaults->node_timeout;
  if (options && options->node_timeout != FURROW_NODE_TIMEOUT_DEFAULT) seconds = options->node_timeout;
  pool->node_timeout = seconds < LONGEST_TIMEOUT ? (uint64_t)(seconds * 1e9) : 0;
}

/* A pool that carries its error: every operation returns it, and nothing is left to be done together. */
static furrow_status stillborn(furrow_pool *pool, const furrow_error *error) {
  furrow__comm *comm = &pool->comm;
  if (error->status != FURROW_E_MPI) furrow__comm_free(comm);
  comm->all = comm->node = comm->leaders = comm->mail = MPI_COMM_NULL;
  pool->error = *error;
  return pool->broken = error->status;
}

static furrow_status birth(MPI_Comm user, const furrow_pool_options *options, furrow_pool *pool, bool wanted) {
  furrow_pool local = {.broken = FURROW_OK}; /* stands in where there is no memory for a pool */
  furrow_pool *self = pool ? pool : &local;
  furrow_error error;
  furrow__error_clear(&error);
  furrow__error_clear(&self->error); /* until the first operation: no task has failed */
  if (gethostname(self->host, sizeof self->host - 1) != 0) furrow__text_copy(self->host, sizeof self->host, "unknown");
  if (!furrow__mpi_is_up() || !furrow__mpi_is_intracomm(user)) {
    self->comm = furrow__comm_none();
    furrow__error_set(&error, FURROW_E_ARG, (furrow__where){-1, NULL}, FURROW_NO_TASK, "furrow_pool_create: %s",
                      furrow__mpi_is_up() ? "comm is no intracommunicator" : "MPI is not initialised");
    return stillborn(self, &error);
  }
  furrow_status status = furrow__comm_create(&self->comm, user);
  if (status != FURROW_E_MPI) {
    check(self, options, status, &error);
    if (!pool) furrow__error_set(&error, FURROW_E_NOMEM, furrow__here(self), FURROW_NO_TASK, "no memory for a pool");
    if (!wanted)
      furrow__error_set(&error, FURROW_E_ARG, furrow__here(self), FURROW_NO_TASK, "furrow_pool_create: pool is NULL");
    status = furrow__comm_verdict(&self->comm, self->comm.all, &error);
  }
  if (status == FURROW_OK) {
    apply(self, options);
    status = furrow__comm_find_nodes(&self->comm);
  }
  if (status == FURROW_OK) status = furrow__furnish(self, self->defaults.shared_memory, &error);
  if (status == FURROW_OK) return FURROW_OK;
  if (error.status == FURROW_OK)
    furrow__error_set(&error, status, (furrow__where){-1, NULL}, FURROW_NO_TASK, "making the pool");
  return stillborn(self, &error);
}

furrow_status furrow_pool_create(MPI_Comm comm, const furrow_pool_options *options, furrow_pool **out) {
  furrow_pool *pool = out ? calloc(1, sizeof *pool) : NULL;
  furrow_status status = birth(comm, options, pool, out != NULL);
  if (out) *out = pool;
  return status;
}

furrow_status furrow_init(int *argc, char ***argv, furrow_pool **pool) {
  bool ours = false;
  furrow_status status = furrow__mpi_start(argc, argv, &ours);
  if (pool) *pool = NULL;
  if (status != FURROW_OK) return status;
  status = furrow_pool_create(MPI_COMM_WORLD, NULL, pool);
  if (pool && *pool)
    (*pool)->owns_mpi = ours;
  else if (ours && status != FURROW_E_MPI)
    furrow__mpi_finish(); /* nobody else could */
  return status;
}

static void print_metrics(furrow_pool *pool) {
  furrow_metrics metrics;
  furrow_rank_metrics *ranks = calloc((size_t)pool->comm.size, sizeof *ranks);
  uint64_t failed = ranks == NULL;
  if (pool->comm.size > 1 && furrow__comm_max(&pool->comm, pool->comm.all, &failed, 1) != FURROW_OK) failed = 1;
  if (!failed && furrow__metrics_gather(pool, &metrics, ranks) == FURROW_OK && pool->comm.rank == 0)
    furrow_metrics_print(stderr, &metrics, ranks, pool->comm.size);
  furrow__comm_free_buffer(&pool->comm, ranks);
}

/* Let go of everything; the ranks have met for it, or will never meet again. False: communication is broken, and what MPI may
   still write to stays: the courier, the communicator with its desk, and so the pool itself. */
static bool let_go(furrow_pool *pool) {
  furrow__server_free(pool);
  furrow__courier_free(pool);
  if (furrow__comm_is_lost(&pool->comm)) pool->broken = FURROW_E_MPI; /* another rank's courier may have found out */
  bool broken = pool->broken == FURROW_E_MPI;
  pool->comm.broken = NULL; /* it stood on the board */
  furrow__ledger_free(pool);
  furrow__arena_close(&pool->board.arena);
  if (!broken) furrow__comm_free(&pool->comm);
  furrow__shelf_leave(pool);
  free(pool->journal);
  if (!broken) free(pool->turnouts);
  pool->journal = NULL;
  pool->turnouts = NULL;
  return !broken;
}

static bool bury(furrow_pool *pool) {
  bool whole = let_go(pool);
  if (whole) free(pool);
  return whole;
}

/* Meet to part. The settings carry rank 0's wish for metrics. */
static furrow_status part(furrow_pool *pool, furrow__op op) {
  furrow__call call;
  furrow__settings settings = {.schedule = pool->defaults.metrics};
  furrow_status status = furrow__call_begin(pool, &call, op);
  if (status != FURROW_OK) return status;
  if (pool->lead)
    return furrow__error_set(&pool->error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                             "%s: called inside a program under furrow_lead", furrow__op_name(op));
  status = furrow__meet(pool, &call, &settings, NULL);
  if (status == FURROW_OK && settings.schedule) print_metrics(pool);
  return status;
}

void furrow_pool_destroy(furrow_pool **address) {
  /* not from inside one of its tasks, nor of a program that leads it */
  if (!address || !*address || atomic_load(&(*address)->busy) || (*address)->lead) return;
  furrow_pool *pool = *address;
  *address = NULL;
  while (part(pool, FURROW__OP_DESTROY) == FURROW_E_MISMATCH) continue; /* the others are told; they will come */
  bury(pool);
}

furrow_status furrow_finalize(furrow_pool **address) {
  if (!address || !*address) return FURROW_OK;
  furrow_pool *pool = *address;
  furrow_status status = part(pool, FURROW__OP_FINALIZE);
  if (status == FURROW_E_MISMATCH || atomic_load(&pool->busy) || pool->lead) return status;
  bool owns_mpi = pool->owns_mpi, whole = bury(pool);
  *address = NULL;
  if (owns_mpi && whole) furrow__mpi_finish();
  return whole ? status : FURROW_E_MPI;
}

/* Each mismatch means that all others have made a call; until the deadline they may make any. */
void furrow__pool_part_at_exit(furrow_pool *pool) {
  furrow__op op = pool->owns_mpi ? FURROW__OP_FINALIZE : FURROW__OP_DESTROY;
  while (part(pool, op) == FURROW_E_MISMATCH) {
    op = op == FURROW__OP_FINALIZE ? FURROW__OP_DESTROY : FURROW__OP_FINALIZE;
    if (furrow__comm_is_late(&pool->comm)) furrow__pool_break(pool, furrow__op_name(op));
  }
  bool whole = let_go(pool);
  if (whole && pool->owns_mpi && op == FURROW__OP_FINALIZE) furrow__mpi_finish();
  pool->owns_mpi = false;
  if (whole)
    pool->broken =
        furrow__error_set(&pool->error, FURROW_E_INTERRUPTED, furrow__here(pool), FURROW_NO_TASK, "the process ends");
}
