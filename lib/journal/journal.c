#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal/file.h"
#include "journal/open.h"
#include "journal/writer.h"

struct furrow__journal {
  char *path;
  const char *shown; /* of the path, in messages */
  furrow__journal_file file;
  furrow__journal_index index;
  furrow__journal_writer writer;
  furrow__journal_key current; /* of the operation that has begun; its label is the index's */
  furrow__span *spans;
  uint64_t span_count;
  furrow__journal_entry *nodes;
  uint64_t node_count;
  furrow__journal_entry *items; /* of a stream */
  uint64_t item_count;
};

static furrow_status no_memory(char *message) {
  snprintf(message, FURROW_MESSAGE_SIZE, "no memory for the journal");
  return FURROW_E_NOMEM;
}

/* ---- open and close ---- */

static furrow_status read_failed(const furrow__journal *journal, char *message) {
  snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: reading failed: %s", journal->shown,
           journal->file.error ? strerror(journal->file.error) : "it has become shorter");
  return FURROW_E_IO;
}

/* Everything in it checks, but for a torn tail, which is cut. */
static furrow_status check(furrow__journal *journal, char *message) {
  const char *path = journal->shown;
  furrow__journal_reading reading = furrow__journal_read(furrow__journal_file_source(&journal->file), &journal->index);
  switch (reading.state) {
    case FURROW__READ_NO_MEMORY:
      return no_memory(message);
    case FURROW__READ_FAILED:
      return read_failed(journal, message);
    case FURROW__READ_FOREIGN:
      snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: %s; it was left as it is", path, reading.reason);
      return FURROW_E_IO;
    case FURROW__READ_DAMAGED:
      snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: damaged at byte %" PRIu64 ": %s; it was left as it is", path,
               reading.offset, reading.reason);
      return FURROW_E_IO;
    case FURROW__READ_TORN:
      if (ftruncate(journal->file.fd, (off_t)reading.offset) == 0) break;
      snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: cutting its torn tail failed: %s", path, strerror(errno));
      return FURROW_E_IO;
    case FURROW__READ_WHOLE:
      break;
  }
  journal->file.size = reading.offset;
  return FURROW_OK;
}

/* What stands before the first record that this run adds: the head of a new file, and the run. */
static furrow_status start_writer(furrow__journal *journal, char *message) {
  unsigned char bytes[FURROW__JOURNAL_HEAD + FURROW__RECORD_HEAD + FURROW__RUN_MOST + 8] = {0};
  size_t head = journal->file.size == 0 ? FURROW__JOURNAL_HEAD : 0;
  if (head) furrow__journal_head(bytes);
  unsigned char *payload = bytes + head + FURROW__RECORD_HEAD;
  furrow__record record = {.kind = FURROW__RECORD_RUN, .offset = journal->file.size + head};
  record.length = furrow__journal_describe_run(payload);
  record.payload_sum = furrow__hash64(payload, record.length);
  furrow__record_encode(&record, bytes + head);
  size_t length = head + (size_t)furrow__record_size(record.length);
  furrow_status status = furrow__journal_writer_start(&journal->writer, journal->shown, journal->file.fd,
                                                      journal->file.size, bytes, length);
  return status == FURROW_OK ? status : no_memory(message);
}

static void free_journal(furrow__journal *journal) {
  furrow__journal_end(journal);
  furrow__journal_index_clear(&journal->index);
  furrow__journal_file_clear(&journal->file);
  if (journal->file.fd >= 0) close(journal->file.fd);
  free(journal->path);
  free(journal);
}

furrow_status furrow__journal_open(const char *path, furrow__journal **out, char *message) {
  *out = NULL;
  furrow__journal *journal = calloc(1, sizeof *journal);
  if (!journal) return no_memory(message);
  journal->file.fd = -1;
  size_t length = strlen(path) + 1;
  journal->path = malloc(length);
  if (journal->path) memcpy(journal->path, path, length);
  furrow_status status = journal->path ? FURROW_OK : no_memory(message);
  if (journal->path) journal->shown = furrow__journal_shown(journal->path);
  int fd = -1;
  if (status == FURROW_OK) status = furrow__journal_open_locked(path, &fd, message);
  if (status == FURROW_OK && !furrow__journal_file_look(&journal->file, fd))
    status = journal->file.error == ENOMEM ? no_memory(message) : read_failed(journal, message);
  if (status == FURROW_OK) status = check(journal, message);
  if (status == FURROW_OK) status = start_writer(journal, message);
  if (status == FURROW_OK)
    *out = journal;
  else
    free_journal(journal);
  return status;
}

