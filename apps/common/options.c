/* A program's command line as a table. getopt_long() splits the words; what a word means stands in the table. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "report.h"

enum { MOST_OPTIONS = 32, FIRST_VALUE = 256 /* beyond every short option's letter */ };

static const char *const SCHEDULES[] = {"auto", "static", "dynamic"}; /* as furrow_schedule counts them */

/* ---- --help ---------------------------------------------------------------------------------------------------- */

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

static void print_help(const app_program *program) {
  printf("usage: %s [OPTION]...\n\n%s\n\n", program->name, program->summary);
  for (const app_option *option = program->options; option->name; option++) {
    int width = 2 + (int)strlen(option->name);
    printf("  --%s", option->name);
    if (!option->flag) width += printf("=%s", value_name(option));
    printf("%*s%s", width < 22 ? 24 - width : 2, "", option->help);
    print_default(option);
    putchar('\n');
  }
  printf("  --%-22s%s\n\n", "help", "show this and stop");
  printf("Defaults stand in brackets. A count may be written 1000000, 1_000_000 or 1e6.\n");
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

static app_verdict refuse(bool speaks, const app_program *program, const char *format, ...) FURROW_PRINTF(3, 4);
static app_verdict refuse(bool speaks, const app_program *program, const char *format, ...) {
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
  *option->flag = true;
  return NULL;
}

static app_verdict refuse_value(bool speaks, const app_program *program, const app_option *option, const char *text,
                                const char *wrong) {
  if (option->count)
    return refuse(speaks, program, "--%s: '%s' %s; allowed is a whole number from %s to %s", option->name, text, wrong,
                  app_whole((uint64_t)option->least).text, app_whole((uint64_t)option->most).text);
  if (option->real || option->pair)
    return refuse(speaks, program, "--%s: '%s' %s; allowed %s from %g to %g", option->name, text, wrong,
                  option->pair ? "are two numbers X,Y" : "is a number", option->least, option->most);
  if (option->schedule)
    return refuse(speaks, program, "--%s: '%s' %s; allowed are auto, static and dynamic", option->name, text, wrong);
  return refuse(speaks, program, "--%s: '%s' %s", option->name, text, wrong);
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

/* What getopt_long() could not place: ':' a value is missing, '?' anything else. */
static app_verdict refuse_word(bool speaks, const app_program *program, int what, const char *word) {
  if (what == ':') return refuse(speaks, program, "%s needs a value", word);
  if (optopt >= FIRST_VALUE) return refuse(speaks, program, "'%s': this option takes no value", word);
  if (optopt != 0) return refuse(speaks, program, "'-%c': no such option", optopt);
  return refuse(speaks, program, "'%s': no such option, or more than one that begins like this", word);
}

app_verdict app_parse_as(bool speaks, const app_program *program, int argc, char **argv) {
  struct option words[MOST_OPTIONS + 2] = {{0}};
  int count = 0;
  for (; count < MOST_OPTIONS && program->options[count].name; count++)
    words[count] =
        (struct option){program->options[count].name, program->options[count].flag ? no_argument : required_argument,
                        NULL, FIRST_VALUE + count};
  words[count] = (struct option){"help", no_argument, NULL, 'h'};

  opterr = 0; /* getopt would speak on every rank */
  for (int found; (found = getopt_long(argc, argv, ":h", words, NULL)) != -1;) {
    if (found == 'h') {
      if (speaks) print_help(program);
      return APP_HELPED;
    }
    if (found < FIRST_VALUE) return refuse_word(speaks, program, found, argv[optind - 1]);
    const app_option *option = &program->options[found - FIRST_VALUE];
    const char *wrong = read_value(option, optarg);
    if (wrong) return refuse_value(speaks, program, option, optarg, wrong);
  }
  if (optind < argc) return refuse(speaks, program, "'%s': there are only options", argv[optind]);
  return APP_RUN;
}

app_verdict app_parse(const furrow_pool *pool, const app_program *program, int argc, char **argv) {
  return app_parse_as(furrow_is_root(pool), program, argc, argv);
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

int app_finish(furrow_pool **pool, app_verdict verdict, furrow_status status) {
  if (status == FURROW_OK) status = flush_output(*pool);
  if (status != FURROW_OK && furrow_is_root(*pool)) furrow_error_print(stderr, furrow_pool_error(*pool));
  furrow_finalize(pool);
  if (status != FURROW_OK) return EXIT_FAILURE;
  return verdict == APP_REFUSED ? 2 : EXIT_SUCCESS;
}
