/* Everything but `status` and `message` is under `mutex`, and no system call but the waits is made with it held. `end`
   grows as records are given; `written` follows it, by the writer alone, which alone writes to the file; `synced`
   follows that. Between them stand, in this order, what the writer has taken, the buffer, and one large record.

   Nobody waits forever: givers wait until `written` moves, and it does as long as something is between it and `end`,
   unless a write fails, which all of them look at. The writer sleeps without a timeout when there is nothing, and the
   syncer when all that is written is synced.

   `status` is stored behind `message` (release) and never again; who reads it (acquire) may read the message. */
#include "journal/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

static const uint64_t WRITE_AFTER = UINT64_C(100000000), SYNC_AFTER = UINT64_C(5000000000); /* ns */
enum {
  WRITE_AT = 1 << 20, /* bytes in the buffer that are written at once; a larger record does not go through it */
  MOST_PENDING = 8 << 20,
  BUFFER = MOST_PENDING + WRITE_AT + FURROW__JOURNAL_VIEW, /* a record and the prologue may come on top */
};

static void lock(furrow__journal_writer *w) {
  pthread_mutex_lock(&w->mutex);
}

static void unlock(furrow__journal_writer *w) {
  pthread_mutex_unlock(&w->mutex);
}

static bool failed(const furrow__journal_writer *w) {
  return atomic_load_explicit(&w->status, memory_order_acquire) != FURROW_OK;
}

/* The first failure stays. With the mutex. `error`: an errno, or 0. */
static void fail(furrow__journal_writer *w, const char *what, int error) {
  if (failed(w)) return;
  snprintf(w->message, sizeof w->message, "journal %s: %s%s%s", w->path, what, error ? ": " : "",
           error ? strerror(error) : "");
  atomic_store_explicit(&w->status, FURROW_E_IO, memory_order_release);
  pthread_cond_broadcast(&w->room);
}

static void wait_until(furrow__journal_writer *w, pthread_cond_t *cond, uint64_t when) {
  struct timespec at = {(time_t)(when / 1000000000u), (long)(when % 1000000000u)};
  pthread_cond_timedwait(cond, &w->mutex, &at);
}

/* ---- giving ---- */

static void put(furrow__journal_writer *w, const void *bytes, size_t size) {
  if (size) memcpy(w->buffers[w->filling] + w->used, bytes, size);
  w->used += size;
  w->end += size;
}

static const unsigned char ZEROS[8];

static size_t padding_of(uint64_t length) {
  return (size_t)(-length & 7);
}

/* A record of any size is let in when nothing is pending. */
static bool fits(const furrow__journal_writer *w, uint64_t size) {
  uint64_t pending = w->end - w->written;
  return !w->large && (pending == 0 || size > WRITE_AT || pending + size <= MOST_PENDING);
}

static void put_large(furrow__journal_writer *w, const unsigned char *head, const furrow__record *record,
                      const void *payload) {
  furrow__large_record large = {head, payload, record->length};
  /* cppcheck-suppress autoVariables ; nobody has it any more when this returns */
  w->large = &large;
  w->end += furrow__record_size(record->length);
  uint64_t mine = w->end;
  pthread_cond_signal(&w->work);
  while (!failed(w) && w->written < mine) pthread_cond_wait(&w->room, &w->mutex);
  while (w->large == &large) pthread_cond_wait(&w->room, &w->mutex); /* it failed before: the writer lets go of it */
}

furrow_status furrow__journal_writer_add(furrow__journal_writer *w, furrow__record record, const void *payload) {
  unsigned char head[FURROW__RECORD_HEAD];
  uint64_t size = furrow__record_size(record.length);
  record.payload_sum = furrow__hash64(payload, record.length);
  lock(w);
  while (!failed(w) && !fits(w, size)) pthread_cond_wait(&w->room, &w->mutex);
  if (!failed(w)) {
    size_t before = w->used;
    if (before == 0) w->oldest = furrow__now();
    if (w->prologue) put(w, w->prologue, w->prologue_length);
    free(w->prologue);
    w->prologue = NULL;
    record.offset = w->end;
    furrow__record_encode(&record, head);
    if (size > WRITE_AT) {
      put_large(w, head, &record, payload);
    } else {
      put(w, head, sizeof head);
      put(w, payload, (size_t)record.length);
      put(w, ZEROS, padding_of(record.length));
      if (before == 0 || (before < WRITE_AT && w->used >= WRITE_AT)) pthread_cond_signal(&w->work);
    }
  }
  furrow_status status = failed(w) ? FURROW_E_IO : FURROW_OK;
  unlock(w);
  return status;
}