furrow_status furrow__journal_close(furrow__journal **journal, char *message) {
  if (!*journal) return FURROW_OK;
  furrow_status status = furrow__journal_writer_stop(&(*journal)->writer);
  if (status != FURROW_OK) snprintf(message, FURROW_MESSAGE_SIZE, "%s", (*journal)->writer.message);
  free_journal(*journal);
  *journal = NULL;
  return status;
}

/* ---- operations ---- */

/* Also in the index, so that nobody begins it twice. */
static furrow_status append_operation(furrow__journal *journal, const furrow__journal_key *key, char *message) {
  unsigned char payload[FURROW__KEY_MOST];
  furrow__record record = {.kind = FURROW__RECORD_OPERATION, .operation = key->number};
  record.length = furrow__journal_key_encode(key, payload);
  const char *wrong = furrow__journal_index_add(&journal->index, &record, payload, NULL);
  if (wrong == FURROW__NO_MEMORY) return no_memory(message);
  furrow_status status = FURROW_E_ARG;
  if (wrong)
    snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: %s", journal->shown, wrong);
  else
    status = furrow__journal_writer_add(&journal->writer, record, payload);
  if (!wrong && status != FURROW_OK) snprintf(message, FURROW_MESSAGE_SIZE, "%s", journal->writer.message);
  return status;
}

/* False: no memory. */
static bool find_finished(furrow__journal *journal, const furrow__journal_operation *known) {
  if (known->key.kind == FURROW__JOURNAL_STREAM)
    return furrow__journal_items_of(known, &journal->items, &journal->item_count);
  return furrow__journal_finished_of(known, &journal->spans, &journal->span_count) &&
         (!known->key.leaf || furrow__journal_largest_nodes(known, &journal->nodes, &journal->node_count));
}

furrow_status furrow__journal_begin(furrow__journal *journal, const furrow__journal_key *key, char *message) {
  furrow__journal_end(journal);
  if (key->label_length > FURROW__LABEL_MOST) {
    snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: a label may have %d bytes, this one has %" PRIu64,
             journal->shown, FURROW__LABEL_MOST, key->label_length);
    return FURROW_E_ARG;
  }
  furrow__journal_operation *known = furrow__journal_find(&journal->index, key->number);
  if (!known) {
    furrow_status status = append_operation(journal, key, message);
    if (status == FURROW_OK) journal->current = furrow__journal_find(&journal->index, key->number)->key;
    return status;
  }
  char difference[FURROW_MESSAGE_SIZE];
  if (furrow__journal_key_differs(&known->key, key, difference, sizeof difference)) {
    snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: %.160s", journal->shown, difference);
    return FURROW_E_ARG;
  }
  journal->current = known->key;
  if (find_finished(journal, known)) return FURROW_OK;
  furrow__journal_end(journal);
  return no_memory(message);
}

void furrow__journal_end(furrow__journal *journal) {
  free(journal->spans);
  free(journal->nodes);
  free(journal->items);
  journal->spans = NULL;
  journal->nodes = journal->items = NULL;
  journal->span_count = journal->node_count = journal->item_count = 0;
}

uint64_t furrow__journal_finished(const furrow__journal *journal, const furrow__span **spans) {
  *spans = journal->spans;
  return journal->span_count;
}

uint64_t furrow__journal_nodes(const furrow__journal *journal, const furrow__journal_entry **nodes) {
  *nodes = journal->nodes;
  return journal->node_count;
}

uint64_t furrow__journal_items(const furrow__journal *journal, const furrow__journal_entry **records) {
  *records = journal->items;
  return journal->item_count;
}

const char *furrow__journal_name(const furrow__journal *journal) {
  return journal->shown;
}

/* ---- loading ---- */

static furrow_status changed(const furrow__journal *journal, uint64_t offset, char *message) {
  snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: damaged at byte %" PRIu64 " while it was open", journal->shown,
           offset);
  return FURROW_E_IO;
}

/* Read a payload to its place, many small ones by one call. It was checked when the journal was opened; it is checked
   again, since a hash costs less than the reading. */
static furrow_status load(furrow__journal *journal, const furrow__journal_entry *entry, void *to, uint64_t length,
                          char *message) {
  furrow__journal_source source = furrow__journal_file_source(&journal->file);
  bool small = length <= FURROW__JOURNAL_VIEW - FURROW__RECORD_HEAD;
  size_t want = FURROW__RECORD_HEAD + (small ? (size_t)length : 0);
  const unsigned char *head = source.view(source.context, entry->offset, want);
  if (!head) return read_failed(journal, message);
  furrow__record record;
  if (!furrow__record_decode(head, &record) || record.offset != entry->offset || record.length != length ||
      record.first != entry->first || record.count != entry->count)
    return changed(journal, entry->offset, message);
  if (small && length > 0) memcpy(to, head + FURROW__RECORD_HEAD, (size_t)length);
  if (!small && !furrow__journal_file_read(&journal->file, entry->offset + FURROW__RECORD_HEAD, to, length))
    return read_failed(journal, message);
  return furrow__record_matches(&record, to) ? FURROW_OK : changed(journal, entry->offset, message);
}

