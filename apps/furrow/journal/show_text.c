/* A journal as tables: a line a run, a line an operation. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/report.h"
#include "show.h"

const char *journal_state_name(furrow_journal_state state) {
  static const char *const NAMES[] = {"whole", "torn", "damaged", "foreign", "unreadable"};
  return NAMES[state];
}

bool journal_is_stream(const furrow_journal_operation *operation) {
  return strcmp(operation->function, "furrow_stream") == 0;
}

/* Any bytes, on one line. */
static void print_plain(const char *text) {
  for (; *text; text++) putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static const char *plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

static void print_head(const char *path, const furrow_journal_summary *found) {
  print_plain(path);
  printf(": %s run%s, %s operation%s, %s record%s, %s bytes, %s\n", app_whole(found->runs).text, plural(found->runs),
         app_whole(found->operations).text, plural(found->operations), app_whole(found->records).text,
         plural(found->records), app_whole(found->size).text, journal_state_name(found->state));
  uint64_t left = found->size - found->offset;
  if (found->state == FURROW_JOURNAL_TORN)
    printf("torn tail: %s byte%s from byte %" PRIu64 " on, which the next run cuts: %s\n", app_whole(left).text,
           plural(left), found->offset, found->reason);
  if (found->state == FURROW_JOURNAL_DAMAGED)
    printf("damaged at byte %" PRIu64 ": %s; what is shown stands before it\n", found->offset, found->reason);
  if (found->state == FURROW_JOURNAL_FOREIGN) printf("%s\n", found->reason);
}

/* ---- columns ---- */

enum { CELL = 48 };

typedef struct column {
  const char *title;
  void (*fill)(const furrow_journal_operation *operation, char cell[CELL]);
} column;

#define WHOLE_COLUMN(field)                                                         \
  static void fill_##field(const furrow_journal_operation *operation, char *cell) { \
    snprintf(cell, CELL, "%s", app_whole(operation->field).text);                   \
  }
WHOLE_COLUMN(number)
WHOLE_COLUMN(finished)
WHOLE_COLUMN(seed)
WHOLE_COLUMN(series)
WHOLE_COLUMN(records)
WHOLE_COLUMN(bytes)

/* Of a stream it is not known. */
#define KNOWN_COLUMN(field)                                                                            \
  static void fill_##field(const furrow_journal_operation *operation, char *cell) {                    \
    snprintf(cell, CELL, "%s", journal_is_stream(operation) ? "-" : app_whole(operation->field).text); \
  }
KNOWN_COLUMN(count)
KNOWN_COLUMN(item_size)
KNOWN_COLUMN(result_size)

static void fill_function(const furrow_journal_operation *operation, char *cell) {
  snprintf(cell, CELL, "%s", operation->function);
}

/* Never 100.0 before all are. */
static void fill_percent(const furrow_journal_operation *operation, char *cell) {
  double part = operation->count ? 100.0 * (double)operation->finished / (double)operation->count : 100;
  if (operation->finished < operation->count && part > 99.9) part = 99.9;
  snprintf(cell, CELL, "%.1f", part);
  if (journal_is_stream(operation)) snprintf(cell, CELL, "-");
}

static void fill_leaf(const furrow_journal_operation *operation, char *cell) {
  snprintf(cell, CELL, "%s", operation->leaf ? app_whole(operation->leaf).text : "-");
}

static const column COLUMNS[] = {
    {"operation", fill_number}, {"function", fill_function}, {"tasks", fill_count},        {"finished", fill_finished},
    {"%", fill_percent},        {"item", fill_item_size},    {"result", fill_result_size}, {"leaf", fill_leaf},
    {"seed", fill_seed},        {"series", fill_series},     {"records", fill_records},    {"bytes", fill_bytes},
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS };

/* As wide as the widest cell of each column; the label, of any width, comes last. */
static void print_operations(const furrow_journal *journal) {
  int widths[COLUMN_COUNT];
  char cell[CELL];
  const furrow_journal_operation *operation;
  for (int c = 0; c < COLUMN_COUNT; c++) widths[c] = (int)strlen(COLUMNS[c].title);
  for (uint64_t i = 0; (operation = furrow_journal_get_operation(journal, i)); i++)
    for (int c = 0; c < COLUMN_COUNT; c++) {
      COLUMNS[c].fill(operation, cell);
      if ((int)strlen(cell) > widths[c]) widths[c] = (int)strlen(cell);
    }
  putchar('\n');
  for (int c = 0; c < COLUMN_COUNT; c++) printf("%*s  ", widths[c], COLUMNS[c].title);
  printf("label\n");
  for (uint64_t i = 0; (operation = furrow_journal_get_operation(journal, i)); i++) {
    for (int c = 0; c < COLUMN_COUNT; c++) {
      COLUMNS[c].fill(operation, cell);
      printf("%*s  ", widths[c], cell);
    }
    print_plain(operation->label[0] ? operation->label : "-");
    putchar('\n');
  }
}

/* ---- runs ---- */

static void print_runs(const furrow_journal *journal) {
  const furrow_journal_run *run;
  printf("\n%4s  %-19s  %-16s  %8s  %-8s  %s\n", "run", "began", "host", "process", "version", "arguments");
  for (uint64_t i = 0; (run = furrow_journal_get_run(journal, i)); i++) {
    char when[32] = "?";
    time_t seconds = (time_t)run->time;
    struct tm parts;
    if (localtime_r(&seconds, &parts)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    printf("%4" PRIu64 "  %-19s  ", i, when);
    print_plain(run->host);
    printf("%*s  %8" PRIu64 "  ", (int)(strlen(run->host) < 16 ? 16 - strlen(run->host) : 0), "", run->process);
    print_plain(run->version);
    printf("%*s ", (int)(strlen(run->version) < 8 ? 8 - strlen(run->version) : 0), "");
    for (uint64_t k = 0; k < run->argument_count; k++) {
      putchar(' ');
      print_plain(run->arguments[k]);
    }
    putchar('\n');
  }
}

void journal_show_text(const char *path, const furrow_journal *journal) {
  const furrow_journal_summary *found = furrow_journal_get_summary(journal);
  print_head(path, found);
  if (found->runs > 0) print_runs(journal);
  if (found->operations > 0) print_operations(journal);
}
