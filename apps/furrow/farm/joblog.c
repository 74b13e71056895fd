/* Reads and writes joblogs. One write() a line on a file that is only appended to: a killed run leaves at most its last line torn.
 * Knows nothing of commands but their texts. */
#include "joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HEADER[] = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

static bool refuse(char message[JOBLOG_MESSAGE_SIZE], const char *path, const char *why) {
  snprintf(message, JOBLOG_MESSAGE_SIZE, "%s: %s", path, why);
  return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

enum { COLUMNS = 9, EXIT_COLUMN = 6, SIGNAL_COLUMN = 7, COMMAND_COLUMN = 8 };

/* Where each column begins. The command, the last, may have tabs in it. False: there are fewer. */
static bool split(const char *line, const char *columns[COLUMNS]) {
  for (int i = 0; i < COLUMNS; i++) {
    columns[i] = line;
    if (i < COLUMNS - 1 && !(line = strchr(line, '\t'))) return false;
    line++;
  }
  return true;
}

static bool is_zero(const char *column) {
  return column[0] == '0' && column[1] == '\t';
}

/* FNV-1a. The text ends at its newline; a newline inside stands there as NUL. Never 0. */
static uint64_t hash(const char *text, size_t size) {
  uint64_t value = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; i++)
    value = (value ^ (unsigned char)(text[i] == '\n' ? '\0' : text[i])) * 0x100000001b3u;
  return value | 1;
}

/* NULL, or what is wrong with a line of `size` bytes, its newline among them. */
static const char *read_line(joblog *log, const char *line, size_t size, joblog_use use, done *have) {
  const char *columns[COLUMNS];
  char *end;
  errno = 0;
  uint64_t sequence = strtoull(line, &end, 10);
  if (*line < '0' || *line > '9' || errno != 0 || *end != '\t' || sequence == 0 || !split(line, columns))
    return "is no line of a joblog";
  if (use == JOBLOG_RESUME_FAILED && !(is_zero(columns[EXIT_COLUMN]) && is_zero(columns[SIGNAL_COLUMN]))) return NULL;
  if (sequence <= JOBLOG_REMEMBERED)
    log->commands[sequence - 1] = hash(columns[COMMAND_COLUMN], size - 1 - (size_t)(columns[COMMAND_COLUMN] - line));
  return done_add(have, sequence) ? NULL : "is of a command too far off";
}

static bool is_header(const char *line) {
  return strncmp(line, "Seq\t", 4) == 0;
}

/* A file with no newline in it: the beginning of a header, or none of ours, and not to be cut. */
static bool is_foreign(const char *rest, ssize_t size) {
  return size > 0 && strncmp(rest, HEADER, (size_t)size) != 0;
}

/* How many bytes are whole lines; -1: see `message`. */
static off_t read_lines(joblog *log, FILE *stream, joblog_use use, done *have, char message[JOBLOG_MESSAGE_SIZE]) {
  char *line = NULL;
  size_t room = 0;
  off_t whole = 0;
  ssize_t size;
  for (; (size = getline(&line, &room, stream)) > 0 && line[size - 1] == '\n'; whole += size) {
    const char *wrong = whole == 0 && is_header(line) ? NULL : read_line(log, line, (size_t)size, use, have);
    if (!wrong) continue;
    snprintf(message, JOBLOG_MESSAGE_SIZE, "%s: '%.*s' %s", log->path,
             (int)(strcspn(line, "\n") < 80 ? strcspn(line, "\n") : 80), line, wrong);
    whole = -1;
    break;
  }
  if (whole == 0 && is_foreign(line, size)) {
    refuse(message, log->path, "is no joblog");
    whole = -1;
  }
  free(line);
  if (whole < 0 || !ferror(stream)) return whole;
  refuse(message, log->path, strerror(errno));
  return -1;
}

