/* What the tests of journals of streams share: a stream that is begun again and again, each time in a pool of its own, until it
 * is done. Works on the communicator under test. */
#ifndef TESTS_MPI_COMMON_VOYAGES_H
#define TESTS_MPI_COMMON_VOYAGES_H

#include "mpi/common/journals.h"
#include "mpi/common/streams.h"

/* A stream, a journal, and how often each task has run in all runs. */
typedef struct voyage {
  folder path;
  char journal[128];
  flow plan; /* its counters are the voyage's */
  furrow_source *give;
  furrow_sink *take; /* flow_give and flow_take, or what calls them */
  furrow_options options;
  flow last;                         /* what the last run saw */
  char message[FURROW_MESSAGE_SIZE]; /* of its error */
} voyage;

/* Collective, as all that follows. */
voyage voyage_make(uint64_t count, sizes items, sizes results);
void voyage_free(voyage *v);

/* A run: on a communicator that this rank belongs to; or on that of the test, and then all come. */
furrow_status sail_on(voyage *v, MPI_Comm comm);
furrow_status sail(voyage *v);

/* Runs of tasks, in all runs of the stream so far. */
uint64_t count_runs(const voyage *v);
void expect_each_ran_once(const voyage *v);

/* The last run did not come to its end. What its sink has had was in the journal before, and is not run again; what was
 * finished and not delivered may be. The one behind runs nothing. */
void expect_goes_on(voyage *v);

#endif
