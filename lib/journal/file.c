#include "journal/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 1 << 20 };
_Static_assert(WINDOW >= (int)FURROW__JOURNAL_VIEW, "a view lies inside of the window");

bool furrow__journal_file_look(furrow__journal_file *file, int fd) {
  struct stat about;
  *file = (furrow__journal_file){.fd = fd};
  if (fstat(fd, &about) == 0) {
    file->size = (uint64_t)about.st_size;
    file->window = malloc(WINDOW);
    if (file->window) return true;
  }
  file->error = errno;
  return false;
}

void furrow__journal_file_clear(furrow__journal_file *file) {
  free(file->window);
  file->window = NULL;
}

/* At least `least` bytes, at most `most`; returns how many, or 0. */
static size_t read_some(furrow__journal_file *file, uint64_t offset, unsigned char *to, size_t least, size_t most) {
  size_t done = 0;
  while (done < least) {
    ssize_t got = pread(file->fd, to + done, most - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      file->error = got < 0 ? errno : 0;
      return 0;
    }
    done += (size_t)got;
  }
  return done;
}

bool furrow__journal_file_read(furrow__journal_file *file, uint64_t offset, void *to, uint64_t size) {
  return size == 0 || read_some(file, offset, to, (size_t)size, (size_t)size) > 0;
}

static const unsigned char *view(void *context, uint64_t offset, size_t want) {
  furrow__journal_file *file = context;
  if (offset < file->begin || offset - file->begin > file->filled || want > file->filled - (offset - file->begin)) {
    file->begin = offset;
    file->filled = read_some(file, offset, file->window, want, WINDOW);
    if (file->filled == 0) return NULL;
  }
  return file->window + (offset - file->begin);
}

furrow__journal_source furrow__journal_file_source(furrow__journal_file *file) {
  return (furrow__journal_source){file->size, view, file};
}
