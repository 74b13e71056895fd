/* Forks go first, or a source that is asked again at once would leave them no gap. They are few: a child that has nothing to do is
   not replaced, so they can't keep the source waiting for ever. A fork holds the lock; in the child nobody looks at it. */
#include "run/turns.h"

void furrow__turns_start(furrow__turns *turns) {
  *turns = (furrow__turns){.forks = 0};
  pthread_mutex_init(&turns->lock, NULL);
  pthread_cond_init(&turns->changed, NULL);
}

void furrow__turns_end(furrow__turns *turns) {
  pthread_cond_destroy(&turns->changed);
  pthread_mutex_destroy(&turns->lock);
}

void furrow__turns_enter(furrow__turns *turns) {
  pthread_mutex_lock(&turns->lock);
  while (turns->forks > 0) pthread_cond_wait(&turns->changed, &turns->lock);
  turns->busy = true;
  pthread_mutex_unlock(&turns->lock);
}

void furrow__turns_leave(furrow__turns *turns) {
  pthread_mutex_lock(&turns->lock);
  turns->busy = false;
  if (turns->forks > 0) pthread_cond_broadcast(&turns->changed);
  pthread_mutex_unlock(&turns->lock);
}

void furrow__turns_before_fork(furrow__turns *turns) {
  pthread_mutex_lock(&turns->lock);
  turns->forks++;
  while (turns->busy) pthread_cond_wait(&turns->changed, &turns->lock);
}

void furrow__turns_after_fork(furrow__turns *turns) {
  turns->forks--;
  pthread_cond_broadcast(&turns->changed);
  pthread_mutex_unlock(&turns->lock);
}
