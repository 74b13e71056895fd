/* Columns of texts: what stands between matches of a Perl-compatible regular expression, cut as Perl's split() does:
 * all of them, the empty ones at the end as well, and what the expression's groups have matched; then without the
 * white space around them, as GNU parallel does. Knows PCRE2; does not know files. */
#ifndef FARM_COLUMNS_H
#define FARM_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct columns columns;

/* NULL, with a message, if the expression is wrong or there is no memory. */
columns *columns_make(const char *expression, char *message, size_t size);
void columns_free(columns *all);

/* Forget the columns there are; add those of a text (false: see columns_reason()); see all. They are valid until the
 * next call. */
void columns_clear(columns *all);
bool columns_add(columns *all, const char *text);
const char *const *columns_list(columns *all, int *count);
const char *columns_reason(const columns *all);

#endif
