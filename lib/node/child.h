/* A forked process that computes for its parent, and what became of it.
   Knows fork(2), waitpid(2), signals, limits; does not know tasks: what the child does is a function of the caller's.

   The caller sees to it that no other thread of the library is inside MPI or holds a lock at the fork, and forks from a
   thread that outlives the child: the kernel kills the child when that thread ends. */
#ifndef FURROW_NODE_CHILD_H
#define FURROW_NODE_CHILD_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "furrow/failure.h"
#include "node/gate.h"

/* What a child leaves of its own end. In memory that parent and child share; made by the caller, any content. The child
   writes it, its parent reads it once the kernel has said that the child is gone: so nothing but that orders the two.
   Atomic, because several threads of a child can crash at once, and because signal handlers write it. */
typedef struct furrow__child_note {
  _Atomic int32_t pid;       /* whose note this is: a process that the child itself has forked may not write here */
  _Atomic int32_t signal;    /* the first that it died of, as far as it can be caught; 0: none */
  _Atomic uint32_t overflow; /* 1: that was its stack's end */
  _Atomic uint32_t refused;  /* 1: memory had been refused, under a limit */
  _Atomic uint32_t exited;   /* 1: it called exit() */
  _Atomic int32_t code;      /* with this */
  _Atomic int32_t unlimited; /* errno: why its memory could not be limited, so that it did not begin */
  _Atomic uint32_t finished; /* 1: its body has returned, and what it printed is written */
} furrow__child_note;

typedef struct furrow__child_rules {
  size_t memory_limit; /* bytes that it may take beyond what it has at its start; 0: any */
} furrow__child_rules;

typedef enum furrow__child_state {
  FURROW__CHILD_NONE, /* never started */
  FURROW__CHILD_RUNNING,
  FURROW__CHILD_FINISHED, /* its body has returned */
  FURROW__CHILD_DIED,
} furrow__child_state;

/* The parent's view; zero it before the first start. */
typedef struct furrow__child {
  pid_t pid;
  furrow__child_state state;
  bool known; /* waitpid has told `status` */
  int status; /* its words */
  furrow__child_rules rules;
  furrow__child_note *note;
} furrow__child;

/* How a child died, in the words of furrow_failure. */
typedef struct furrow__death {
  furrow_failure_kind kind; /* SIGNAL, EXIT or MEMORY */
  int code;
  char message[FURROW_MESSAGE_SIZE];
} furrow__death;

/* Fork a child that calls body(argument) and ends. Returns false with errno (EAGAIN, ENOMEM) if there is none.
   `child` may be used again once it has ended; `note` must stay until then. */
bool furrow__child_start(furrow__child *child, furrow__child_note *note, furrow__child_rules rules,
                         void (*body)(void *argument), void *argument);

/* What it does now. Never waits. Once it has ended there is no zombie left. */
furrow__child_state furrow__child_look(furrow__child *child);

/* End it, and wait until it is gone. Returns whether it was still running; if not, it has ended by itself. */
bool furrow__child_kill(furrow__child *child);

/* A thread that rings `bell` when a child ends, so that its parent need not look often. Watches one child after the other.
   False: the system refuses it. The parent reaps: the thread does not. */
typedef struct furrow__undertaker {
  pthread_t thread;
  bool lives;
  furrow__gate *bell;
  furrow__gate orders; /* changes with what follows */
  _Atomic int32_t pid; /* to wait for; 0: none */
  atomic_bool quit;
} furrow__undertaker;

bool furrow__undertaker_start(furrow__undertaker *undertaker, furrow__gate *bell);
void furrow__undertaker_watch(furrow__undertaker *undertaker, const furrow__child *child);

/* After the last child has ended. */
void furrow__undertaker_end(furrow__undertaker *undertaker);

/* How it died; for a child in state DIED. */
void furrow__child_death(const furrow__child *child, furrow__death *death);

/* For the child, before each task: whether memory was refused is told by errno, also by a task that crashes later. */
static inline void furrow__child_task_begin(void) {
  errno = 0;
}

/* For the child, after each task: what it has printed is written, since a later task may take the process with it. */
void furrow__child_task_end(void);

/* The child's side of a start; never returns. Called between fork and all else, with all signals blocked. */
_Noreturn void furrow__child_become(furrow__child_note *note, const furrow__child_rules *rules, pid_t parent,
                                    const sigset_t *mask, void (*body)(void *argument), void *argument);

#endif
