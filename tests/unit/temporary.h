/* Another folder for temporary files, for a while. */
#ifndef TESTS_UNIT_TEMPORARY_H
#define TESTS_UNIT_TEMPORARY_H

#include <stdlib.h>
#include <string.h>

/* Returns the one before, or NULL: for the way back, which frees it. */
static inline char *move_temporary(const char *path) {
  const char *now = getenv("TMPDIR");
  char *before = now ? strdup(now) : NULL;
  setenv("TMPDIR", path, 1);
  return before;
}

static inline void restore_temporary(char *before) {
  if (before)
    setenv("TMPDIR", before, 1);
  else
    unsetenv("TMPDIR");
  free(before);
}

#endif
