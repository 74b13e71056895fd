/* A file that a program writes: there as a whole, or not at all. */
#ifndef APPS_COMMON_OUTPUT_H
#define APPS_COMMON_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

typedef struct app_output {
  FILE *file; /* write here */
  char *path; /* where it shall be in the end */
  char *part; /* where it is until then; NULL: there already, because `path` is no regular file but a device or pipe */
} app_output;

/* Open before the work: a path that can't be written shows then, not afterwards. What stood there stays there.
 * False, with errno, if it can't be. */
bool app_output_open(app_output *output, const char *path);

/* Close, and put the file in its place if it is `good`; else nothing of it is left. False, with errno, if that fails or
 * it was not good. Also for one that was never opened, all bytes zero. */
bool app_output_close(app_output *output, bool good);

#endif
