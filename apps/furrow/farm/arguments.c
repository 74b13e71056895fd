/* The command line of `furrow farm`: GNU parallel's spelling, where it has an option. The options end where the command begins, so
 * the command's own are its own. Every rank reads the same words into the same settings; one speaks. Opens no file. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm.h"
#include "options.h"
#include "values.h"
#include "words.h"

static const char SUMMARY[] =
    "Run COMMAND once for each ARGUMENT, on all ranks: of the words behind :::, the\n"
    "lines of files (-a, ::::) or of standard input. Without a COMMAND each is one.\n"
    "Several sources give all combinations; :::+ and ::::+ go along with the source\n"
    "before them. As in GNU parallel, but started by mpirun or srun.";

static const char MORE[] =
    "In COMMAND {} is the argument, {.} without its extension, {/} its last part,\n"
    "{//} its folder, {/.} its last part without extension, {1} that of the first\n"
    "source (and {1.} and so on), {#} the command's number, {%} its slot. Without any\n"
    "of these the argument is put at the end.\n\n"
    "Exit status: how many commands have failed; 101: more than 100; 255: something\n"
    "else has; 75: stopped by SIGUSR1.\n\n"
    "  srun furrow farm -a commands.txt --joblog log --resume\n"
    "  mpirun furrow farm -j 50% --tag gzip -9 {} ::: *.txt\n";

/* What is read before it can be judged. */
typedef struct draft {
  settings *wanted;
  source *sources; /* room for as many as there are words */
  const char *tag, *replacement;
  int output;
  bool tag_argument, quoted, version;
} draft;

static const char *add_file(const char *text, void *into) {
  draft *read = into;
  read->sources[read->wanted->input.count++] = (source){.is_file = true, .path = text};
  return NULL;
}

static const char *read_results(const char *text, void *into) {
  if (*text == '\0') return "is empty";
  if (strchr(text, '{')) return "has a replacement string";
  const char *suffix = strrchr(text, '.');
  if (suffix && (strcmp(suffix, ".csv") == 0 || strcmp(suffix, ".tsv") == 0 || strcmp(suffix, ".json") == 0))
    return "is a table";
  *(const char **)into = text;
  return NULL;
}

