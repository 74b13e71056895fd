/* A program's command line as a table. getopt_long() splits the words; what a word means stands in the table. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "report.h"

enum { INTERRUPTED = 75 /* of sysexits.h: try again. furrow-submit --requeue does */ };

enum { MOST_NAMES = 64, FIRST_VALUE = 256 /* beyond every short option's letter */ };

static const char *const SCHEDULES[] = {"auto", "static", "dynamic"}; /* as furrow_schedule counts them */

/* ---- --help ---------------------------------------------------------------------------------------------------- */

static bool takes_value(const app_option *option) {
  return !option->flag && !option->choice;
}

static const char *value_name(const app_option *option) {
  if (option->value) return option->value;
  if (option->schedule) return "NAME";
  if (option->text) return "TEXT";
  return option->pair ? "X,Y" : option->real ? "X" : "N";
}

static void print_default(const app_option *option) {
  if (option->count) printf(" (%s)", app_whole(*option->count).text);
  if (option->real) printf(" (%g)", *option->real);
  if (option->pair) printf(" (%g,%g)", option->pair[0], option->pair[1]);
  if (option->text && *option->text) printf(" (%s)", *option->text);
  if (option->schedule) printf(" (%s)", SCHEDULES[*option->schedule]);
}

static void print_option(const app_option *option) {
  int width = 2 + (int)strlen(option->name);
  printf("  ");
  if (option->letter) width += printf("-%c, ", option->letter);
  printf("--%s", option->name);
  if (takes_value(option)) width += printf("=%s", value_name(option));
  printf("%*s%s", width < 22 ? 24 - width : 2, "", option->help);
  print_default(option);
  putchar('\n');
}

