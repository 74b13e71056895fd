/* What lists of checksums name, line by line: the source of --check, on rank 0. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Read so many bytes of a digest; what stands behind it, or NULL. */
static char *read_digest(char *text, unsigned char *digest, size_t size) {
  for (size_t i = 0; i < size; i++, text += 2) {
    int high = hex_value(text[0]), low = high < 0 ? -1 : hex_value(text[1]);
    if (low < 0) return NULL;
    digest[i] = (unsigned char)(16 * high + low);
  }
  return text;
}

/* Undo the escapes of a name, in place. */
static bool unescape(char *name) {
  char *to = name;
  for (; *name; name++) {
    if (*name != '\\') {
      *to++ = *name;
      continue;
    }
    name++;
    if (*name != 'n' && *name != 'r' && *name != '\\') return false;
    *to++ = (char)(*name == 'n' ? '\n' : *name == 'r' ? '\r' : '\\');
  }
  *to = '\0';
  return true;
}

/* "DIGEST  NAME" or "DIGEST *NAME"; a backslash before it says that the name has escapes. The name, or NULL. */
static char *read_line(char *line, unsigned char *digest, size_t size) {
  bool escaped = *line == '\\';
  char *name = read_digest(line + escaped, digest, size);
  if (!name || name[0] != ' ' || (name[1] != ' ' && name[1] != '*') || name[2] == '\0') return NULL;
  name += 2;
  return escaped && !unescape(name) ? NULL : name;
}

static bool open_list(work *job) {
  const char *name = job->words[job->next];
  job->list = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
  job->lines = 0;
  if (!job->list) complain(job, name, strerror(errno));
  return job->list != NULL;
}

static void close_list(work *job) {
  const char *name = job->words[job->next];
  if (ferror(job->list))
    complain(job, name, strerror(errno));
  else if (job->lines == 0)
    complain(job, name, "no properly formatted checksum lines found");
  if (job->list != stdin) fclose(job->list);
  job->list = NULL;
}

/* The next line of all lists, without its end; NULL if there is none. */
static char *get_line(work *job) {
  for (; job->next < job->count; job->next++) {
    if (!job->list && !open_list(job)) continue;
    ssize_t length = getline(&job->line, &job->line_room, job->list);
    if (length >= 0) {
      if (length > 0 && job->line[length - 1] == '\n') job->line[--length] = '\0';
      if (length > 0 && job->line[length - 1] == '\r') job->line[--length] = '\0';
      return job->line;
    }
    close_list(job);
  }
  return NULL;
}

furrow_stream_answer next_line(furrow_stream_state *state, const void **item, size_t *size) {
  work *job = state->data;
  for (char *line; (line = get_line(job));) {
    if (*line == '\0' || *line == '#') continue;
    unsigned char digest[MOST_DIGEST];
    const char *name = read_line(line, digest, digest_size(job->wanted));
    if (!name) {
      job->refused++;
      continue;
    }
    job->lines++;
    if (!record_set(&job->item, name, size)) return furrow_stream_fail(state, "%s", strerror(ENOMEM));
    memcpy(job->item.record->wanted, digest, digest_size(job->wanted));
    *item = job->item.record;
    return strcmp(name, "-") == 0 ? hash_standard_input(state, *size, item, size) : FURROW_STREAM_NEXT;
  }
  return FURROW_STREAM_END;
}
