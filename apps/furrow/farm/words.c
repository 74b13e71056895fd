/* Splits words into a command and its sources of arguments. Pure: opens no file. */
#include "words.h"

#include <string.h>

static bool is_mark(const char *word) {
  size_t colons = strspn(word, ":");
  return (colons == 3 || colons == 4) && (word[colons] == '\0' || strcmp(word + colons, "+") == 0);
}

int count_command(char *const *words, int count) {
  int command = 0;
  while (command < count && !is_mark(words[command])) command++;
  return command;
}

int list_sources(char *const *words, int count, source *list, int first) {
  int listed = first;
  for (int i = 0; i < count;) {
    const char *mark = words[i++];
    bool linked = mark[strlen(mark) - 1] == '+';
    int group = count_command(words + i, count - i);
    if (linked && listed == 0) return -1;
    if (strspn(mark, ":") == 3)
      list[listed++] = (source){.linked = linked, .words = words + i, .count = group};
    else
      for (int file = 0; file < group; file++)
        list[listed++] = (source){.is_file = true, .linked = linked, .path = words[i + file]};
    i += group;
  }
  return listed;
}
