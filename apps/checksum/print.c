/* What came of each file, in the form of sha256sum: the sinks, on rank 0. */
#include <errno.h>
#include <string.h>

#include "checksum.h"

/* A name that would spoil its line: each of these characters becomes two. */
static const char ODD[] = "\\\n\r";

static void print_escaped(FILE *stream, const char *name) {
  for (; *name; name++) {
    const char *odd = strchr(ODD, *name);
    if (odd) putc('\\', stream);
    putc(odd ? "\\nr"[odd - ODD] : *name, stream);
  }
}

void complain(work *job, const char *name, const char *why) {
  fputs("checksum: ", stderr);
  print_escaped(stderr, name);
  fprintf(stderr, ": %s\n", why);
  job->failed = true;
}

/* Nobody reads on, or the disk is full: no use in hashing the rest. */
static furrow_stream_answer look_at_output(furrow_stream_state *state) {
  if (!ferror(stdout)) return FURROW_STREAM_NEXT;
  return furrow_stream_fail(state, "standard output: %s", errno ? strerror(errno) : "write error");
}

static void put_hex(const unsigned char *digest, size_t size) {
  char text[2 * MOST_DIGEST] = {0};
  for (size_t i = 0; i < size; i++) {
    text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  fwrite(text, 1, 2 * size, stdout);
}

/* With FURROW_ON_ERROR=continue even a task that has died costs no more than its line. Which file it was nobody knows. */
static furrow_stream_answer tell_loss(furrow_stream_state *state) {
  char name[32];
  snprintf(name, sizeof name, "file %llu", (unsigned long long)state->index + 1);
  complain(state->data, name, state->failure->message);
  return FURROW_STREAM_NEXT;
}

furrow_stream_answer print_digest(furrow_stream_state *state, const void *result, size_t size) {
  work *job = state->data;
  const record *file = result;
  (void)size;
  if (!file) return tell_loss(state);
  if (!file->hashed) {
    complain(job, file->name, strerror(file->error));
    return FURROW_STREAM_NEXT;
  }
  bool odd = strpbrk(file->name, ODD) != NULL;
  if (odd) putchar('\\');
  put_hex(file->digest, digest_size(job->wanted));
  fputs("  ", stdout);
  if (odd)
    print_escaped(stdout, file->name);
  else
    fputs(file->name, stdout);
  putchar('\n');
  return look_at_output(state);
}

furrow_stream_answer print_verdict(furrow_stream_state *state, const void *result, size_t size) {
  work *job = state->data;
  const record *file = result;
  (void)size;
  if (!file) return tell_loss(state);
  const char *verdict = "OK";
  if (!file->hashed) {
    complain(job, file->name, strerror(file->error));
    verdict = "FAILED open or read";
    job->unreadable++;
  } else if (memcmp(file->digest, file->wanted, digest_size(job->wanted)) != 0) {
    verdict = "FAILED";
    job->mismatches++;
    job->failed = true;
  } else if (job->wanted->quiet) {
    return FURROW_STREAM_NEXT;
  }
  if (strchr(file->name, '\n')) { /* only this, as sha256sum --check does */
    putchar('\\');
    print_escaped(stdout, file->name);
  } else {
    fputs(file->name, stdout);
  }
  printf(": %s\n", verdict);
  return look_at_output(state);
}

static void warn(uint64_t count, const char *one, const char *more) {
  if (count > 0) fprintf(stderr, "checksum: WARNING: %llu %s\n", (unsigned long long)count, count == 1 ? one : more);
}

void print_warnings(const work *job) {
  warn(job->refused, "line is improperly formatted", "lines are improperly formatted");
  warn(job->unreadable, "listed file could not be read", "listed files could not be read");
  warn(job->mismatches, "computed checksum did NOT match", "computed checksums did NOT match");
}
