/* `furrow farm`: runs commands over all ranks of one allocation, as a stream whose items are sets of arguments and whose results are
 * what came of the commands. Here is the order of things on every rank; what is done with a set and an outcome stands elsewhere. */
#include "farm.h"

#include <stdlib.h>
#include <string.h>

#include "../commands.h"
#include "aside.h"
#include "launch.h"

enum { STATUS_FAILED = 255 };

/* What a rank has, and what its node should have: told by the first rank of each. And the node's cores. */
typedef struct share {
  int count, wished, cores;
} share;

/* What rank 0 makes of all ranks' slots. */
typedef struct plan {
  int most; /* of a rank */
  int all;
  bool ready; /* rank 0 has its files open */
} plan;

/* ---- before the stream ------------------------------------------------------------------------------------------------- */

static plan add_up(const share *shares, int ranks, uint64_t cores_each) {
  plan made = {.most = 0};
  int wished = 0, fewest = shares[0].cores;
  for (int rank = 0; rank < ranks; rank++) {
    made.all += shares[rank].count;
    wished += shares[rank].wished;
    if (shares[rank].cores < fewest) fewest = shares[rank].cores;
    if (shares[rank].count > made.most) made.most = shares[rank].count;
  }
  if (made.all < wished)
    fprintf(stderr,
            "furrow farm: %d commands at a time instead of %d: more ranks or open files (ulimit -n) would help\n",
            made.all, wished);
  if ((uint64_t)fewest < cores_each)
    fprintf(stderr, "furrow farm: --cores: a node has only %d; commands there get all of them\n", fewest);
  return made;
}

/* Rank 0 opens the batch, if there is a slot at all. */
static batch *open_batch(const furrow_pool *pool, const settings *wanted, plan *made) {
  if (made->all == 0) fprintf(stderr, "furrow farm: --jobs: no node has a slot\n");
  batch *all = made->all > 0 ? batch_open(wanted, made->all, furrow_pool_nodes(pool)) : NULL;
  made->ready = all != NULL;
  return all;
}

/* Collective. *all is set on rank 0. */
static furrow_status prepare(furrow_pool *pool, const farm *of, plan *made, batch **all) {
  bool root = furrow_is_root(pool);
  share mine = {of->mine.count, furrow_pool_node_rank(pool) == 0 ? of->mine.wished : 0, of->mine.cores};
  share *shares = root ? calloc((size_t)furrow_pool_size(pool), sizeof *shares) : NULL;
  furrow_status status = furrow_agree(pool, root && !shares ? FURROW_E_NOMEM : FURROW_OK, "out of memory");
  if (status == FURROW_OK) status = furrow_gather(pool, &mine, sizeof mine, shares);
  if (status == FURROW_OK && shares) {
    *made = add_up(shares, furrow_pool_size(pool), of->wanted->cores);
    *all = open_batch(pool, of->wanted, made);
  }
  free(shares);
  return status == FURROW_OK ? furrow_bcast(pool, made, sizeof *made) : status;
}

/* ---- the stream ---------------------------------------------------------------------------------------------------------- */

/* A command that fails is a result like any other. With CONTINUE even a rank that has no memory to tell of a command costs that
 * command only. */
static furrow_status run_stream(furrow_pool *pool, farm *of, const plan *made, batch *all) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = true;
  options.chunk = 1;
  options.on_error = FURROW_ON_ERROR_CONTINUE;
  options.threads = made->most;
  options.own_threads = of->mine.count;
  options.retries = (uint32_t)(of->wanted->tries - 1);
  options.window = all ? batch_window(all) : 0;
  options.worker_begin = begin_slot;
  options.worker_end = end_slot;
  options.label = "farm";
  return furrow_stream(pool, run_job, of, feed_job, report_outcome, all, &options);
}

/* ---- after it -------------------------------------------------------------------------------------------------------------- */

static stop_wish worst(const stop_wish *wishes, int ranks) {
  stop_wish found = STOP_NOT;
  for (int rank = 0; rank < ranks; rank++)
    if (wishes[rank] > found) found = wishes[rank];
  return found;
}

/* A signal may have reached some ranks only. Collective; the answer is rank 0's. */
static furrow_status hear_all(furrow_pool *pool, stop_wish *heard) {
  stop_wish mine = stop_asked();
  stop_wish *all = calloc((size_t)furrow_pool_size(pool), sizeof *all);
  furrow_status status = furrow_agree(pool, all ? FURROW_OK : FURROW_E_NOMEM, NULL);
  if (status == FURROW_OK) status = furrow_gather(pool, &mine, sizeof mine, all);
  *heard = status == FURROW_OK && furrow_is_root(pool) ? worst(all, furrow_pool_size(pool)) : mine;
  free(all);
  return status;
}

/* Rank 0 knows how it went, and tells. */
static int end_batch(furrow_pool *pool, batch *all, furrow_status status) {
  furrow_error why = *furrow_pool_error(pool);
  stop_wish heard = stop_asked();
  bool together = status != FURROW_E_MPI && hear_all(pool, &heard) == FURROW_OK;
  int result = all ? batch_close(all, status, &why, heard) : STATUS_FAILED;
  if (together && furrow_bcast(pool, &result, sizeof result) != FURROW_OK) result = STATUS_FAILED;
  return result;
}

static int run_farm(furrow_pool *pool, const settings *wanted) {
  farm of = {.wanted = wanted, .mine = find_slots(wanted, furrow_pool_node_rank(pool), furrow_pool_node_size(pool))};
  plan made = {.ready = false};
  batch *all = NULL;
  furrow_status status = prepare(pool, &of, &made, &all);
  if (status != FURROW_OK) {
    if (furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
    return STATUS_FAILED;
  }
  if (!made.ready) return STATUS_FAILED;
  status = run_stream(pool, &of, &made, all);
  return end_batch(pool, all, status);
}

static int run_on_pool(int *argc, char ***argv, const settings *wanted) {
  furrow_pool *pool = NULL;
  int result = STATUS_FAILED;
  aside away = aside_put();
  furrow_status status = furrow_init(argc, argv, &pool);
  aside_back(&away);
  stop_listen(); /* MPI may have put its own handlers in place */
  if (status == FURROW_OK)
    result = run_farm(pool, wanted);
  else if (furrow_is_root(pool))
    furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return result;
}

/* Words are read before MPI is begun: --help needs none of it. The guard must be a child of a process without MPI. */
int farm_command(int argc, char **argv) {
  settings wanted;
  int result = STATUS_FAILED;
  verdict read = read_settings(launch_here().rank == 0, argc, argv, &wanted);
  if (read == VERDICT_RUN) {
    guard_begin();
    stop_listen();
    result = run_on_pool(&argc, &argv, &wanted);
    guard_end();
  }
  free_settings(&wanted);
  return read == VERDICT_HELPED ? EXIT_SUCCESS : result;
}
