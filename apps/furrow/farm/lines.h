/* Texts of a file, pipe or terminal, one after the other: what ends with a newline, or with NUL. Never waits, and
 * keeps one text and what was read with it. Knows descriptors; does not know what the texts are for. */
#ifndef FARM_LINES_H
#define FARM_LINES_H

#include "inputs.h"

typedef struct lines lines;

/* "-": standard input. NULL, with a message, if it can't be opened or there is no memory. `path` must outlive it. */
lines *lines_open(const char *path, bool null_separated, char message[INPUT_MESSAGE_SIZE]);
void lines_close(lines *from);

/* A regular file: it is never INPUT_NOT_YET, and can be read again. */
bool lines_are_regular(const lines *from);

/* The next text, which is valid until the next call; it may be changed. */
input_answer lines_next(lines *from, char **text);
const char *lines_reason(const lines *from);

#endif
