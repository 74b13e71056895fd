/* Judges launch, pool, MPI, variables and clock; judge_cores.c and judge_links.c judge the rest. Knows no message. */
#include "judge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "variables.h"

void verdict_add(verdicts *all, verdict_level level, const char *topic, const char *format, ...) {
  if (all->count == MOST_VERDICTS) return;
  verdict *next = &all->list[all->count++];
  *next = (verdict){.level = level, .topic = topic};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(next->finding, sizeof next->finding, format, arguments);
  va_end(arguments);
}

void verdict_advise(verdicts *all, const char *format, ...) {
  verdict *last = &all->list[all->count - 1];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last->advice, sizeof last->advice, format, arguments);
  va_end(arguments);
}

int verdicts_count(const verdicts *all, verdict_level level) {
  int count = 0;
  for (int i = 0; i < all->count; i++) count += all->list[i].level == level;
  return count;
}

verdict_level verdicts_worst(const verdicts *all) {
  verdict_level worst = LEVEL_OK;
  for (int i = 0; i < all->count; i++)
    if (all->list[i].level > worst) worst = all->list[i].level;
  return worst;
}

void judge_hang(const char *phase, int seconds, verdicts *all) {
  verdict_add(all, LEVEL_ERROR, "hang", "gave up after %d s: %s", seconds, phase);
  verdict_advise(all,
                 "see whether all ranks live and their nodes reach each other; --timeout of furrow doctor gives them "
                 "more time");
}

/* ---- launch ------------------------------------------------------------------------------------------------------ */

static bool is_openmpi(const char *mpi) {
  return strncmp(mpi, "Open MPI", 8) == 0;
}

/* Open MPI 4 ends the program in MPI_Init, with a long message about how it was built. MPICH goes on, each process alone. */
bool judge_start(const launch *start, const char *mpi, verdicts *all) {
  if (start->by != LAUNCHER_SRUN || !is_openmpi(mpi) || start->pmix || start->pmi) return false;
  verdict_add(all, LEVEL_ERROR, "launch", "srun started %d process%s without PMIx, by which %s would bring %s together",
              start->size, start->size == 1 ? "" : "es", mpi, start->size == 1 ? "ranks" : "them");
  verdict_advise(all,
                 "start it by srun --mpi=pmix (srun --mpi=list shows what this Slurm can), or by mpirun inside sbatch "
                 "or salloc");
  return true;
}

bool judge_doubt(const launch *start, const char *mpi, uint64_t shm, char *text, size_t room) {
  if (start->by == LAUNCHER_SRUN && is_openmpi(mpi) && !start->pmix)
    snprintf(text, room, "srun offers PMI, but no PMIx (srun --mpi=pmix)");
  else if (judge_shm_small(shm, start->local))
    snprintf(text, room, "/dev/shm has %.1f MiB for %d ranks", (double)shm / 0x1p20, start->local);
  else
    return false;
  return true;
}

bool judge_alone(const facts *known) {
  return known->count == 1 && known->launch.size > 1;
}

static void advise_alone(const facts *known, verdicts *all) {
  const char *mpi = known->ranks[0].mpi;
  bool openmpi = is_openmpi(mpi);
  launcher by = known->launch.by;
  if (by == LAUNCHER_SRUN)
    verdict_advise(all,
                   "start it by srun --mpi=%s (srun --mpi=list shows what this Slurm can), or by mpirun inside "
                   "sbatch or salloc",
                   openmpi ? "pmix" : "pmi2");
  else if ((by == LAUNCHER_OPENMPI) == openmpi)
    verdict_advise(all,
                   "there seem to be two installations: use the mpirun that belongs to the library that ldd shows");
  else
    verdict_advise(all,
                   "the two don't know each other: start it by the %s of %s, or build furrow with the mpicc that "
                   "belongs to %s",
                   openmpi ? "mpirun" : "mpiexec", mpi, launcher_name(by));
}

