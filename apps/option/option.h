/* Option pricing: what its files tell each other. The market and the settings come from the command line and are the
 * same on every rank; prices are filled on rank 0. */
#ifndef OPTION_OPTION_H
#define OPTION_OPTION_H

#include "common/faults.h"
#include "common/report.h"

enum { MOST_ASSETS = 64 };

/* Black and Scholes' world: every asset has the same spot price and volatility, every two the same correlation. */
typedef struct market {
  double spot, strike, rate, volatility, maturity, correlation;
  uint64_t assets, fixings; /* of the basket; fixings at equal distances, the last at maturity */
} market;

typedef struct settings {
  market market;
  uint64_t samples, seed;
  furrow_schedule schedule;
  app_faults faults;
  bool json;
} settings;

/* A call and a put on one asset. */
typedef struct european {
  app_estimate call, put;
  app_timing timing;
} european;

/* A call on the average price of a basket over all assets and fixings. */
typedef struct asian {
  app_estimate plain;        /* the arithmetic average, as it is */
  app_estimate controlled;   /* the same, with the geometric average as control variate */
  app_estimate geometric;    /* the control itself, whose price is known */
  double variance_reduction; /* the plain variance over the controlled one; NaN if that is 0 */
  app_timing timing;
} asian;

/* european.c, asian.c. Collective on the pool. */
furrow_status price_european(furrow_pool *pool, const settings *wanted, european *prices);
furrow_status price_asian(furrow_pool *pool, const settings *wanted, asian *prices);

/* report.c. print_json() is collective on the pool; print_text() is for rank 0. */
void print_text(const settings *wanted, const european *single, const asian *basket);
furrow_status print_json(furrow_pool *pool, const settings *wanted, const european *single, const asian *basket);

/* How an operation of this program runs, and its label: with all that prices depend on, if there is a journal. */
app_label run_label(const settings *wanted, const char *name);
furrow_options run_options(const settings *wanted, const char *label, const furrow_progress *progress);

#endif
