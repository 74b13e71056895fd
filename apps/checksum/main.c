/* checksum: hashes files and trees, as sha256sum does, on all ranks. A stream: rank 0 finds names one by one, whoever is
 * free reads and hashes a file, and rank 0 prints the lines in the order of names. The files in reading order: this one,
 * files.c, walk.c, digest.c, print.c; lists.c is --check.
 *
 *   mpirun build/bin/checksum --recursive /usr/share | sha256sum --check --quiet */
#include "checksum.h"

#include <limits.h>
#include <stdlib.h>

#include "common/options.h"

static furrow_status run(furrow_pool *pool, settings *wanted, work *job) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.threads = (int)wanted->threads;
  options.worker_begin = hash_begin;
  options.worker_end = hash_end;
  options.label = "checksum";
  furrow_source *source = wanted->check ? next_line : next_file;
  furrow_sink *sink = wanted->check ? print_verdict : print_digest;
  furrow_status status = furrow_stream(pool, hash_file, wanted, source, sink, job, &options);
  if (status == FURROW_OK && furrow_is_root(pool)) print_warnings(job);
  if (status == FURROW_OK) status = furrow_bcast(pool, &job->failed, sizeof job->failed); /* all ranks exit alike */
  return status;
}

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, settings *wanted, app_operands *files) {
  const app_option options[] = {
      {.name = "recursive",
       .flag = &wanted->recursive,
       .help = "folders mean all files in them; else they are an error"},
      {.name = "check", .flag = &wanted->check, .help = "each FILE is a list of checksums: read and check them"},
      {.name = "quiet", .flag = &wanted->quiet, .help = "with --check: don't print files that are OK"},
      {.name = "xxh", .flag = &wanted->xxh, .help = "XXH3 of 128 bits, as xxhsum -H2, instead of SHA-256"},
      {.name = "threads",
       .count = &wanted->threads,
       .least = 1,
       .most = FURROW_THREADS_MOST,
       .help = "files that a rank reads at a time"},
      {.name = NULL},
  };
  const app_program program = {
      "checksum",
      "Print checksums of files, on all ranks, in the form and order of sha256sum. FILE - is standard\n"
      "input, and so is no FILE at all. Names are opened where they are hashed, so all nodes must see the\n"
      "same files. In folders, files come in the order of LC_ALL=C sort; symbolic links in them are left\n"
      "out. The status is 1 if a file could not be read, or differs.",
      options};
  app_verdict verdict = app_parse_operands(pool, &program, files, argc, argv);
  if (verdict == APP_RUN && wanted->quiet && !wanted->check)
    return app_refuse(pool, &program, "--quiet: only --check has anything to be quiet about");
  if (verdict == APP_RUN && wanted->recursive && wanted->check)
    return app_refuse(pool, &program, "--recursive: --check takes lists, not folders");
  return verdict;
}

int main(int argc, char **argv) {
  static char *standard_input[] = {"-"};
  settings wanted = {.threads = 1};
  app_operands files = {.name = "FILE...", .most = INT_MAX};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted, &files);
  work job = {.wanted = &wanted, .words = files.words, .count = files.count};
  if (files.count == 0) job.words = standard_input, job.count = 1;
  if (status == FURROW_OK && verdict == APP_RUN) status = run(pool, &wanted, &job);
  int exit_status = app_finish(&pool, verdict, status);
  if (exit_status == EXIT_SUCCESS && job.failed) exit_status = EXIT_FAILURE;
  job_clear(&job);
  return exit_status;
}
