/* The journal of a pool, on rank 0: what operations finished in earlier runs of the program, and what this one adds.
   Knows the file; does not know how operations run.

   open(), then for each operation begin(), finished() and load, append… from any thread, end(); close(). All but
   append, status and message belong to one thread at a time. A forked child calls only leave(). Messages name the
   journal; they have room for FURROW_MESSAGE_SIZE bytes and are set where FURROW_OK is not returned. */
#ifndef FURROW_JOURNAL_JOURNAL_H
#define FURROW_JOURNAL_JOURNAL_H

#include "furrow/status.h"
#include "journal/index.h"

typedef struct furrow__journal furrow__journal;

/* Open or create the file, lock it, check every record, cut a torn tail. Nothing else is written before the first
   append. FURROW_E_IO: it can't be opened, read or locked, is no journal, or is damaged; then it was not changed.
   FURROW_E_NOMEM. */
furrow_status furrow__journal_open(const char *path, furrow__journal **journal, char *message);

/* Flush, and free all. FURROW_E_IO: not everything that was appended is on the disk. `*journal` is set to NULL; NULL is
   allowed there. */
furrow_status furrow__journal_close(furrow__journal **journal, char *message);

/* Begin the operation of that number. FURROW_E_ARG: the journal knows it, and it was another one; FURROW_E_IO;
   FURROW_E_NOMEM. Nothing has begun then. An operation is begun once each time the journal is opened. */
furrow_status furrow__journal_begin(furrow__journal *journal, const furrow__journal_key *key, char *message);
void furrow__journal_end(furrow__journal *journal);

/* Of the operation that has begun: what was finished, in tasks of a map, leaves of a reduction; sorted and apart from
   each other; the journal's until end(). Returns how many spans. */
uint64_t furrow__journal_finished(const furrow__journal *journal, const furrow__span **spans);

/* Of a map: read all finished results to results + task * result_size. FURROW_E_IO: they can't be read any more. */
furrow_status furrow__journal_load_results(furrow__journal *journal, void *results, char *message);

/* Of a reduction: the largest nodes that were finished, which together have each finished leaf once. In `first` stands
   the index, in `count` the level; `offset` is the journal's own. Returns how many; the journal's until end(). */
uint64_t furrow__journal_nodes(const furrow__journal *journal, const furrow__journal_entry **nodes);

/* Read one of them into result_size bytes. */
furrow_status furrow__journal_load_node(furrow__journal *journal, const furrow__journal_entry *node, void *accumulator,
                                        char *message);

/* Of a stream: its records by the items they begin with. Returns how many; the journal's until end(). */
uint64_t furrow__journal_items(const furrow__journal *journal, const furrow__journal_entry **records);

/* Read one of them: its head, and its payload (plan/journal_items.h), which the caller frees. Other threads may append
   meanwhile. FURROW_E_IO, FURROW_E_NOMEM. */
furrow_status furrow__journal_load_items(furrow__journal *journal, const furrow__journal_entry *entry,
                                         furrow__record *record, unsigned char **payload, char *message);

/* That record does not make sense: FURROW_E_IO. */
furrow_status furrow__journal_distrust(const furrow__journal *journal, const furrow__journal_entry *entry,
                                       const char *why, char *message);

/* The end of its path, for messages. */
const char *furrow__journal_name(const furrow__journal *journal);

/* Append to the operation that has begun: the results of `count` tasks, or the accumulator of a node. The bytes are
   copied, or if they are many, written before it returns; so it waits only if more than 8 MiB are about to be written.
   They are written within 100 ms and brought to the disk within some 5 s. Any thread. FURROW_E_IO: a write failed, now
   or earlier, and nothing is written any more. FURROW_E_ARG: there are no such tasks or leaves. */
furrow_status furrow__journal_append_results(furrow__journal *journal, uint64_t first, uint64_t count,
                                             const void *results);
furrow_status furrow__journal_append_node(furrow__journal *journal, uint64_t index, uint32_t level,
                                          const void *accumulator);

/* The same, of a stream: `count` results in a payload of `length` bytes, which is right. FURROW_E_ARG: it is no stream. */
furrow_status furrow__journal_append_items(furrow__journal *journal, uint64_t first, uint64_t count,
                                           const void *payload, uint64_t length);

/* Whether a write failed: FURROW_OK or FURROW_E_IO. A load from the own cache. Any thread. */
furrow_status furrow__journal_status(const furrow__journal *journal);

/* Why, once status() is not FURROW_OK. */
const char *furrow__journal_message(const furrow__journal *journal);

/* Everything that was appended is on the disk, or FURROW_E_IO. */
furrow_status furrow__journal_flush(furrow__journal *journal);

/* For a signal handler, which may fdatasync() it. */
int furrow__journal_fd(const furrow__journal *journal);

/* Around fork(): the child finds no thread in the midst of something. */
void furrow__journal_before_fork(furrow__journal *journal);
void furrow__journal_after_fork(furrow__journal *journal);

/* In a forked child: let go of the file, else the child would hold its lock as long as it lives. Async-signal-safe. */
void furrow__journal_leave(furrow__journal *journal);

#endif