/* ---- writing ---- */

/* Returns 0 or an errno; *done grows by what was written. */
static int write_all(int fd, const void *bytes, size_t size, uint64_t offset, uint64_t *done) {
  const unsigned char *from = bytes;
  while (size > 0) {
    ssize_t wrote = pwrite(fd, from, size, (off_t)offset);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : EIO;
    from += wrote;
    size -= (size_t)wrote;
    offset += (uint64_t)wrote;
    *done += (uint64_t)wrote;
  }
  return 0;
}

/* Of `done` bytes of a buffer, those that are whole records. */
static uint64_t whole_part(const unsigned char *bytes, uint64_t offset, uint64_t done) {
  uint64_t whole = offset == 0 ? FURROW__JOURNAL_HEAD : 0;
  if (done < whole) return 0;
  for (furrow__record record; done - whole >= FURROW__RECORD_HEAD;) {
    if (!furrow__record_decode(bytes + whole, &record) || furrow__record_size(record.length) > done - whole) break;
    whole += furrow__record_size(record.length);
  }
  return whole;
}

typedef struct batch {
  const unsigned char *bytes;
  size_t size;
  const furrow__large_record *large;
} batch;

/* Write it behind `offset`; *whole: the whole records that are in the file then. What is behind them is cut off. */
static int write_batch(int fd, const batch *what, uint64_t offset, uint64_t *whole) {
  uint64_t done = 0;
  int error = write_all(fd, what->bytes, what->size, offset, &done);
  *whole = error ? whole_part(what->bytes, offset, done) : what->size;
  if (!error && what->large) {
    const furrow__large_record *large = what->large;
    error = write_all(fd, large->head, FURROW__RECORD_HEAD, offset + done, &done);
    if (!error) error = write_all(fd, large->payload, (size_t)large->length, offset + done, &done);
    if (!error) error = write_all(fd, ZEROS, padding_of(large->length), offset + done, &done);
    if (!error) *whole = done;
  }
  /* If this fails too, there is a torn tail, which the next run cuts. */
  if (error && done > *whole && ftruncate(fd, (off_t)(offset + *whole)) != 0) return error;
  return error;
}

static void write_pending(furrow__journal_writer *w) {
  batch next = {w->buffers[w->filling], w->used, w->large};
  uint64_t offset = w->written, whole = 0;
  w->filling ^= 1;
  w->used = 0;
  w->hurry = false;
  unlock(w);
  int error = write_batch(w->fd, &next, offset, &whole);
  lock(w);
  if (w->written == w->synced && whole > 0) {
    w->dirty_since = furrow__now();
    pthread_cond_signal(&w->dirty);
  }
  w->written += whole;
  if (error) fail(w, "writing failed", error);
  if (next.large) w->large = NULL;
  pthread_cond_broadcast(&w->room);
}

static bool has_to_write(const furrow__journal_writer *w) {
  if (w->used >= WRITE_AT || w->large) return true;
  return w->used > 0 && (w->hurry || w->quit || furrow__now() >= w->oldest + WRITE_AFTER);
}

static void *write_on(void *argument) {
  furrow__journal_writer *w = argument;
  lock(w);
  for (;;) {
    if (failed(w)) w->used = 0;
    if (failed(w) && w->large) {
      w->large = NULL;
      pthread_cond_broadcast(&w->room);
    }
    if (has_to_write(w))
      write_pending(w);
    else if (w->used > 0)
      wait_until(w, &w->work, w->oldest + WRITE_AFTER);
    else if (w->quit)
      break;
    else
      pthread_cond_wait(&w->work, &w->mutex);
  }
  unlock(w);
  return NULL;
}

/* ---- syncing ---- */

