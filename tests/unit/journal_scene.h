/* A folder of its own for a test of journals in files, and the operations in them. */
#ifndef TESTS_UNIT_JOURNAL_SCENE_H
#define TESTS_UNIT_JOURNAL_SCENE_H

#include "journal/journal.h"
#include "unit/journal_bytes.h"

extern const furrow__journal_key SCENE_MAP;       /* operation 0: 100 000 tasks, 8 bytes each; task i gives 1000 + i */
extern const furrow__journal_key SCENE_REDUCTION; /* operation 1: 1000 tasks in leaves of 7, 24 bytes */

typedef struct scene {
  char folder[200], path[220];
  char message[FURROW_MESSAGE_SIZE];
  furrow__journal *journal;
} scene;

scene scene_make(void);
void scene_end(scene *s);

/* Open its journal; the second one fails the test if that fails. */
furrow_status scene_open(scene *s);
bool scene_opens(scene *s);
bool scene_begins(scene *s, const furrow__journal_key *key);
void scene_close(scene *s);

uint64_t scene_size(const scene *s);
void scene_put(const scene *s, const void *bytes, size_t size);

/* Append results of SCENE_MAP, at most 64. */
furrow_status give_tasks(furrow__journal *journal, uint64_t first, uint64_t count);
uint64_t finished_tasks(const furrow__journal *journal);

/* All results of SCENE_MAP that are finished are loaded, and nothing else. */
void scene_expect_results(scene *s);

/* These are the bytes of a file in tests/golden/; skips the test where that was made for another kind of machine. */
void expect_golden_journal(const journal_bytes *journal, const char *name);

#endif
