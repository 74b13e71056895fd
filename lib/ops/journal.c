/* The public reader of journals. Knows the index of a journal; writes nothing. */
#include "furrow/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "journal/file.h"
#include "journal/index.h"

struct furrow_journal {
  furrow__journal_index index; /* has the texts */
  furrow_journal_summary summary;
  furrow_journal_run *runs;
  furrow_journal_operation *operations;
  char reason[FURROW_MESSAGE_SIZE];
};

/* ---- what was read, in public words ---- */

/* Each argument ends with '\0', but for the last one if it was cut. */
static bool describe_run(const furrow__journal_run *from, furrow_journal_run *run) {
  const char *end = from->arguments + from->arguments_length;
  uint64_t count = 0;
  for (const char *at = from->arguments; at < end; at += strlen(at) + 1) count++;
  char *host = strndup(from->host, from->host_length), *version = strndup(from->version, from->version_length);
  const char **arguments = calloc(count + 1, sizeof *arguments);
  *run = (furrow_journal_run){(double)from->time * 1e-9, from->process, host, version, count, arguments};
  if (!host || !version || !arguments) return false;
  const char *at = from->arguments;
  for (uint64_t i = 0; i < count; i++, at += strlen(at) + 1) arguments[i] = at;
  return true;
}

static bool describe_operation(const furrow__journal_operation *from, furrow_journal_operation *operation) {
  const furrow__journal_key *key = &from->key;
  furrow__span *spans;
  uint64_t count, finished = from->results;
  if (!furrow__journal_finished_of(from, &spans, &count)) return false;
  for (uint64_t i = 0; i < count; i++) {
    furrow__span tasks = key->leaf ? furrow__journal_tasks(key, spans[i]) : spans[i];
    finished += tasks.end - tasks.begin;
  }
  free(spans);
  *operation = (furrow_journal_operation){
      .number = key->number,
      .function = furrow__journal_op_name(key->kind),
      .label = key->label,
      .count = key->count,
      .finished = finished,
      .item_size = key->item_size,
      .result_size = key->result_size,
      .leaf = key->leaf,
      .seed = key->seed,
      .series = key->series,
      .records = from->entry_count,
      .bytes = from->bytes,
  };
  return true;
}

static bool describe_all(furrow_journal *journal) {
  furrow__journal_index *index = &journal->index;
  furrow_journal_summary *summary = &journal->summary;
  summary->records = index->records;
  journal->runs = calloc(index->run_count + 1, sizeof *journal->runs);
  journal->operations = calloc(index->operation_count + 1, sizeof *journal->operations);
  if (!journal->runs || !journal->operations) return false;
  for (; summary->operations < index->operation_count; summary->operations++)
    if (!describe_operation(&index->operations[summary->operations], &journal->operations[summary->operations]))
      return false;
  while (summary->runs < index->run_count) {
    uint64_t i = summary->runs++; /* close() frees what it has */
    if (!describe_run(&index->runs[i], &journal->runs[i])) return false;
  }
  return true;
}

/* ---- reading ---- */

static furrow_status settle(furrow_journal *journal, furrow_journal_state state, const char *reason) {
  journal->summary.state = state;
  furrow__text_copy(journal->reason, sizeof journal->reason, reason);
  return state <= FURROW_JOURNAL_TORN ? FURROW_OK : FURROW_E_IO;
}

static furrow_status settle_reading(furrow_journal *journal, const furrow__journal_reading *reading, int error) {
  journal->summary.offset = reading->offset;
  switch (reading->state) {
    case FURROW__READ_TORN:
      return settle(journal, FURROW_JOURNAL_TORN, reading->reason);
    case FURROW__READ_DAMAGED:
      return settle(journal, FURROW_JOURNAL_DAMAGED, reading->reason);
    case FURROW__READ_FOREIGN:
      return settle(journal, FURROW_JOURNAL_FOREIGN, reading->reason);
    case FURROW__READ_FAILED:
      return settle(journal, FURROW_JOURNAL_UNREADABLE, error ? strerror(error) : "it has become shorter");
    case FURROW__READ_NO_MEMORY:
      settle(journal, FURROW_JOURNAL_UNREADABLE, FURROW__NO_MEMORY);
      return FURROW_E_NOMEM;
    default:
      return settle(journal, FURROW_JOURNAL_WHOLE, "");
  }
}

static furrow_status read_file(furrow_journal *journal, int fd) {
  furrow__journal_file file;
  struct stat about;
  if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode))
    return settle(journal, FURROW_JOURNAL_FOREIGN, "it is no regular file");
  furrow__journal_reading reading = {.state = FURROW__READ_FAILED, .reason = NULL};
  if (furrow__journal_file_look(&file, fd)) {
    journal->summary.size = file.size;
    reading = furrow__journal_read(furrow__journal_file_source(&file), &journal->index);
  } else if (file.error == ENOMEM) {
    reading.state = FURROW__READ_NO_MEMORY;
  }
  furrow_status status = settle_reading(journal, &reading, file.error);
  furrow__journal_file_clear(&file);
  if (describe_all(journal)) return status;
  settle(journal, FURROW_JOURNAL_UNREADABLE, FURROW__NO_MEMORY);
  return FURROW_E_NOMEM;
}

furrow_status furrow_journal_open(const char *path, furrow_journal **out) {
  if (out) *out = NULL;
  if (!path || !out) return FURROW_E_ARG;
  furrow_journal *journal = calloc(1, sizeof *journal);
  if (!journal) return FURROW_E_NOMEM;
  journal->summary.reason = journal->reason;
  *out = journal;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return settle(journal, FURROW_JOURNAL_UNREADABLE, strerror(errno));
  furrow_status status = read_file(journal, fd);
  close(fd);
  return status;
}

void furrow_journal_close(furrow_journal **address) {
  if (!address || !*address) return;
  furrow_journal *journal = *address;
  for (uint64_t i = 0; i < journal->summary.runs; i++) {
    free((char *)journal->runs[i].host);
    free((char *)journal->runs[i].version);
    free((void *)journal->runs[i].arguments);
  }
  free(journal->runs);
  free(journal->operations);
  furrow__journal_index_clear(&journal->index);
  free(journal);
  *address = NULL;
}

/* ---- looking ---- */

const furrow_journal_summary *furrow_journal_get_summary(const furrow_journal *journal) {
  static const furrow_journal_summary none = {.state = FURROW_JOURNAL_UNREADABLE, .reason = "there is no journal"};
  return journal ? &journal->summary : &none;
}

const furrow_journal_run *furrow_journal_get_run(const furrow_journal *journal, uint64_t i) {
  return journal && i < journal->summary.runs ? &journal->runs[i] : NULL;
}

const furrow_journal_operation *furrow_journal_get_operation(const furrow_journal *journal, uint64_t i) {
  return journal && i < journal->summary.operations ? &journal->operations[i] : NULL;
}
