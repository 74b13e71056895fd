/* A journal as JSON. Whole numbers beyond 2^63 - 1, which some seeds are, become strings; what is not known is null. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

static json_t *whole(uint64_t n) {
  if (n <= INT64_MAX) return json_integer((json_int_t)n);
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, n);
  return json_string(text);
}

/* Any bytes: what is no UTF-8 loses what is no ASCII. */
static json_t *words(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char *plain = strdup(text);
  for (char *c = plain; c && *c; c++)
    if (*c < ' ' || *c > '~') *c = '?';
  string = plain ? json_string(plain) : NULL;
  free(plain);
  return string;
}

static json_t *run_json(const furrow_journal_run *run) {
  json_t *arguments = json_array();
  for (uint64_t i = 0; i < run->argument_count; i++) json_array_append_new(arguments, words(run->arguments[i]));
  return json_pack("{s:f, s:o, s:o, s:o, s:o}", "time", run->time, "host", words(run->host), "process",
                   whole(run->process), "version", words(run->version), "arguments", arguments);
}

static json_t *known(const furrow_journal_operation *one, uint64_t n) {
  return journal_is_stream(one) ? json_null() : whole(n);
}

static json_t *operation_json(const furrow_journal_operation *one) {
  return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number", whole(one->number),
                   "function", one->function, "label", words(one->label), "tasks", known(one, one->count), "finished",
                   whole(one->finished), "item_bytes", known(one, one->item_size), "result_bytes",
                   known(one, one->result_size), "leaf", whole(one->leaf), "seed", whole(one->seed), "series",
                   whole(one->series), "records", whole(one->records), "bytes", whole(one->bytes));
}

bool journal_show_json(const char *path, const furrow_journal *journal) {
  const furrow_journal_summary *found = furrow_journal_get_summary(journal);
  json_t *runs = json_array(), *operations = json_array();
  const furrow_journal_run *run;
  const furrow_journal_operation *operation;
  for (uint64_t i = 0; (run = furrow_journal_get_run(journal, i)); i++) json_array_append_new(runs, run_json(run));
  for (uint64_t i = 0; (operation = furrow_journal_get_operation(journal, i)); i++)
    json_array_append_new(operations, operation_json(operation));
  json_t *all =
      json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "file", words(path), "state",
                journal_state_name(found->state), "reason", found->reason, "bytes", whole(found->size), "whole_bytes",
                whole(found->offset), "records", whole(found->records), "runs", runs, "operations", operations);
  bool made = all && json_dumpf(all, stdout, JSON_INDENT(2)) == 0;
  if (made) putchar('\n');
  if (!all) fprintf(stderr, "furrow journal: no memory for the report\n");
  json_decref(all);
  return made;
}
