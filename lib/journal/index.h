/* What a journal holds: its runs, its operations, and where their results stand. Payloads of results are not kept.
   Takes the bytes from any source; knows no file. */
#ifndef FURROW_JOURNAL_INDEX_H
#define FURROW_JOURNAL_INDEX_H

#include "plan/journal_items.h"

/* A RESULTS, NODE or ITEMS, without its payload. */
typedef struct furrow__journal_entry {
  uint64_t first, count, offset;
  uint64_t last; /* of an ITEMS: its highest index */
} furrow__journal_entry;

typedef struct furrow__journal_operation {
  furrow__journal_key key;        /* its label is owned */
  furrow__journal_entry *entries; /* in the order of the file */
  uint64_t entry_count, entry_room;
  uint64_t bytes;   /* of their payloads */
  uint64_t results; /* of a stream */
} furrow__journal_operation;

typedef struct furrow__journal_index {
  furrow__journal_run *runs; /* their texts are one allocation each, at `host` */
  uint64_t run_count, run_room;
  furrow__journal_operation *operations; /* by number */
  uint64_t operation_count, operation_room;
  uint64_t records;
} furrow__journal_index;

/* How reading a journal ended. */
typedef struct furrow__journal_reading {
  enum {
    FURROW__READ_WHOLE,
    FURROW__READ_TORN,    /* whole up to `offset`, and a torn tail */
    FURROW__READ_DAMAGED, /* at `offset` */
    FURROW__READ_FOREIGN, /* no journal of ours */
    FURROW__READ_FAILED,  /* the source did */
    FURROW__READ_NO_MEMORY,
  } state;
  uint64_t offset;    /* the end of the last whole record */
  const char *reason; /* unless whole */
} furrow__journal_reading;

/* Read all of it into an index, which is cleared first; it then holds all records before `offset`. */
furrow__journal_reading furrow__journal_read(furrow__journal_source source, furrow__journal_index *index);

/* Add a record. `payload`: of a RUN or an OPERATION; `source`: it holds the payload of an ITEMS. Returns NULL, or what is
   wrong with it, or FURROW__NO_MEMORY, or FURROW__NOT_READ. */
const char *furrow__journal_index_add(furrow__journal_index *index, const furrow__record *record,
                                      const unsigned char *payload, const furrow__journal_source *source);

extern const char FURROW__NO_MEMORY[];

/* NULL: there is none of that number. Valid until the next one is added. */
furrow__journal_operation *furrow__journal_find(const furrow__journal_index *index, uint64_t number);

/* What is finished, in tasks of a map or leaves of a reduction: sorted, apart from each other; freed by the caller.
   Not of a stream. False: no memory. */
bool furrow__journal_finished_of(const furrow__journal_operation *operation, furrow__span **spans, uint64_t *count);

/* A reduction's largest nodes, which together cover all that is finished, each leaf once: by their leaves; freed by the
   caller. In `count` of each stands its level. False: no memory. */
bool furrow__journal_largest_nodes(const furrow__journal_operation *operation, furrow__journal_entry **nodes,
                                   uint64_t *count);

/* A stream's records by their first items; freed by the caller. False: no memory. */
bool furrow__journal_items_of(const furrow__journal_operation *operation, furrow__journal_entry **records,
                              uint64_t *count);

void furrow__journal_index_clear(furrow__journal_index *index);

#endif
