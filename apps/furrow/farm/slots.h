/* How slots of a node are counted and split. Pure; for slots.c and its test. */
#ifndef FARM_SLOTS_H
#define FARM_SLOTS_H

#include "farm.h"

/* What the settings ask for on a node of so many cores: at least 1. 0: as many as there can be. */
int slots_wanted(const settings *wanted, int cores);

/* One rank's share of all slots of a node, from which none is lost; `most` of a rank. */
slots slots_split(int all, int most, int node_rank, int node_size);

/* How many slots a rank may have, if so many descriptors may be open and so many are. */
int slots_by_descriptors(uint64_t limit, int open);

#endif
