/* What shells of Bourne's kind (sh, bash, dash, ksh, zsh) make of a text: how to quote for all of them, and when a
 * command is the same without any. In doubt it is not. Knows no templates and starts nothing. */
#ifndef FARM_SHELL_H
#define FARM_SHELL_H

#include <stdbool.h>
#include <stddef.h>

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

/* Bytes that shell_quote() may write for so many, without a NUL. */
static inline size_t shell_quote_room(size_t length) {
  return 5 * length + 2;
}

/* So that a shell reads any text but one with NUL as (a part of) one word; as it is where that is possible, and
 * otherwise exactly as GNU parallel does, because both write it to joblogs. Where the text in `to` ends. */
char *shell_quote(char *to, const char *text, size_t length);

/* Whether it is only words and blanks, to every shell: it may stand next to quoted texts. */
bool shell_is_plain(const char *text, size_t length);

/* ---- the shell of this process's environment ------------------------------------------------------------------------ */

typedef struct shell {
  const char *path;       /* $SHELL if it is an executable of Bourne's kind, else /bin/sh */
  bool always;            /* it reads a file of the user's before each command, so it has to be asked each time */
  const char **functions; /* names of those that bash finds in the environment, such as "f%%=() { …"; ended by NULL */
} shell;

/* False: no memory. The environment must not change as long as it is used. */
bool shell_find(shell *found);
void shell_clear(shell *found);

/* Whether a command of these words, of which none is a redirection, runs a program found by PATH, or one that does the
 * same as the shell's own of that name. At least one word; NULL at the end. */
bool shell_runs_program(const shell *of, char *const *words);

#endif
