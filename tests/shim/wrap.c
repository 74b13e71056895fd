/* Wrappers of libc's calls that count and can fail. Knows how each call tells its failure; allocates nothing. */
#include "shim/wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct wrapped {
  _Atomic uint64_t calls, failures;
  _Atomic uint64_t fail_at;   /* the call that fails, by its number; 0: none */
  _Atomic uint64_t fail_from; /* it and all after; 0: none */
  _Atomic int error;
  atomic_bool held;
} wrapped;

static wrapped state[wrap_symbols];

static const int default_error[wrap_symbols] = {
#define WRAP_ERROR(name, error) [wrap_##name] = (error),
    WRAP_LIST(WRAP_ERROR)
#undef WRAP_ERROR
};

void wrap_fail_nth(wrap_symbol symbol, uint64_t n) {
  state[symbol].fail_at = n ? state[symbol].calls + n : 0;
}

void wrap_fail_from(wrap_symbol symbol, uint64_t n) {
  state[symbol].fail_from = n ? state[symbol].calls + n : 0;
}

void wrap_error(wrap_symbol symbol, int error) {
  state[symbol].error = error;
}

void wrap_hold(wrap_symbol symbol, bool hold) {
  state[symbol].held = hold;
}

uint64_t wrap_calls(wrap_symbol symbol) {
  return state[symbol].calls;
}

uint64_t wrap_failures(wrap_symbol symbol) {
  return state[symbol].failures;
}

void wrap_reset(void) {
  for (int i = 0; i < wrap_symbols; i++) {
    state[i].fail_at = state[i].fail_from = 0;
    state[i].calls = state[i].failures = 0;
    state[i].error = 0;
    state[i].held = false;
  }
}

/* Count a call: the error it must fail with, or 0. */
static int fails(wrap_symbol symbol) {
  wrapped *it = &state[symbol];
  while (it->held) usleep(1000);
  uint64_t number = atomic_fetch_add(&it->calls, 1) + 1, from = it->fail_from;
  if (number != it->fail_at && (from == 0 || number < from)) return 0;
  atomic_fetch_add(&it->failures, 1);
  int error = it->error;
  return error ? error : default_error[symbol];
}

/* __real_NAME is the call itself; calls of NAME land in __wrap_NAME. `failure` is what NAME returns, `sets_errno` whether
   the error goes to errno. */
#define WRAP(type, name, parameters, arguments, failure) \
  type __real_##name parameters;                         \
  type __wrap_##name parameters;                         \
  type __wrap_##name parameters {                        \
    int error = fails(wrap_##name);                      \
    if (error) {                                         \
      errno = error;                                     \
      return failure;                                    \
    }                                                    \
    return __real_##name arguments;                      \
  }

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
WRAP(int, posix_memalign, (void **out, size_t alignment, size_t size), (out, alignment, size), error)
WRAP(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
WRAP(int, posix_fallocate, (int fd, off_t offset, off_t length), (fd, offset, length), error)
WRAP(int, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode), -1)
WRAP(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset), MAP_FAILED)
WRAP(pid_t, fork, (void), (), -1)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument),
     (thread, attributes, start, argument), error)

WRAP(ssize_t, pread, (int fd, void *to, size_t size, off_t offset), (fd, to, size, offset), -1)
WRAP(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t offset), (fd, from, size, offset), -1)
WRAP(int, ftruncate, (int fd, off_t length), (fd, length), -1)
WRAP(int, fdatasync, (int fd), (fd), -1)
WRAP(int, flock, (int fd, int operation), (fd, operation), -1)

/* Whatever the third argument is, it passes as a pointer or is not looked at. */
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  void *argument = va_arg(list, void *);
  va_end(list);
  int error = fails(wrap_fcntl);
  if (error) {
    errno = error;
    return -1;
  }
  return __real_fcntl(fd, command, argument);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
  }
  int error = fails(wrap_open);
  if (error) {
    errno = error;
    return -1;
  }
  return __real_open(path, flags, mode);
}
