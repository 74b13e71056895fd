#include "unit/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

void *crew_map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) return memory;
  perror("mmap");
  exit(1);
}

void crew_unmap(void *memory, size_t size) {
  munmap(memory, size);
}

int crew_fork(void) {
  fflush(NULL); /* else the child prints it again */
  int pid = fork();
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (pid >= 0) return pid;
  perror("fork");
  exit(1);
}

int crew_wait(int pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int crew_child(int (*body)(void *argument), void *argument) {
  int pid = crew_fork();
  if (pid == 0) _exit(body(argument));
  return crew_wait(pid);
}

typedef struct member {
  void (*body)(void *shared, int me);
  void *shared;
  int me;
} member;

static void *run_member(void *argument) {
  member *m = argument;
  m->body(m->shared, m->me);
  return NULL;
}

static bool run_threads(int n, member *members) {
  pthread_t threads[MOST];
  for (int i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, run_member, &members[i]) != 0) {
      fputs("no thread for a worker\n", stderr);
      exit(1);
    }
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
  return true;
}

static bool run_processes(int n, member *members) {
  int pids[MOST];
  bool good = true;
  for (int i = 0; i < n; i++) {
    pids[i] = crew_fork();
    if (pids[i] != 0) continue;
    run_member(&members[i]);
    _exit(0);
  }
  for (int i = 0; i < n; i++) good = crew_wait(pids[i]) == 0 && good;
  return good;
}

bool crew_run(crew_kind kind, int n, void (*body)(void *shared, int me), void *shared) {
  member members[MOST];
  for (int i = 0; i < n; i++) members[i] = (member){body, shared, i};
  return (kind == CREW_THREADS ? run_threads : run_processes)(n, members);
}
