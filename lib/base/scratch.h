/* Files without a name, for bytes that there is no memory for: in the folder TMPDIR, or else /tmp. Knows folders and system calls;
   does not know whose bytes these are. */
#ifndef FURROW_BASE_SCRATCH_H
#define FURROW_BASE_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FURROW__SCRATCH_WHY = 256 }; /* bytes of a reason, which names the folder */

/* One that is empty; -1: there is none, and *why says so. To be closed. */
int furrow__scratch_open(char *why);

/* Write or read `size` bytes from `at` on. False: *why says so. */
bool furrow__scratch_write(int file, uint64_t at, const void *bytes, size_t size, char *why);
bool furrow__scratch_read(int file, uint64_t at, void *bytes, size_t size, char *why);

/* How long a file of this process may become. */
uint64_t furrow__scratch_most(void);

#endif
