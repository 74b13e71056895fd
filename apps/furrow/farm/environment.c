/* The environment of a slot's commands. Knows the names that launchers and MPI libraries use; starts nothing.
 *
 * It is made once a slot; a command costs the few short texts that change. What is taken away, for a command must be a run of its own:
 *
 * - all of OMPI_, PMI…, PRTE_, ORTE_, OPAL_, HYDI_, HYDRA_ and so on: where and as which rank an MPI program was started. Among
 *   OMPI_MCA_ and MPIR_ there are settings of people's as well, but mpirun turns its own options into the same names, and nobody can tell
 *   them apart: a command that needs one says so itself (`env OMPI_MCA_btl=self,vader ./solver`). So does
 *   root who runs mpirun as a command (`env OMPI_ALLOW_RUN_AS_ROOT=1 …`). Where Open MPI is installed stays: it is no setting of a run.
 * - what Slurm says of a step or a task, since Open MPI takes a process with SLURM_STEP_ID for one that srun has started. What it
 *   says of the job stays: commands may run srun (with --overlap, as the farm's own step has all cores). But old names go:
 *   SLURM_JOBID, by which an mpirun would take all of the job's nodes for its own, and wait for cores that the farm has (without it,
 *   it starts its ranks where it is), and SLURM_NODELIST, by which Open MPI takes a program without a launcher for one that srun has
 *   started. Their new names stay. */
#include "environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name ends with "="; others are beginnings of names. */
static const char *const HIDDEN[] = {
    /* Open MPI and PMIx; "PMI" is that of PMI, PMI2 and PMIX */
    "OMPI_",
    "PMI",
    "PRTE_",
    "ORTE_",
    "OPAL_",
    /* MPICH and its kin */
    "HYDI_",
    "HYDRA_",
    "MPIR_",
    "MPI_LOCALNRANKS=",
    "MPI_LOCALRANKID=",
    "MPIEXEC_",
    "MV2_COMM_WORLD_",
    "MVP_COMM_WORLD_",
    "I_MPI_HYDRA_",
    "PALS_",
    "ALPS_APP_",
    /* Slurm's steps and tasks */
    "SLURM_STEP",
    "SLURM_JOBID=",
    "SLURM_NODELIST=",
    "SLURM_PROCID=",
    "SLURM_LOCALID=",
    "SLURM_NODEID=",
    "SLURM_GTIDS=",
    "SLURM_TASK_PID=",
    "SLURM_LAUNCH_NODE_IPADDR=",
    "SLURM_SRUN_COMM_",
    "SLURM_PMI",
    "SLURM_MPI_TYPE=",
    "SLURM_CPU_BIND",
    "SLURM_DISTRIBUTION=",
    "SLURM_UMASK=",
    /* ours */
    "FURROW_FARM_",
    "PARALLEL_SEQ=",
    "PARALLEL_JOBSLOT=",
};

enum { HIDDEN_COUNT = sizeof HIDDEN / sizeof *HIDDEN };

/* One text of ours is at most so long, but for the host's and the devices'. */
enum { TEXT_ROOM = 64, DEVICE_ROOM = 21 };

/* Those that change with the command, and the others of ours. */
enum { TASK, SEQ, ATTEMPT, RANK, SLOT, JOBSLOT, HOST, DEVICES, OURS };

static const char KEPT[] = "OPAL_PREFIX=";

bool environment_keeps(const char *text) {
  if (strncmp(text, KEPT, sizeof KEPT - 1) == 0) return true;
  for (int i = 0; i < HIDDEN_COUNT; i++)
    if (strncmp(text, HIDDEN[i], strlen(HIDDEN[i])) == 0) return false;
  return true;
}

static const char DEVICE_NAME[] = "CUDA_VISIBLE_DEVICES=";

static void put_devices(char *text, size_t room, const environment_of_slot *slot) {
  int used = snprintf(text, room, "%s", DEVICE_NAME);
  uint64_t first = (uint64_t)(slot->slot - 1) * slot->gpus;
  for (uint64_t i = 0; i < slot->gpus; i++)
    used += snprintf(text + used, room - (size_t)used, "%s%" PRIu64, i ? "," : "", first + i);
}

/* Where each of ours begins in `changes`. */
static void place_texts(environment *made, const environment_of_slot *slot) {
  size_t host = strlen(slot->host) + TEXT_ROOM;
  for (int i = 0; i <= HOST; i++) made->names[i] = made->changes + (size_t)i * TEXT_ROOM;
  snprintf(made->names[SLOT], TEXT_ROOM, "FURROW_FARM_SLOT=%d", slot->slot);
  snprintf(made->names[JOBSLOT], TEXT_ROOM, "PARALLEL_JOBSLOT=%d", slot->slot);
  snprintf(made->names[HOST], host, "FURROW_FARM_HOST=%s", slot->host);
  if (slot->gpus == 0) return;
  made->names[DEVICES] = made->names[HOST] + host;
  put_devices(made->names[DEVICES], sizeof DEVICE_NAME + slot->gpus * DEVICE_ROOM, slot);
}

bool environment_make(environment *made, char *const *from, const environment_of_slot *slot) {
  size_t count = 0, texts = (size_t)(HOST + 1) * TEXT_ROOM + strlen(slot->host) + sizeof DEVICE_NAME;
  while (from && from[count]) count++;
  made->names = malloc((OURS + count + 1) * sizeof *made->names);
  made->changes = malloc(texts + slot->gpus * DEVICE_ROOM);
  if (!made->names || !made->changes) {
    environment_free(made);
    return false;
  }
  place_texts(made, slot);
  environment_set(made, 0, 1, 0);
  size_t used = slot->gpus > 0 ? OURS : DEVICES;
  for (size_t i = 0; i < count; i++) {
    bool replaced = slot->gpus > 0 && strncmp(from[i], DEVICE_NAME, strlen(DEVICE_NAME)) == 0;
    if (!replaced && environment_keeps(from[i])) made->names[used++] = from[i];
  }
  made->names[used] = NULL;
  return true;
}

void environment_free(environment *of) {
  free(of->names);
  free(of->changes);
  *of = (environment){NULL, NULL};
}

void environment_set(environment *of, uint64_t sequence, uint32_t attempt, int rank) {
  snprintf(of->names[TASK], TEXT_ROOM, "FURROW_FARM_TASK=%" PRIu64, sequence);
  snprintf(of->names[SEQ], TEXT_ROOM, "PARALLEL_SEQ=%" PRIu64, sequence);
  snprintf(of->names[ATTEMPT], TEXT_ROOM, "FURROW_FARM_ATTEMPT=%u", attempt);
  snprintf(of->names[RANK], TEXT_ROOM, "FURROW_FARM_RANK=%d", rank);
}
