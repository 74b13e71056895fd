/* Workers of a stress test: the same function in several threads, or in several processes that share a mapping.
   Knows neither the library nor the shim, so that tests/stress can use it too. */
#ifndef TESTS_UNIT_CREW_H
#define TESTS_UNIT_CREW_H

#include <stdbool.h>
#include <stddef.h>

typedef enum crew_kind { CREW_THREADS, CREW_PROCESSES } crew_kind;

/* Zero bytes that forked processes share. Exits if there are none. */
void *crew_map(size_t size);
void crew_unmap(void *memory, size_t size);

/* Run body(shared, 0 … n-1) side by side. True if all have returned, false if a process has died. */
bool crew_run(crew_kind kind, int n, void (*body)(void *shared, int me), void *shared);

/* Run body in a process of its own. What it returned (0 to 255), or minus the signal that ended it. */
int crew_child(int (*body)(void *argument), void *argument);

/* Fork; the child dies with this thread. */
int crew_fork(void);

/* Wait for a child; as crew_child(). */
int crew_wait(int pid);

#endif
