/* fetch: what its files tell each other. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include <furrow.h>

#include "names.h"

enum { MOST_REDIRECTS = 10, LONGEST_URL = 65535 };

typedef struct settings {
  bool check;
  uint64_t threads, retries, timeout; /* seconds without a byte */
  double retry_delay, most_seconds;   /* of an attempt; 0: any */
  const char *output, *report;        /* report NULL: standard output */
  int folder;                         /* `output`, opened; -1 with check */
} settings;

/* A stream's item is three strings, each with its NUL: the URL, the name of its file, and why it is refused from the
 * beginning, or nothing. Its result is what came of it: */
typedef struct outcome {
  int64_t bytes; /* of the body; with --check what the server says, 0 if it doesn't */
  double seconds;
  int32_t status; /* of HTTP, at the end of all redirects; 0: there was no answer */
  uint32_t attempts;
  uint64_t good;
  char texts[]; /* the URL; then its file (with --check, the URL it has led to) or the error. Each with its NUL */
} outcome;

/* transfer.c: the task, and its worker's beginning and end; `user` is the settings. */
int transfer_url(furrow_task *task, const void *item, size_t size);
int transfer_begin(void *user, int worker, void **local);
void transfer_end(void *user, int worker, void *local);

/* The list, the report and what was counted: the stream's data, on rank 0. */
typedef struct batch {
  const settings *wanted;
  FILE *list, *report;
  char *line, *item;
  size_t line_room, item_room;
  names names;
  uint64_t good, failed, bytes;
} batch;

/* list.c: the source. */
furrow_stream_answer next_url(furrow_stream_state *state, const void **item, size_t *size);

/* report.c: the sink, and the last line, on standard error. */
furrow_stream_answer report_url(furrow_stream_state *state, const void *result, size_t size);
void print_summary(const batch *all, double seconds);

#endif
