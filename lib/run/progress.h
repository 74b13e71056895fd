/* When to report progress, and the two forms of it that the library draws itself. Knows counts and the clock; does not
   know who counts. */
#ifndef FURROW_RUN_PROGRESS_H
#define FURROW_RUN_PROGRESS_H

#include "furrow/options.h"
#include "plan/settings.h"

typedef struct furrow__ticker {
  furrow_progress progress; /* report NULL: never */
  const char *label;
  uint64_t count;
  uint64_t start, next; /* nanoseconds */
  bool told;            /* something has been reported */
} furrow__ticker;

/* What to report, given the options (NULL: nothing asked) and the environment's word. */
furrow_progress furrow__progress_choose(const furrow_progress *asked, furrow__progress_mode mode);

furrow__ticker furrow__ticker_start(const furrow_progress *progress, const char *label, uint64_t count);

/* Report if it is time. Returns the nanoseconds until it is again, or 0 for never. */
uint64_t furrow__ticker_tick(furrow__ticker *ticker, uint64_t done);

/* The last report; none if nothing has `begun` and nothing been told. */
void furrow__ticker_stop(furrow__ticker *ticker, uint64_t done, bool begun);

#endif
