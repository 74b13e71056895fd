#include "journal/open.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- the lock ---- */

static const uint64_t PATIENCE = UINT64_C(1000000000), NAP = UINT64_C(10000000); /* ns */

/* flock() excludes two of one process as well, and lasts as long as any process has the descriptor. Where the file
   system has none, locks of the open file description are the same. Returns 0 or an errno. */
static int try_lock(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
  if (errno == EWOULDBLOCK || errno == EINTR) return EWOULDBLOCK;
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &all) == 0) return 0;
  return errno == EACCES || errno == EAGAIN ? EWOULDBLOCK : errno;
}

/* A run that was killed, and its children, are gone within moments: the next one need not fail because of them. */
static int lock(int fd) {
  uint64_t start = furrow__now();
  int error;
  while ((error = try_lock(fd)) == EWOULDBLOCK && furrow__now() - start < PATIENCE) furrow__nap(NAP);
  return error;
}

/* ---- opening ---- */

/* The name of a new file is to outlast a power failure; where that can't be had, the journal still serves. */
static void sync_folder(const char *path) {
  char *copy = strdup(path);
  int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  free(copy);
}

const char *furrow__journal_shown(const char *path) {
  size_t length = strlen(path), most = 200;
  return length > most ? path + length - most : path;
}

furrow_status furrow__journal_open_locked(const char *path, int *out, char *message) {
  const char *why = NULL;
  struct stat about = {.st_size = 0};
  int error = 0, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  if (fd < 0 || fstat(fd, &about) != 0)
    error = errno;
  else if (!S_ISREG(about.st_mode))
    why = "it is no regular file";
  else if ((error = lock(fd)) == EWOULDBLOCK)
    why = "it is in use by another run, or by another pool of this one";
  if (!why && error == 0) {
    if (about.st_size == 0) sync_folder(path);
    *out = fd;
    return FURROW_OK;
  }
  if (fd >= 0) close(fd);
  const char *what = fd < 0 ? "it can't be opened" : "it can't be locked, so another run could write to it too";
  if (why)
    snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: %s", furrow__journal_shown(path), why);
  else
    snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: %s: %s", furrow__journal_shown(path), what, strerror(error));
  return FURROW_E_IO;
}

/* ---- the run ---- */

/* At most `size` bytes of this process's arguments, each with its '\0'. */
static size_t read_arguments(char *arguments, size_t size) {
  size_t length = 0;
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  for (ssize_t got; length < size && (got = read(fd, arguments + length, size - length)) > 0;) length += (size_t)got;
  close(fd);
  return length;
}

size_t furrow__journal_describe_run(unsigned char payload[FURROW__RUN_MOST]) {
  char host[FURROW_HOST_SIZE] = "", arguments[FURROW__ARGUMENTS_MOST];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  furrow__journal_run run = {
      .time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
      .process = (uint64_t)getpid(),
      .host = host,
      .host_length = (uint32_t)strlen(host),
      .version = furrow_version(),
      .version_length = (uint32_t)strlen(furrow_version()),
      .arguments = arguments,
      .arguments_length = (uint32_t)read_arguments(arguments, sizeof arguments),
  };
  return furrow__journal_run_encode(&run, payload);
}
