/* The words behind `furrow farm`'s options: a command, then `:::` and its like with arguments. */
#ifndef FARM_WORDS_H
#define FARM_WORDS_H

#include "inputs.h"

/* How many of the words are the command: those before the first `:::`, `::::`, `:::+` or `::::+`. */
int count_command(char *const *words, int count);

/* The sources that the other words name, from `words[0]`, a `:::` or its like, on; `list` has room for as many as there are words.
 * How many they are; -1: a `:::+` or `::::+` has nothing before it to go along with, as `list` is at its `first`. */
int list_sources(char *const *words, int count, source *list, int first);

#endif
