/* A journal's file to read from, through a window, so that neither a file of many gigabytes nor a disk that can't be
   read ends the program. */
#ifndef FURROW_JOURNAL_FILE_H
#define FURROW_JOURNAL_FILE_H

#include "plan/journal.h"

typedef struct furrow__journal_file {
  int fd, error; /* the errno of what failed, 0 if the file has become shorter */
  uint64_t size;
  unsigned char *window;
  uint64_t begin; /* of the bytes in the window */
  size_t filled;
} furrow__journal_file;

/* Look at an open file: its size, and memory for the window. False: `error`. */
bool furrow__journal_file_look(furrow__journal_file *file, int fd);
void furrow__journal_file_clear(furrow__journal_file *file);

/* Valid as long as `file` stays where it is. */
furrow__journal_source furrow__journal_file_source(furrow__journal_file *file);

/* Read bytes to their place. False: `error`. */
bool furrow__journal_file_read(furrow__journal_file *file, uint64_t offset, void *to, uint64_t size);

#endif
