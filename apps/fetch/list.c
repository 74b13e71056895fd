/* The list of URLs, line by line: the source, on rank 0. What is wrong with a line becomes its row of the report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"

static char *trim(char *text) {
  text += strspn(text, " \t");
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1])) length--;
  text[length] = '\0';
  return text;
}

/* The next line with a URL in it; NULL at the end. `why` says what is wrong with it, or nothing. */
static char *get_line(batch *all, const char **why) {
  for (ssize_t length; (length = getline(&all->line, &all->line_room, all->list)) >= 0;) {
    *why = strlen(all->line) == (size_t)length ? "" : "there is a NUL byte in this line";
    char *line = trim(all->line);
    if (*line != '\0' && *line != '#') return line;
  }
  return NULL;
}

/* A name for its file: the one behind the URL, or one from the URL. Returns what is wrong with it, or nothing. */
static const char *choose_name(const char *url, const char *given, char name[NAME_ROOM]) {
  if (strlen(url) > LONGEST_URL) return "this URL is too long";
  if (given && !name_is_safe(given)) return "not a safe name for a file";
  if (given)
    snprintf(name, NAME_ROOM, "%s", given);
  else
    name_of_url(url, name);
  return "";
}

static bool pack(batch *all, const char *const texts[], size_t count, size_t *size) {
  *size = 0;
  for (size_t i = 0; i < count; i++) *size += strlen(texts[i]) + 1;
  if (*size > all->item_room) {
    free(all->item);
    all->item_room = 2 * *size;
    all->item = malloc(all->item_room);
    if (!all->item) return false;
  }
  char *to = all->item;
  for (size_t i = 0; i < count; i++) to = stpcpy(to, texts[i]) + 1;
  return true;
}

furrow_stream_answer next_url(furrow_stream_state *state, const void **item, size_t *size) {
  batch *all = state->data;
  const char *why = "";
  char *url = get_line(all, &why);
  if (!url && ferror(all->list)) return furrow_stream_fail(state, "the list: %s", strerror(errno));
  if (!url) return FURROW_STREAM_END;

  char name[NAME_ROOM] = "";
  char *given = strchr(url, '\t');
  if (given) {
    *given++ = '\0';
    given = trim(given);
  }
  if (*why == '\0' && !all->wanted->check) why = choose_name(url, given, name);
  bool enough = *name == '\0' || names_take(&all->names, name);
  const char *const texts[] = {trim(url), name, why};
  if (!enough || !pack(all, texts, sizeof texts / sizeof *texts, size))
    return furrow_stream_fail(state, "%s", strerror(ENOMEM));
  *item = all->item;
  return FURROW_STREAM_NEXT;
}
