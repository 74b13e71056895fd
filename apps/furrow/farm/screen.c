/* Prints in large pieces, past stdio, whose buffers would mix with what others write. Knows descriptors, not commands. */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* A pipe may be set not to block by whoever shares it. */
static bool wait_for_room(int file) {
  struct pollfd room = {.fd = file, .events = POLLOUT};
  return poll(&room, 1, -1) >= 0 || errno == EINTR;
}

static bool write_all(int file, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(file, bytes, size);
    if (written >= 0) {
      bytes += written;
      size -= (size_t)written;
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(file)))
      return false;
  }
  return true;
}

/* Gathers small pieces. */
typedef struct buffer {
  int file;
  size_t used;
  char bytes[1 << 16];
} buffer;

static bool put(buffer *to, const char *bytes, size_t size) {
  if (to->used + size > sizeof to->bytes) {
    size_t used = to->used;
    to->used = 0;
    if (!write_all(to->file, to->bytes, used)) return false;
    if (size > sizeof to->bytes) return write_all(to->file, bytes, size);
  }
  memcpy(to->bytes + to->used, bytes, size);
  to->used += size;
  return true;
}

/* What is one line to the tag: to its newline, or to a carriage return. */
static size_t line_size(const char *bytes, size_t size) {
  const char *newline = memchr(bytes, '\n', size);
  size_t line = newline ? (size_t)(newline - bytes) + 1 : size;
  const char *carriage = memchr(bytes, '\r', line);
  return carriage ? (size_t)(carriage - bytes) + 1 : line;
}

static bool print_tagged(int file, const char *tag, const char *bytes, size_t size) {
  buffer to;
  to.file = file;
  to.used = 0;
  size_t width = strlen(tag);
  while (size > 0) {
    size_t line = line_size(bytes, size);
    if (!put(&to, tag, width) || !put(&to, "\t", 1) || !put(&to, bytes, line)) return false;
    bytes += line;
    size -= line;
  }
  return write_all(file, to.bytes, to.used);
}

bool screen_print(int file, const char *tag, const char *bytes, size_t size) {
  return tag ? print_tagged(file, tag, bytes, size) : write_all(file, bytes, size);
}
