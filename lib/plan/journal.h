/* The bytes of a journal: what stands in the file, how it is read back, what may go on from it. Knows the format and
   judges any bytes; does not know files, threads, or memory of its own.

   A journal is a head of 32 bytes and then records, one behind the other, each at a multiple of 8. Words are in the
   order of the machine that wrote them; the head says in which.

     head     "furrow journal\n\0", u32 version, u32 order (0x01020304), u64 checksum of the 24 bytes before
     record   u32 magic, u32 kind, u64 offset in the file, u64 length of the payload, u64 operation, u64 first,
              u64 count, u64 checksum of the payload, u64 checksum of the 56 bytes before; the payload; zeros up to a
              multiple of 8

     RUN        once a run of the program, before the first record it adds. operation, first, count: 0.
                u64 wall time in ns, u64 process, u32 lengths of host, version, arguments, u32 0; these, without
                an end of text, but each argument with its own
     OPERATION  once an operation, before its first result. operation: its number in the pool; first, count: 0.
                u64 kind, count, item size, result size, seed, series, leaf, two of the items' hash, two of the
                program's; if the kind has FURROW__JOURNAL_HAS_USER added, the size of what `user` points to and two of
                its hash; then the label
     RESULTS    of a map: `count` tasks from `first`, and their results
     NODE       of a reduction: the accumulator of the leaves [first << count, (first + 1) << count) that exist
                (plan/tree.h)
     ITEMS      of a stream: `count` results, the first of them of item `first` (plan/journal_items.h)

   Checksums are XXH3-64, hashes XXH3-128. A record knows its offset, so bytes that were lost or added show.

   A killed run leaves a torn tail: a record that does not check, and nothing valid behind it. If something valid stands
   behind it, the journal is damaged, and nobody may pass over that in silence. */
#ifndef FURROW_PLAN_JOURNAL_H
#define FURROW_PLAN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "plan/leaves.h"

enum {
  FURROW__JOURNAL_VERSION = 1,
  FURROW__JOURNAL_HEAD = 32,
  FURROW__RECORD_HEAD = 64,
  FURROW__LABEL_MOST = 4096,          /* bytes of a label */
  FURROW__ARGUMENTS_MOST = 16 * 1024, /* bytes of arguments that are kept */
  FURROW__RUN_MOST = 20 * 1024,       /* bytes of the payload of a RUN */
  FURROW__KEY_FIXED = 11 * 8,         /* bytes of the payload of an OPERATION before its label */
  FURROW__KEY_USER = 3 * 8,           /* of `user`, behind those */
  FURROW__KEY_MOST = FURROW__KEY_FIXED + FURROW__KEY_USER + FURROW__LABEL_MOST,
  FURROW__JOURNAL_VIEW = 64 * 1024, /* bytes that a source shows in one piece */
};

/* The first word of a record. */
#define FURROW__RECORD_MAGIC UINT32_C(0xb1d2e7f4)

typedef enum furrow__record_kind {
  FURROW__RECORD_RUN = 1,
  FURROW__RECORD_OPERATION,
  FURROW__RECORD_RESULTS,
  FURROW__RECORD_NODE,
  FURROW__RECORD_ITEMS,
} furrow__record_kind;

/* A record's head. */
typedef struct furrow__record {
  uint32_t kind;
  uint64_t offset, length, operation, first, count;
  uint64_t payload_sum;
} furrow__record;

/* Operations as a journal counts them; the numbers stand in files. */
typedef enum furrow__journal_op {
  FURROW__JOURNAL_MAP = 1,
  FURROW__JOURNAL_MAP_REDUCE,
  FURROW__JOURNAL_REDUCE,
  FURROW__JOURNAL_STREAM,
} furrow__journal_op;

/* Added to the kind in a file. Most operations have no such words. */
#define FURROW__JOURNAL_HAS_USER (UINT64_C(1) << 32)

/* What must be the same for an operation to go on from a journal. */
typedef struct furrow__journal_key {
  uint64_t kind;        /* furrow__journal_op */
  uint64_t number;      /* of the operation in its pool */
  uint64_t count;       /* tasks; of a stream this, all sizes and the items' hash are 0: it does not know them */
  uint64_t item_size;   /* bytes */
  uint64_t result_size; /* bytes of a result, or of an accumulator */
  uint64_t seed, series;
  uint64_t leaf; /* tasks in a leaf of a reduction, at least 1; else 0 */
  furrow__hash128 items;
  furrow__hash128 program; /* counts only if there is no label */
  uint64_t user_size;      /* bytes of what `user` points to; 0: unknown */
  furrow__hash128 user;    /* of these */
  const char *label;       /* `label_length` bytes, no end of text needed */
  uint64_t label_length;
} furrow__journal_key;

