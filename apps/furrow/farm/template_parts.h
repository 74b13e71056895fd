/* What a template is made of: template.c makes it, template_fill.c fills it. */
#ifndef FARM_TEMPLATE_PARTS_H
#define FARM_TEMPLATE_PARTS_H

#include <stddef.h>

#include "places.h"
#include "shell.h"
#include "template.h"

typedef enum piece_kind {
  PIECE_TEXT,
  PIECE_GAP, /* blanks between words */
  /* Replacement strings: of an argument … */
  PIECE_ALL,       /* {} */
  PIECE_NO_SUFFIX, /* {.} */
  PIECE_BASE,      /* {/} */
  PIECE_FOLDER,    /* {//} */
  PIECE_BARE,      /* {/.} */
  /* … and of the command. */
  PIECE_SEQUENCE, /* {#} */
  PIECE_SLOT,     /* {%} */
} piece_kind;

typedef struct piece {
  piece_kind kind;
  const char *text; /* of texts and gaps, in the template's own memory */
  size_t length;
  bool positional; /* of this argument only, from 1; from -1: counted from the last one */
  long position;
  place where; /* MANNER_WORDS: where an argument stands, for a shell */
} piece;

typedef enum manner {
  MANNER_LINE,  /* arguments are (a part of) the command, unquoted: what they mean is seen when they are there */
  MANNER_WORDS, /* arguments are quoted as their place asks for */
  MANNER_QUOTED /* -q: whole words are */
} manner;

struct template {
  manner manner;
  piece *pieces;
  size_t count, room;
  bool added; /* the last two pieces, " {}", were not in the words */
  bool plain; /* MANNER_WORDS: what is no argument means nothing to a shell */
  char *memory;
  shell shell;
};

static inline bool piece_is_of_argument(piece_kind kind) {
  return kind >= PIECE_ALL && kind <= PIECE_BARE;
}

#endif
