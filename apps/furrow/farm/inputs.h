/* Sets of arguments, one for each command: from words (`:::`), files (`::::`, -a) and standard input, alone, linked or
 * in all combinations, as in GNU parallel. On rank 0. Knows files and lines; does not know what is done with
 * arguments. */
#ifndef FARM_INPUTS_H
#define FARM_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

/* One `:::`, `::::`, `-a`, or standard input. */
typedef struct source {
  bool is_file;       /* else words */
  bool linked;        /* `:::+`, `::::+`: goes along with the source before it, instead of being combined with it */
  const char *path;   /* of a file; "-": standard input */
  char *const *words; /* of argv */
  int count;
} source;

typedef struct input_options {
  const source *sources;
  int count;           /* at least one */
  bool null_separated; /* arguments end with NUL, not with a newline */
  const char
      *colsep;      /* a Perl-compatible regular expression between columns, each of which is an argument; NULL: none */
  bool whole_lines; /* there is no command: arguments are commands, and blank lines and comments are none */
} input_options;    /* what it points to must outlive the inputs */

/* One set. Its texts are valid until the next call. */
typedef struct arguments {
  int count;
  const char *const *texts;
  uint64_t sequence; /* from 1 on; of a file, its line: blank ones and comments that are no commands are counted */
} arguments;

typedef enum input_answer {
  INPUT_SET,     /* here is one */
  INPUT_NOT_YET, /* a pipe or terminal has none just now: ask again */
  INPUT_END,
  INPUT_FAILED, /* see inputs_reason() */
} input_answer;

typedef struct inputs inputs;

enum { INPUT_MESSAGE_SIZE = 256 };

/* NULL, with a message, for a file that can't be opened, a bad expression, standard input twice, or no memory. What is
 * combined or linked is read into memory; a source that stands alone is not, whatever its size. Of combinations the
 * last source varies fastest; linked sources end with the shortest; an empty source counts as one empty argument,
 * unless all are empty. */
inputs *inputs_open(const input_options *options, char message[INPUT_MESSAGE_SIZE]);
void inputs_close(inputs *in);

/* Never waits for a pipe or terminal. After INPUT_FAILED (a file can't be read, a line has a NUL byte) it fails
 * again. */
input_answer inputs_next(inputs *in, arguments *set);
const char *inputs_reason(const inputs *in);

/* How many sets inputs_next() gives in all; 0: not known, because there is a pipe or terminal. Reads regular files to
 * their ends once. */
uint64_t inputs_count(const inputs *in);

#endif