static const char *read_tag(const char *text, void *into) {
  *(const char **)into = text;
  return NULL;
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

enum { MOST_OPTIONS = 40 };

typedef struct table {
  app_option options[MOST_OPTIONS];
  int count;
} table;

static void add(table *to, app_option option) {
  to->options[to->count++] = option;
}

static void add_input(table *to, draft *read) {
  settings *wanted = read->wanted;
  add(to, (app_option){.name = "arg-file",
                       .letter = 'a',
                       .value = "FILE",
                       .into = read,
                       .read = add_file,
                       .help = "a file of arguments; - is standard input"});
  add(to, (app_option){.name = "null",
                       .letter = '0',
                       .flag = &wanted->input.null_separated,
                       .help = "arguments end with NUL instead of a newline"});
  add(to, (app_option){.name = "colsep",
                       .letter = 'C',
                       .value = "RE",
                       .text = &wanted->input.colsep,
                       .help = "split each line into columns: {1}, {2}, ..."});
  add(to, (app_option){.name = "no-run-if-empty",
                       .letter = 'r',
                       .flag = &wanted->skip_blank,
                       .help = "no command for a blank line"});
  add(to, (app_option){.name = "replacement",
                       .letter = 'I',
                       .value = "STR",
                       .text = &read->replacement,
                       .help = "write STR instead of {}"});
  add(to, (app_option){.name = "quote",
                       .letter = 'q',
                       .flag = &read->quoted,
                       .help = "the command's words go as they are, without a shell"});
  add(to, (app_option){.name = "dry-run", .flag = &wanted->dry_run, .help = "show the commands, run none"});
}

static void add_places(table *to, draft *read) {
  settings *wanted = read->wanted;
  add(to, (app_option){.name = "jobs",
                       .letter = 'j',
                       .value = "N",
                       .into = wanted,
                       .read = read_jobs,
                       .allowed = JOBS_ALLOWED,
                       .help = "commands at a time on a node: N, 50%, +1, -1 (100%)"});
  add(to, (app_option){.name = "cores",
                       .count = &wanted->cores,
                       .least = 1,
                       .most = 65536,
                       .help = "cores of each command, bound to them; 0: unbound"});
  add(to, (app_option){.name = "gpus",
                       .count = &wanted->gpus,
                       .least = 1,
                       .most = 1024,
                       .help = "of each command (CUDA_VISIBLE_DEVICES)"});
  add(to, (app_option){.name = "workdir",
                       .alias = "wd",
                       .value = "DIR",
                       .into = &wanted->directory,
                       .read = read_directory,
                       .allowed = "allowed is a folder",
                       .help = "run commands in this folder (also --wd)"});
  add(to, (app_option){.name = "nice",
                       .into = &wanted->nice,
                       .read = read_nice,
                       .allowed = NICE_ALLOWED,
                       .help = "niceness of the commands"});
  add(to, (app_option){.name = "delay",
                       .value = "TIME",
                       .into = &wanted->delay,
                       .read = read_seconds,
                       .allowed = SECONDS_ALLOWED,
                       .help = "wait so long between two starts"});
}

static void add_ends(table *to, draft *read) {
  settings *wanted = read->wanted;
  add(to, (app_option){.name = "retries",
                       .count = &wanted->tries,
                       .most = UINT32_MAX,
                       .help = "tries of a command that fails, in all; 0: for ever"});
  add(to, (app_option){.name = "timeout",
                       .value = "TIME",
                       .into = wanted,
                       .read = read_timeout,
                       .allowed = TIMEOUT_ALLOWED,
                       .help = "kill a command then: 30, 1h30m, 200% of the median"});
  add(to, (app_option){.name = "halt",
                       .value = "WHEN",
                       .into = &wanted->halt,
                       .read = read_halt,
                       .allowed = HALT_ALLOWED,
                       .help = "stop early: now,fail=1 or soon,success=50%, done=N"});
  add(to, (app_option){.name = "stop-grace",
                       .value = "TIME",
                       .into = &wanted->stop_grace,
                       .read = read_seconds,
                       .allowed = SECONDS_ALLOWED,
                       .help = "what commands have to end after SIGUSR1 (10)"});
}

static void add_output(table *to, draft *read) {
  settings *wanted = read->wanted;
  add(to, (app_option){.name = "keep-order",
                       .letter = 'k',
                       .flag = &wanted->keep_order,
                       .help = "output in the order of the input"});
  add(to, (app_option){.name = "group",
                       .choice = &read->output,
                       .chosen = OUTPUT_GROUP,
                       .help = "output of a command as a whole; that is the default"});
  add(to, (app_option){.name = "line-buffer",
                       .alias = "lb",
                       .choice = &read->output,
                       .chosen = OUTPUT_LINE_BUFFER,
                       .help = "whole lines as they come (also --lb)"});
  add(to, (app_option){.name = "ungroup",
                       .letter = 'u',
                       .choice = &read->output,
                       .chosen = OUTPUT_UNGROUP,
                       .help = "as it comes, mixed"});
  add(to, (app_option){.name = "tag", .flag = &read->tag_argument, .help = "put the argument before each line"});
  add(to, (app_option){.name = "tagstring",
                       .value = "STR",
                       .into = &read->tag,
                       .read = read_tag,
                       .help = "put STR before each line; {} and so on as in COMMAND"});
  add(to, (app_option){.name = "results",
                       .value = "DIR",
                       .into = &wanted->results,
                       .read = read_results,
                       .allowed = "allowed is a folder",
                       .help = "output to DIR/1/ARGUMENT/stdout and stderr"});
}

static void add_records(table *to, draft *read) {
  settings *wanted = read->wanted;
  add(to, (app_option){.name = "joblog",
                       .value = "FILE",
                       .text = &wanted->joblog,
                       .help = "write a line for each command that has ended"});
  add(to, (app_option){.name = "resume", .flag = &wanted->resume, .help = "run no command that is in the joblog"});
  add(to, (app_option){.name = "resume-failed",
                       .flag = &wanted->resume_failed,
                       .help = "the same, but those that failed run again"});
  add(to, (app_option){.name = "bar", .flag = &wanted->bar, .help = "show a bar, on standard error"});
  add(to, (app_option){.name = "eta", .flag = &wanted->eta, .help = "show how long it will take"});
  add(to, (app_option){.name = "progress", .flag = &wanted->progress, .help = "show how many run and are done"});
  add(to, (app_option){.name = "version", .flag = &read->version, .help = "show the version and stop"});
}

/* ---- what they mean together --------------------------------------------------------------------------------------- */

/* `\t` is a tab, as in GNU parallel. */
static char *copy_tag(const char *text) {
  char *copy = malloc(strlen(text) + 1), *to = copy;
  if (!copy) return NULL;
  while (*text) {
    bool tab = text[0] == '\\' && text[1] == 't';
    *to = *text;
    if (tab) *to = '\t';
    to++;
    text += 1 + tab;
  }
  *to = '\0';
  return copy;
}

static app_verdict make_tag(bool speaks, const app_program *program, const draft *read) {
  const char *text = read->tag ? read->tag : "{}";
  if ((!read->tag && !read->tag_argument) || *text == '\0') return APP_RUN;
  template_options options = {.quoted = true, .replacement = read->replacement};
  char message[TEMPLATE_MESSAGE_SIZE];
  char *word = copy_tag(text);
  if (!word) return app_refuse_as(speaks, program, "out of memory");
  read->wanted->tag = template_make((char *const[]){word}, 1, &options, message);
  free(word);
  read->wanted->tagged = true;
  return read->wanted->tag ? APP_RUN : app_refuse_as(speaks, program, "--tagstring: %s", message);
}

static app_verdict make_command(bool speaks, const app_program *program, const draft *read, char **words, int count) {
  template_options options = {.quoted = read->quoted, .replacement = read->replacement};
  char message[TEMPLATE_MESSAGE_SIZE];
  read->wanted->command = template_make(words, count, &options, message);
  return read->wanted->command ? APP_RUN : app_refuse_as(speaks, program, "%s", message);
}

static app_verdict list_input(bool speaks, const app_program *program, const draft *read, char **words, int count) {
  input_options *input = &read->wanted->input;
  input->count = list_sources(words, count, read->sources, input->count);
  if (input->count < 0)
    return app_refuse_as(speaks, program, "'%s': there is nothing before it to go along with", words[0]);
  if (input->count > 0) return APP_RUN;
  read->sources[input->count++] = (source){.is_file = true, .path = "-"};
  if (speaks && isatty(STDIN_FILENO))
    fprintf(stderr, "%s: arguments are read from the terminal; ::: -a or a pipe would bring others\n", program->name);
  return APP_RUN;
}

/* Files of --results are written as a whole, instead of being printed; what --dry-run shows is no output of commands. */
static void choose_output(settings *wanted, output_mode mode) {
  wanted->output = wanted->results || wanted->dry_run ? OUTPUT_GROUP : mode;
  wanted->quiet = wanted->results && !wanted->dry_run;
}

static app_verdict judge(bool speaks, const app_program *program, const draft *read, const app_operands *operands) {
  settings *wanted = read->wanted;
  int own = count_command(operands->words, operands->count);
  choose_output(wanted, (output_mode)read->output);
  wanted->input.sources = read->sources;
  wanted->input.whole_lines = own == 0;
  if (wanted->tries == 0) wanted->tries = UINT32_MAX;
  if ((wanted->resume || wanted->resume_failed) && !wanted->joblog)
    return app_refuse_as(speaks, program, "--resume goes by the joblog: --joblog FILE is missing");
  app_verdict made = make_command(speaks, program, read, operands->words, own);
  if (made == APP_RUN) made = make_tag(speaks, program, read);
  if (made == APP_RUN) made = list_input(speaks, program, read, operands->words + own, operands->count - own);
  return made;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static app_verdict read_all(bool speaks, draft *read, int argc, char **argv) {
  table options = {.count = 0};
  add_input(&options, read);
  add_places(&options, read);
  add_ends(&options, read);
  add_output(&options, read);
  add_records(&options, read);
  app_program program = {.name = "furrow farm", .summary = SUMMARY, .options = options.options};
  app_operands operands = {.name = "COMMAND] [::: ARGUMENT...", .more = MORE, .foreign = true, .most = INT_MAX};
  app_verdict read_so = app_parse_as(speaks, &program, &operands, argc, argv);
  if (read_so != APP_RUN || !read->version)
    return read_so == APP_RUN ? judge(speaks, &program, read, &operands) : read_so;
  if (speaks) printf("furrow %s\n", furrow_version());
  return APP_HELPED;
}

verdict read_settings(bool speaks, int argc, char **argv, settings *wanted) {
  *wanted = (settings){.jobs = 100, .jobs_percent = true, .tries = 1, .stop_grace = FURROW_STOP_GRACE_DEFAULT};
  draft read = {.wanted = wanted, .output = OUTPUT_GROUP};
  read.sources = calloc((size_t)argc + 1, sizeof *read.sources);
  if (!read.sources) {
    if (speaks) fprintf(stderr, "furrow farm: out of memory\n");
    return VERDICT_REFUSED;
  }
  wanted->sources = read.sources;
  app_verdict made = read_all(speaks, &read, argc, argv);
  return made == APP_RUN ? VERDICT_RUN : made == APP_HELPED ? VERDICT_HELPED : VERDICT_REFUSED;
}

void free_settings(settings *wanted) {
  template_free(wanted->command);
  template_free(wanted->tag);
  free(wanted->sources);
  *wanted = (settings){.jobs = 0};
}
