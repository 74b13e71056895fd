/* The environment of a slot's commands: that of the rank, without what would make an MPI program take itself for a rank of ours,
 * and with what a command may want to know. */
#ifndef FARM_ENVIRONMENT_H
#define FARM_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct environment {
  char **names;  /* "NAME=value", with its NULL: as for execve() */
  char *changes; /* the texts that are ours */
} environment;

/* What belongs to a slot, and never changes. */
typedef struct environment_of_slot {
  int slot;
  const char *host;
  uint64_t gpus; /* of each slot; 0: they are left alone */
} environment_of_slot;

/* From another environment, whose texts must outlive this one. False: no memory. */
bool environment_make(environment *made, char *const *from, const environment_of_slot *slot);
void environment_free(environment *of);

/* For the next command: its number, which attempt it is, from 1 on, and the rank that runs it. */
void environment_set(environment *of, uint64_t sequence, uint32_t attempt, int rank);

/* Whether a command gets this "NAME=value" of the rank's. */
bool environment_keeps(const char *text);

#endif
