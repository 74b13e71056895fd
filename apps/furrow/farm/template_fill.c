/* Fill a template: the text that a shell would read and, at the same time, the words it would find in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template_parts.h"

/* Bytes that grow. All that write to them do nothing more once there is no memory; it is asked at the end. */
typedef struct buffer {
  char *bytes;
  size_t used, room;
} buffer;

struct command_memory {
  buffer text;
  buffer words;   /* each with its NUL */
  size_t *begins; /* in words.bytes */
  size_t count, room;
  char **argv;
  size_t argv_room;
  bool open; /* the last word has not ended */
  bool failed;
};

/* A part of an argument, or a number. */
typedef struct value {
  const char *text;
  size_t length;
} value;

/* One filling. */
typedef struct filling {
  const template *of;
  const arguments *set;
  struct command_memory *to;
  char sequence[24], slot[16];
} filling;

/* ---- bytes ---------------------------------------------------------------------------------------------------------- */

static char *reserve(struct command_memory *to, buffer *in, size_t more) {
  if (in->room - in->used < more) {
    size_t room = 2 * (in->used + more) + 64;
    char *bytes = realloc(in->bytes, room);
    if (!bytes) return to->failed = true, NULL;
    in->bytes = bytes;
    in->room = room;
  }
  return in->bytes + in->used;
}

static void put(struct command_memory *to, buffer *in, const char *text, size_t length) {
  char *at = reserve(to, in, length + 1);
  if (!at) return;
  memcpy(at, text, length);
  in->used += length;
}

/* So that a shell reads it as it is, there. */
static void put_quoted(struct command_memory *to, const char *text, size_t length, place where) {
  size_t room = where == PLACE_BARE ? shell_quote_room(length) : place_room(length);
  char *at = reserve(to, &to->text, room + 1);
  if (!at) return;
  char *end = where == PLACE_BARE ? shell_quote(at, text, length) : place_write(at, where, text, length);
  to->text.used = (size_t)(end - to->text.bytes);
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static void open_word(struct command_memory *to) {
  if (to->open) return;
  if (to->count == to->room) {
    size_t room = 2 * to->room + 16;
    size_t *begins = realloc(to->begins, room * sizeof *begins);
    if (!begins) {
      to->failed = true;
      return;
    }
    to->begins = begins;
    to->room = room;
  }
  to->begins[to->count++] = to->words.used;
  to->open = true;
}

/* With -q there is a word between any two gaps; otherwise only where there is something, or an argument, even an empty
 * one. */
static void end_word(const filling *now) {
  struct command_memory *to = now->to;
  if (now->of->manner == MANNER_QUOTED) open_word(to);
  if (!to->open || to->failed) return;
  put(to, &to->words, "", 0);
  size_t begin = to->begins[to->count - 1];
  if (now->of->manner == MANNER_QUOTED) put_quoted(to, to->words.bytes + begin, to->words.used - begin, PLACE_BARE);
  if (!to->failed) to->words.bytes[to->words.used++] = '\0';
  to->open = false;
}

static void put_gap(const filling *now, const char *blanks, size_t length) {
  if (now->of->manner != MANNER_LINE) end_word(now);
  put(now->to, &now->to->text, blanks, length);
}

/* To the words; false if that is all, because end_word() quotes all of a word. */
static bool put_in_word(const filling *now, value one) {
  if (now->of->manner != MANNER_LINE) {
    open_word(now->to);
    put(now->to, &now->to->words, one.text, one.length);
  }
  return now->of->manner != MANNER_QUOTED;
}

static void put_given(const filling *now, value one) {
  if (put_in_word(now, one)) put(now->to, &now->to->text, one.text, one.length);
}

static void put_value(const filling *now, value one, place where) {
  if (!put_in_word(now, one)) return;
  if (now->of->manner == MANNER_WORDS)
    put_quoted(now->to, one.text, one.length, where);
  else
    put(now->to, &now->to->text, one.text, one.length);
}

/* ---- values --------------------------------------------------------------------------------------------------------- */

static value without_slashes(const char *path, size_t length) {
  while (length > 1 && path[length - 1] == '/') length--;
  return (value){path, length};
}

/* As Perl's dirname(): of "a/b/" it is "a". */
static value folder_of(const char *path) {
  value whole = without_slashes(path, strlen(path));
  while (whole.length > 0 && path[whole.length - 1] != '/') whole.length--;
  bool only_slashes = strspn(path, "/") == strlen(path);
  if (only_slashes && *path) return (value){path, 1};
  return whole.length == 0 ? (value){".", 1} : without_slashes(path, whole.length);
}

static value value_of(const char *argument, piece_kind kind) {
  const char *slash = strrchr(argument, '/');
  const char *begin = slash && (kind == PIECE_BASE || kind == PIECE_BARE) ? slash + 1 : argument;
  const char *dot = kind == PIECE_NO_SUFFIX || kind == PIECE_BARE ? strrchr(begin, '.') : NULL;
  if (kind == PIECE_FOLDER) return folder_of(argument);
  if (dot && (!slash || dot > slash)) return (value){begin, (size_t)(dot - begin)};
  return (value){begin, strlen(begin)};
}

static void put_arguments(const filling *now, const piece *one) {
  long count = now->set->count;
  if (one->positional) {
    long at = one->position > 0 ? one->position - 1 : count + one->position;
    if (at >= 0 && at < count) put_value(now, value_of(now->set->texts[at], one->kind), one->where);
    return;
  }
  for (long i = 0; i < count; i++) {
    if (i > 0) put_gap(now, " ", 1);
    put_value(now, value_of(now->set->texts[i], one->kind), one->where);
  }
}

static void put_pieces(const filling *now, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const piece *one = &now->of->pieces[i];
    if (one->kind == PIECE_TEXT)
      put_given(now, (value){one->text, one->length});
    else if (one->kind == PIECE_GAP)
      put_gap(now, one->text, one->length);
    else if (one->kind == PIECE_SEQUENCE)
      put_given(now, (value){now->sequence, strlen(now->sequence)});
    else if (one->kind == PIECE_SLOT)
      put_given(now, (value){now->slot, strlen(now->slot)});
    else
      put_arguments(now, one);
  }
}

