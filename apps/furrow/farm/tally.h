/* Counts what came of commands: whether to halt, and the exit status, as GNU parallel has them. Pure. */
#ifndef FARM_TALLY_H
#define FARM_TALLY_H

#include "farm.h"

typedef struct tally {
  const halt *rule;
  uint64_t started, done, failed; /* `done` includes those of an earlier run */
  uint64_t total;                 /* 0: not known */
  bool halted;
  int halt_status; /* then */
} tally;

/* A command is done: with HALT_SOON or HALT_NOW this is the moment. Never twice. */
int tally_add(tally *all, int exit_value, int signal);

/* The exit status of the whole. */
int tally_status(const tally *all);

#endif
