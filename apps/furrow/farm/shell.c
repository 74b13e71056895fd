#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool needs_no_quotes(char c) {
  return is_letter_or_digit(c) || (c != '\0' && strchr("-_.+/", c));
}

static bool is_plain(char c) {
  return needs_no_quotes(c) || (c != '\0' && strchr(",:@%= \t", c));
}

bool shell_is_plain(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!is_plain(text[i])) return false;
  return true;
}

static char *append(char *to, const char *text, size_t length) {
  memcpy(to, text, length);
  return to + length;
}

/* Everything is itself in single quotes but a single quote, which goes into double ones. Empty quotes at either end
 * are left out. */
static char *quote_all(char *to, const char *text, size_t length) {
  char *begin = to;
  *to++ = '\'';
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\'')
      to = append(to, "'\"'\"'", 5);
    else
      *to++ = text[i];
  }
  *to++ = '\'';
  if (text[length - 1] == '\'') to -= 2;
  if (text[0] == '\'') {
    memmove(begin, begin + 2, (size_t)(to - begin) - 2);
    to -= 2;
  }
  return to;
}

char *shell_quote(char *to, const char *text, size_t length) {
  if (length == 0) return append(to, "''", 2);
  for (size_t i = 0; i < length; i++)
    if (!needs_no_quotes(text[i])) return quote_all(to, text, length);
  return append(to, text, length);
}

/* ---- programs ------------------------------------------------------------------------------------------------------- */

/* Sorted. Builtins, predefined aliases and reserved words of bash, dash, ksh93 and mksh: all that do more, other or
 * less than a program of that name, or for which there is none. Not here: true, false and sleep, which do the same
 * everywhere; echo is judged below. env and printenv are programs, but show what a shell has added to its
 * environment. */
static const char *const OWN[] = {
    ".",         ":",        "[",        "alias",    "autoload", "bg",       "bind",      "break",    "builtin",
    "caller",    "case",     "cat",      "cd",       "chdir",    "command",  "compgen",   "complete", "compopt",
    "compound",  "continue", "coproc",   "declare",  "dirs",     "disown",   "do",        "done",     "elif",
    "else",      "enable",   "enum",     "env",      "esac",     "eval",     "exec",      "exit",     "export",
    "fc",        "fg",       "fi",       "float",    "for",      "function", "functions", "getconf",  "getopts",
    "global",    "hash",     "help",     "hist",     "history",  "if",       "in",        "integer",  "jobs",
    "kill",      "let",      "local",    "login",    "logout",   "mapfile",  "mknod",     "nameref",  "namespace",
    "newgrp",    "popd",     "print",    "printenv", "printf",   "pushd",    "pwd",       "r",        "read",
    "readarray", "readonly", "realpath", "redirect", "rename",   "return",   "select",    "set",      "shift",
    "shopt",     "source",   "stop",     "suspend",  "test",     "then",     "time",      "times",    "trap",
    "type",      "typeset",  "ulimit",   "umask",    "unalias",  "unset",    "until",     "wait",     "whence",
    "while",
};

static int compare(const void *key, const void *name) {
  return strcmp(key, *(const char *const *)name);
}

/* Those of shells and the program's differ in options and in backslashes. */
static bool echoes_the_same(char *const *words) {
  if (words[1] && words[1][0] == '-') return false;
  for (words++; *words; words++)
    if (strchr(*words, '\\')) return false;
  return true;
}

bool shell_runs_program(const shell *of, char *const *words) {
  const char *name = words[0];
  /* Not an assignment, not a job's number, not empty. */
  if (of->always || *name == '\0' || strchr(name, '=') || *name == '%') return false;
  for (const char **function = of->functions; *function; function++) {
    size_t length = strlen(name);
    if (strncmp(*function, name, length) == 0 && strncmp(*function + length, "%%", 2) == 0) return false;
  }
  if (strchr(name, '/')) return true;
  if (strcmp(name, "echo") == 0) return echoes_the_same(words);
  return !bsearch(name, OWN, sizeof OWN / sizeof *OWN, sizeof *OWN, compare);
}

/* ---- the environment ------------------------------------------------------------------------------------------------ */

extern char **environ;

static bool is_one_of(const char *name, const char *const *names) {
  for (; *names; names++)
    if (strcmp(name, *names) == 0) return true;
  return false;
}

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static const char *find_path(void) {
  static const char *const KNOWN[] = {"sh",   "bash", "dash",  "ash", "ksh", "ksh93",
                                      "mksh", "lksh", "pdksh", "zsh", NULL};
  const char *path = getenv("SHELL");
  bool good = path && *path == '/' && is_one_of(base_of(path), KNOWN) && access(path, X_OK) == 0;
  return good ? path : "/bin/sh";
}

/* zsh reads .zshenv, bash $BASH_ENV, some ksh $ENV or functions in $FPATH; SHELLOPTS and BASHOPTS set bash's options.
 * Without PATH each looks for programs in places of its own. */
static bool must_be_asked(const char *name) {
  if (!getenv("PATH") || strcmp(name, "zsh") == 0) return true;
  if (getenv("BASH_ENV") || getenv("SHELLOPTS") || getenv("BASHOPTS")) return true;
  return strstr(name, "ksh") && (getenv("ENV") || getenv("FPATH"));
}

bool shell_find(shell *found) {
  static const char PREFIX[] = "BASH_FUNC_";
  size_t count = 0, used = 0;
  while (environ && environ[count]) count++;
  *found = (shell){.path = find_path()};
  found->always = must_be_asked(base_of(found->path));
  found->functions = calloc(count + 1, sizeof *found->functions);
  if (!found->functions) return false;
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], PREFIX, sizeof PREFIX - 1) == 0) found->functions[used++] = environ[i] + sizeof PREFIX - 1;
  return true;
}

void shell_clear(shell *found) {
  free(found->functions);
  *found = (shell){.path = NULL};
}
