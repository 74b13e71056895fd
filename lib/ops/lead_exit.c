/* exit() does not come back to furrow_lead(), so a handler tells the others that the program has ended, and parts from
   them: they return from furrow_lead() with FURROW_E_ARG, and go on to furrow_finalize() as ever. The handler
   waits for them there, but not for ever, since they may do something else.

   Handlers get no argument, so the list of programs under way is a global of the process. It has a lock, since programs
   may lead several pools in several threads. Only those of the thread that ends the process are told: of others nobody
   knows what they are in the midst of. */
#include "ops/lead_exit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/pool.h"

static const uint64_t PATIENCE = 5000000000; /* nanoseconds for all that is left to be done together */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static furrow__lead *innermost;
static bool heard;

void furrow__lead_enter(furrow__lead *lead) {
  pthread_mutex_lock(&lock);
  lead->outer = innermost;
  innermost = lead;
  pthread_mutex_unlock(&lock);
}

static void take_out(furrow__lead *lead) {
  furrow__lead **at = &innermost;
  while (*at && *at != lead) at = &(*at)->outer;
  if (*at) *at = lead->outer;
}

void furrow__lead_leave(furrow__lead *lead) {
  pthread_mutex_lock(&lock);
  take_out(lead);
  pthread_mutex_unlock(&lock);
}

/* The innermost one of this thread, taken out of the list. In a forked child there is none. */
static furrow__lead *take_own(void) {
  pthread_mutex_lock(&lock);
  furrow__lead *own = innermost;
  while (own && !(own->process == getpid() && pthread_equal(own->thread, pthread_self()))) own = own->outer;
  if (own) take_out(own);
  pthread_mutex_unlock(&lock);
  return own;
}

/* A task, or what else an operation calls, may have called exit(): then the others are in the midst of the operation,
   and mpirun ends them, as it does wherever a rank of MPI is lost. */
static void on_exit_of_program(void) {
  furrow__lead *ended = NULL, *own;
  while ((own = take_own()) != NULL) {
    furrow_pool *pool = own->pool;
    furrow_error error;
    if (pool->broken != FURROW_OK || atomic_load(&pool->busy) || !furrow__mpi_is_up()) continue;
    furrow__error_set(&error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                      "furrow_lead: the program on rank 0 called exit()");
    pool->comm.deadline = furrow__now() + PATIENCE;
    pool->lead = NULL;
    furrow_status told = furrow__step_end(pool, &error);
    if (told != FURROW_OK) continue;
    own->outer = ended;
    ended = own;
  }
  for (; ended; ended = ended->outer) furrow__pool_part_at_exit(ended->pool);
}

bool furrow__lead_hear_exit(void) {
  pthread_mutex_lock(&lock);
  if (!heard) heard = atexit(on_exit_of_program) == 0;
  bool is_heard = heard;
  pthread_mutex_unlock(&lock);
  return is_heard;
}
