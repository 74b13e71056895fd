/* furrow journal: what is in a journal, and whether it is whole. Needs no MPI; if mpirun started several, one speaks.
   */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../commands.h"
#include "common/launch.h"
#include "common/options.h"
#include "show.h"

enum { MISUSED = 2 };

static const char USAGE[] =
    "usage: furrow journal COMMAND FILE [OPTION]...\n\n"
    "  show      what each run and each operation in it has finished\n"
    "  verify    check every record\n\n"
    "furrow journal COMMAND --help tells more.\n";

typedef struct request {
  const char *path;
  bool json;
  app_verdict verdict;
} request;

/* The file is the word without a dash; what else there is goes to the table of options. */
static request read_request(bool speaks, const char *name, const char *summary, int argc, char **argv) {
  request asked = {.verdict = APP_REFUSED};
  const app_option options[] = {
      {.name = "json", .flag = &asked.json, .help = "print it as JSON"},
      {.name = NULL},
  };
  const bool shows = strcmp(argv[0], "show") == 0;
  const app_program program = {name, summary, shows ? options : &options[1]};
  int at = 1;
  while (at < argc && argv[at][0] == '-') at++;
  if (at < argc) {
    asked.path = argv[at];
    memmove(&argv[at], &argv[at + 1], (size_t)(argc - at) * sizeof *argv); /* the NULL behind them too */
    argc--;
  }
  asked.verdict = app_parse_as(speaks, &program, NULL, argc, argv);
  if (asked.verdict == APP_RUN && !asked.path) {
    if (speaks) fprintf(stderr, "%s: which journal?\n%s --help tells more.\n", name, name);
    asked.verdict = APP_REFUSED;
  }
  return asked;
}

static int tell_unreadable(const char *path, const furrow_journal *journal) {
  fprintf(stderr, "furrow journal: %s: %s\n", path, furrow_journal_get_summary(journal)->reason);
  return MISUSED;
}

/* ---- show ---- */

static int show(const request *asked, const furrow_journal *journal) {
  furrow_journal_state state = furrow_journal_get_summary(journal)->state;
  if (state == FURROW_JOURNAL_UNREADABLE) return tell_unreadable(asked->path, journal);
  if (!asked->json)
    journal_show_text(asked->path, journal);
  else if (!journal_show_json(asked->path, journal))
    return EXIT_FAILURE;
  return state <= FURROW_JOURNAL_TORN ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- verify ---- */

static int verify(const request *asked, const furrow_journal *journal) {
  const furrow_journal_summary *found = furrow_journal_get_summary(journal);
  switch (found->state) {
    case FURROW_JOURNAL_UNREADABLE:
      return tell_unreadable(asked->path, journal);
    case FURROW_JOURNAL_FOREIGN:
      printf("%s: %s\n", asked->path, found->reason);
      return EXIT_FAILURE;
    case FURROW_JOURNAL_DAMAGED:
      printf("%s: damaged at byte %" PRIu64 " of %" PRIu64 ", behind %" PRIu64 " whole records: %s\n", asked->path,
             found->offset, found->size, found->records, found->reason);
      return EXIT_FAILURE;
    case FURROW_JOURNAL_TORN:
      printf("%s: whole up to byte %" PRIu64 " of %" PRIu64 ", %" PRIu64
             " records; the next run cuts the torn tail: %s\n",
             asked->path, found->offset, found->size, found->records, found->reason);
      return EXIT_SUCCESS;
    case FURROW_JOURNAL_WHOLE:
      break;
  }
  printf("%s: whole, %" PRIu64 " records, %" PRIu64 " bytes\n", asked->path, found->records, found->size);
  return EXIT_SUCCESS;
}

/* ---- the command ---- */

typedef struct work {
  const char *name, *full_name, *summary;
  int (*run)(const request *asked, const furrow_journal *journal);
} work;

static const work WORKS[] = {
    {"show", "furrow journal show",
     "What is in a journal: the runs of the program that wrote it, and of each\n"
     "operation how much is finished. Exit status 0, 1 if it is damaged or no\n"
     "journal, 2 if it can't be read.\n\n"
     "  furrow journal show FILE",
     show},
    {"verify", "furrow journal verify",
     "Check every record of a journal. Exit status 0 if it is whole, perhaps but for\n"
     "a torn tail that the next run cuts, 1 if it is damaged or no journal, which is\n"
     "then said with its place, 2 if it can't be read.\n\n"
     "  furrow journal verify FILE",
     verify},
};

static int do_work(const work *todo, bool speaks, int argc, char **argv) {
  request asked = read_request(speaks, todo->full_name, todo->summary, argc, argv);
  if (asked.verdict != APP_RUN) return asked.verdict == APP_REFUSED ? MISUSED : EXIT_SUCCESS;
  if (!speaks) return EXIT_SUCCESS;
  furrow_journal *journal = NULL;
  furrow_status status = furrow_journal_open(asked.path, &journal);
  int result = EXIT_FAILURE;
  if (status == FURROW_E_NOMEM)
    fprintf(stderr, "furrow journal: %s: %s\n", asked.path, furrow_strerror(status));
  else
    result = todo->run(&asked, journal);
  furrow_journal_close(&journal);
  return result;
}

int journal(int argc, char **argv) {
  bool speaks = launch_here().rank == 0;
  for (size_t i = 0; argc > 1 && i < sizeof WORKS / sizeof *WORKS; i++)
    if (strcmp(argv[1], WORKS[i].name) == 0) return do_work(&WORKS[i], speaks, argc - 1, argv + 1);
  bool helps = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
  if (speaks && argc > 1 && !helps) fprintf(stderr, "furrow journal: '%s': no such command\n", argv[1]);
  if (speaks) fputs(USAGE, helps ? stdout : stderr);
  return helps ? EXIT_SUCCESS : MISUSED;
}
