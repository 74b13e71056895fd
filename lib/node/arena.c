/* A memfd whose bytes are reserved by posix_fallocate: a shortage is an error code here, not a SIGBUS later. All
   addresses up to the limit are mapped at once, so growing needs no second mapping; bytes beyond the size are never
   touched. The other ranks open it through /proc/PID/fd. Where that is not allowed, shm_open serves, its name removed
   at once. */
#include "node/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/memory.h"

static const char *explain(char *reason, size_t size, const char *call, int error) {
  snprintf(reason, size, "%s: %s", call, strerror(error));
  return reason;
}

static const char *map(furrow__arena *arena, int fd, int protection, char *reason, size_t reason_size) {
  void *base = mmap(NULL, arena->limit, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (base == MAP_FAILED) return explain(reason, reason_size, "mmap", errno);
  arena->base = base;
  return NULL;
}

/* posix_fallocate knows neither how much memory the machine has (it would call for the OOM killer) nor the limit on file
   sizes (the kernel would send SIGXFSZ). Returns 0 or an error number. */
static int reserve(int fd, size_t from, size_t bytes) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && from + bytes > limit.rlim_cur)
    return EFBIG;
  if (bytes > furrow__memory_available()) return ENOMEM;
  int error;
  while ((error = posix_fallocate(fd, (off_t)from, (off_t)bytes)) == EINTR) continue;
  return error;
}

/* Not a secret: it tells this memory from that of another process in another PID namespace. */
static uint64_t make_nonce(void) {
  uint64_t nonce = 0;
  if (getrandom(&nonce, sizeof nonce, GRND_NONBLOCK) != (ssize_t)sizeof nonce) nonce = (uint64_t)time(NULL);
  return nonce | 1;
}

static const char *create(furrow__arena *arena, int fd, const char *call, furrow__arena_name *name, char *reason,
                          size_t reason_size) {
  if (fd < 0) return explain(reason, reason_size, call, errno);
  int error = reserve(fd, 0, arena->size);
  const char *why = error ? explain(reason, reason_size, "posix_fallocate", error)
                          : map(arena, fd, PROT_READ | PROT_WRITE, reason, reason_size);
  if (why) {
    close(fd);
    return why;
  }
  arena->fd = fd;
  name->fd = fd;
  memcpy(arena->base, &name->nonce, sizeof name->nonce);
  return NULL;
}

const char *furrow__arena_create(furrow__arena *arena, size_t size, size_t limit, bool named, furrow__arena_name *name,
                                 char *reason, size_t reason_size) {
  *arena = (furrow__arena){NULL, size, limit, -1, false};
  *name = (furrow__arena_name){.nonce = make_nonce(), .pid = getpid(), .fd = -1, .size = size, .limit = limit};
  if (!named) return create(arena, memfd_create("furrow", MFD_CLOEXEC), "memfd_create", name, reason, reason_size);
  snprintf(name->shm, sizeof name->shm, "/furrow-%ld-%016llx", (long)getpid(), (unsigned long long)name->nonce);
  int fd = shm_open(name->shm, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const char *why = create(arena, fd, "shm_open", name, reason, reason_size);
  if (why) furrow__arena_hide(name);
  return why;
}

const char *furrow__arena_create_alone(furrow__arena *arena, size_t size, size_t limit, char *reason,
                                       size_t reason_size) {
  *arena = (furrow__arena){NULL, size, limit, -1, true};
  void *base = mmap(NULL, limit, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return explain(reason, reason_size, "mmap", errno);
  arena->base = base;
  return NULL;
}

const char *furrow__arena_open(furrow__arena *arena, const furrow__arena_name *name, bool writable, char *reason,
                               size_t reason_size) {
  *arena = (furrow__arena){NULL, name->size, name->limit, -1, false};
  char path[64];
  snprintf(path, sizeof path, "/proc/%lld/fd/%lld", (long long)name->pid, (long long)name->fd);
  int mode = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY; /* it might be anything */
  int fd = name->shm[0] ? shm_open(name->shm, mode, 0) : open(path, mode);
  if (fd < 0) return explain(reason, reason_size, name->shm[0] ? "shm_open" : path, errno);
  struct stat file;
  bool plausible = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (uint64_t)file.st_size >= name->size;
  const char *why =
      plausible ? map(arena, fd, PROT_READ | (writable ? PROT_WRITE : 0), reason, reason_size) : "another process's";
  close(fd);
  if (!why && memcmp(arena->base, &name->nonce, sizeof name->nonce) == 0) return NULL;
  if (!why || !plausible) snprintf(reason, reason_size, "%s is another process's", path);
  furrow__arena_close(arena);
  return reason;
}

void furrow__arena_hide(const furrow__arena_name *name) {
  if (name->shm[0]) shm_unlink(name->shm);
}

bool furrow__arena_grow(furrow__arena *arena, size_t size) {
  if (size <= arena->size) return true;
  if (size > arena->limit || (arena->fd < 0 && !arena->alone)) return false;
  size_t more = size - arena->size;
  if (arena->alone ? more > furrow__memory_available() : reserve(arena->fd, arena->size, more) != 0) return false;
  arena->size = size;
  return true;
}

void furrow__arena_close(furrow__arena *arena) {
  if (arena->base) munmap(arena->base, arena->limit);
  if (arena->base && arena->fd >= 0) close(arena->fd);
  *arena = (furrow__arena){NULL, 0, 0, -1, false};
}
