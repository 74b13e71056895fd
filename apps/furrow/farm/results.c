/* Names folders after arguments and fills them. Names are GNU parallel's, letter by letter, so that what is made of them by scripts goes
 * on working; `.` and `..` lead no higher than into the folder itself, as there is a number's folder above each. */
#include "results.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER_SIZE = 12 /* slash, digits, slash */ };

/* A backslash, tab or slash becomes two characters. No longer than a file's name may be. */
static char *quote(char *to, const char *argument) {
  char *end = to + NAME_MAX;
  for (; *argument && to < end; argument++) {
    const char *escaped = *argument == '\\' ? "\\\\" : *argument == '\t' ? "\\t" : *argument == '/' ? "\\_" : NULL;
    const char *from = escaped ? escaped : argument;
    *to++ = from[0];
    if (escaped && to < end) *to++ = from[1];
  }
  return to;
}

char *results_path(const char *folder, const char *set, uint32_t count) {
  size_t size = strlen(folder) + 1 + (size_t)count * (NUMBER_SIZE + NAME_MAX);
  char *path = malloc(size), *to = path;
  if (!path) return NULL;
  to = stpcpy(to, folder);
  for (uint32_t i = 0; i < count; i++) {
    to += sprintf(to, "/%u/", i + 1);
    to = quote(to, set);
    set += strlen(set) + 1;
  }
  *to = '\0';
  return path;
}

/* With all folders above it. */
static bool make_folder(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made) return false;
  }
  return mkdir(path, 0777) == 0 || errno == EEXIST;
}

static bool write_all(int file, const char *bytes, uint64_t size) {
  while (size > 0) {
    ssize_t written = write(file, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= (uint64_t)written;
  }
  return true;
}

static bool write_file(int folder, const char *name, const char *bytes, uint64_t size) {
  int file = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return false;
  bool good = write_all(file, bytes, size);
  int why = errno;
  if (close(file) != 0 && good) return false;
  errno = why;
  return good;
}

static bool write_files(const char *path, const outcome_view *of) {
  char sequence[32];
  int length = snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)of->head->sequence);
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  bool good = write_file(folder, "stdout", of->out, of->head->out) &&
              write_file(folder, "stderr", of->err, of->head->err) &&
              write_file(folder, "seq", sequence, (uint64_t)length);
  int why = errno;
  close(folder);
  errno = why;
  return good;
}

bool results_write(const char *folder, const outcome_view *of, char message[RESULTS_MESSAGE_SIZE]) {
  char *path = results_path(folder, of->set, of->head->count);
  bool good = path && make_folder(path) && write_files(path, of);
  if (!good) snprintf(message, RESULTS_MESSAGE_SIZE, "%s: %s", path ? path : folder, strerror(errno));
  free(path);
  return good;
}
