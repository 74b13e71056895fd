/* Loaded before furrow (LD_PRELOAD): makes its process as large as BENCH_RESIDENT says, in MiB, before it begins; with BENCH_FREED
 * it is then small again, but the kernel has seen it do the same, which alone costs 15 % of a rate of commands. What it
 * starts is as small as ever. Knows nothing of furrow. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

/* Small pages, as memory that was allocated bit by bit has: the more of them, the more a fork would have to copy. */
__attribute__((constructor)) static void grow(void) {
  const char *mib = getenv("BENCH_RESIDENT");
  if (!mib || strcmp(program_invocation_short_name, "furrow") != 0) return;
  size_t size = (size_t)strtoull(mib, NULL, 10) << 20;
  unsetenv("LD_PRELOAD");
  unsetenv("BENCH_RESIDENT");
  bool freed = getenv("BENCH_FREED") != NULL;
  unsetenv("BENCH_FREED");
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) bench_fail("no memory to be resident");
  madvise(memory, size, MADV_NOHUGEPAGE);
  memset(memory, 1, size);
  if (freed) munmap(memory, size);
}
