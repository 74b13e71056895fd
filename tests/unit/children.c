#include "unit/children.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "shim/test.h"

static void *shared(void) {
  static void *memory; /* for as long as the program runs */
  if (!memory) {
    memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
  }
  return memory;
}

furrow__child_note *children_note(void) {
  return shared();
}

volatile int *children_words(void) {
  return (volatile int *)shared() + 1024;
}

bool children_checked(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return getenv("TEST_SLOWNESS") != NULL; /* which scripts/sanitize sets */
#endif
}

furrow__child children_start(void (*body)(void *), void *argument, size_t memory_limit) {
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  core.rlim_cur = 0; /* thousands of crashes, and nobody would look at one core */
  setrlimit(RLIMIT_CORE, &core);
  furrow__child child = {.pid = 0};
  EXPECT_TRUE(furrow__child_start(&child, children_note(), (furrow__child_rules){memory_limit}, body, argument));
  return child;
}

void children_wait(furrow__child *child) {
  while (furrow__child_look(child) == FURROW__CHILD_RUNNING) furrow__nap(50000);
}

furrow__child children_run(void (*body)(void *), void *argument, size_t memory_limit) {
  furrow__child child = children_start(body, argument, memory_limit);
  children_wait(&child);
  return child;
}

void children_return(void *unused) {
  (void)unused;
}

BROKEN void children_write_to_null(void *unused) {
  volatile int *volatile null = NULL;
  (void)unused;
  *null = 1; /* NOLINT(clang-analyzer-core.NullDereference): that is what it is for */
}

void children_loop(void *unused) {
  (void)unused;
  for (;;) pause();
}

void children_exit(void *code) {
  exit(*(int *)code);
}
