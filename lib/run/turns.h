/* A source or sink and a fork() of the same process take turns: what the user's function has half done (a line in the buffer of
   a file, a lock) would be half done in the child for ever, and what stands in a buffer would be written by both. Knows who waits;
   does not know what they do. */
#ifndef FURROW_RUN_TURNS_H
#define FURROW_RUN_TURNS_H

#include <pthread.h>
#include <stdbool.h>

typedef struct furrow__turns {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int forks; /* that wait, or are at it */
  bool busy; /* the user's function runs */
} furrow__turns;

void furrow__turns_start(furrow__turns *turns);
void furrow__turns_end(furrow__turns *turns);

/* Around each call of the user's functions, by the one thread that makes them. Forks that wait go first. */
void furrow__turns_enter(furrow__turns *turns);
void furrow__turns_leave(furrow__turns *turns);

/* Around fork(), by any other thread. Nobody else forks meanwhile. */
void furrow__turns_before_fork(furrow__turns *turns);
void furrow__turns_after_fork(furrow__turns *turns);

#endif