/* What has become of the file: the next run must find what is written now. NULL: nothing. */
static const char *what_happened(const furrow__journal_writer *w, uint64_t written) {
  struct stat about;
  if (fstat(w->fd, &about) != 0) return NULL;
  if (about.st_nlink == 0) return "it was deleted or replaced while it was open";
  return (uint64_t)about.st_size < written ? "it has become shorter while it was open" : NULL;
}

/* With the mutex, which is released meanwhile. */
static void sync_written(furrow__journal_writer *w) {
  uint64_t written = w->written;
  w->dirty_since = furrow__now(); /* what is written from now on */
  unlock(w);
  int error = fdatasync(w->fd) == 0 ? 0 : errno;
  const char *happened = what_happened(w, written);
  lock(w);
  if (error)
    fail(w, "bringing it to the disk failed", error);
  else if (happened)
    fail(w, happened, 0);
  else if (w->synced < written)
    w->synced = written;
}

static void *sync_on(void *argument) {
  furrow__journal_writer *w = argument;
  lock(w);
  while (!w->quit) {
    if (failed(w) || w->written == w->synced)
      pthread_cond_wait(&w->dirty, &w->mutex);
    else if (furrow__now() < w->dirty_since + SYNC_AFTER)
      wait_until(w, &w->dirty, w->dirty_since + SYNC_AFTER);
    else
      sync_written(w);
  }
  unlock(w);
  return NULL;
}

furrow_status furrow__journal_writer_flush(furrow__journal_writer *w) {
  lock(w);
  uint64_t end = w->end;
  while (!failed(w) && w->written < end) {
    w->hurry = true;
    pthread_cond_signal(&w->work);
    pthread_cond_wait(&w->room, &w->mutex);
  }
  if (!failed(w) && w->synced < end) sync_written(w);
  furrow_status status = failed(w) ? FURROW_E_IO : FURROW_OK;
  unlock(w);
  return status;
}

/* ---- start and stop ---- */

static void start_conds(furrow__journal_writer *w) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->work, &attributes);
  pthread_cond_init(&w->dirty, &attributes);
  pthread_cond_init(&w->room, NULL);
  pthread_condattr_destroy(&attributes);
}

static void free_all(furrow__journal_writer *w) {
  pthread_cond_destroy(&w->work);
  pthread_cond_destroy(&w->dirty);
  pthread_cond_destroy(&w->room);
  pthread_mutex_destroy(&w->mutex);
  free(w->prologue);
  free(w->buffers[0]);
  free(w->buffers[1]);
}

static void stop_thread(furrow__journal_writer *w, pthread_t thread) {
  lock(w);
  w->quit = true;
  pthread_cond_signal(&w->work);
  pthread_cond_signal(&w->dirty);
  unlock(w);
  pthread_join(thread, NULL);
}

/* The kernel gives memory to the buffers as they fill. */
furrow_status furrow__journal_writer_start(furrow__journal_writer *w, const char *path, int fd, uint64_t end,
                                           const void *prologue, size_t prologue_length) {
  *w = (furrow__journal_writer){.path = path, .fd = fd, .prologue_length = prologue_length};
  w->end = w->written = w->synced = end;
  start_conds(w);
  w->prologue = malloc(prologue_length);
  w->buffers[0] = malloc(BUFFER);
  w->buffers[1] = malloc(BUFFER);
  if (!w->prologue || !w->buffers[0] || !w->buffers[1]) goto failed;
  memcpy(w->prologue, prologue, prologue_length);
  /* There all signals are blocked: SIGXFSZ, of a write beyond RLIMIT_FSIZE, stays pending, and the write fails. */
  if (!furrow__thread_start(&w->writer, write_on, w)) goto failed;
  if (furrow__thread_start(&w->syncer, sync_on, w)) return FURROW_OK;
  stop_thread(w, w->writer);
failed:
  free_all(w);
  return FURROW_E_NOMEM;
}

furrow_status furrow__journal_writer_stop(furrow__journal_writer *w) {
  furrow_status status = furrow__journal_writer_flush(w);
  stop_thread(w, w->writer);
  stop_thread(w, w->syncer);
  free_all(w);
  return status;
}
