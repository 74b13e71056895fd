#include "node/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* The number in the first line of a file that `format` matches. */
static bool read_number(const char *path, const char *format, uint64_t *number) {
  char line[256];
  FILE *file = fopen(path, "re");
  bool found = false;
  while (file && !found && fgets(line, sizeof line, file)) found = sscanf(line, format, number) == 1;
  if (file) fclose(file);
  return found;
}

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t furrow__memory_available(void) {
  uint64_t available = UINT64_MAX, kilobytes, most, used;
  if (read_number("/proc/meminfo", "MemAvailable: %" SCNu64, &kilobytes)) available = kilobytes * 1024;
  if (read_number("/sys/fs/cgroup/memory.max", "%" SCNu64, &most) &&
      read_number("/sys/fs/cgroup/memory.current", "%" SCNu64, &used))
    available = min(available, most > used ? most - used : 0);
  return available;
}
