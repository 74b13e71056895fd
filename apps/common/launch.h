/* Who started this process, and as one of how many: read from the environment, before MPI is asked. */
#ifndef APPS_COMMON_LAUNCH_H
#define APPS_COMMON_LAUNCH_H

#include <stdbool.h>

typedef enum launcher {
  LAUNCHER_NONE,    /* nobody: the program runs alone */
  LAUNCHER_OPENMPI, /* Open MPI's mpirun */
  LAUNCHER_HYDRA,   /* the mpiexec of MPICH and its kin */
  LAUNCHER_SRUN,    /* Slurm */
} launcher;

typedef struct launch {
  launcher by;
  int rank, size; /* as the launcher counts; 0 of 1 without one */
  int local;      /* ranks on this host; 1 where the launcher does not say */
  int slurm_size; /* ranks that the Slurm job around it is for; 0: there is none, or it does not say */
  bool pmix, pmi; /* by which of these it lets MPI bring the processes together */
} launch;

/* Of this process. */
launch launch_here(void);

/* The same from any environment: `get` is like getenv(). */
launch launch_read(const char *(*get)(const char *name));

/* "Open MPI's mpirun" and so on; never NULL. */
const char *launcher_name(launcher by);

#endif
