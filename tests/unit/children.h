/* Children for unit tests: start one, wait for its end. */
#ifndef TESTS_UNIT_CHILDREN_H
#define TESTS_UNIT_CHILDREN_H

#include "node/child.h"

/* Code that breaks rules on purpose, which a sanitizer must not see. */
#define BROKEN __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

enum { MEBIBYTE = 1 << 20 };

/* The note of all children of a test program, one at a time, and a few words that they share with it. */
furrow__child_note *children_note(void);
volatile int *children_words(void);

/* Whether a sanitizer or valgrind is at work: it has a malloc of its own, and ends processes in its own way. */
bool children_checked(void);

/* Start a child, wait for its end. */
furrow__child children_run(void (*body)(void *), void *argument, size_t memory_limit);
furrow__child children_start(void (*body)(void *), void *argument, size_t memory_limit);
void children_wait(furrow__child *child);

/* Several ways to end. */
void children_return(void *unused);
void children_write_to_null(void *unused);
void children_loop(void *unused);
void children_exit(void *code);

#endif
