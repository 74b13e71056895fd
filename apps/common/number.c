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

const char *app_parse_count(const char *text, uint64_t *value) {
  char number[LONGEST];
  if (!copy_number(text, number)) return "is not a number";
  if (number[0] == '-') return "is negative";

  /* The number is digits * 10^power, without zeros at the end of the digits. */
  char digits[LONGEST];
  size_t count = 0;
  long power = 0;
  bool in_fraction = false;
  const char *c = number;
  for (; *c != '\0' && *c != 'e'; c++) {
    if (is_digit(*c)) digits[count++] = *c;
    if (is_digit(*c) && in_fraction) power--;
    if (*c == '.') in_fraction = true;
  }
  if (*c == 'e') {
    long exponent = strtol(c + 1, NULL, 10);
    power += exponent > 2 * LONGEST ? 2 * LONGEST : exponent < -2 * LONGEST ? -2 * LONGEST : exponent;
  }
  for (; count > 0 && digits[count - 1] == '0'; count--) power++;

  uint64_t sum = 0;
  if (count > 0 && power < 0) return "is not a whole number";
  for (size_t i = 0; i < count; i++)
    if (!append_digit(&sum, (unsigned)(digits[i] - '0'))) return "is too large";
  for (; count > 0 && power > 0; power--)
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
