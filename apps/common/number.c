/* Numbers as people type them. First the grammar, which both kinds share: what passes is a decimal number without its
 * underscores. Then its value: exact for counts, strtod's for reals. */
#include "number.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 100 };

static bool is_digit(char c) {
  return isdigit((unsigned char)c) != 0;
}

/* Copy digits, and drop an underscore between two of them. How many digits there were. */
static size_t copy_digits(const char **from, char **to) {
  size_t digits = 0;
  while (is_digit(**from) || (digits > 0 && **from == '_' && is_digit((*from)[1]))) {
    if (**from != '_') {
      *(*to)++ = **from;
      digits++;
    }
    ++*from;
  }
  return digits;
}

static void copy_sign(const char **from, char **to) {
  if (**from == '-' || **from == '+') *(*to)++ = *(*from)++;
}

/* sign? digits? ('.' digits?)? ('e' sign? digits)?, with a digit before the exponent, and nothing behind it all. */
static bool copy_number(const char *from, char to[LONGEST]) {
  if (strlen(from) >= LONGEST) return false;
  copy_sign(&from, &to);
  size_t digits = copy_digits(&from, &to);
  if (*from == '.') {
    *to++ = *from++;
    digits += copy_digits(&from, &to);
  }
  if (digits == 0) return false;
  if (*from == 'e' || *from == 'E') {
    *to++ = 'e';
    from++;
    copy_sign(&from, &to);
    if (copy_digits(&from, &to) == 0) return false;
  }
  *to = '\0';
  return *from == '\0';
}

/* Multiply by ten and add: false if that is too much for 64 bits. */
static bool append_digit(uint64_t *value, unsigned digit) {
  if (*value > (UINT64_MAX - digit) / 10) return false;
  *value = *value * 10 + digit;
  return true;
}

/* A number as digits * 10^power, without zeros at the end of the digits; no digits: 0. */
typedef struct decimal {
  char digits[LONGEST];
  size_t count;
  long power;
} decimal;

static decimal split(const char *number) {
  const long far = 1000; /* more tens than any text has digits, and than 64 bits can hold */
  decimal parts = {.count = 0};
  bool in_fraction = false;
  for (; *number != '\0' && *number != 'e'; number++) {
    if (*number == '.') in_fraction = true;
    if (!is_digit(*number)) continue;
    parts.digits[parts.count++] = *number;
    if (in_fraction) parts.power--;
  }
  if (*number == 'e') {
    long exponent = strtol(number + 1, NULL, 10);
    parts.power += exponent > far ? far : exponent < -far ? -far : exponent;
  }
  for (; parts.count > 0 && parts.digits[parts.count - 1] == '0'; parts.count--) parts.power++;
  return parts;
}

const char *app_parse_count(const char *text, uint64_t *value) {
  char number[LONGEST];
  if (!copy_number(text, number)) return "is not a number";
  if (number[0] == '-') return "is negative";
  decimal parts = split(number);
  if (parts.count > 0 && parts.power < 0) return "is not a whole number";

  uint64_t sum = 0;
  for (size_t i = 0; i < parts.count; i++)
    if (!append_digit(&sum, (unsigned)(parts.digits[i] - '0'))) return "is too large";
  for (; sum > 0 && parts.power > 0; parts.power--)
    if (!append_digit(&sum, 0)) return "is too large";
  *value = sum;
  return NULL;
}

const char *app_parse_real(const char *text, double *value) {
  char number[LONGEST];
  if (!copy_number(text, number)) return "is not a number";
  double parsed = strtod(number, NULL);
  if (!isfinite(parsed)) return "is too large";
  *value = parsed;
  return NULL;
}