static void judge_launch(const facts *known, verdicts *all) {
  const launch *start = &known->launch;
  const char *by = launcher_name(start->by), *mpi = known->ranks[0].mpi;
  if (judge_alone(known)) {
    verdict_add(all, LEVEL_ERROR, "launch", "%s started %d processes, but each believes to be alone: rank 0 of 1 in %s",
                by, start->size, mpi);
    advise_alone(known, all);
  } else if (known->count == 1 && start->by == LAUNCHER_NONE && start->slurm_size > 1) {
    verdict_add(all, LEVEL_WARNING, "launch", "one rank, started without a launcher, in a Slurm job that is for %d",
                start->slurm_size);
    verdict_advise(all, "put mpirun or srun --mpi=pmix before the program");
  } else if (start->by == LAUNCHER_NONE) {
    verdict_add(all, LEVEL_OK, "launch", known->count > 1 ? "%d ranks" : "%d rank, started without a launcher",
                known->count);
  } else {
    verdict_add(all, LEVEL_OK, "launch", "%s started %d rank%s", by, known->count, known->count > 1 ? "s" : "");
  }
}

/* ---- the pool and MPI -------------------------------------------------------------------------------------------- */

void judge_pool(const facts *known, verdicts *all) {
  if (known->status == FURROW_OK) return;
  verdict_add(all, LEVEL_ERROR, "pool", "%s failed (%s): %s", known->failed, furrow_strerror(known->status),
              known->error);
  if (strncmp(known->error, "environment: ", 13) == 0)
    verdict_advise(all, "correct the variable, or unset it");
  else
    verdict_advise(all, "no program on furrow can run like this; what is below may tell why");
}

const char *thread_level_name(int thread_level) {
  switch (thread_level) {
    case MPI_THREAD_SINGLE:
      return "MPI_THREAD_SINGLE";
    case MPI_THREAD_FUNNELED:
      return "MPI_THREAD_FUNNELED";
    case MPI_THREAD_SERIALIZED:
      return "MPI_THREAD_SERIALIZED";
    case MPI_THREAD_MULTIPLE:
      return "MPI_THREAD_MULTIPLE";
    default:
      return "an unknown thread level";
  }
}

static void judge_mpi(const facts *known, verdicts *all) {
  const rank_facts *least = &known->ranks[0];
  for (int i = 1; i < known->count; i++)
    if (known->ranks[i].thread_level < least->thread_level) least = &known->ranks[i];
  const char *mpi = known->ranks[0].mpi, *name = thread_level_name(least->thread_level);
  if (least->thread_level == MPI_THREAD_MULTIPLE) {
    verdict_add(all, LEVEL_OK, "mpi", "%s, %s", mpi, name);
  } else if (known->nodes == 1) {
    verdict_add(all, LEVEL_OK, "mpi",
                "%s, %s: enough on one node, but too little for the progress thread between nodes", mpi, name);
  } else {
    verdict_add(
        all, LEVEL_WARNING, "mpi",
        "%s gives %s on rank %d (%s): without MPI_THREAD_MULTIPLE there is no progress thread between nodes, and "
        "rank 0 and the first rank of each node serve the others between their tasks",
        mpi, name, least->rank, least->host);
    verdict_advise(all,
                   "use an MPI that was built with MPI_THREAD_MULTIPLE, or keep tasks short: one that takes a "
                   "second may let other nodes wait for a second");
  }
}

/* ---- what should be the same on all ranks ------------------------------------------------------------------------- */

static int first_other(const facts *known, size_t field) {
  const char *first = (const char *)&known->ranks[0] + field;
  for (int i = 1; i < known->count; i++)
    if (strcmp((const char *)&known->ranks[i] + field, first) != 0) return i;
  return 0;
}

