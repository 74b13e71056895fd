/* An unlinked file in TMPDIR, or else /tmp. What is dropped is punched out of it, so it takes no more of the disk than what is live.
 * Each piece begins on a page of its own, and is looked at by mapping it: no copy in memory. */
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static bool open_file(spill *to) {
  char path[4096];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/furrow-farm-XXXXXX", folder && *folder ? folder : "/tmp");
  int file = mkostemp(path, O_CLOEXEC);
  if (file < 0) return false;
  unlink(path);
  to->file = file;
  return true;
}

static off_t round_up(off_t size) {
  off_t page = (off_t)sysconf(_SC_PAGESIZE);
  return (size + page - 1) / page * page;
}

bool spill_put(spill *to, const void *bytes, size_t size, off_t *at) {
  if (to->file == 0 && !open_file(to)) return false;
  const char *from = bytes;
  for (size_t done = 0; done < size;) {
    ssize_t written = pwrite(to->file, from + done, size - done, to->end + (off_t)done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    done += (size_t)written;
  }
  *at = to->end;
  to->end += round_up((off_t)size);
  to->live += (off_t)size;
  return true;
}

void *spill_look(const spill *from, off_t at, size_t size) {
  void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, from->file, at);
  return bytes == MAP_FAILED ? NULL : bytes;
}

/* Where a file system can't punch, its space is free once all is dropped. */
void spill_drop(spill *from, void *bytes, off_t at, size_t size) {
  munmap(bytes, size);
  from->live -= (off_t)size;
  if (from->live == 0) {
    from->end = 0;
    if (ftruncate(from->file, 0) != 0) from->end = at + round_up((off_t)size);
  } else
    fallocate(from->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, round_up((off_t)size));
}

void spill_close(spill *of) {
  if (of->file != 0) close(of->file);
  *of = (spill){.file = 0};
}
