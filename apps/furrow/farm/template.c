/* Make a template of a command's words: find replacement strings, and decide what has to be quoted. */
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template_parts.h"

/* ---- replacement strings -------------------------------------------------------------------------------------------- */

/* What stands between braces, behind a position. */
static const struct {
  const char *text;
  piece_kind kind;
} STRINGS[] = {{"}", PIECE_ALL},    {".}", PIECE_NO_SUFFIX}, {"/}", PIECE_BASE}, {"//}", PIECE_FOLDER},
               {"/.}", PIECE_BARE}, {"#}", PIECE_SEQUENCE},  {"%}", PIECE_SLOT}};

/* {2}, {-1.}, { 2 … no: "-" and digits, then blanks. 0 means all, as if it weren't there. What stands behind it. */
static const char *read_position(const char *text, piece *found) {
  char *behind;
  const char *digits = *text == '-' ? text + 1 : text;
  if (*digits < '0' || *digits > '9') return text;
  found->position = strtol(text, &behind, 10);
  found->positional = found->position != 0;
  return behind + strspn(behind, " \t");
}

/* The length of the replacement string that a text begins with, or 0. `own` (-I) replaces {}, {1}, {2} … by one
 * without positions. */
static size_t read_string(const char *text, const char *own, piece *found) {
  *found = (piece){.kind = PIECE_ALL};
  if (own && strncmp(text, own, strlen(own)) == 0) return strlen(own);
  if (*text != '{') return 0;
  const char *inside = read_position(text + 1, found);
  for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
    size_t length = strlen(STRINGS[i].text);
    if (strncmp(inside, STRINGS[i].text, length) != 0) continue;
    found->kind = STRINGS[i].kind;
    if (own && found->kind == PIECE_ALL) return 0;
    if (inside > text + 1 && !piece_is_of_argument(found->kind)) return 0;
    return (size_t)(inside - text) + length;
  }
  return 0;
}

/* "{= … =}", which may extend over several words. */
static bool has_perl(char *const *words, int count) {
  const char *begin = NULL;
  for (int i = 0; i < count; i++) {
    const char *from = words[i];
    if (!begin && (begin = strstr(from, "{="))) from = begin + 2;
    if (begin && strstr(from, "=}")) return true;
  }
  return false;
}

/* ---- pieces --------------------------------------------------------------------------------------------------------- */

static bool put(template *of, piece one) {
  if (of->count == of->room) {
    size_t room = 2 * of->room + 16;
    piece *more = realloc(of->pieces, room * sizeof *more);
    if (!more) return false;
    of->pieces = more;
    of->room = room;
  }
  of->pieces[of->count++] = one;
  return true;
}

/* Text without replacement strings. Blanks are gaps where a shell would read them. */
static bool put_text(template *of, const char *text, size_t length) {
  const char *const end = text + length;
  while (text < end) {
    size_t run = strspn(text, " \t");
    bool gap = run > 0 && of->manner != MANNER_QUOTED;
    if (!gap) run = of->manner == MANNER_QUOTED ? length : strcspn(text, " \t");
    if (run > (size_t)(end - text)) run = (size_t)(end - text);
    if (!put(of, (piece){.kind = gap ? PIECE_GAP : PIECE_TEXT, .text = text, .length = run})) return false;
    text += run;
  }
  return true;
}

static bool put_word(template *of, const char *word, const char *own) {
  const char *begin = word;
  piece found;
  while (*word) {
    size_t length = read_string(word, own, &found);
    if (length == 0) {
      word++;
      continue;
    }
    if (!put_text(of, begin, (size_t)(word - begin)) || !put(of, found)) return false;
    begin = word += length;
  }
  return put_text(of, begin, (size_t)(word - begin));
}

static const piece GAP = {.kind = PIECE_GAP, .text = " ", .length = 1};

