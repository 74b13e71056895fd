#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 16 };

struct lines {
  const char *path;
  int descriptor;
  char separator;
  bool regular, ended;
  off_t offset;            /* of the next byte to be read; regular files only */
  char *bytes;             /* `room` and one more, for the NUL behind the last text */
  size_t begin, seen, end; /* in bytes: of the next text, of what may hold its end, of what was read */
  size_t room;
  uint64_t number; /* of texts taken */
  char reason[INPUT_MESSAGE_SIZE];
};

static const char *name_of(const char *path) {
  return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* O_NONBLOCK, so that a named pipe is opened before somebody writes to it; poll() then waits for them. */
static bool open_path(lines *from) {
  bool is_input = strcmp(from->path, "-") == 0;
  from->descriptor = is_input ? STDIN_FILENO : open(from->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat about;
  if (from->descriptor < 0 || fstat(from->descriptor, &about) != 0) return false;
  if (S_ISDIR(about.st_mode)) return errno = EISDIR, false;
  from->regular = S_ISREG(about.st_mode);
  /* Read by offset: standard input's own stays where it is, and so the file can be read again from there. */
  from->offset = from->regular && is_input ? lseek(from->descriptor, 0, SEEK_CUR) : 0;
  return true;
}

lines *lines_open(const char *path, bool null_separated, char message[INPUT_MESSAGE_SIZE]) {
  lines *from = calloc(1, sizeof *from);
  if (from) {
    from->path = path;
    from->separator = null_separated ? '\0' : '\n';
    from->room = (size_t)2 * READ_SIZE; /* what is left of a text of usual length, and a read */
    from->bytes = malloc(from->room + 1);
    if (from->bytes && open_path(from)) return from;
  }
  snprintf(message, INPUT_MESSAGE_SIZE, "%s: %s", name_of(path), strerror(from && from->bytes ? errno : ENOMEM));
  lines_close(from);
  return NULL;
}

void lines_close(lines *from) {
  if (!from) return;
  if (from->descriptor > STDIN_FILENO) close(from->descriptor);
  free(from->bytes);
  free(from);
}

bool lines_are_regular(const lines *from) {
  return from->regular;
}

const char *lines_reason(const lines *from) {
  return from->reason;
}

static input_answer fail(lines *from, int code) {
  snprintf(from->reason, sizeof from->reason, "%s: %s", name_of(from->path), strerror(code));
  return INPUT_FAILED;
}

/* Room for one more read. What was taken is overwritten by what is left of it, a part of one text. */
static bool make_room(lines *from) {
  if (from->begin > 0) {
    memmove(from->bytes, from->bytes + from->begin, from->end - from->begin);
    from->end -= from->begin;
    from->seen -= from->begin;
    from->begin = 0;
  }
  if (from->room - from->end >= READ_SIZE) return true;
  char *bytes = realloc(from->bytes, 2 * from->room + 1);
  if (!bytes) return false;
  from->bytes = bytes;
  from->room *= 2;
  return true;
}

static input_answer read_more(lines *from) {
  if (!make_room(from)) return fail(from, ENOMEM);
  struct pollfd ready = {.fd = from->descriptor, .events = POLLIN};
  if (!from->regular && poll(&ready, 1, 0) <= 0) return INPUT_NOT_YET;
  char *to = from->bytes + from->end;
  ssize_t got =
      from->regular ? pread(from->descriptor, to, READ_SIZE, from->offset) : read(from->descriptor, to, READ_SIZE);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return INPUT_NOT_YET;
  if (got < 0) return fail(from, errno);
  from->ended = got == 0;
  from->offset += got;
  from->end += (size_t)got;
  return INPUT_SET;
}

static input_answer take(lines *from, size_t length, size_t behind, char **text) {
  *text = from->bytes + from->begin;
  (*text)[length] = '\0';
  from->begin += length + behind;
  from->seen = from->begin;
  from->number++;
  if (from->separator == '\0' || !memchr(*text, '\0', length)) return INPUT_SET;
  /* An argument cannot hold it, and without it would be another one. */
  snprintf(from->reason, sizeof from->reason,
           "%s: there is a NUL byte in line %llu (-0 is for arguments that end with one)", name_of(from->path),
           (unsigned long long)from->number);
  return INPUT_FAILED;
}

input_answer lines_next(lines *from, char **text) {
  for (;;) {
    char *found = memchr(from->bytes + from->seen, from->separator, from->end - from->seen);
    if (found) return take(from, (size_t)(found - from->bytes) - from->begin, 1, text);
    from->seen = from->end;
    if (from->ended) return from->begin == from->end ? INPUT_END : take(from, from->end - from->begin, 0, text);
    input_answer answer = read_more(from);
    if (answer != INPUT_SET) return answer;
  }
}
