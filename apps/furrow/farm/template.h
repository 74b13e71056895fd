/* A command to be made of arguments: words with replacement strings ({} {.} {/} {//} {/.} {#} {%} {1} {2.} {-1} and so
 * on), as in GNU parallel. The same on every rank. Pure. */
#ifndef FARM_TEMPLATE_H
#define FARM_TEMPLATE_H

#include "inputs.h"

typedef struct template_options {
  bool quoted;             /* -q: the command's words go as they are, no shell looks at them */
  const char *replacement; /* instead of {} (-I); NULL: {} */
} template_options;

typedef struct template template;

enum { TEMPLATE_MESSAGE_SIZE = 256 };

/* Of the command's words; none: each set's argument is a whole command line. NULL, with a message, if a replacement
 * string is one we don't know ({= perl =}) or there is no memory. A command without any replacement string gets {} at
 * its end. The same command for any number of threads, and never changed. Without options: the defaults. */
template *template_make(char *const *words, int count, const template_options *options,
                        char message[TEMPLATE_MESSAGE_SIZE]);
void template_free(template *of);

/* A command ready to be executed. All zero at first; one may be filled again and again, and keeps its memory. */
typedef struct command {
  char **argv; /* with its NULL: the program found without a shell, or a shell, "-c" and the text */
  bool direct; /* no shell */
  char *text;  /* the command line as a shell would read it: what the joblog and --dry-run show */
  struct command_memory *memory;
} command;

/* What a set of arguments makes of it. A command is direct if no character of it (of the arguments: where they stand)
 * means anything to a shell and its program is no builtin that could answer otherwise; the result is the same, only
 * faster. Arguments are quoted, so their text is never read as anything else, except where they are (a part of) the
 * command, as in GNU parallel: where there is no command, or an argument's replacement string in its first word. The
 * shell is $SHELL where that is one of Bourne's kind, else /bin/sh. False: no memory. */
bool template_fill(const template *of, const arguments *set, uint64_t sequence, int slot, command *made);
void command_free(command *made);

/* Make a filled command one for a shell, such as when its program could not be started: a shell finds out why, says it
 * in its own words, and ends as shells do (126, 127), or knows how to run it (a script without #!). */
void command_use_shell(const template *of, command *made);

/* The same for a text that no shell reads, unquoted: a tag. Nothing is added to words without a replacement string.
 * Replaces *text, which the caller frees. */
bool template_fill_text(const template *of, const arguments *set, uint64_t sequence, int slot, char **text);

#endif