static void print_help(const app_program *program, const app_operands *operands) {
  printf("usage: %s [OPTION]...", program->name);
  if (operands) printf(" [%s]", operands->name);
  printf("\n\n%s\n\n", program->summary);
  for (const app_option *option = program->options; option->name; option++) print_option(option);
  printf("  --%-22s%s\n\n", "help", "show this and stop");
  fputs(operands && operands->more ? operands->more
                                   : "Defaults stand in brackets. A count may be written 1000000, 1_000_000 or 1e6.\n",
        stdout);
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static void print_refusal(const app_program *program, const char *format, va_list arguments) {
  fprintf(stderr, "%s: ", program->name);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n%s --help lists the options.\n", program->name);
}

app_verdict app_refuse(const furrow_pool *pool, const app_program *program, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (furrow_is_root(pool)) print_refusal(program, format, arguments);
  va_end(arguments);
  return APP_REFUSED;
}

app_verdict app_refuse_as(bool speaks, const app_program *program, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (speaks) print_refusal(program, format, arguments);
  va_end(arguments);
  return APP_REFUSED;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Each reader returns NULL, or what is wrong with the text. */

static const char *read_count(const app_option *option, const char *text) {
  uint64_t value;
  const char *wrong = app_parse_count(text, &value);
  if (wrong) return wrong;
  if ((double)value < option->least) return "is too small";
  if ((double)value > option->most) return "is too large";
  *option->count = value;
  return NULL;
}

static const char *read_real(const app_option *option, const char *text, double *value) {
  double parsed;
  const char *wrong = app_parse_real(text, &parsed);
  if (wrong) return wrong;
  if (parsed < option->least) return "is too small";
  if (parsed > option->most) return "is too large";
  *value = parsed;
  return NULL;
}

static const char *read_pair(const app_option *option, const char *text) {
  char first[128];
  double pair[2];
  size_t length = strcspn(text, ",");
  if (text[length] != ',' || length >= sizeof first) return "is not two numbers with a comma between them";
  memcpy(first, text, length);
  first[length] = '\0';
  const char *wrong = read_real(option, first, &pair[0]);
  if (!wrong) wrong = read_real(option, text + length + 1, &pair[1]);
  if (!wrong) memcpy(option->pair, pair, sizeof pair);
  return wrong;
}

static const char *read_schedule(const app_option *option, const char *text) {
  for (size_t i = 0; i < sizeof SCHEDULES / sizeof *SCHEDULES; i++) {
    if (strcmp(text, SCHEDULES[i]) != 0) continue;
    *option->schedule = (furrow_schedule)i;
    return NULL;
  }
  return "is no schedule";
}

static const char *read_text(const app_option *option, const char *text) {
  if (*text == '\0') return "is empty";
  *option->text = text;
  return NULL;
}

static const char *read_value(const app_option *option, const char *text) {
  if (option->count) return read_count(option, text);
  if (option->real) return read_real(option, text, option->real);
  if (option->pair) return read_pair(option, text);
  if (option->schedule) return read_schedule(option, text);
  if (option->text) return read_text(option, text);
  if (option->read) return option->read(text, option->into);
  if (option->choice)
    *option->choice = option->chosen;
  else
    *option->flag = true;
  return NULL;
}

static app_verdict refuse_value(bool speaks, const app_program *program, const app_option *option, const char *text,
                                const char *wrong) {
  if (option->count)
    return app_refuse_as(speaks, program, "--%s: '%s' %s; allowed is a whole number from %s to %s", option->name, text,
                         wrong, app_whole((uint64_t)option->least).text, app_whole((uint64_t)option->most).text);
  if (option->real || option->pair)
    return app_refuse_as(speaks, program, "--%s: '%s' %s; allowed %s from %g to %g", option->name, text, wrong,
                         option->pair ? "are two numbers X,Y" : "is a number", option->least, option->most);
  if (option->schedule)
    return app_refuse_as(speaks, program, "--%s: '%s' %s; allowed are auto, static and dynamic", option->name, text,
                         wrong);
  return app_refuse_as(speaks, program, "--%s: '%s' %s%s%s", option->name, text, wrong, option->allowed ? "; " : "",
                       option->allowed ? option->allowed : "");
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

/* What getopt_long() could not place: ':' a value is missing, '?' anything else. */
static app_verdict refuse_word(bool speaks, const app_program *program, int what, const char *word) {
  if (what == ':') return app_refuse_as(speaks, program, "%s needs a value", word);
  if (optopt >= FIRST_VALUE) return app_refuse_as(speaks, program, "'%s': this option takes no value", word);
  if (optopt != 0) return app_refuse_as(speaks, program, "'-%c': no such option", optopt);
  return app_refuse_as(speaks, program, "'%s': no such option, or more than one that begins like this", word);
}

static app_verdict keep_operands(bool speaks, const app_program *program, app_operands *operands, int argc,
                                 char **argv) {
  operands->count = argc - optind;
  operands->words = argv + optind;
  if (operands->count <= operands->most) return APP_RUN;
  return app_refuse_as(speaks, program, "'%s': one word too many", operands->words[operands->most]);
}

/* What getopt_long() is to know of the table. */
typedef struct grammar {
  struct option words[MOST_NAMES + 2];
  char letters[2 * MOST_NAMES + 8];
} grammar;

static grammar make_grammar(const app_program *program, bool foreign) {
  grammar made = {.words = {{0}}};
  size_t count = 0;
  char *letters = made.letters + sprintf(made.letters, "%s:h", foreign ? "+" : "");
  for (int i = 0; program->options[i].name && count + 1 < MOST_NAMES; i++) {
    const app_option *option = &program->options[i];
    int value = takes_value(option) ? required_argument : no_argument;
    made.words[count++] = (struct option){option->name, value, NULL, FIRST_VALUE + i};
    if (option->alias) made.words[count++] = (struct option){option->alias, value, NULL, FIRST_VALUE + i};
    if (!option->letter) continue;
    *letters++ = option->letter;
    if (takes_value(option)) *letters++ = ':';
  }
  made.words[count] = (struct option){"help", no_argument, NULL, 'h'};
  return made;
}

/* NULL: none of them. */
static const app_option *find_option(const app_program *program, int found) {
  if (found >= FIRST_VALUE) return &program->options[found - FIRST_VALUE];
  const app_option *option = program->options;
  while (option->name && option->letter != found) option++;
  return option->name ? option : NULL;
}

static app_verdict parse(bool speaks, const app_program *program, app_operands *operands, int argc, char **argv) {
  grammar known = make_grammar(program, operands && operands->foreign);
  opterr = 0; /* getopt would speak on every rank */
  for (int found; (found = getopt_long(argc, argv, known.letters, known.words, NULL)) != -1;) {
    if (found == 'h') {
      if (speaks) print_help(program, operands);
      return APP_HELPED;
    }
    const app_option *option = find_option(program, found);
    if (!option) return refuse_word(speaks, program, found, argv[optind - 1]);
    const char *wrong = read_value(option, optarg);
    if (wrong) return refuse_value(speaks, program, option, optarg, wrong);
  }
  if (operands) return keep_operands(speaks, program, operands, argc, argv);
  if (optind < argc) return app_refuse_as(speaks, program, "'%s': there are only options", argv[optind]);
  return APP_RUN;
}

app_verdict app_parse_as(bool speaks, const app_program *program, app_operands *operands, int argc, char **argv) {
  return parse(speaks, program, operands, argc, argv);
}

app_verdict app_parse(const furrow_pool *pool, const app_program *program, int argc, char **argv) {
  return parse(furrow_is_root(pool), program, NULL, argc, argv);
}

app_verdict app_parse_operands(const furrow_pool *pool, const app_program *program, app_operands *operands, int argc,
                               char **argv) {
  return parse(furrow_is_root(pool), program, operands, argc, argv);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* A full disk shows itself only now, and on rank 0 only. */
static furrow_status flush_output(furrow_pool *pool) {
  furrow_status status = FURROW_OK;
  errno = 0;
  if (furrow_is_root(pool) && (fflush(stdout) != 0 || ferror(stdout))) status = FURROW_E_IO;
  char why[FURROW_MESSAGE_SIZE];
  snprintf(why, sizeof why, "standard output: %s", errno != 0 ? strerror(errno) : "write error");
  return furrow_agree(pool, status, why);
}

static void print_failure(furrow_pool *pool, furrow_status status) {
  if (status == FURROW_E_INTERRUPTED)
    fprintf(stderr, "furrow: interrupted; the same command goes on from the journal\n");
  else
    furrow_error_print(stderr, furrow_pool_error(pool));
}

int app_finish(furrow_pool **pool, app_verdict verdict, furrow_status status) {
  if (status == FURROW_OK) status = flush_output(*pool);
  if (status != FURROW_OK && furrow_is_root(*pool)) print_failure(*pool, status);
  furrow_finalize(pool);
  if (status == FURROW_E_INTERRUPTED) return INTERRUPTED;
  if (status != FURROW_OK) return EXIT_FAILURE;
  return verdict == APP_REFUSED ? 2 : EXIT_SUCCESS;
}
