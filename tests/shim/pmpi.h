/* Counts and delays this rank's MPI calls, by standing between the program and MPI (PMPI). Linked where a test asks for it.
 * The shim's own calls don't count. */
#ifndef TESTS_SHIM_PMPI_H
#define TESTS_SHIM_PMPI_H

#include <stdint.h>

/** Calls so far that send, receive or synchronise: point-to-point and collective, blocking or not. */
uint64_t pmpi_calls(void);

/** Calls so far that only look: MPI_Test, MPI_Iprobe, MPI_Wait and their like. */
uint64_t pmpi_tests(void);

/** From now on each call that starts a message or a collective operation (MPI_Isend, MPI_Iallreduce and their like) first
 *  sleeps for a random time up to this; 0 ends that. At the start it is TEST_DELAY in the environment. */
void pmpi_delay(uint64_t microseconds);

#endif
