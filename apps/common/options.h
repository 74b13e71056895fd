/* A program's command line as a table, and the two ends of its main().
 *
 * Every rank reads the same arguments and comes to the same verdict, so no message is needed; rank 0 alone prints. */
#ifndef APPS_COMMON_OPTIONS_H
#define APPS_COMMON_OPTIONS_H

#include <furrow.h>

/* One option. Exactly one of the pointers from `flag` on is set: it says what the option takes and where its value goes. What
 * stands there before is the default, and --help shows it, but for a choice and for what a program reads itself. */
typedef struct app_option {
  const char *name;          /* without its dashes */
  const char *alias;         /* another name for it; NULL: none */
  char letter;               /* a short name; 0: none */
  const char *value;         /* what --help calls the value; NULL: by kind */
  const char *help;          /* one line */
  bool *flag;                /* takes no value */
  uint64_t *count;           /* a whole number from `least` to `most` */
  double *real;              /* a number from `least` to `most` */
  double *pair;              /* two such numbers, as in -0.5,1 */
  const char **text;         /* anything but nothing */
  furrow_schedule *schedule; /* auto, static or dynamic */
  int *choice;               /* takes no value: becomes `chosen`, so the last of several options counts */
  int chosen;
  void *into; /* anything else: `read` puts it there, and returns NULL, or what is wrong with the text */
  const char *(*read)(const char *text, void *into);
  const char *allowed; /* then: what is allowed, such as "allowed is a number", or NULL */
  double least, most;
} app_option;

/* What every program with random numbers or a schedule offers, said once. */
#define APP_SEED(where) \
  { .name = "seed", .count = (where), .most = 0x1p53, .help = "another seed draws other random numbers" }
#define APP_SCHEDULE(where) \
  { .name = "schedule", .schedule = (where), .help = "how tasks reach ranks: auto, static or dynamic" }

typedef struct app_program {
  const char *name;
  const char *summary;       /* what it does: whole lines, without a newline at the end */
  const app_option *options; /* ends with a nameless one; --help is understood without being named */
} app_program;

/* The words behind a program's options, such as files. */
typedef struct app_operands {
  const char *name; /* what --help calls them, such as "FILE..." */
  const char *more; /* for --help, below the options, with its newline; NULL: how a count may be written */
  bool foreign;     /* the first of them ends the options: what follows is another program's command line */
  int most;         /* how many there may be */
  int count;        /* set: how many there are, */
  char **words;     /* and which, of argv */
} app_operands;

typedef enum app_verdict {
  APP_RUN,     /* carry on */
  APP_HELPED,  /* --help was asked for and given: exit 0 */
  APP_REFUSED, /* the arguments make no sense, and rank 0 has said why: exit 2 */
} app_verdict;

/* Read the arguments into the table's variables. Local: ranks with the same arguments agree without a word. */
app_verdict app_parse(const furrow_pool *pool, const app_program *program, int argc, char **argv);

/* The same for a program that takes other words, too. What begins with a dash and stands behind "--" is one of them. */
app_verdict app_parse_operands(const furrow_pool *pool, const app_program *program, app_operands *operands, int argc,
                               char **argv);

/* The same before there is a pool: one rank `speaks`, the others keep quiet. `operands` may be NULL. */
app_verdict app_parse_as(bool speaks, const app_program *program, app_operands *operands, int argc, char **argv);

/* Refuse what is fine one by one but not together, before there is a pool. Returns APP_REFUSED. */
app_verdict app_refuse_as(bool speaks, const app_program *program, const char *format, ...) FURROW_PRINTF(3, 4);

/* The same with a pool. */
app_verdict app_refuse(const furrow_pool *pool, const app_program *program, const char *format, ...)
    FURROW_PRINTF(3, 4);

/* The end of main(): make sure that what was printed has arrived, report a failure, finalize. Collective on the pool;
 * returns the exit status, the same on every rank: 0, 1 for a failure, 2 for arguments that make no sense, 75 if the stop
 * signal has interrupted a journalled run. */
int app_finish(furrow_pool **pool, app_verdict verdict, furrow_status status);

#endif
