/* The joblog: a line for each command that has ended, in GNU parallel's nine columns, so that either program can read what the other
 * has written. Knows the file and its columns. */
#ifndef FARM_JOBLOG_H
#define FARM_JOBLOG_H

#include <sys/types.h>

#include "done.h"

enum { JOBLOG_MESSAGE_SIZE = 512, JOBLOG_REMEMBERED = 256 };

typedef struct joblog {
  const char *path;
  int file;      /* -1: none */
  char *pending; /* what could not be written yet */
  size_t size, room;
  uint64_t commands[JOBLOG_REMEMBERED]; /* of an earlier run's first ones: hashes; 0: none */
} joblog;

typedef struct joblog_line {
  uint64_t sequence;
  const char *host;
  double start, seconds;
  uint64_t received;
  int exit_value, signal;
  const char *command;
} joblog_line;

typedef enum joblog_use {
  JOBLOG_NEW,           /* what stood there is gone; a path that begins with + is appended to */
  JOBLOG_RESUME,        /* is appended to; all in it are done */
  JOBLOG_RESUME_FAILED, /* the same, but for those that failed */
} joblog_use;

/* Opens it, and reads of an earlier run what is done. A last line without its end is cut off: its writer was killed. False, with a
 * message. */
bool joblog_open(joblog *log, const char *path, joblog_use use, done *have, char message[JOBLOG_MESSAGE_SIZE]);

/* At once in the file, as one piece. False, with errno, if it is not: then the next call, or joblog_close(), tries again. */
bool joblog_write(joblog *log, const joblog_line *line);

/* Whether the earlier run has done something else under this number, as far as is known. */
bool joblog_differs(const joblog *log, uint64_t sequence, const char *command);

/* False, with errno, if something is not in the file. */
bool joblog_close(joblog *log);

#endif
