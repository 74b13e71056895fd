/* Start a command as a process group of its own. */
#ifndef FARM_START_H
#define FARM_START_H

#include <stddef.h>
#include <sys/types.h>

typedef struct start_with {
  char *const *environment;
  const char *directory; /* NULL: where the rank is */
  int in, out, err;      /* descriptors that become its 0, 1 and 2 */
} start_with;

enum { START_WHY_SIZE = 512 };

/* A program, found by PATH unless there is a slash in its name. Returns its process, which leads the group of the same number; or 0, with
 * errno. */
pid_t start_program(char *const *argv, const start_with *with);

/* After a failure: why, in words, and the status that a shell would give. */
int start_refusal(int error, const start_with *with, char why[START_WHY_SIZE]);

/* Make the directory, with those above it, as GNU parallel does; whether it can be entered shows when a command starts. */
void start_make_directory(const char *path);

#endif
