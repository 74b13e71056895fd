/* The cores of a node, and which of them a slot gets. Knows Linux's affinity masks; does not know slots' commands. */
#include "cores.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024, MOST_ROOM = 1 << 16 };

static core_set make_set(int room) {
  core_set made = {.set = CPU_ALLOC((size_t)room), .size = CPU_ALLOC_SIZE((size_t)room)};
  if (made.set) CPU_ZERO_S(made.size, made.set);
  return made;
}

static int room_of(const core_set *of) {
  return (int)(of->size * 8);
}

/* The kernel refuses a set that is smaller than its own. */
core_set cores_bound(void) {
  for (int room = FIRST_ROOM; room <= MOST_ROOM; room *= 2) {
    core_set made = make_set(room);
    if (made.set && sched_getaffinity(0, made.size, made.set) == 0) return made;
    cores_free(&made);
  }
  return (core_set){NULL, 0};
}

core_set cores_allowed(void) {
  core_set before = cores_bound();
  if (!before.set) return before;
  core_set every = make_set(room_of(&before));
  if (!every.set) return before;
  for (int core = 0; core < room_of(&every); core++) CPU_SET_S((size_t)core, every.size, every.set);
  bool widened = cores_bind(&every);
  cores_free(&every);
  if (!widened) return before;
  core_set allowed = cores_bound();
  cores_bind(&before);
  if (!allowed.set) return before;
  cores_free(&before);
  return allowed;
}

int cores_count(const core_set *of) {
  return of->set ? CPU_COUNT_S(of->size, of->set) : 1;
}

/* Whether the core that is number `nth` of all is among the `count` ones from `first` on, round and round. */
static bool is_shared(int nth, int first, int count, int all) {
  return count >= all || (nth - first + all) % all < count;
}

core_set cores_share(const core_set *of, int slot, int count) {
  if (!of->set) return *of;
  core_set made = make_set(room_of(of));
  if (!made.set) return made;
  int all = cores_count(of), nth = 0;
  int first = (int)((long long)(slot - 1) * count % all);
  for (int core = 0; core < room_of(of); core++) {
    if (!CPU_ISSET_S((size_t)core, of->size, of->set)) continue;
    if (count == 0 || is_shared(nth, first, count, all)) CPU_SET_S((size_t)core, made.size, made.set);
    nth++;
  }
  return made;
}

bool cores_bind(const core_set *to) {
  return to->set && sched_setaffinity(0, to->size, to->set) == 0;
}

void cores_free(core_set *of) {
  if (of->set) CPU_FREE(of->set);
  *of = (core_set){NULL, 0};
}
