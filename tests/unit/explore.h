/* Every interleaving of a few actors that share a state, each moving by atomic steps: an explicit-state model checker.
   Knows bytes; does not know what they mean. */
#ifndef TESTS_UNIT_EXPLORE_H
#define TESTS_UNIT_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct model {
  size_t size; /* bytes of a state, without padding: equal bytes are equal states */
  int actors;
  const void *setup;                                          /* for the functions; never changes */
  bool (*step)(const void *setup, void *state, int actor);    /* the actor's next step; false: it can't move now */
  const char *(*wrong)(const void *setup, const void *state); /* NULL: nothing is */
  const char *(*unfinished)(const void *setup,
                            const void *end); /* of a state in which nobody can move; NULL: all is done */
} model;

typedef struct explored {
  size_t states;
  const char *wrong; /* NULL: in no state, and from every state an end can be reached */
  char trace[256];   /* whose steps lead there, such as "0 0 1 2" */
} explored;

explored explore(const model *m, const void *start);

#endif
