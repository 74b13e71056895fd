/* See places.h. */
#include "places.h"

#include <string.h>

/* What a place may be within. The outermost is none of these, and bare. */
enum {
  BARE = 0,
  PARENTHESIS = '(', /* (…), $(…), <(…): bare as well */
  ARITHMETIC = '+',  /* $((…)) and ((…)); ends as a PARENTHESIS */
  NESTED = 'n',      /* ( ) in ARITHMETIC */
  SINGLE = '\'',
  ANSI = 'a', /* $'…' */
  DOUBLE = '"',
  BACKQUOTE = '`',
  BRACE = '{', /* ${…} */
  COMMENT = '#'
};

static int innermost(const place_reader *reader) {
  return reader->depth > 0 ? reader->within[reader->depth - 1] : BARE;
}

static void enter(place_reader *reader, int what) {
  if (reader->depth == PLACES_DEEPEST)
    reader->lost = true;
  else
    reader->within[reader->depth++] = (unsigned char)what;
}

static void leave(place_reader *reader) {
  reader->depth--;
}

static bool begins_word(char before) {
  return before == '\0' || strchr(" \t\n;&|()<>", before);
}

/* What `case` has between its words can't be told from the end of a $(…): a pattern's parenthesis has no other half. */
static void read_word(place_reader *reader, char c) {
  if (begins_word(c) || c == '\'' || c == '"') {
    if (reader->length == 4 && memcmp(reader->word, "case", 4) == 0 && reader->depth > 0) reader->lost = true;
    reader->length = 0;
  } else if (reader->length < 5) {
    reader->word[reader->length++] = c;
  }
}

static void open_parenthesis(place_reader *reader, int within) {
  bool expansion = reader->before == '$';
  if ((within == ARITHMETIC || within == NESTED) && !expansion)
    enter(reader, NESTED);
  else if (within == PARENTHESIS && reader->before == '(')
    reader->within[reader->depth - 1] = ARITHMETIC;
  else
    enter(reader, PARENTHESIS);
}

static void close_parenthesis(place_reader *reader, int within) {
  if (within == ARITHMETIC)
    reader->within[reader->depth - 1] = PARENTHESIS;
  else if (within == PARENTHESIS || within == NESTED)
    leave(reader);
}

/* What begins in bare text, and in arithmetic. */
static void read_bare(place_reader *reader, int within, char c) {
  bool bare = within == BARE || within == PARENTHESIS;
  if (bare) read_word(reader, c);
  switch (c) {
    case '\'':
      enter(reader, reader->before == '$' ? ANSI : SINGLE);
      break;
    case '"':
    case '`':
      enter(reader, c);
      break;
    case '{':
      if (reader->before == '$') enter(reader, BRACE);
      break;
    case '(':
      open_parenthesis(reader, within);
      break;
    case ')':
      close_parenthesis(reader, within);
      break;
    case '#':
      if (bare && begins_word(reader->before)) enter(reader, COMMENT);
      break;
    case '\n':
      if (reader->here) reader->lost = true;
      break;
    default:
      break;
  }
  /* << begins a here-document, <<< does not. */
  if (c == '<' && bare) {
    reader->less++;
  } else {
    if (reader->less == 2) reader->here = true;
    reader->less = 0;
  }
}

static void read_double(place_reader *reader, char c) {
  if (c == '"')
    leave(reader);
  else if (c == '`')
    enter(reader, BACKQUOTE);
  else if (c == '(' && reader->before == '$')
    enter(reader, PARENTHESIS);
  else if (c == '{' && reader->before == '$')
    enter(reader, BRACE);
}

/* What quotes mean there depends on the shell, and on the quotes around it. */
static void read_brace(place_reader *reader, char c) {
  if (c == '}')
    leave(reader);
  else if (c == '\'' || c == '"' || c == '`')
    reader->lost = true;
  else if ((c == '(' || c == '{') && reader->before == '$')
    enter(reader, c == '(' ? PARENTHESIS : BRACE);
}

static void read_character(place_reader *reader, char c) {
  int within = innermost(reader);
  switch (within) {
    case SINGLE:
    case ANSI:
      if (c == '\'') leave(reader);
      break;
    case COMMENT:
      if (c != '\n') break;
      leave(reader);
      if (reader->here) reader->lost = true;
      break;
    case BACKQUOTE:
      if (c == '`') leave(reader);
      break;
    case DOUBLE:
      read_double(reader, c);
      break;
    case BRACE:
      read_brace(reader, c);
      break;
    default:
      read_bare(reader, within, c);
  }
}

void place_read(place_reader *reader, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    int within = innermost(reader);
    char c = text[i];
    bool was_escaped = reader->escaped;
    reader->escaped = !was_escaped && c == '\\' && within != SINGLE && within != COMMENT;
    if (within == ANSI && c == '\\') reader->lost = true; /* not every shell knows $'…' */
    if (!was_escaped && !reader->escaped) read_character(reader, c);
    /* An escaped character is part of a word, and begins nothing. Neither does the $ of $$. */
    bool plain = was_escaped || reader->escaped || (c == '$' && reader->before == '$');
    if (plain) read_word(reader, 'x');
    reader->before = c;
    if (plain) reader->before = 'x';
  }
}

static place place_now(const place_reader *reader) {
  if (reader->lost || reader->escaped || reader->before == '$' || reader->less == 2) return PLACE_UNSAFE;
  for (int i = 0; i < reader->depth; i++)
    if (reader->within[i] == BACKQUOTE || reader->within[i] == BRACE) return PLACE_UNSAFE;
  int within = innermost(reader);
  int around = reader->depth > 1 ? reader->within[reader->depth - 2] : BARE;
  bool in_arithmetic = around == ARITHMETIC || around == NESTED;
  switch (within) {
    case BARE:
    case PARENTHESIS:
      return PLACE_BARE;
    case COMMENT:
      return PLACE_COMMENT;
    case ARITHMETIC:
    case NESTED:
      return PLACE_ARITHMETIC;
    case SINGLE:
      return in_arithmetic ? PLACE_UNSAFE : PLACE_SINGLE;
    case DOUBLE:
      return in_arithmetic ? PLACE_UNSAFE : PLACE_DOUBLE;
    default:
      return PLACE_UNSAFE;
  }
}

place place_of_text(place_reader *reader) {
  place here = place_now(reader);
  reader->less = 0;
  reader->length = 5; /* not the word `case` */
  reader->before = 'x';
  return here;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text, size_t length) {
  static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-";
  for (size_t i = 0; i < length; i++)
    if (text[i] == '\0' || !strchr(allowed, text[i])) return false;
  return length > 0;
}

char *place_write(char *to, place where, const char *text, size_t length) {
  if (where == PLACE_ARITHMETIC && !is_number(text, length))
    return stpcpy(to, ";;"); /* an error wherever it may stand */
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (where == PLACE_SINGLE && c == '\'') {
      to = stpcpy(to, "'\\''");
    } else if (where == PLACE_COMMENT && (c == '\n' || c == '\r')) {
      *to++ = ' ';
    } else {
      if (where == PLACE_DOUBLE && c != '\0' && strchr("$`\"\\", c)) *to++ = '\\';
      *to++ = c;
    }
  }
  return to;
}
