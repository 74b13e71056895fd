/* The stop signal: SIGUSR1 asks an operation that keeps a journal to stop; SIGTERM and SIGINT, which end the program, first
   bring the journal to the disk. Knows signals and file descriptors; does not know operations or journals.

   Handlers are there from the first begin to the last end, and whatever was there before still happens. Operations of two
   pools may run at the same time in two threads, so each has a watch of its own, and one signal stops both.

   A watch sees the signals that come between its begin and its end. So a stop ends every operation that runs, and none that
   begins later: a program that gets FURROW_E_INTERRUPTED and goes on all the same has decided so. Before and between such
   operations SIGUSR1 is the program's affair, and its default action ends the program. */
#ifndef FURROW_NODE_STOP_H
#define FURROW_NODE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How many SIGUSR1 have come. The library's only mutable global that others see, since a handler is told nothing. */
extern _Atomic uint32_t furrow__stop_signals;

typedef struct furrow__stop_watch {
  uint32_t seen; /* furrow__stop_signals at the begin */
  int slot;      /* where the handlers find the journal; -1: they don't */
} furrow__stop_watch;

/* Watch from now on. `journal` is brought to the disk before SIGTERM or SIGINT ends the program; -1: nothing is. More
   than 16 journals at a time are not. */
void furrow__stop_begin(furrow__stop_watch *watch, int journal);

/* Before the journal is closed. The last one puts back what was there before the first begin, unless the program has put
   something else there meanwhile. */
void furrow__stop_end(furrow__stop_watch *watch);

/* An operation of several processes was stopped: the signal that one of them got may still be on its way to this one. Where
   it would end the program once the last watch ends, it is ignored instead, from then on. Before that end. */
void furrow__stop_expect_more(void);

/* Whether to stop. One load, for workers between tasks; any thread. Nothing else is read on account of it, so its order
   with other memory does not matter. */
static inline bool furrow__stop_asked(const furrow__stop_watch *watch) {
  return atomic_load_explicit(&furrow__stop_signals, memory_order_relaxed) != watch->seen;
}

/* For a forked child, which watches nothing and has no journal. It sees to its handlers itself. */
void furrow__stop_forget(void);

#endif
