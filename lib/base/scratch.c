/* Nobody else can open such a file, and it goes with the last process that has it, however that ends. So that a child which has it,
   too, does not keep the disk full, who is done with it empties it. */
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *folder(void) {
  const char *named = getenv("TMPDIR");
  return named && *named ? named : "/tmp";
}

static bool explain(char *why, int error) {
  snprintf(why, FURROW__SCRATCH_WHY, "%.150s: %s", folder(), strerror(error));
  return false;
}

/* Where the file system has no files without a name. */
static int open_and_unlink(void) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/furrow-XXXXXX", folder());
  if (length < 0 || length >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int file = mkostemp(path, O_CLOEXEC);
  if (file >= 0) unlink(path);
  return file;
}

int furrow__scratch_open(char *why) {
  int file = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (file < 0) file = open_and_unlink();
  if (file < 0) explain(why, errno);
  return file;
}

uint64_t furrow__scratch_most(void) {
  struct rlimit limit;
  bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? (uint64_t)limit.rlim_cur : (uint64_t)INT64_MAX;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
bool furrow__scratch_write(int file, uint64_t at, const void *bytes, size_t size, char *why) {
  if (size > furrow__scratch_most() || at > furrow__scratch_most() - size) return explain(why, EFBIG);
  for (size_t done = 0; done < size;) {
    ssize_t wrote = pwrite(file, (const char *)bytes + done, size - done, (off_t)(at + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return explain(why, wrote < 0 ? errno : ENOSPC);
    done += (size_t)wrote;
  }
  return true;
}

bool furrow__scratch_read(int file, uint64_t at, void *bytes, size_t size, char *why) {
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(file, (char *)bytes + done, size - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return explain(why, got < 0 ? errno : EIO);
    done += (size_t)got;
  }
  return true;
}
