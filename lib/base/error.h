/* Filling a furrow_error. Knows the public statuses; does not know pools or ranks. */
#ifndef FURROW_BASE_ERROR_H
#define FURROW_BASE_ERROR_H

#include <stdarg.h>

#include "furrow/status.h"

/* Who an error is about: a rank and its host. */
typedef struct furrow__where {
  int rank;
  const char *host;
} furrow__where;

void furrow__error_clear(furrow_error *error);

/* Overwrite `error`; returns `status`, so that `return furrow__error_set(…)` reads well. A message that does not fit is
   cut at its end. */
furrow_status furrow__error_set(furrow_error *error, furrow_status status, furrow__where where, uint64_t task,
                                const char *format, ...) FURROW_PRINTF(5, 6);

/* What a meeting of all ranks has made sure of, where no compiler can see it: were it not so, the call would have ended. */
#define FURROW__KNOWN(condition) ((condition) ? (void)0 : __builtin_unreachable())

/* Copy text into a field of fixed size, cut at its end. */
void furrow__text_copy(char *to, size_t size, const char *from);

#endif
