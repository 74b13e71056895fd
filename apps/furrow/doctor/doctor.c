/* furrow doctor: every rank examines itself, rank 0 hears of all, ways between ranks are measured, and rank 0 judges.
 *
 * Runs are examined that don't work, so little is taken for granted: a watch ends what hangs, and where MPI makes each
 * process believe to be alone, only the first of them speaks. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../commands.h"
#include "common/options.h"
#include "common/timing.h"
#include "examine.h"
#include "gather.h"
#include "judge.h"
#include "measure.h"
#include "show.h"
#include "transports.h"

enum { GRACE = 3 /* seconds in which rank 0 alone tells of a hang */ };

typedef struct visit {
  launch launch;
  double start;
  uint64_t timeout;
  bool json, quick;
  bool speaks;      /* this process, as the launcher counts */
  atomic_bool told; /* from the report's first word on */
  watch watch;
} visit;

static void show(const visit *v, const facts *known, const verdicts *all) {
  if (v->json)
    show_json(known, all);
  else
    show_text(known, all);
}

/* ---- when it hangs ------------------------------------------------------------------------------------------------ */

/* If rank 0 can't end the run by telling of it, the others do, on stderr. The main thread may be stuck in printf(). */
static void tell_of_hang(const char *phase, void *user) {
  visit *v = user;
  if (!v->speaks || atomic_load(&v->told) || ftrylockfile(stdout) != 0) {
    dprintf(STDERR_FILENO, "furrow doctor: gave up after %d s: %s\n", (int)v->watch.seconds, phase);
    return;
  }
  verdicts all = {.count = 0};
  judge_hang(phase, (int)v->timeout, &all);
  show(v, NULL, &all);
  fflush(stdout);
}

/* ---- before MPI ----------------------------------------------------------------------------------------------------- */

/* MPI ends the program where it can't start. What is sure to be the cause is a verdict, and true is returned; what may be it
 * is a remark. */
static bool foresee(const visit *v) {
  char mpi[NAME_ROOM], doubt[VERDICT_ROOM];
  verdicts all = {.count = 0};
  mpi_ask_name(mpi, sizeof mpi);
  bool doomed = judge_start(&v->launch, mpi, &all);
  if (!v->speaks) return doomed;
  if (doomed)
    show(v, NULL, &all);
  else if (judge_doubt(&v->launch, mpi, examine_shm(), doubt, sizeof doubt))
    fprintf(stderr, "furrow doctor: %s; if MPI can't start now, that may be why\n", doubt);
  return doomed;
}

/* ---- the examination ----------------------------------------------------------------------------------------------- */

static int mpi_size(void) {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static bool mpi_is_up(void) {
  int up = 0, down = 0;
  MPI_Initialized(&up);
  MPI_Finalized(&down);
  return up && !down;
}

static void measure(furrow_pool *pool, const rank_facts *mine, facts *known, watch *w) {
  if (mine->rank == 0)
    transports_ask(known->inside.transport, known->between.transport, sizeof known->inside.transport);
  if (!known->quick) measure_links(mine, known, w);
  measure_service(pool, known, w);
}

/* Print what rank 0 knows; the exit status. */
static int report(visit *v, facts *known) {
  verdicts all;
  atomic_store(&v->told, true);
  known->seconds = app_seconds() - v->start;
  judge(known, &all);
  show(v, known, &all);
  bool printed = fflush(stdout) == 0 && !ferror(stdout); /* if not, main() says so */
  return printed && verdicts_worst(&all) < LEVEL_ERROR ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* MPI is up. Collective, but for the alone. */
static int examine_all(furrow_pool *pool, facts *known, visit *v) {
  rank_facts mine;
  examine(pool, &mine);
  if (!gather(&mine, known, &v->watch)) {
    if (v->speaks) fprintf(stderr, "furrow doctor: no memory for the facts of %d ranks\n", known->count);
    return EXIT_FAILURE;
  }
  if (mine.rank == 0 && known->status != FURROW_OK) facts_number_nodes(known);
  bool alone = judge_alone(known);
  if (known->status == FURROW_OK && !alone) measure(pool, &mine, known, &v->watch);
  int status = EXIT_FAILURE;
  watch_phase(&v->watch, "rank %d (%s) waited for rank 0's report", mine.rank, mine.host);
  if (mine.rank == 0 && (v->speaks || !alone)) status = report(v, known);
  free(known->ranks);
  return share_status(status);
}

/* The communicator of a pool that MPI broke can't be trusted, and without MPI there is nobody to ask. */
static int examine_or_tell(furrow_pool *pool, facts *known, visit *v) {
  if (known->status != FURROW_E_MPI && mpi_is_up()) {
    known->count = mpi_size();
    known->nodes = furrow_pool_nodes(pool);
    return examine_all(pool, known, v);
  }
  verdicts all = {.count = 0};
  judge_pool(known, &all);
  if (v->speaks) show(v, NULL, &all);
  return EXIT_FAILURE;
}

/* ---- the command --------------------------------------------------------------------------------------------------- */

static app_verdict read_arguments(visit *v, int argc, char **argv) {
  const app_option options[] = {
      {.name = "json", .flag = &v->json, .help = "print the report as JSON"},
      {.name = "quick", .flag = &v->quick, .help = "measure nothing"},
      {.name = "timeout", .value = "SECONDS", .count = &v->timeout, .least = 1, .most = 86400, .help = "give up then"},
      {.name = NULL},
  };
  const app_program program = {"furrow doctor",
                               "Examine how this run was started: ranks, cores, binding, MPI, shared memory,\n"
                               "ways between ranks, FURROW_ variables. A verdict a line: ok, warning or error,\n"
                               "and what to do. Exit status 1 if there is an error.\n\n"
                               "  mpirun -n 4 furrow doctor",
                               options};
  return app_parse_as(v->speaks, &program, NULL, argc, argv);
}

int doctor(int argc, char **argv) {
  visit v = {.launch = launch_here(), .start = app_seconds(), .timeout = 60};
  v.speaks = v.launch.rank == 0;
  app_verdict read = read_arguments(&v, argc, argv);
  if (read != APP_RUN) return read == APP_REFUSED ? 2 : EXIT_SUCCESS;

  if (foresee(&v)) return EXIT_FAILURE;
  watch_start(&v.watch, (time_t)v.timeout + (v.speaks ? 0 : GRACE), tell_of_hang, &v);
  watch_phase(&v.watch, "rank %d was in furrow_init, where all ranks meet", v.launch.rank);
  furrow_pool *pool = NULL;
  facts known = {.launch = v.launch, .quick = v.quick, .count = 1, .nodes = 1};
  furrow_status status = furrow_init(NULL, NULL, &pool);
  if (status != FURROW_OK) facts_fail(&known, status, "furrow_init", furrow_pool_error(pool)->message);
  int result = examine_or_tell(pool, &known, &v);
  watch_phase(&v.watch, "rank %d was in furrow_finalize, where all ranks meet", v.launch.rank);
  furrow_finalize(&pool);
  watch_stop(&v.watch);
  return result;
}
