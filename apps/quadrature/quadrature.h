/* Adaptive integration: what its files tell each other. Settings come from the command line and are the same on every
 * rank; answers are filled on rank 0. */
#ifndef QUADRATURE_QUADRATURE_H
#define QUADRATURE_QUADRATURE_H

#include "common/report.h"
#include "integrands.h"

enum { PIECES = 64 }; /* the first intervals, all of one width: what is narrower than one may be overlooked */

typedef struct settings {
  const char *name;
  const integrand *integrand;
  double lower, upper;
  double tolerance, absolute; /* the error may be tolerance * |integral|, or `absolute` if that is more */
  uint64_t limit;             /* of evaluations */
  uint64_t work;              /* more of it at each evaluation */
  bool json;
} settings;

/* Why it ended. */
typedef enum ending {
  BY_TOLERANCE,
  BY_LIMIT,
  BY_ROUNDING, /* what is left can't be made better by halving */
} ending;

typedef struct answer {
  double value, error, allowed; /* error: an estimate; it should be at most `allowed` */
  double exact;
  ending ending;
  uint64_t evaluations, intervals, tasks;
  app_timing timing;
} answer;

/* refine.c. Collective on the pool; *a is filled on rank 0. */
furrow_status integrate(furrow_pool *pool, const settings *wanted, answer *a);

/* report.c. print_json() is collective on the pool; print_text() is for rank 0. */
void print_text(const settings *wanted, const answer *a);
furrow_status print_json(furrow_pool *pool, const settings *wanted, const answer *a);

#endif
