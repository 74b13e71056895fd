/* The cores of a node, and which of them a slot gets. */
#ifndef FARM_CORES_H
#define FARM_CORES_H

#include <sched.h>
#include <stdbool.h>

/* Sets of any size: machines may have more cores than a cpu_set_t holds. */
typedef struct core_set {
  cpu_set_t *set; /* NULL: not known */
  size_t size;
} core_set;

/* All that this process may use, whatever its launcher has bound it to; of a cgroup those that it allows. The calling thread's
 * own set is the same again afterwards. */
core_set cores_allowed(void);

/* Those of the calling thread. */
core_set cores_bound(void);

int cores_count(const core_set *of);

/* `count` of them for slot number `slot` of the node, from 1 on: in their order, round and round. 0: all. */
core_set cores_share(const core_set *of, int slot, int count);

/* Bind the calling thread, and the children it makes. */
bool cores_bind(const core_set *to);

void cores_free(core_set *of);

#endif
