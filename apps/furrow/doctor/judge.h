/* From facts to verdicts: pure, so each misconfiguration can be tried without provoking it. */
#ifndef FURROW_DOCTOR_JUDGE_H
#define FURROW_DOCTOR_JUDGE_H

#include "facts.h"

typedef enum verdict_level { LEVEL_OK, LEVEL_WARNING, LEVEL_ERROR } verdict_level;

enum { MOST_VERDICTS = 32, VERDICT_ROOM = 400 };

typedef struct verdict {
  verdict_level level;
  const char *topic; /* one word */
  char finding[VERDICT_ROOM];
  char advice[VERDICT_ROOM]; /* what to do about it; "": nothing */
} verdict;

typedef struct verdicts {
  verdict list[MOST_VERDICTS];
  int count;
} verdicts;

/* Judge everything that is known. What does not apply (between nodes, where there is one) gets no verdict. */
void judge(const facts *known, verdicts *all);

/* What can be said before MPI is up, of a run that MPI would end at once: true, and a verdict, if this is one. */
bool judge_start(const launch *start, const char *mpi, verdicts *all);

/* What may keep MPI from starting, as half a sentence; false: nothing. `shm` is the size of /dev/shm, 0 if not known. */
bool judge_doubt(const launch *start, const char *mpi, uint64_t shm, char *text, size_t room);

/* What can be said where the examination came to no end: it gave up after `seconds` in this phase. */
void judge_hang(const char *phase, int seconds, verdicts *all);

/* Whether each process believes to be alone, though its launcher has started several: nothing else can be said then. */
bool judge_alone(const facts *known);

/* "MPI_THREAD_MULTIPLE" and so on. */
const char *thread_level_name(int thread_level);

verdict_level verdicts_worst(const verdicts *all);
int verdicts_count(const verdicts *all, verdict_level level);

/* ---- for the judges: judge.c, judge_cores.c, judge_links.c -------------------------------------------------------- */

/* Add a verdict, and advice to the last one. */
void verdict_add(verdicts *all, verdict_level level, const char *topic, const char *format, ...) FURROW_PRINTF(4, 5);
void verdict_advise(verdicts *all, const char *format, ...) FURROW_PRINTF(2, 3);

void judge_pool(const facts *known, verdicts *all);
void judge_cores(const facts *known, verdicts *all);
void judge_links(const facts *known, verdicts *all);

/* Whether /dev/shm of this size may be too small for the MPI of so many ranks; not where its size is not known. */
bool judge_shm_small(uint64_t shm, int ranks);

#endif
