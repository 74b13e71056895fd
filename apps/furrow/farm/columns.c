#define PCRE2_CODE_UNIT_WIDTH 8
#include "columns.h"

#include <errno.h>
#include <limits.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct columns {
  pcre2_code *expression;
  pcre2_match_data *match;
  char *bytes; /* the columns, each with its NUL */
  size_t used, room;
  size_t *begins; /* in bytes */
  const char **list;
  size_t count, most; /* columns, and how many there is room for */
  char reason[128];
};

columns *columns_make(const char *expression, char *message, size_t size) {
  columns *all = calloc(1, sizeof *all);
  int code = PCRE2_ERROR_NOMEMORY;
  PCRE2_SIZE where = 0;
  if (all) all->expression = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, 0, &code, &where, NULL);
  if (all && all->expression) {
    pcre2_jit_compile(all->expression, PCRE2_JIT_COMPLETE); /* where there is none it matches all the same */
    all->match = pcre2_match_data_create_from_pattern(all->expression, NULL);
    if (all->match) return all;
    code = PCRE2_ERROR_NOMEMORY;
  }
  char reason[128];
  pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
  snprintf(message, size, "the expression \"%s\" between columns is wrong at byte %zu: %s", expression, (size_t)where,
           reason);
  columns_free(all);
  return NULL;
}

void columns_free(columns *all) {
  if (!all) return;
  pcre2_match_data_free(all->match);
  pcre2_code_free(all->expression);
  free(all->bytes);
  free(all->begins);
  free(all->list);
  free(all);
}

void columns_clear(columns *all) {
  all->used = all->count = 0;
}

const char *columns_reason(const columns *all) {
  return all->reason;
}

static bool grow(columns *all, size_t bytes) {
  if (all->room - all->used < bytes) {
    size_t room = 2 * (all->used + bytes);
    char *more = realloc(all->bytes, room);
    if (!more) return false;
    all->bytes = more;
    all->room = room;
  }
  if (all->count < all->most) return true;
  size_t most = 2 * all->most + 8;
  size_t *begins = realloc(all->begins, most * sizeof *begins);
  if (begins) all->begins = begins;
  const char **list = begins ? realloc(all->list, most * sizeof *list) : NULL;
  if (!list) return false;
  all->list = list;
  all->most = most;
  return true;
}

static bool is_white(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool put(columns *all, const char *text, size_t length) {
  for (; length > 0 && is_white(*text); length--) text++;
  while (length > 0 && is_white(text[length - 1])) length--;
  if (all->count == INT_MAX || !grow(all, length + 1)) {
    snprintf(all->reason, sizeof all->reason, "columns: %s", strerror(ENOMEM));
    return false;
  }
  all->begins[all->count++] = all->used;
  memcpy(all->bytes + all->used, text, length);
  all->used += length;
  all->bytes[all->used++] = '\0';
  return true;
}

/* What the groups of the last match have matched; nothing is an empty column, too. */
static bool put_groups(columns *all, const char *text) {
  const PCRE2_SIZE *at = pcre2_get_ovector_pointer(all->match);
  size_t pairs = pcre2_get_ovector_count(all->match);
  for (size_t i = 1; i < pairs; i++) {
    bool set = at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1];
    if (!put(all, set ? text + at[2 * i] : "", set ? at[2 * i + 1] - at[2 * i] : 0)) return false;
  }
  return true;
}

/* A match that is empty does not count where a column begins: so each one brings the rest nearer to its end. */
bool columns_add(columns *all, const char *text) {
  size_t length = strlen(text), begin = 0;
  while (begin < length) {
    int found = pcre2_match(all->expression, (PCRE2_SPTR)text, length, begin, PCRE2_NOTEMPTY_ATSTART, all->match, NULL);
    if (found == PCRE2_ERROR_NOMATCH) break;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(all->match);
    if (found < 0) {
      pcre2_get_error_message(found, (PCRE2_UCHAR *)all->reason, sizeof all->reason);
      return false;
    }
    /* Only \K and looking back can do that; Perl's split() has no use for it either. */
    if (at[0] < begin || at[1] <= begin) break;
    size_t end = at[1];
    if (!put(all, text + begin, at[0] - begin) || !put_groups(all, text)) return false;
    begin = end;
  }
  return put(all, text + begin, length - begin);
}

const char *const *columns_list(columns *all, int *count) {
  for (size_t i = 0; i < all->count; i++) all->list[i] = all->bytes + all->begins[i];
  *count = (int)all->count;
  return all->list;
}
