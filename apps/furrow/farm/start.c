/* Start a command. Knows posix_spawn(); does not know farms, nor how a command ends.
 *
 * posix_spawn() is clone(CLONE_VM | CLONE_VFORK): it costs the same in a rank of a megabyte and of a hundred gigabytes, copies no page
 * table, and returns when the program has been executed, or why it could not. The price: what the child does before is only what is
 * listed here. */
#include "start.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As shells have it. */
enum { STATUS_NOT_FOUND = 127, STATUS_NOT_EXECUTED = 126 };

/* Where the node has no process or memory left just now: that may pass. */
static const int PATIENCE[] = {10, 50, 250, 1000}; /* milliseconds */
enum { PATIENCE_COUNT = sizeof PATIENCE / sizeof *PATIENCE };

static bool may_pass(int error) {
  return error == EAGAIN || error == ENOMEM;
}

/* ---- one start ------------------------------------------------------------------------------------------------------ */

static int add_descriptors(posix_spawn_file_actions_t *actions, const start_with *with) {
  const int from[] = {with->in, with->out, with->err};
  int error = 0;
  for (int i = 0; i < 3 && error == 0; i++)
    if (from[i] != i) error = posix_spawn_file_actions_adddup2(actions, from[i], i);
  if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  if (error == 0 && with->directory) error = posix_spawn_file_actions_addchdir_np(actions, with->directory);
  return error;
}

/* A group of its own, and signals as a login shell has them: MPI and whoever started it may have changed ours. But in a job of Slurm
 * the stop signal goes to all processes of a step, and is meant for the rank: its commands may come to their end. */
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t every, blocked;
  memset(&every, 0xff, sizeof every); /* sigfillset() leaves out two of glibc's own, which a child would ignore then */
  sigemptyset(&blocked);
  if (getenv("SLURM_JOB_ID")) sigaddset(&blocked, SIGUSR1);
  int error = posix_spawnattr_setsigdefault(attributes, &every);
  if (error == 0) error = posix_spawnattr_setsigmask(attributes, &blocked);
  if (error == 0) error = posix_spawnattr_setpgroup(attributes, 0);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
  return error != 0 ? error : posix_spawnattr_setflags(attributes, flags);
}

static int spawn(char *const *argv, const start_with *with, pid_t *made) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error != 0) return error;
  error = posix_spawnattr_init(&attributes);
  if (error == 0) {
    error = add_descriptors(&actions, with);
    if (error == 0) error = set_attributes(&attributes);
    if (error == 0) error = posix_spawnp(made, argv[0], &actions, &attributes, argv, with->environment);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

pid_t start_program(char *const *argv, const start_with *with) {
  pid_t made = 0;
  int error = spawn(argv, with, &made);
  for (int i = 0; i < PATIENCE_COUNT && may_pass(error); i++) {
    poll(NULL, 0, PATIENCE[i]);
    error = spawn(argv, with, &made);
  }
  errno = error;
  return error == 0 ? made : 0;
}

/* ---- when there was none -------------------------------------------------------------------------------------------- */

static int directory_error(const char *path) {
  struct stat about;
  if (!path) return 0;
  if (stat(path, &about) != 0) return errno;
  if (!S_ISDIR(about.st_mode)) return ENOTDIR;
  return access(path, X_OK) == 0 ? 0 : errno;
}

int start_refusal(int error, const start_with *with, char why[START_WHY_SIZE]) {
  int directory = directory_error(with->directory);
  if (directory != 0)
    snprintf(why, START_WHY_SIZE, "it cannot be started in %s: %s", with->directory, strerror(directory));
  else
    snprintf(why, START_WHY_SIZE, "it cannot be started: %s", strerror(error));
  return error == ENOENT && directory == 0 ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTED;
}

void start_make_directory(const char *path) {
  char *copy = strdup(path);
  if (!copy) return;
  for (char *at = copy + 1; *copy && *at; at++) {
    if (*at != '/') continue;
    *at = '\0';
    mkdir(copy, 0777);
    *at = '/';
  }
  mkdir(copy, 0777);
  free(copy);
}
