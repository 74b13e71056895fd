/* Reading a journal: what its operations have finished, and whether it is whole. */
#ifndef FURROW_JOURNAL_H
#define FURROW_JOURNAL_H

#include "status.h"

FURROW_BEGIN_DECLS

/** What a journal's file held when it was opened for reading. Opaque. */
typedef struct furrow_journal furrow_journal;

typedef enum furrow_journal_state {
  FURROW_JOURNAL_WHOLE, /**< every record in it checks */
  FURROW_JOURNAL_TORN, /**< whole but for its tail, which the next run cuts: a run was killed, or is writing just now */
  FURROW_JOURNAL_DAMAGED,    /**< a record does not check, and others stand behind it */
  FURROW_JOURNAL_FOREIGN,    /**< it is no journal, or one that this version or this machine can't read */
  FURROW_JOURNAL_UNREADABLE, /**< there is no such file, or it can't be read */
} furrow_journal_state;

typedef struct furrow_journal_summary {
  furrow_journal_state state;
  uint64_t size;   /**< bytes of the file */
  uint64_t offset; /**< where its last whole record ends: if it is damaged, that of the first bad one */
  uint64_t records, runs, operations; /**< in the part before */
  const char *reason;                 /**< of the state; "" if it is whole */
} furrow_journal_summary;

/** A run of the program that wrote to the journal. */
typedef struct furrow_journal_run {
  double time; /**< when it opened the journal, in seconds since 1970 */
  uint64_t process;
  const char *host, *version; /**< of rank 0; of furrow */
  uint64_t argument_count;    /**< the program's name first; many long ones are not all kept */
  const char *const *arguments;
} furrow_journal_run;

/** An operation, and how much of it is finished. */
typedef struct furrow_journal_operation {
  uint64_t number;         /**< in its pool, from 0 */
  const char *function;    /**< "furrow_map", "furrow_map_reduce", "furrow_reduce" or "furrow_stream" */
  const char *label;       /**< "" if it has none */
  uint64_t count;          /**< tasks; 0 for a stream, which does not know how many there are */
  uint64_t finished;       /**< of these */
  uint64_t item_size;      /**< bytes; 0 for a stream, as the next one: they differ from one to the other */
  uint64_t result_size;    /**< bytes of a result, or of an accumulator */
  uint64_t leaf;           /**< tasks in a leaf of a reduction; else 0 */
  uint64_t seed, series;   /**< of its random numbers */
  uint64_t records, bytes; /**< its results: how many times some were written, and how much */
} furrow_journal_operation;

/** Read a journal and check all of it. Local; neither locks the file nor changes it.
 *
 *  @param journal  set also where it failed, if possible, to what was read before; free it with furrow_journal_close().
 *                  NULL only where there was no memory for it.
 *  @return FURROW_OK (whole, or torn), FURROW_E_IO (furrow_journal_get_summary() tells why), FURROW_E_NOMEM, or
 *          FURROW_E_ARG if an argument is NULL.
 *  Cost: reads the file once; memory for its records' positions, not for their bytes. */
FURROW_API FURROW_MUST_USE furrow_status furrow_journal_open(const char *path, furrow_journal **journal);

/** Free it. @param journal  its address; set to NULL. NULL, or the address of NULL, is allowed. */
FURROW_API void furrow_journal_close(furrow_journal **journal);

/** What is in it; owned by the journal, as all below. Local; for NULL, that of an unreadable one. */
FURROW_API const furrow_journal_summary *furrow_journal_get_summary(const furrow_journal *journal);

/** The runs in their order, the operations by their number. Local; NULL if there are not so many. */
FURROW_API const furrow_journal_run *furrow_journal_get_run(const furrow_journal *journal, uint64_t i);
FURROW_API const furrow_journal_operation *furrow_journal_get_operation(const furrow_journal *journal, uint64_t i);

FURROW_END_DECLS

#endif
