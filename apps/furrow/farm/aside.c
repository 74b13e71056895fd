#include "aside.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[ASIDE_COUNT] = {
    "FURROW_JOURNAL",         "FURROW_ISOLATE", "FURROW_TASK_TIMEOUT", "FURROW_MEMORY_LIMIT",
    "FURROW_TASKS_PER_CHILD", "FURROW_RETRIES", "FURROW_MAX_FAILURES", "FURROW_WINDOW_BYTES",
};

aside aside_put(void) {
  aside away = {{NULL}};
  for (int i = 0; i < ASIDE_COUNT; i++) {
    const char *value = getenv(NAMES[i]);
    away.values[i] = value ? strdup(value) : NULL;
    if (away.values[i]) unsetenv(NAMES[i]);
  }
  return away;
}

void aside_back(aside *away) {
  for (int i = 0; i < ASIDE_COUNT; i++) {
    if (away->values[i]) setenv(NAMES[i], away->values[i], 1);
    free(away->values[i]);
  }
}
