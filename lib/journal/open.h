/* Opening a journal's file for writing, alone; and what a run says of itself in it. Knows the file system and this
   process. */
#ifndef FURROW_JOURNAL_OPEN_H
#define FURROW_JOURNAL_OPEN_H

#include "furrow/status.h"
#include "plan/journal.h"

/* The end of a path, as much of it as leaves room for the rest of a message. */
const char *furrow__journal_shown(const char *path);

/* Open it, create it if it is missing, and lock it. On failure (FURROW_E_IO) there is a message and no descriptor. */
furrow_status furrow__journal_open_locked(const char *path, int *fd, char *message);

/* The payload of this run's RUN; returns its length. */
size_t furrow__journal_describe_run(unsigned char payload[FURROW__RUN_MOST]);

#endif
