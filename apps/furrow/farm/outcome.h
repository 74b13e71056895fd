/* An outcome or a part of one, as its bytes come: where each of its texts is. Pure. */
#ifndef FARM_OUTCOME_H
#define FARM_OUTCOME_H

#include "farm.h"

typedef struct outcome_view {
  const outcome *head;
  const char *host, *command, *why, *tag, *set; /* each ends with its NUL, as does each argument of the set */
  const char *out, *err;                        /* head->out and head->err bytes */
} outcome_view;

/* False: these bytes are no outcome. */
bool outcome_read(const void *bytes, size_t size, outcome_view *view);

/* What the joblog and --halt take for its exit value and signal: 0 and 0 if all is well. */
int outcome_exit(const outcome *head);
int outcome_signal(const outcome *head);

typedef struct part_view {
  const outcome_part *head;
  const char *tag, *lines;
  size_t size;
} part_view;

bool part_read(const void *bytes, size_t size, part_view *view);

#endif
