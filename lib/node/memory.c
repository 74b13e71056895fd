#include "node/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The number behind `prefix` in the first line of a file that starts with it. */
static bool read_number(const char *path, const char *prefix, uint64_t *number) {
  char line[256];
  FILE *file = fopen(path, "re");
  bool found = false;
  while (file && !found && fgets(line, sizeof line, file)) {
    char *end = line;
    if (strncmp(line, prefix, strlen(prefix)) == 0) *number = strtoull(line + strlen(prefix), &end, 10);
    found = end > line;
  }
  if (file) fclose(file);
  return found;
}

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t furrow__memory_available(void) {
  uint64_t available = UINT64_MAX, kilobytes, most, used;
  if (read_number("/proc/meminfo", "MemAvailable:", &kilobytes)) available = kilobytes * 1024;
  if (read_number("/sys/fs/cgroup/memory.max", "", &most) && read_number("/sys/fs/cgroup/memory.current", "", &used))
    available = min(available, most > used ? most - used : 0);
  return available;
}

void *furrow__memory_share(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void furrow__memory_unshare(void *memory, size_t bytes) {
  if (memory) munmap(memory, bytes);
}
