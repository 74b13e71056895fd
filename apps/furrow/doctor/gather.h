/* Brings what ranks know to rank 0. */
#ifndef FURROW_DOCTOR_GATHER_H
#define FURROW_DOCTOR_GATHER_H

#include "facts.h"
#include "watch.h"

enum { TAG_FACTS = 1, TAG_ORDER, TAG_PING, TAG_STREAM, TAG_RESULT }; /* of the doctor's messages, on MPI_COMM_WORLD */

/* Collective: known->ranks, made here, is filled on rank 0. While it waits, the watch knows from whom nothing has come.
 * False where there was no memory: the same on all ranks, which go home. */
bool gather(const rank_facts *mine, facts *known, watch *w);

/* Collective: rank 0's exit status, on all ranks, which wait asleep. */
int share_status(int status);

/* Wait for a request without burning a core. */
void wait_asleep(MPI_Request *request);

#endif