furrow_status furrow__journal_distrust(const furrow__journal *journal, const furrow__journal_entry *entry,
                                       const char *why, char *message) {
  snprintf(message, FURROW_MESSAGE_SIZE, "journal %s: damaged at byte %" PRIu64 ": %s", journal->shown, entry->offset,
           why);
  return FURROW_E_IO;
}

furrow_status furrow__journal_load_items(furrow__journal *journal, const furrow__journal_entry *entry,
                                         furrow__record *record, unsigned char **payload, char *message) {
  furrow__journal_source source = furrow__journal_file_source(&journal->file);
  const unsigned char *head = source.view(source.context, entry->offset, FURROW__RECORD_HEAD);
  if (!head) return read_failed(journal, message);
  if (!furrow__record_decode(head, record) || record->length > source.size)
    return changed(journal, entry->offset, message);
  *payload = malloc((size_t)record->length + 1);
  if (!*payload) return no_memory(message);
  furrow_status status = load(journal, entry, *payload, record->length, message);
  if (status != FURROW_OK) free(*payload);
  return status;
}

furrow_status furrow__journal_load_results(furrow__journal *journal, void *results, char *message) {
  const furrow__journal_operation *operation = furrow__journal_find(&journal->index, journal->current.number);
  uint64_t size = operation->key.result_size;
  furrow_status status = FURROW_OK;
  for (uint64_t i = 0; size > 0 && i < operation->entry_count && status == FURROW_OK; i++) {
    const furrow__journal_entry *entry = &operation->entries[i];
    status = load(journal, entry, (char *)results + entry->first * size, entry->count * size, message);
  }
  return status;
}

furrow_status furrow__journal_load_node(furrow__journal *journal, const furrow__journal_entry *node, void *accumulator,
                                        char *message) {
  return load(journal, node, accumulator, journal->current.result_size, message);
}

/* ---- appending ---- */

/* A record that made no sense would spoil the journal for good. */
static furrow_status append(furrow__journal *journal, furrow__record record, const void *payload) {
  furrow__span span;
  record.operation = journal->current.number;
  if (furrow__record_span(&record, &journal->current, &span)) return FURROW_E_ARG;
  return furrow__journal_writer_add(&journal->writer, record, payload);
}

furrow_status furrow__journal_append_results(furrow__journal *journal, uint64_t first, uint64_t count,
                                             const void *results) {
  furrow__record record = {.kind = FURROW__RECORD_RESULTS, .first = first, .count = count};
  record.length = count * journal->current.result_size;
  return append(journal, record, results);
}

furrow_status furrow__journal_append_node(furrow__journal *journal, uint64_t index, uint32_t level,
                                          const void *accumulator) {
  furrow__record record = {.kind = FURROW__RECORD_NODE, .first = index, .count = level};
  record.length = journal->current.result_size;
  return append(journal, record, accumulator);
}

furrow_status furrow__journal_append_items(furrow__journal *journal, uint64_t first, uint64_t count,
                                           const void *payload, uint64_t length) {
  if (journal->current.kind != FURROW__JOURNAL_STREAM) return FURROW_E_ARG;
  furrow__record record = {.kind = FURROW__RECORD_ITEMS,
                           .length = length,
                           .operation = journal->current.number,
                           .first = first,
                           .count = count};
  return furrow__journal_writer_add(&journal->writer, record, payload);
}

furrow_status furrow__journal_status(const furrow__journal *journal) {
  return (furrow_status)atomic_load_explicit(&journal->writer.status, memory_order_acquire);
}

const char *furrow__journal_message(const furrow__journal *journal) {
  return journal->writer.message;
}

furrow_status furrow__journal_flush(furrow__journal *journal) {
  return furrow__journal_writer_flush(&journal->writer);
}

int furrow__journal_fd(const furrow__journal *journal) {
  return journal->file.fd;
}

/* ---- fork ---- */

void furrow__journal_before_fork(furrow__journal *journal) {
  pthread_mutex_lock(&journal->writer.mutex);
}

void furrow__journal_after_fork(furrow__journal *journal) {
  pthread_mutex_unlock(&journal->writer.mutex);
}

void furrow__journal_leave(furrow__journal *journal) {
  close(journal->file.fd);
}
