/* Makes calls of libc fail on this rank, when a test says so (the linker's --wrap). For programs of tests/fault only: they
 * are linked with -Wl,--wrap for each of these calls. Reaches the program, libfurrow and the shim; not MPI, not libc.
 * Everything is reset before and after each test. Counts and failures are this rank's, of all its threads. */
#ifndef TESTS_SHIM_WRAP_H
#define TESTS_SHIM_WRAP_H

#include <stdbool.h>
#include <stdint.h>

/* Each call, and the error it fails with unless told otherwise. */
#define WRAP_LIST(X)         \
  X(malloc, ENOMEM)          \
  X(calloc, ENOMEM)          \
  X(realloc, ENOMEM)         \
  X(aligned_alloc, ENOMEM)   \
  X(posix_memalign, ENOMEM)  \
  X(memfd_create, ENOSYS)    \
  X(posix_fallocate, ENOSPC) \
  X(shm_open, EACCES)        \
  X(open, EACCES)            \
  X(mmap, ENOMEM)            \
  X(fork, EAGAIN)            \
  X(pthread_create, EAGAIN)  \
  X(pread, EIO)              \
  X(pwrite, ENOSPC)          \
  X(ftruncate, EIO)          \
  X(fdatasync, EIO)          \
  X(flock, ENOLCK)           \
  X(fcntl, ENOLCK)

typedef enum wrap_symbol {
#define WRAP_ENUM(name, error) wrap_##name,
  WRAP_LIST(WRAP_ENUM)
#undef WRAP_ENUM
      wrap_symbols
} wrap_symbol;

/** From now on the nth call fails (1: the next), and only that. */
void wrap_fail_nth(wrap_symbol symbol, uint64_t n);

/** From now on the nth call and all after it fail. */
void wrap_fail_from(wrap_symbol symbol, uint64_t n);

/** The errno it fails with. */
void wrap_error(wrap_symbol symbol, int error);

/** From now on its calls wait (true), or go on (false). */
void wrap_hold(wrap_symbol symbol, bool hold);

/** Calls, and failures provoked, since the last reset. */
uint64_t wrap_calls(wrap_symbol symbol);
uint64_t wrap_failures(wrap_symbol symbol);

/** Nothing fails or waits, and nothing has been counted. */
void wrap_reset(void);

#endif
