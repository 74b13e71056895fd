/* Names of variables: the table, and how far a name is from those in it. */
#include "variables.h"

#include <string.h>

static const char PREFIX[] = "FURROW_";

/* In the order of lib/plan/settings.c; a test holds the two together. */
static const char *const KNOWN[] = {
    "FURROW_SCHEDULE", "FURROW_CHUNK",        "FURROW_SEED",         "FURROW_LEAF",     "FURROW_SHARED_MEMORY",
    "FURROW_PROGRESS", "FURROW_METRICS",      "FURROW_NODE_TIMEOUT", "FURROW_ON_ERROR", "FURROW_MAX_FAILURES",
    "FURROW_RETRIES",  "FURROW_TASK_TIMEOUT", "FURROW_MEMORY_LIMIT", "FURROW_ISOLATE",  "FURROW_TASKS_PER_CHILD",
    "FURROW_THREADS",  "FURROW_WINDOW",       "FURROW_WINDOW_BYTES", "FURROW_JOURNAL",
};
enum { KNOWN_COUNT = sizeof KNOWN / sizeof *KNOWN, LONGEST = 40 };

bool variable_known(const char *name) {
  for (int i = 0; i < KNOWN_COUNT; i++)
    if (strcmp(name, KNOWN[i]) == 0) return true;
  return false;
}

static int least(int a, int b) {
  return a < b ? a : b;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour to make one of the other. */
static int distance(const char *a, const char *b) {
  int rows[3][LONGEST + 1]; /* of the table of all beginnings of a (rows) and b: this one and the two before */
  int m = (int)strlen(a), n = (int)strlen(b);
  if (m > LONGEST || n > LONGEST) return LONGEST;
  for (int j = 0; j <= n; j++) rows[0][j] = j;
  for (int i = 1; i <= m; i++) {
    int *row = rows[i % 3], *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];
    row[0] = i;
    for (int j = 1; j <= n; j++) {
      row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = least(row[j], higher[j - 2] + 1);
    }
  }
  return rows[m % 3][n];
}

/* Near is a third of the name's own letters, beyond its prefix. */
const char *variable_meant(const char *name) {
  const char *best = NULL;
  int nearest = LONGEST;
  for (int i = 0; i < KNOWN_COUNT; i++) {
    int away = distance(name, KNOWN[i]);
    if (away > (int)(strlen(KNOWN[i]) - strlen(PREFIX) + 2) / 3 || away >= nearest) continue;
    nearest = away;
    best = KNOWN[i];
  }
  return best;
}

void variables_collect(char *const *environment, char *lines, size_t room) {
  size_t used = 0;
  for (; *environment; environment++) {
    size_t length = strcspn(*environment, "=");
    length += strnlen(*environment + length, LONGEST); /* of the value its beginning will do */
    if (strncmp(*environment, PREFIX, strlen(PREFIX)) != 0 || used + length + 2 > room) continue;
    for (size_t i = 0; i < length; i++) {
      char *kept = &lines[used++];
      *kept = (*environment)[i];
      if (*kept < ' ' || *kept > '~') *kept = '?';
    }
    lines[used++] = '\n';
  }
  lines[used] = '\0';
}

bool variables_next(const char **lines, char *name, size_t room, const char **value, size_t *length) {
  size_t line = strcspn(*lines, "\n");
  if (line == 0) return false;
  size_t letters = strcspn(*lines, "=\n"), kept = letters < room ? letters : room - 1;
  memcpy(name, *lines, kept);
  name[kept] = '\0';
  *value = *lines + letters + (letters < line);
  *length = line - letters - (letters < line);
  *lines += line + ((*lines)[line] == '\n');
  return true;
}