/* The words, in memory of ours. */
static bool put_words(template *of, char *const *words, int count, const char *own) {
  size_t size = 1;
  for (int i = 0; i < count; i++) size += strlen(words[i]) + 1;
  char *to = of->memory = malloc(size);
  if (!to) return false;
  for (int i = 0; i < count; i++) {
    const char *word = to;
    to = stpcpy(to, words[i]) + 1;
    if ((i > 0 && !put(of, GAP)) || !put_word(of, word, own)) return false;
  }
  return true;
}

/* ---- what a shell would see ----------------------------------------------------------------------------------------- */

/* Whether an argument is in the first word, which is then the command; behind "=" it would be a variable's. */
static bool begins_with_argument(const template *of) {
  for (size_t i = 0; i < of->count; i++) {
    const piece *one = &of->pieces[i];
    if (piece_is_of_argument(one->kind)) return true;
    bool ends =
        one->kind == PIECE_GAP ||
        (one->kind == PIECE_TEXT && (memchr(one->text, '=', one->length) || memchr(one->text, '\n', one->length)));
    if (ends) return false;
  }
  return false;
}

static bool is_plain(const template *of) {
  bool begun = false;
  for (size_t i = 0; i < of->count; i++) {
    const piece *one = &of->pieces[i];
    if (one->kind == PIECE_TEXT) begun = true;
    if (!begun && one->kind != PIECE_GAP) return false;
    bool given = one->kind == PIECE_TEXT || one->kind == PIECE_GAP;
    if (given && !shell_is_plain(one->text, one->length)) return false;
  }
  return begun;
}

/* Where arguments stand. False: a shell might read one of them as more than a text. */
static bool find_places(template *of) {
  place_reader reader = {.depth = 0};
  for (size_t i = 0; i < of->count; i++) {
    piece *one = &of->pieces[i];
    if (one->kind == PIECE_TEXT || one->kind == PIECE_GAP)
      place_read(&reader, one->text, one->length);
    else if (piece_is_of_argument(one->kind) && (one->where = place_of_text(&reader)) == PLACE_UNSAFE)
      return false;
    else if (!piece_is_of_argument(one->kind))
      place_read(&reader, "1", 1);
  }
  return true;
}

static bool complete(template *of, int words) {
  bool replaces = false;
  for (size_t i = 0; i < of->count; i++) replaces = replaces || of->pieces[i].kind >= PIECE_ALL;
  of->added = !replaces && words > 0;
  if (!replaces && ((words > 0 && !put(of, GAP)) || !put(of, (piece){.kind = PIECE_ALL}))) return false;
  if (of->manner != MANNER_QUOTED && begins_with_argument(of)) of->manner = MANNER_LINE;
  of->plain = of->manner == MANNER_WORDS && is_plain(of);
  return shell_find(&of->shell);
}

template *template_make(char *const *words, int count, const template_options *options,
                        char message[TEMPLATE_MESSAGE_SIZE]) {
  const char *own = options ? options->replacement : NULL;
  if (own && *own == '\0') return snprintf(message, TEMPLATE_MESSAGE_SIZE, "a replacement string can't be empty"), NULL;
  if (has_perl(words, count)) {
    snprintf(message, TEMPLATE_MESSAGE_SIZE, "{= perl =} is not understood here");
    return NULL;
  }
  template *of = calloc(1, sizeof *of);
  if (of) {
    of->manner = options && options->quoted ? MANNER_QUOTED : MANNER_WORDS;
    bool made = put_words(of, words, count, own) && complete(of, count);
    bool safe = made && (of->manner != MANNER_WORDS || find_places(of));
    if (safe) return of;
    snprintf(message, TEMPLATE_MESSAGE_SIZE, "%s",
             made ? "an argument can't stand in backquotes, ${ }, $' ', a here-document, or right behind \\ or $: a "
                    "shell would "
                    "read more in it than its text"
                  : strerror(ENOMEM));
  } else {
    snprintf(message, TEMPLATE_MESSAGE_SIZE, "%s", strerror(ENOMEM));
  }
  template_free(of);
  return NULL;
}

void template_free(template *of) {
  if (!of) return;
  shell_clear(&of->shell);
  free(of->pieces);
  free(of->memory);
  free(of);
}
