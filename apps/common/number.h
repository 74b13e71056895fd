/* Numbers as people type them: 1000000, 1_000_000, 1e6, 2.5e6. Knows no options and prints nothing. */
#ifndef APPS_COMMON_NUMBER_H
#define APPS_COMMON_NUMBER_H

#include <stdint.h>

/* Read a whole number, exactly: 1e6, 2.5e6 and 1500e-2 are whole, 2.5 is not. Returns NULL, or what is wrong with the
 * text, as in "is negative"; *value is then left alone. */
const char *app_parse_count(const char *text, uint64_t *value);

/* Read a real number; neither infinity nor NaN is one. Returns as above. */
const char *app_parse_real(const char *text, double *value);

#endif