/* A run of the program. The texts are not ended. */
typedef struct furrow__journal_run {
  uint64_t time; /* ns since 1970 */
  uint64_t process;
  const char *host, *version, *arguments; /* each argument with its '\0' */
  uint32_t host_length, version_length, arguments_length;
} furrow__journal_run;

/* ---- writing ---- */

void furrow__journal_head(unsigned char head[FURROW__JOURNAL_HEAD]);

/* The record with its payload and the zeros behind it. At most UINT64_MAX - 71 bytes of payload. */
static inline uint64_t furrow__record_size(uint64_t length) {
  return FURROW__RECORD_HEAD + ((length + 7) & ~UINT64_C(7));
}

/* Write a record's head; the payload's checksum stands in it already. */
void furrow__record_encode(const furrow__record *record, unsigned char head[FURROW__RECORD_HEAD]);

/* Read it back; false if it does not check. */
bool furrow__record_decode(const unsigned char head[FURROW__RECORD_HEAD], furrow__record *record);

/* Write payloads; return their lengths. What is too long is cut; a label must not be. */
size_t furrow__journal_run_encode(const furrow__journal_run *run, unsigned char payload[FURROW__RUN_MOST]);
size_t furrow__journal_key_encode(const furrow__journal_key *key, unsigned char payload[FURROW__KEY_MOST]);

/* ---- reading ---- */

/* Why the first bytes of a file are no head of a journal, or NULL. `size`: as many as there are, at most the head's. A
   part of a head is one that was torn, and `*torn` says so. */
const char *furrow__journal_head_check(const unsigned char *bytes, size_t size, bool *torn);

/* Decode a payload; the texts stay in it. Returns NULL, or what is wrong with it. */
const char *furrow__journal_run_decode(const unsigned char *payload, uint64_t length, furrow__journal_run *run);
const char *furrow__journal_key_decode(const unsigned char *payload, uint64_t length, uint64_t number,
                                       furrow__journal_key *key);

/* Where the bytes come from. */
typedef struct furrow__journal_source {
  uint64_t size;
  /* Show `want` bytes at `offset`, all inside of `size`; valid until the next call. `want` is at most
     FURROW__JOURNAL_VIEW. NULL: they can't be read. */
  const unsigned char *(*view)(void *context, uint64_t offset, size_t want);
  void *context;
} furrow__journal_source;

typedef enum furrow__scan_state {
  FURROW__SCAN_RECORD,  /* `record` is whole */
  FURROW__SCAN_END,     /* the file ends with a whole record */
  FURROW__SCAN_TORN,    /* what is left is a torn tail */
  FURROW__SCAN_DAMAGED, /* what is left is not: `reason` */
  FURROW__SCAN_FAILED,  /* the source did */
} furrow__scan_state;

/* Goes from record to record. */
typedef struct furrow__scan {
  furrow__journal_source source;
  uint64_t offset;       /* of the next record; once it ends, of the first byte that is not in a whole one */
  furrow__record record; /* the last one */
  const char *reason;    /* why what is left is no record */
} furrow__scan;

/* Begin behind the head. */
furrow__scan furrow__scan_start(furrow__journal_source source);
furrow__scan_state furrow__scan_next(furrow__scan *scan);

/* Whether bytes that were read again are those of the record. */
bool furrow__record_matches(const furrow__record *record, const void *payload);

/* ---- judging ---- */

/* Leaves of a reduction; else 0. */
uint64_t furrow__journal_leaves(const furrow__journal_key *key);

/* The leaves of a node that exist. False: there is no such node. */
bool furrow__journal_node_span(uint64_t leaves, uint64_t index, uint64_t level, furrow__span *span);

/* What a RESULTS or NODE adds to its operation, in tasks or leaves. Returns NULL, or what is wrong with it. */
const char *furrow__record_span(const furrow__record *record, const furrow__journal_key *key, furrow__span *span);

/* The tasks of leaves. */
furrow__span furrow__journal_tasks(const furrow__journal_key *key, furrow__span leaves);

/* Sort spans and join those that touch; returns how many are left. */
uint64_t furrow__spans_join(furrow__span *spans, uint64_t count);

/* Whether `here` may not go on from `there`: then `text` names the first thing that differs. */
bool furrow__journal_key_differs(const furrow__journal_key *there, const furrow__journal_key *here, char *text,
                                 size_t size);

/* "furrow_map" and so on. */
const char *furrow__journal_op_name(uint64_t kind);

#endif