static bool read_back(joblog *log, joblog_use use, done *have, char message[JOBLOG_MESSAGE_SIZE]) {
  FILE *stream = fopen(log->path, "r");
  if (!stream) return errno == ENOENT || refuse(message, log->path, strerror(errno));
  struct stat found;
  bool regular = fstat(fileno(stream), &found) == 0 && S_ISREG(found.st_mode);
  off_t whole = regular ? read_lines(log, stream, use, have, message) : 0;
  fclose(stream);
  if (whole < 0) return false;
  if (regular && whole < found.st_size && truncate(log->path, whole) != 0)
    return refuse(message, log->path, strerror(errno));
  return true;
}

bool joblog_differs(const joblog *log, uint64_t sequence, const char *command) {
  if (sequence > JOBLOG_REMEMBERED || log->commands[sequence - 1] == 0) return false;
  return log->commands[sequence - 1] != hash(command, strlen(command));
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

/* Whatever could not be written goes first, so that no line is torn for good. */
static bool flush(joblog *log) {
  while (log->size > 0) {
    ssize_t written = write(log->file, log->pending, log->size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    log->size -= (size_t)written;
    memmove(log->pending, log->pending + written, log->size);
  }
  return true;
}

static bool append(joblog *log, const char *bytes, size_t size) {
  if (log->size + size > log->room) {
    char *grown = realloc(log->pending, 2 * (log->size + size));
    if (!grown) return false;
    log->pending = grown;
    log->room = 2 * (log->size + size);
  }
  memcpy(log->pending + log->size, bytes, size);
  log->size += size;
  return true;
}

bool joblog_write(joblog *log, const joblog_line *line) {
  char columns[256];
  if (log->file < 0) return true;
  int length = snprintf(columns, sizeof columns, "%llu\t%.100s\t%.3f\t%10.3f\t0\t%llu\t%d\t%d\t",
                        (unsigned long long)line->sequence, line->host, line->start, line->seconds,
                        (unsigned long long)line->received, line->exit_value, line->signal);
  size_t before = log->size, size = strlen(line->command);
  if (!append(log, columns, (size_t)length) || !append(log, line->command, size) || !append(log, "\n", 1)) {
    log->size = before;
    errno = ENOMEM;
    return false;
  }
  char *command = log->pending + log->size - 1 - size;
  for (char *at; (at = memchr(command, '\n', size)) != NULL;) *at = '\0'; /* as GNU parallel has it */
  return flush(log);
}

/* Two runs on one joblog would each do what the other has done. Where a file system has no locks, so be it. */
static bool lock(const joblog *log) {
  return flock(log->file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static bool begin(joblog *log, joblog_use use, bool appends, char message[JOBLOG_MESSAGE_SIZE]) {
  struct stat found;
  if (!lock(log)) return refuse(message, log->path, "another run is writing it");
  bool fresh = use == JOBLOG_NEW && !appends;
  if (fstat(log->file, &found) != 0) return refuse(message, log->path, strerror(errno));
  if (fresh && S_ISREG(found.st_mode) && ftruncate(log->file, 0) != 0)
    return refuse(message, log->path, strerror(errno));
  if (!fresh && S_ISREG(found.st_mode) && found.st_size > 0) return true;
  if (append(log, HEADER, sizeof HEADER - 1) && flush(log)) return true;
  return refuse(message, log->path, strerror(errno));
}

bool joblog_open(joblog *log, const char *path, joblog_use use, done *have, char message[JOBLOG_MESSAGE_SIZE]) {
  bool appends = *path == '+';
  *log = (joblog){.path = path + appends, .file = -1};
  if (use != JOBLOG_NEW && !read_back(log, use, have, message)) return false;
  log->file = strcmp(log->path, "-") == 0 ? dup(STDOUT_FILENO)
                                          : open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log->file < 0) return refuse(message, log->path, strerror(errno));
  if (begin(log, use, appends, message)) return true;
  joblog_close(log);
  return false;
}

bool joblog_close(joblog *log) {
  if (log->file < 0) return true;
  bool good = flush(log);
  int why = errno;
  fsync(log->file); /* what can't be synced, a pipe or terminal, need not be */
  if (close(log->file) != 0 && good) {
    good = false;
    why = errno;
  }
  free(log->pending);
  *log = (joblog){.file = -1};
  errno = why;
  return good;
}
