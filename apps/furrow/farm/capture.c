/* Where a command's output goes: files without a name, pipes, or straight to where the rank's own goes. Knows files and pipes; does not
 * know processes.
 *
 * Files take what a command writes at the speed of the disk's cache, wake nobody, and may be held open by daemons that a command leaves
 * behind. They are made anew for each command: a daemon of the last one could still write into them. Memory (memfd) would be some
 * microseconds faster, but a command that writes without end would fill the node's memory instead of its disk, where it is told so. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pieces.h"

enum { COPY_SIZE = 1 << 18 };

/* ---- files ------------------------------------------------------------------------------------------------------------ */

/* File systems that can't make a file without a name say so in several ways. */
static int open_named(const char *folder) {
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/furrow-farm-XXXXXX", folder);
  if (length < 0 || (size_t)length >= sizeof path) return errno = ENAMETOOLONG, -1;
  int file = mkostemp(path, O_CLOEXEC);
  if (file >= 0) unlink(path);
  return file;
}

static int open_in(const char *folder) {
  int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)) return file;
  return open_named(folder);
}

/* TMPDIR may be a folder of the node where people log in. */
static int open_file(void) {
  const char *folder = getenv("TMPDIR");
  int file = folder && *folder ? open_in(folder) : -1;
  return file >= 0 ? file : open_in("/tmp");
}

/* ---- a slot's ---------------------------------------------------------------------------------------------------------- */

static void forget(capture *of) {
  for (int i = 0; i < CAPTURE_BOTH; i++) of->ours[i] = of->given[i] = -1;
}

bool capture_make(capture *made, output_mode mode) {
  *made = (capture){.mode = mode};
  forget(made);
  if (mode != OUTPUT_LINE_BUFFER) return true;
  for (int i = 0; i < CAPTURE_BOTH; i++) made->lines[i] = pieces_make(i == CAPTURE_ERR);
  if (made->lines[CAPTURE_OUT] && made->lines[CAPTURE_ERR]) return true;
  capture_free(made);
  return false;
}

void capture_free(capture *of) {
  for (int i = 0; i < CAPTURE_BOTH; i++) {
    pieces_free(of->lines[i]);
    of->lines[i] = NULL;
  }
}

/* ---- a command's -------------------------------------------------------------------------------------------------------- */

static bool open_one(capture *of, int which) {
  if (of->mode == OUTPUT_UNGROUP) {
    of->given[which] = which == CAPTURE_OUT ? STDOUT_FILENO : STDERR_FILENO;
    return true;
  }
  if (of->mode == OUTPUT_GROUP) {
    of->ours[which] = of->given[which] = open_file();
    return of->ours[which] >= 0;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  of->ours[which] = ends[0];
  of->given[which] = ends[1];
  return true;
}

bool capture_open(capture *of, furrow_task *task, uint64_t sequence, const char *tag) {
  of->task = task;
  of->sent = 0;
  for (int i = 0; i < CAPTURE_BOTH; i++) {
    if (of->lines[i]) pieces_begin(of->lines[i], sequence, tag);
    if (open_one(of, i)) continue;
    int error = errno;
    capture_begun(of);
    capture_close(of);
    errno = error;
    return false;
  }
  return true;
}

void capture_begun(capture *of) {
  for (int i = 0; i < CAPTURE_BOTH; i++) {
    if (of->mode == OUTPUT_LINE_BUFFER && of->given[i] >= 0) close(of->given[i]);
    of->given[i] = -1;
  }
}

static void close_one(capture *of, int which) {
  if (of->ours[which] >= 0) close(of->ours[which]);
  of->ours[which] = -1;
}

void capture_close(capture *of) {
  for (int i = 0; i < CAPTURE_BOTH; i++) close_one(of, i);
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------- */

/* Up to `most` bytes. Returns how many: 0 at the end, -1 if the task has failed. */
static ssize_t take(capture *of, int which, size_t most) {
  size_t room;
  char *to = pieces_room(of->lines[which], &room);
  ssize_t size = read(of->ours[which], to, room < most ? room : most);
  if (size < 0 && errno == EINTR) return take(of, which, most);
  if (size <= 0) {
    close_one(of, which);
    return 0;
  }
  of->sent += (uint64_t)size;
  return pieces_add(of->lines[which], of->task, (size_t)size) ? size : -1;
}

bool capture_take(capture *of, int which) {
  return take(of, which, SIZE_MAX) >= 0;
}

/* What is in the pipe now and not what comes, since a daemon may write without end. */
static bool drain(capture *of, int which) {
  int left = 0;
  if (of->ours[which] >= 0 && ioctl(of->ours[which], FIONREAD, &left) != 0) left = 0;
  while (left > 0) {
    ssize_t size = take(of, which, (size_t)left);
    if (size < 0) return false;
    if (size == 0) break;
    left -= (int)size;
  }
  return pieces_end(of->lines[which], of->task);
}

bool capture_drain(capture *of) {
  if (of->mode != OUTPUT_LINE_BUFFER) return true;
  return drain(of, CAPTURE_OUT) && drain(of, CAPTURE_ERR);
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

uint64_t capture_size(const capture *of, int which) {
  struct stat about;
  if (of->mode != OUTPUT_GROUP || of->ours[which] < 0 || fstat(of->ours[which], &about) != 0) return 0;
  return (uint64_t)about.st_size;
}

/* What a daemon has cut off since is read as zero bytes: how many there will be has been told already. */
static ssize_t read_all(int file, char *to, size_t size, uint64_t from) {
  size_t have = 0;
  while (have < size) {
    ssize_t more = pread(file, to + have, size - have, (off_t)(from + have));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return -1;
    if (more == 0) break;
    have += (size_t)more;
  }
  for (; have < size; have++) to[have] = '\0';
  return (ssize_t)size;
}

int capture_write(const capture *of, furrow_task *task, int which, uint64_t size) {
  if (size == 0) return 0;
  size_t most = size < COPY_SIZE ? (size_t)size : COPY_SIZE;
  char *bytes = malloc(most);
  if (!bytes) return furrow_fail(task, "no memory to read the output");
  int failed = 0;
  for (uint64_t done = 0; done < size && failed == 0; done += most) {
    if (size - done < most) most = (size_t)(size - done);
    failed = read_all(of->ours[which], bytes, most, done) < 0
                 ? furrow_fail(task, "the output can't be read: %s", strerror(errno))
                 : furrow_task_write(task, bytes, most);
  }
  free(bytes);
  return failed;
}
