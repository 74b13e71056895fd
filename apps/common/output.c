/* A file that is there as a whole or not at all: written under another name, renamed at the end. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SUFFIX[] = ".part";

static void forget(app_output *output) {
  free(output->path);
  free(output->part);
  *output = (app_output){.file = NULL};
}

/* Beside the file itself, where `path` is a symbolic link: renaming would replace the link. */
static bool name_both(app_output *output, const char *path, bool exists) {
  output->path = exists ? realpath(path, NULL) : strdup(path);
  if (!output->path) return false;
  size_t length = strlen(output->path);
  output->part = malloc(length + sizeof SUFFIX);
  if (!output->part) return false;
  memcpy(output->part, output->path, length);
  memcpy(output->part + length, SUFFIX, sizeof SUFFIX);
  return true;
}

bool app_output_open(app_output *output, const char *path) {
  struct stat found;
  *output = (app_output){.file = NULL};
  bool exists = stat(path, &found) == 0;
  if (exists && !S_ISREG(found.st_mode)) {
    output->file = fopen(path, "wb");
    return output->file != NULL;
  }
  if ((!exists || access(path, W_OK) == 0) && name_both(output, path, exists)) output->file = fopen(output->part, "wb");
  if (output->file) return true;
  int why = errno;
  forget(output);
  errno = why;
  return false;
}

/* On the disk before it gets its name, or a power failure could leave an empty file where a good one was. */
static bool put_in_place(const app_output *output) {
  return fflush(output->file) == 0 && fsync(fileno(output->file)) == 0 && rename(output->part, output->path) == 0;
}

bool app_output_close(app_output *output, bool good) {
  if (!output->file) return good;
  good = good && (!output->part || put_in_place(output));
  int why = errno;
  if (!good && output->part) unlink(output->part);
  if (fclose(output->file) != 0 && good) { /* after fsync only a device or pipe can still fail */
    good = false;
    why = errno;
  }
  forget(output);
  errno = why;
  return good;
}
