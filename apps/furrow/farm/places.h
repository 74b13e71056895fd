/* Where in a shell's command a text stands that shall be read as nothing but itself: bare, in quotes, in a comment; and how it
 * must be written there. Reads the command around it as shells of Bourne's kind do, one character after the other. Where it can't be
 * sure, or no way of writing helps, it says so. Knows no templates. Pure. */
#ifndef FARM_PLACES_H
#define FARM_PLACES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum place {
  PLACE_BARE,       /* as a word or part of one: shell_quote() */
  PLACE_SINGLE,     /* in '…' */
  PLACE_DOUBLE,     /* in "…" */
  PLACE_COMMENT,    /* behind # */
  PLACE_ARITHMETIC, /* in $((…)) or ((…)) */
  PLACE_UNSAFE      /* in backquotes, ${…}, $'…' or a here-document, behind \ or $, or who knows */
} place;

enum { PLACES_DEEPEST = 64 };

/* All zero before the command begins. */
typedef struct place_reader {
  unsigned char within[PLACES_DEEPEST]; /* the last one is the innermost: see places.c */
  int depth;
  char before;  /* the last character, 0 at the beginning of a command; x for all that begin nothing */
  bool escaped; /* by a backslash */
  int less;     /* how many < there were just now */
  bool here;    /* a here-document begins in the next line */
  bool lost;
  char word[5]; /* the bare word that is being read, as far as "case" */
  int length;
} place_reader;

void place_read(place_reader *reader, const char *text, size_t length);

/* Here one stands: the reader goes on behind it. */
place place_of_text(place_reader *reader);

/* Bytes that place_write() may write for so many. */
static inline size_t place_room(size_t length) {
  return 4 * length + 16;
}

/* For all but PLACE_BARE and PLACE_UNSAFE. Where the text in `to` ends. An arithmetic expression
 * becomes invalid by a text that is no number: its value would be expanded once more. */
char *place_write(char *to, place where, const char *text, size_t length);

#endif
