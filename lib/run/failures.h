/* The list of tasks that failed for good, with its texts. Knows memory; does not know why tasks fail. */
#ifndef FURROW_RUN_FAILURES_H
#define FURROW_RUN_FAILURES_H

#include "furrow/failure.h"
#include "plan/retry.h"

typedef struct furrow__text_chunk furrow__text_chunk;

typedef struct furrow__failures {
  uint64_t total;       /* all of them */
  furrow_failure *list; /* the first FURROW_FAILURES_KEPT */
  uint64_t count, capacity;
  furrow__text_chunk *texts;
  const char *host, *message; /* the last ones: often the next are the same */
} furrow__failures;

/* False: no memory. */
bool furrow__failures_add(furrow__failures *failures, const furrow__failed *failed);

/* As users see it; texts stay where they are. */
furrow_failure furrow__failure_of(const furrow__failed *failed);

/* Bring them into the order of tasks. */
void furrow__failures_sort(furrow__failures *failures);

/* Forget all. */
void furrow__failures_clear(furrow__failures *failures);

#endif