/* The words of a line that means nothing to a shell. */
static void split_line(const filling *now) {
  const buffer *line = &now->to->text;
  for (size_t at = 0; at < line->used;) {
    size_t blanks = strspn(line->bytes + at, " \t"), length = strcspn(line->bytes + at + blanks, " \t");
    at += blanks;
    if (length == 0) return;
    open_word(now->to);
    put(now->to, &now->to->words, line->bytes + at, length);
    end_word(now);
    at += length;
  }
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

/* Room for a shell's, at least. */
static bool make_argv(struct command_memory *to) {
  size_t room = to->count + 8;
  if (room > to->argv_room) {
    char **argv = realloc(to->argv, 2 * room * sizeof *argv);
    if (!argv) return false;
    to->argv = argv;
    to->argv_room = 2 * room;
  }
  for (size_t i = 0; i < to->count; i++) to->argv[i] = to->words.bytes + to->begins[i];
  to->argv[to->count] = NULL;
  return true;
}

static bool is_direct(const filling *now) {
  struct command_memory *to = now->to;
  if (to->count == 0 || (now->of->manner == MANNER_WORDS && !now->of->plain)) return false;
  return shell_runs_program(&now->of->shell, to->argv);
}

/* "--": a text that begins with "-" or "+" would be an option. */
void command_use_shell(const template *of, command *made) {
  static char NAME[] = "-c", END[] = "--";
  char **to = made->argv;
  bool option = made->text[0] == '-' || made->text[0] == '+';
  *to++ = (char *)of->shell.path;
  *to++ = NAME;
  if (option) *to++ = END;
  *to++ = made->text;
  *to = NULL;
  made->direct = false;
}

static void clear(struct command_memory *to) {
  to->text.used = to->words.used = to->count = 0;
  to->open = to->failed = false;
}

static filling begin(const template *of, const arguments *set, uint64_t sequence, int slot, struct command_memory *to) {
  filling now = {.of = of, .set = set, .to = to};
  snprintf(now.sequence, sizeof now.sequence, "%llu", (unsigned long long)sequence);
  snprintf(now.slot, sizeof now.slot, "%d", slot);
  return now;
}

static bool finish(command *made, struct command_memory *to) {
  if (to->failed || !make_argv(to)) return false;
  made->argv = to->argv;
  made->text = to->text.bytes;
  return true;
}

bool template_fill(const template *of, const arguments *set, uint64_t sequence, int slot, command *made) {
  struct command_memory *to = made->memory;
  if (!to) to = made->memory = calloc(1, sizeof *to);
  if (!to) return false;
  clear(to);
  filling now = begin(of, set, sequence, slot, to);
  put_pieces(&now, of->count);
  if (of->manner != MANNER_LINE) end_word(&now);
  put(to, &to->text, "", 1);
  if (to->failed) return false;
  to->text.used--;
  if (of->manner == MANNER_LINE && shell_is_plain(to->text.bytes, to->text.used)) split_line(&now);
  if (!finish(made, to)) return false;
  made->direct = is_direct(&now);
  if (!made->direct) command_use_shell(of, made);
  return true;
}

void command_free(command *made) {
  struct command_memory *memory = made->memory;
  if (memory) {
    free(memory->text.bytes);
    free(memory->words.bytes);
    free(memory->begins);
    free(memory->argv);
    free(memory);
  }
  *made = (command){.argv = NULL};
}

/* As a line: nothing is quoted, and no words are made. */
bool template_fill_text(const template *of, const arguments *set, uint64_t sequence, int slot, char **text) {
  struct command_memory memory = {.count = 0};
  template line = *of;
  line.manner = MANNER_LINE;
  filling now = begin(&line, set, sequence, slot, &memory);
  put_pieces(&now, of->added ? of->count - 2 : of->count);
  put(&memory, &memory.text, "", 1);
  if (memory.failed) {
    free(memory.text.bytes);
    return false;
  }
  free(*text);
  *text = memory.text.bytes;
  return true;
}
