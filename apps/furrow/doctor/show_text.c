/* The report for people: who runs where, then a verdict a line. 80 columns where words allow it. */
#include <string.h>

#include "cores.h"
#include "show.h"

enum { WIDTH = 80, INDENT = 9, MOST_ROWS = 24 };

/* ---- lines --------------------------------------------------------------------------------------------------------- */

/* Columns that the first `size` bytes of UTF-8 take. */
static int columns(const char *text, size_t size) {
  int count = 0;
  for (size_t i = 0; i < size; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

int show_words(FILE *stream, const char *text, int column, int indent) {
  for (bool first = true; *text; first = false) {
    size_t length = strcspn(text, " ");
    int width = columns(text, length);
    if (!first && column + 1 + width > WIDTH) {
      fprintf(stream, "\n%*s", indent, "");
      column = indent;
    } else if (!first) {
      column += fprintf(stream, " ");
    }
    fprintf(stream, "%.*s", (int)length, text);
    column += width;
    text += length + (text[length] == ' ');
  }
  return column;
}

/* ---- who runs where ------------------------------------------------------------------------------------------------ */

/* The end of a run of ranks on the same cores of the same node. */
static int same_place(const facts *known, int first) {
  const rank_facts *ranks = known->ranks;
  int end = first + 1;
  while (end < known->count && ranks[end].node == ranks[first].node &&
         CPU_EQUAL(&ranks[end].bound, &ranks[first].bound) && strcmp(ranks[end].host, ranks[first].host) == 0)
    end++;
  return end;
}

static int host_width(const facts *known) {
  int width = (int)strlen("host");
  for (int i = 0; i < known->count; i++)
    if ((int)strlen(known->ranks[i].host) > width) width = (int)strlen(known->ranks[i].host);
  return width;
}

static void show_row(const rank_facts *first, int count, int width) {
  char ranks[32], cores[160];
  snprintf(ranks, sizeof ranks, count > 1 ? "%d-%d" : "%d", first->rank, first->rank + count - 1);
  printf("  %-11s %4d  %-*s  %s\n", ranks, first->node, width, first->host,
         CPU_COUNT(&first->bound) > 0 ? cores_text(&first->bound, cores, sizeof cores) : "not known");
}

static void show_places(const facts *known) {
  int width = host_width(known), rows = 0, rank = 0;
  printf("  ranks       node  %-*s  cores\n", width, "host");
  for (int end; rank < known->count && rows < MOST_ROWS; rank = end, rows++) {
    end = same_place(known, rank);
    show_row(&known->ranks[rank], end - rank, width);
  }
  if (rank < known->count) printf("  and %d more ranks, which --json lists\n", known->count - rank);
}

static void show_head(const facts *known) {
  printf("furrow %s, %s: %d rank%s", furrow_version(), known->ranks[0].mpi, known->count, known->count == 1 ? "" : "s");
  printf(" on %d node%s\n\n", known->nodes, known->nodes == 1 ? "" : "s");
  show_places(known);
  printf("\n");
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------ */

static void show_verdict(const verdict *one) {
  static const char *const LEVELS[] = {"ok", "warning", "error"}; /* as verdict_level counts them */
  int column = printf("%-*s%s:", INDENT, LEVELS[one->level], one->topic);
  show_words(stdout, one->finding, column + printf(" "), INDENT);
  if (*one->advice) {
    printf("\n%*s", INDENT + 2, "");
    show_words(stdout, one->advice, INDENT + 2, INDENT + 2);
  }
  printf("\n");
}

static void show_sum(const facts *known, const verdicts *all) {
  int warnings = verdicts_count(all, LEVEL_WARNING), errors = verdicts_count(all, LEVEL_ERROR);
  printf("\n%d ok, %d warning%s, %d error%s", verdicts_count(all, LEVEL_OK), warnings, warnings == 1 ? "" : "s", errors,
         errors == 1 ? "" : "s");
  if (known) printf(", in %.1f s", known->seconds);
  printf("\n");
}

void show_text(const facts *known, const verdicts *all) {
  if (known && !judge_alone(known)) show_head(known);
  for (int i = 0; i < all->count; i++) show_verdict(&all->list[i]);
  show_sum(known, all);
}
