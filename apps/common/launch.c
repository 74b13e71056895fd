/* Who started this process: what launchers leave in the environment. Knows their variables, no MPI. */
#include "launch.h"

#include <stddef.h>
#include <stdlib.h>

/* The innermost launcher counts, and it is asked first: mpirun inside a Slurm job leaves Slurm's variables standing,
 * and starts its helpers by srun. */
static const struct {
  launcher by;
  const char *size, *rank, *local;
  const char *mark; /* must be set, too */
} LAUNCHERS[] = {
    {LAUNCHER_OPENMPI, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", NULL},
    {LAUNCHER_HYDRA, "PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS",
     "MPI_LOCALNRANKS"}, /* srun --mpi=pmi2 sets the first two as well */
    {LAUNCHER_SRUN, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE", "SLURM_STEP_ID"},
    {LAUNCHER_HYDRA, "PMI_SIZE", "PMI_RANK", NULL, NULL},
};

/* "2(x3)", two on each of three nodes, is 2. */
static int number(const char *text) {
  return text ? (int)strtol(text, NULL, 10) : 0;
}

launch launch_read(const char *(*get)(const char *name)) {
  launch found = {.by = LAUNCHER_NONE, .size = 1, .local = 1, .slurm_size = number(get("SLURM_NTASKS"))};
  if (!get("SLURM_JOB_ID")) found.slurm_size = 0;
  found.pmix = get("PMIX_RANK") != NULL;
  found.pmi = get("PMI_RANK") != NULL;
  for (size_t i = 0; i < sizeof LAUNCHERS / sizeof *LAUNCHERS; i++) {
    int size = number(get(LAUNCHERS[i].size));
    if (size < 1 || (LAUNCHERS[i].mark && !get(LAUNCHERS[i].mark))) continue;
    found.by = LAUNCHERS[i].by;
    found.size = size;
    found.rank = number(get(LAUNCHERS[i].rank));
    int local = LAUNCHERS[i].local ? number(get(LAUNCHERS[i].local)) : 0;
    if (local > 1) found.local = local;
    break;
  }
  return found;
}

static const char *get_environment(const char *name) {
  return getenv(name);
}

launch launch_here(void) {
  return launch_read(get_environment);
}

const char *launcher_name(launcher by) {
  switch (by) {
    case LAUNCHER_OPENMPI:
      return "Open MPI's mpirun";
    case LAUNCHER_HYDRA:
      return "MPICH's mpiexec";
    case LAUNCHER_SRUN:
      return "srun";
    case LAUNCHER_NONE:
      break;
  }
  return "nobody";
}
