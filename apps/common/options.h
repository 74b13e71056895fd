/* A program's command line as a table, and the two ends of its main().
 *
 * Every rank reads the same arguments and comes to the same verdict, so no message is needed; rank 0 alone prints. */
#ifndef APPS_COMMON_OPTIONS_H
#define APPS_COMMON_OPTIONS_H

#include <furrow.h>

/* One option. Exactly one of the pointers is set: it says what the option takes and where its value goes. What stands
 * there before is the default, and --help shows it. */
typedef struct app_option {
  const char *name;          /* without its dashes */
  const char *value;         /* what --help calls the value; NULL: by kind */
  const char *help;          /* one line */
  bool *flag;                /* takes no value */
  uint64_t *count;           /* a whole number from `least` to `most` */
  double *real;              /* a number from `least` to `most` */
  double *pair;              /* two such numbers, as in -0.5,1 */
  const char **text;         /* anything but nothing */
  furrow_schedule *schedule; /* auto, static or dynamic */
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

typedef enum app_verdict {
  APP_RUN,     /* carry on */
  APP_HELPED,  /* --help was asked for and given: exit 0 */
  APP_REFUSED, /* the arguments make no sense, and rank 0 has said why: exit 2 */
} app_verdict;

/* Read the arguments into the table's variables. Local: ranks with the same arguments agree without a word. */
app_verdict app_parse(const furrow_pool *pool, const app_program *program, int argc, char **argv);

/* The same before there is a pool: one rank `speaks`, the others keep quiet. */
app_verdict app_parse_as(bool speaks, const app_program *program, int argc, char **argv);

/* Refuse arguments that are fine one by one but not together. Returns APP_REFUSED. */
app_verdict app_refuse(const furrow_pool *pool, const app_program *program, const char *format, ...)
    FURROW_PRINTF(3, 4);

/* The end of main(): make sure that what was printed has arrived, report a failure, finalize. Collective on the pool;
 * returns the exit status, the same on every rank. */
int app_finish(furrow_pool **pool, app_verdict verdict, furrow_status status);

#endif
