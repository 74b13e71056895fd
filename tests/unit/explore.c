/* Breadth first, so that the trace to what is wrong is a shortest one. The states found are the queue. */
#include "unit/explore.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ACTORS = 5 };

typedef struct found {
  uint32_t from;            /* the state that led here first */
  uint32_t to[MOST_ACTORS]; /* by each actor's step; the state itself if the actor can't move */
  bool ends;                /* an end can be reached from here */
} found;

typedef struct search {
  const model *m;
  char *states;
  found *all;
  size_t count, room;
  uint32_t *table; /* 1 + the number of a state, where its hash or the next free place is */
  size_t places;   /* a power of two */
} search;

static char *state_at(const search *s, size_t i) {
  return s->states + i * s->m->size;
}

static void *more(void *memory, size_t size) {
  void *result = realloc(memory, size);
  if (result) return result;
  fputs("no memory for more states\n", stderr);
  exit(1);
}

static size_t hash_of(const char *bytes, size_t size) {
  uint64_t hash = size;
  for (size_t i = 0; i < size; i += sizeof hash) {
    uint64_t word = 0;
    memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
  }
  return (size_t)hash;
}

/* Where the state stands in the table, or would. */
static uint32_t *place_of(const search *s, const char *state) {
  size_t place = hash_of(state, s->m->size);
  for (;; place++) {
    uint32_t *entry = &s->table[place & (s->places - 1)];
    if (*entry == 0 || memcmp(state_at(s, *entry - 1), state, s->m->size) == 0) return entry;
  }
}

static void make_room(search *s) {
  if (s->count < s->room) return;
  s->room = s->room ? 2 * s->room : 1 << 10;
  s->states = more(s->states, s->room * s->m->size);
  s->all = more(s->all, s->room * sizeof *s->all);
  free(s->table);
  s->places = 4 * s->room;
  s->table = more(NULL, s->places * sizeof *s->table);
  memset(s->table, 0, s->places * sizeof *s->table);
  for (size_t i = 0; i < s->count; i++) *place_of(s, state_at(s, i)) = (uint32_t)i + 1;
}

/* The number of a state, new or not. */
static uint32_t number_of(search *s, const char *state, uint32_t from) {
  make_room(s);
  uint32_t *entry = place_of(s, state);
  if (*entry) return *entry - 1;
  memcpy(state_at(s, s->count), state, s->m->size);
  s->all[s->count] = (found){.from = from};
  *entry = (uint32_t)++s->count;
  return *entry - 1;
}

static void tell(const search *s, uint32_t i, explored *result, const char *wrong) {
  uint8_t actors[sizeof result->trace / 2];
  size_t steps = 0, at = 0;
  for (; i != 0 && steps < sizeof actors; i = s->all[i].from) {
    const found *before = &s->all[s->all[i].from];
    uint8_t actor = 0;
    while (before->to[actor] != i) actor++;
    actors[steps++] = actor;
  }
  while (steps-- > 0) at += (size_t)snprintf(result->trace + at, sizeof result->trace - at, "%d ", actors[steps]);
  result->wrong = wrong;
}

/* Everybody's next step from state i. */
static void expand(search *s, uint32_t i, explored *result) {
  bool stuck = true;
  char next[256];
  for (int actor = 0; actor < s->m->actors; actor++) {
    memcpy(next, state_at(s, i), s->m->size);
    bool moved = s->m->step(s->m->setup, next, actor);
    uint32_t to = moved ? number_of(s, next, i) : i;
    s->all[i].to[actor] = to;
    stuck = stuck && !moved;
  }
  const char *wrong = s->m->wrong(s->m->setup, state_at(s, i));
  if (!wrong && stuck) wrong = s->m->unfinished(s->m->setup, state_at(s, i));
  if (wrong) tell(s, i, result, wrong);
  s->all[i].ends = stuck;
}

/* Backwards, until nothing changes: from where an end can be reached. */
static void seek_traps(search *s, explored *result) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = s->count; i-- > 0;)
      for (int actor = 0; actor < s->m->actors && !s->all[i].ends; actor++)
        changed |= s->all[i].ends = s->all[s->all[i].to[actor]].ends;
  }
  for (size_t i = 0; i < s->count && !result->wrong; i++)
    if (!s->all[i].ends) tell(s, (uint32_t)i, result, "from here no end can be reached");
}

explored explore(const model *m, const void *start) {
  if (m->actors > MOST_ACTORS) return (explored){0, "more actors than the checker has room for", ""};
  search s = {.m = m};
  explored result = {0, NULL, ""};
  number_of(&s, start, 0);
  for (size_t i = 0; i < s.count && !result.wrong; i++) expand(&s, (uint32_t)i, &result);
  if (!result.wrong) seek_traps(&s, &result);
  result.states = s.count;
  free(s.states);
  free(s.all);
  free(s.table);
  return result;
}
