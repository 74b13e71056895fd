/* The thread waits for its child by waitid(), which leaves the child for its parent to reap, then rings; and for orders while
   there is none. ECHILD is an end, too: somebody else has reaped it. An order that comes while it waits for a child is read
   after that child's end, which the parent has seen by then or it would not have forked the next. */
#include <signal.h>
#include <sys/wait.h>

#include "base/thread.h"
#include "node/child.h"

static void *watch(void *argument) {
  furrow__undertaker *undertaker = argument;
  furrow__patience patience = {FURROW__SLEEP, 0};
  while (!atomic_load(&undertaker->quit)) {
    uint32_t heard = furrow__gate_read(&undertaker->orders);
    int32_t pid = atomic_exchange(&undertaker->pid, 0);
    if (pid == 0) {
      if (!atomic_load(&undertaker->quit)) furrow__gate_wait(&undertaker->orders, heard, 0, &patience);
      continue;
    }
    siginfo_t unused;
    while (waitid(P_PID, (id_t)pid, &unused, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    furrow__gate_bump(undertaker->bell);
  }
  return NULL;
}

bool furrow__undertaker_start(furrow__undertaker *undertaker, furrow__gate *bell) {
  undertaker->bell = bell;
  atomic_store(&undertaker->quit, false);
  return undertaker->lives = furrow__thread_start(&undertaker->thread, watch, undertaker);
}

void furrow__undertaker_watch(furrow__undertaker *undertaker, const furrow__child *child) {
  atomic_store(&undertaker->pid, child->pid);
  furrow__gate_bump(&undertaker->orders);
}

void furrow__undertaker_end(furrow__undertaker *undertaker) {
  if (!undertaker->lives) return;
  atomic_store(&undertaker->quit, true);
  furrow__gate_bump(&undertaker->orders);
  pthread_join(undertaker->thread, NULL);
  undertaker->lives = false;
}