static void judge_sameness(const facts *known, verdicts *all) {
  const rank_facts *ranks = known->ranks;
  int mpi = first_other(known, offsetof(rank_facts, mpi)), cpu = first_other(known, offsetof(rank_facts, cpu));
  if (mpi) {
    verdict_add(all, LEVEL_ERROR, "alike", "ranks use different MPIs: %s on %s, but %s on rank %d (%s)", ranks[0].mpi,
                ranks[0].host, ranks[mpi].mpi, mpi, ranks[mpi].host);
    verdict_advise(all, "load the same module, or install the same version, on all nodes");
  }
  if (cpu) {
    verdict_add(all, LEVEL_WARNING, "alike", "CPUs differ: %s on %s, but %s on rank %d (%s)", ranks[0].cpu,
                ranks[0].host, ranks[cpu].cpu, cpu, ranks[cpu].host);
    verdict_advise(all,
                   "results may differ in their last bits from those of nodes of one type; sbatch --constraint asks "
                   "for one");
  }
  if (!mpi && !cpu && known->count > 1)
    verdict_add(all, LEVEL_OK, "alike", "the same MPI on all ranks, and the same CPU: %s", ranks[0].cpu);
}

/* ---- environment ------------------------------------------------------------------------------------------------- */

static bool is_set(const rank_facts *rank, const char *wanted) {
  char name[NAME_ROOM];
  const char *lines = rank->variables, *value;
  size_t length;
  while (variables_next(&lines, name, sizeof name, &value, &length))
    if (strcmp(name, wanted) == 0) return true;
  return false;
}

/* The first rank with this variable tells of it, for all. */
static bool told_before(const facts *known, int rank, const char *name) {
  for (int i = 0; i < rank; i++)
    if (is_set(&known->ranks[i], name)) return true;
  return false;
}

static void judge_variable(const facts *known, int rank, const char *name, verdicts *all) {
  const char *host = known->ranks[rank].host, *meant = variable_meant(name);
  if (!variable_known(name)) {
    verdict_add(all, LEVEL_WARNING, "variables", "%s is set (rank %d on %s), but furrow knows no such variable", name,
                rank, host);
    if (meant)
      verdict_advise(all, "did you mean %s?", meant);
    else
      verdict_advise(all, "unset it, or correct its name");
  } else if (rank > 0) {
    verdict_add(all, LEVEL_WARNING, "variables", "%s is set on rank %d (%s), but not on rank 0, which alone is asked",
                name, rank, host);
    verdict_advise(all, "set it where rank 0 runs; mpirun -x %s (Open MPI) passes it on", name);
  }
}

static void judge_variables(const facts *known, verdicts *all) {
  int before = all->count, most = MOST_VERDICTS / 2; /* so many are enough to see the point */
  for (int rank = 0; rank < known->count; rank++) {
    if (rank > 0 && strcmp(known->ranks[rank].variables, known->ranks[rank - 1].variables) == 0) continue;
    char name[NAME_ROOM];
    const char *lines = known->ranks[rank].variables, *value;
    size_t length;
    while (all->count < most && variables_next(&lines, name, sizeof name, &value, &length))
      if (!told_before(known, rank, name)) judge_variable(known, rank, name, all);
  }
  if (all->count > before) return;
  char text[VARIABLES_ROOM];
  memcpy(text, known->ranks[0].variables, sizeof text);
  for (char *end; (end = strchr(text, '\n'));) *end = end[1] ? ' ' : '\0';
  verdict_add(all, LEVEL_OK, "variables", "%s", *text ? text : "no FURROW_ variable is set");
}

static void judge_clock(const facts *known, verdicts *all) {
  const rank_facts *slowest = &known->ranks[0];
  for (int i = 1; i < known->count; i++)
    if (known->ranks[i].clock > slowest->clock) slowest = &known->ranks[i];
  double ns = slowest->clock * 1e9;
  verdict_add(all, ns > 1000 ? LEVEL_WARNING : LEVEL_OK, "clock", "a reading takes %.0f ns%s", ns,
              known->count > 1 ? " at most" : "");
  if (ns > 1000)
    verdict_advise(all,
                   "%s reads its clock by a system call: short tasks suffer. See "
                   "/sys/devices/system/clocksource/clocksource0/current_clocksource; tsc is the fast one",
                   slowest->host);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void judge(const facts *known, verdicts *all) {
  all->count = 0;
  judge_launch(known, all);
  if (judge_alone(known)) return;
  judge_pool(known, all);
  judge_cores(known, all);
  judge_mpi(known, all);
  judge_links(known, all);
  judge_sameness(known, all);
  judge_variables(known, all);
  judge_clock(known, all);
}
