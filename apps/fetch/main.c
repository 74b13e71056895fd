/* fetch: downloads or checks a list of URLs, many at a time. A stream of tasks that wait for others: rank 0 reads the list
 * as far as there is room, threads of all ranks each have a transfer under way, and rank 0 reports in the list's order.
 * The files in reading order: this one, list.c, names.c, transfer.c, report.c.
 *
 *   mpirun build/bin/fetch --output pages list.txt > report.txt */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/options.h"
#include "common/output.h"
#include "common/timing.h"
#include "fetch.h"

/* What this rank could not open, if it could not, is everyone's. */
static furrow_status agree(furrow_pool *pool, bool fine, const char *path) {
  char why[FURROW_MESSAGE_SIZE];
  snprintf(why, sizeof why, "%s: %s", path, strerror(errno));
  return furrow_agree(pool, fine ? FURROW_OK : FURROW_E_IO, why);
}

/* Rank 0 makes the folder; then all ranks must see it. */
static furrow_status open_folder(furrow_pool *pool, settings *wanted) {
  wanted->folder = -1;
  if (wanted->check) return FURROW_OK;
  bool fine = !furrow_is_root(pool) || mkdir(wanted->output, 0777) == 0 || errno == EEXIST;
  furrow_status status = agree(pool, fine, wanted->output);
  if (status != FURROW_OK) return status;
  wanted->folder = open(wanted->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return agree(pool, wanted->folder >= 0, wanted->output);
}

static furrow_status open_list(furrow_pool *pool, const char *path, batch *all) {
  bool standard = strcmp(path, "-") == 0;
  if (furrow_is_root(pool)) all->list = standard ? stdin : fopen(path, "r");
  return agree(pool, !furrow_is_root(pool) || all->list, path);
}

static furrow_status open_report(furrow_pool *pool, const settings *wanted, app_output *output, batch *all) {
  all->report = stdout;
  if (!wanted->report) return FURROW_OK;
  bool fine = !furrow_is_root(pool) || app_output_open(output, wanted->report);
  all->report = output->file;
  return agree(pool, fine, wanted->report);
}

static furrow_status run_stream(furrow_pool *pool, settings *wanted, batch *all) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = (int)wanted->threads;
  options.retries = (uint32_t)wanted->retries;
  options.retry_delay = wanted->retry_delay;
  options.worker_begin = transfer_begin;
  options.worker_end = transfer_end;
  options.label = "fetch";
  return furrow_stream(pool, transfer_url, wanted, next_url, report_url, all, &options);
}

static furrow_status fetch(furrow_pool *pool, settings *wanted, const char *list, batch *all) {
  app_output report = {.file = NULL};
  double start = app_seconds();
  furrow_status status = open_list(pool, list, all);
  if (status == FURROW_OK) status = open_folder(pool, wanted);
  if (status == FURROW_OK) status = open_report(pool, wanted, &report, all);
  if (status == FURROW_OK) status = run_stream(pool, wanted, all);
  bool fine = app_output_close(&report, status == FURROW_OK);
  if (status == FURROW_OK && wanted->report) status = agree(pool, fine, wanted->report);
  if (status == FURROW_OK && furrow_is_root(pool)) print_summary(all, app_seconds() - start);
  if (status == FURROW_OK) status = furrow_bcast(pool, &all->failed, sizeof all->failed); /* all ranks exit alike */

  if (wanted->folder >= 0) close(wanted->folder);
  if (all->list && all->list != stdin) fclose(all->list);
  names_clear(&all->names);
  free(all->line);
  free(all->item);
  return status;
}

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, settings *wanted, app_operands *list) {
  const app_option options[] = {
      {.name = "output", .value = "DIR", .text = &wanted->output, .help = "where files go; all nodes must see it"},
      {.name = "check", .flag = &wanted->check, .help = "only look whether the URLs are there, and fetch nothing"},
      {.name = "report",
       .value = "FILE",
       .text = &wanted->report,
       .help = "what came of each URL, instead of on standard output"},
      {.name = "threads",
       .count = &wanted->threads,
       .least = 1,
       .most = FURROW_THREADS_MOST,
       .help = "URLs that a rank has under way at a time"},
      {.name = "retries",
       .count = &wanted->retries,
       .most = 1000,
       .help = "how often what may be temporary is tried again"},
      {.name = "retry-delay",
       .value = "SECONDS",
       .real = &wanted->retry_delay,
       .most = 3600,
       .help = "before the first retry; doubled each time"},
      {.name = "timeout",
       .value = "SECONDS",
       .count = &wanted->timeout,
       .least = 1,
       .most = 86400,
       .help = "without a connection or a byte, after which to give up"},
      {.name = "max-time",
       .value = "SECONDS",
       .real = &wanted->most_seconds,
       .most = 1e6,
       .help = "that an attempt may take; 0 for any"},
      {.name = NULL},
  };
  const app_program program = {
      "fetch",
      "Download a list of URLs, or check them, many at a time on all ranks. LIST has a URL in each line,\n"
      "or a URL, a tab and a name for its file; empty lines and those that begin with # are skipped; - is\n"
      "standard input, and so is no LIST. The report has a line for each URL, in their order, with tabs\n"
      "between: ok or failed, the HTTP status (0: no answer), bytes, seconds, attempts, the URL, and its\n"
      "file or the error. The status is 1 if any URL failed. Only http and https; up to 10 redirects.",
      options};
  return app_parse_operands(pool, &program, list, argc, argv);
}

int main(int argc, char **argv) {
  settings wanted = {.threads = 16, .retries = 2, .retry_delay = 1, .timeout = 30, .output = ".", .folder = -1};
  batch all = {.wanted = &wanted};
  app_operands list = {.name = "LIST", .most = 1};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted, &list);
  signal(SIGPIPE, SIG_IGN);              /* a server that hangs up is an error, not the end */
  curl_global_init(CURL_GLOBAL_DEFAULT); /* while there is one thread */
  if (status == FURROW_OK && verdict == APP_RUN)
    status = fetch(pool, &wanted, list.count > 0 ? list.words[0] : "-", &all);
  int exit_status = app_finish(&pool, verdict, status);
  curl_global_cleanup();
  return exit_status == EXIT_SUCCESS && all.failed > 0 ? EXIT_FAILURE : exit_status;
}
