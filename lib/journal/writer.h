/* Appends records to an open file: many threads give, one thread writes, another one syncs. Knows records and one
   descriptor; does not know what the records say. */
#ifndef FURROW_JOURNAL_WRITER_H
#define FURROW_JOURNAL_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "furrow/status.h"
#include "plan/journal.h"

/* A record that is written from its owner's memory, since it is large. */
typedef struct furrow__large_record {
  const unsigned char *head;
  const void *payload;
  uint64_t length;
} furrow__large_record;

typedef struct furrow__journal_writer {
  const char *path; /* for messages; borrowed */
  int fd;
  pthread_mutex_t mutex;
  pthread_cond_t work, room, dirty; /* the writer's, the givers', the syncer's */
  pthread_t writer, syncer;
  unsigned char *prologue; /* stands before the first record that is given; NULL once it does */
  size_t prologue_length;
  unsigned char *buffers[2]; /* one is filled while the other is written */
  int filling;
  size_t used;                       /* of the one that is filled */
  uint64_t oldest;                   /* when its first byte came */
  const furrow__large_record *large; /* stands behind all that is in the buffer */
  uint64_t end, written, synced;     /* of the file, when all is written; how much is; how much is on the disk */
  uint64_t dirty_since;              /* when the first byte that is not synced was written */
  bool hurry, quit;
  _Atomic int status;                /* a furrow_status; set once */
  char message[FURROW_MESSAGE_SIZE]; /* before it */
} furrow__journal_writer;

/* Start behind `end` bytes of a file. `prologue` is copied. `path` and `fd` are the caller's. Fails with FURROW_E_NOMEM
   and leaves nothing behind then. */
furrow_status furrow__journal_writer_start(furrow__journal_writer *writer, const char *path, int fd, uint64_t end,
                                           const void *prologue, size_t prologue_length);

/* Append a record; its offset and its payload's checksum are set here. Any thread. FURROW_E_IO: a write failed. */
furrow_status furrow__journal_writer_add(furrow__journal_writer *writer, furrow__record record, const void *payload);

/* Everything that was added is on the disk, or FURROW_E_IO. */
furrow_status furrow__journal_writer_flush(furrow__journal_writer *writer);

/* Flush and free. */
furrow_status furrow__journal_writer_stop(furrow__journal_writer *writer);

#endif
