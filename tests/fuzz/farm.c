/* Any bytes as what the farm reads of a user's (libFuzzer; tests/unit/apps_farm_fuzz.c runs the corpus without it): a command with
 * its arguments, a joblog, or an option's value, by the first byte. No argument's text may ever be read by a shell as anything
 * but a word, and what has been read of a joblog is read again. */
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "furrow/farm/joblog.h"
#include "furrow/farm/template.h"
#include "furrow/farm/values.h"

enum { MOST_TEXTS = 16 };

/* ---- what a shell makes of a text ---- */

typedef struct reader {
  const char *at;
  char *word; /* room for any */
} reader;

/* The next word of a text without anything that means more to a shell than quotes; false: there is none. */
static bool read_word(reader *from) {
  char *to = from->word;
  from->at += strspn(from->at, " \t");
  if (*from->at == '\0') return false;
  for (; *from->at && *from->at != ' ' && *from->at != '\t'; from->at++) {
    if (*from->at == '\'') {
      const char *end = strchr(from->at + 1, '\'');
      MUST(end);
      memcpy(to, from->at + 1, (size_t)(end - from->at) - 1);
      to += end - from->at - 1;
      from->at = end;
    } else if (strncmp(from->at, "\"'\"", 3) == 0) { /* nothing else ever stands in double quotes */
      *to++ = '\'';
      from->at += 2;
    } else {
      MUST(!strchr("\n\r;&|<>()$`\"\\*?[]~!^=", *from->at));
      *to++ = *from->at;
    }
  }
  *to = '\0';
  return true;
}

/* Its words are these. */
static void check_words(const char *text, const char *const *words, int count) {
  reader from = {text, malloc(strlen(text) + 1)};
  MUST(from.word);
  for (int i = 0; i < count; i++) MUST(read_word(&from) && strcmp(from.word, words[i]) == 0);
  MUST(!read_word(&from));
  free(from.word);
}

/* ---- a command ---- */

/* All arguments behind a program's name, or each of them within a word. */
static void check_arguments(const arguments *set, command *made) {
  static char PROGRAM[] = "true", ALL[] = "{}", WITHIN[] = "a{1}b";
  char *whole[] = {PROGRAM, ALL}, *within[] = {PROGRAM, WITHIN};
  const char *words[MOST_TEXTS + 1] = {PROGRAM};
  char message[TEMPLATE_MESSAGE_SIZE];
  template *of = template_make(whole, 2, NULL, message);
  MUST(of && template_fill(of, set, 1, 1, made));
  for (int i = 0; i < set->count; i++) words[i + 1] = set->texts[i];
  check_words(made->text, words, set->count + 1);
  for (int i = 0; made->direct && i <= set->count; i++) MUST(strcmp(made->argv[i], words[i]) == 0);
  template_free(of);

  of = template_make(within, 2, NULL, message);
  MUST(of && template_fill(of, set, 1, 1, made));
  size_t size = strlen(set->texts[0]) + 3;
  char *word = malloc(size);
  MUST(word);
  snprintf(word, size, "a%sb", set->texts[0]);
  words[1] = word;
  check_words(made->text, words, 2);
  free(word);
  template_free(of);
}

/* Whatever the template is, filling it ends, with an argv that ends. */
static void check_template(char *const *words, int count, bool quoted, const arguments *set, command *made) {
  template_options options = {.quoted = quoted};
  char message[TEMPLATE_MESSAGE_SIZE], *tag = NULL;
  template *of = template_make(words, count, &options, message);
  if (!of) {
    MUST(memchr(message, '\0', sizeof message) && *message);
    return;
  }
  MUST(template_fill(of, set, 3, 2, made));
  int length = 0;
  while (made->argv[length]) length++;
  MUST(length > 0 || *made->text == '\0');
  command_use_shell(of, made);
  MUST(made->argv[0] && strcmp(made->argv[1], "-c") == 0);
  MUST(template_fill_text(of, set, 3, 2, &tag));
  free(tag);
  template_free(of);
}

/* Texts that end with NUL, the first of them words of a command. */
static void fuzz_command(unsigned count, bool quoted, char *bytes, const char *end) {
  char *texts[MOST_TEXTS + 1];
  int all = 0;
  for (char *at = bytes; at < end && all < MOST_TEXTS; at += strlen(at) + 1) texts[all++] = at;
  int words = (int)count < all ? (int)count : all;
  static char EMPTY[] = "";
  if (words == all) texts[all++] = EMPTY;
  arguments set = {.count = all - words, .texts = (const char *const *)texts + words, .sequence = 1};
  command made = {.argv = NULL};
  check_arguments(&set, &made);
  check_template(texts, words, quoted, &set, &made);
  command_free(&made);
}

/* ---- a joblog ---- */

static void fuzz_joblog(bool failed, const char *bytes, size_t size) {
  enum { SEQUENCE = 7 };
  char path[64], message[JOBLOG_MESSAGE_SIZE];
  int file = memfd_create("joblog", MFD_CLOEXEC);
  MUST(file >= 0 && write(file, bytes, size) == (ssize_t)size);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  for (int again = 0; again < 2; again++) {
    joblog log;
    done have = {.bits = NULL};
    bool good = joblog_open(&log, path, failed ? JOBLOG_RESUME_FAILED : JOBLOG_RESUME, &have, message);
    MUST(good || (*message && !again));
    if (again) MUST(done_has(&have, SEQUENCE));
    joblog_line line = {.sequence = SEQUENCE, .host = "h", .command = "a command"};
    if (good) MUST(joblog_write(&log, &line) && joblog_close(&log));
    done_clear(&have);
    if (!good) break;
  }
  close(file);
}

/* ---- values ---- */

static void fuzz_values(const char *text) {
  settings wanted;
  double seconds = -1;
  int nice = 0;
  memset(&wanted, 0, sizeof wanted);
  (void)read_jobs(text, &wanted);
  (void)read_timeout(text, &wanted);
  (void)read_halt(text, &wanted.halt);
  if (!read_seconds(text, &seconds)) MUST(isfinite(seconds) && seconds >= 0);
  if (!read_nice(text, &nice)) MUST(nice >= -20 && nice <= 19);
  MUST(!isnan(wanted.jobs) && !isnan(wanted.timeout) && !isnan(wanted.halt.value));
}

int FUZZER(farm)(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char *bytes = malloc(size);
  MUST(bytes);
  memcpy(bytes, data + 1, size - 1);
  bytes[size - 1] = '\0';
  switch (data[0] >> 6) {
    case 0:
      fuzz_joblog(data[0] & 1, bytes, size - 1);
      break;
    case 1:
      fuzz_values(bytes);
      break;
    default:
      fuzz_command(data[0] >> 1 & 7, data[0] & 1, bytes, bytes + size - 1);
  }
  free(bytes);
  return 0;
}
