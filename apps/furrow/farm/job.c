/* The stream's task: run one command in this worker's slot, and tell what came of it; and the slot's beginning and end. Knows the order
 * of things; how a command is made, started, watched, and where its output goes is told in files of their own.
 *
 * What a command costs beyond a bare fork, exec and wait, in system calls: two files made and closed (about 30 µs on ext4, 10 in memory),
 * a pidfd made and closed, ppoll, a second waitid, two fstat, a few times the clock. No thread, no shell where none is needed, no
 * copy of the rank's page tables. The child pays for 64 sigaction and one close_range. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "capture.h"
#include "cores.h"
#include "environment.h"
#include "farm.h"
#include "start.h"
#include "watch.h"

enum { HOST_SIZE = 256, NICE_MOST = 19, STATUS_NO_OUTPUT = 126 };

typedef struct slot {
  farm *of;
  int place;  /* among the rank's, from 0 on: in the guard's table */
  int number; /* among the node's, from 1 on */
  int null;
  char host[HOST_SIZE];
  environment environment;
  command command;
  char *tag;
  capture output;
  core_set bound; /* the thread's own cores */
  const char **set;
  uint32_t set_room;
} slot;

/* ---- a slot's beginning and end ---------------------------------------------------------------------------------------- */

/* The thread takes the slot's cores and niceness, and its children inherit them. No other thread of the rank changes: both belong to
 * a thread in Linux. */
static void settle(slot *of) {
  const settings *wanted = of->of->wanted;
  core_set allowed = cores_allowed();
  core_set mine = cores_share(&allowed, of->number, wanted->cores > INT32_MAX ? 0 : (int)wanted->cores);
  of->bound = cores_bound();
  cores_bind(&mine);
  cores_free(&mine);
  cores_free(&allowed);
  if (wanted->nice == 0) return;
  errno = 0;
  int niceness = getpriority(PRIO_PROCESS, (id_t)gettid());
  if (errno != 0) return;
  niceness += wanted->nice;
  setpriority(PRIO_PROCESS, (id_t)gettid(), niceness < NICE_MOST ? niceness : NICE_MOST);
}

static void free_slot(slot *of) {
  if (of->null >= 0) close(of->null);
  environment_free(&of->environment);
  command_free(&of->command);
  capture_free(&of->output);
  cores_free(&of->bound);
  free(of->tag);
  free(of->set);
  free(of);
}

static bool furnish(slot *of) {
  const settings *wanted = of->of->wanted;
  if (gethostname(of->host, sizeof of->host - 1) != 0) strcpy(of->host, "?");
  environment_of_slot about = {.slot = of->number, .host = of->host, .gpus = wanted->gpus};
  of->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return of->null >= 0 && environment_make(&of->environment, environ, &about) &&
         capture_make(&of->output, wanted->output);
}

int begin_slot(void *user, int worker, void **local) {
  (void)worker;
  farm *of = user;
  slot *made = calloc(1, sizeof *made);
  if (!made) return ENOMEM;
  made->of = of;
  made->null = -1;
  made->place = atomic_fetch_add(&of->begun, 1); /* which worker has which does not matter */
  made->number = of->mine.first + made->place;
  if (!furnish(made)) {
    free_slot(made);
    return ENOMEM;
  }
  settle(made);
  if (of->wanted->directory && !of->wanted->dry_run) start_make_directory(of->wanted->directory);
  *local = made;
  return 0;
}

void end_slot(void *user, int worker, void *local) {
  (void)user, (void)worker;
  slot *of = local;
  cores_bind(&of->bound); /* it may be the rank's first thread, which goes on */
  free_slot(of);
}

/* ---- a job -------------------------------------------------------------------------------------------------------------- */

static double seconds_since_1970(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The job's texts as a set. False: no memory, or they are not as many as it says. */
static bool read_set(slot *of, const job *what, size_t size, arguments *set) {
  if (what->count > of->set_room || !of->set) {
    const char **more = realloc(of->set, (what->count + 1) * sizeof *more);
    if (!more) return false;
    of->set = more;
    of->set_room = what->count;
  }
  const char *at = what->texts, *end = (const char *)what + size;
  for (uint32_t i = 0; i < what->count; i++) {
    const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
    if (!nul) return false;
    of->set[i] = at;
    at = nul + 1;
  }
  *set = (arguments){.count = (int)what->count, .texts = of->set};
  return true;
}

static bool fill(slot *of, const job *what, size_t size) {
  const settings *wanted = of->of->wanted;
  arguments set;
  if (!read_set(of, what, size, &set)) return false;
  if (!template_fill(wanted->command, &set, what->sequence, of->number, &of->command)) return false;
  return !wanted->tag || template_fill_text(wanted->tag, &set, what->sequence, of->number, &of->tag);
}

/* What no shell is needed for, but can't be executed, a shell shall have tried: a script without a first line that says by what, and
 * otherwise its words and status for what is wrong. */
static pid_t start(slot *of, const start_with *with) {
  pid_t process = start_program(of->command.argv, with);
  if (process != 0 || !of->command.direct) return process;
  command_use_shell(of->of->wanted->command, &of->command);
  return start_program(of->command.argv, with);
}

static void watch_it(slot *of, furrow_task *task, pid_t process, answer *made) {
  const settings *wanted = of->of->wanted;
  guard_set(of->place, process);
  watch how = {.process = process,
               .handle = watch_handle(process),
               .place = of->place,
               .output = &of->output,
               .task = task,
               .stop_grace = wanted->stop_grace,
               .limit = wanted->timeout,
               .limit_is_told = wanted->timeout_percent};
  ending end = watch_command(&how);
  if (how.handle >= 0) close(how.handle);
  made->head->fate = end.fate;
  made->head->status = end.status;
  made->head->signal = end.signal;
  made->head->seconds = end.seconds;
  if (end.fate == FATE_NEVER) made->why = "how it ended is not known: somebody else has waited for it";
  made->lost = end.lost;
}

/* Run it. made->head tells how that went. */
static void run(slot *of, furrow_task *task, const job *what, answer *made) {
  start_with with = {.environment = of->environment.names,
                     .directory = of->of->wanted->directory,
                     .in = of->null,
                     .out = of->output.given[CAPTURE_OUT],
                     .err = of->output.given[CAPTURE_ERR]};
  environment_set(&of->environment, what->sequence, task->attempt + 1, task->rank);
  made->head->start = seconds_since_1970();
  pid_t process = start(of, &with);
  int error = errno;
  capture_begun(&of->output);
  if (process != 0) {
    watch_it(of, task, process, made);
    return;
  }
  made->head->fate = FATE_NEVER;
  made->head->status = start_refusal(error, &with, made->reason);
  made->why = made->reason;
}

static bool has_failed(const answer *made) {
  const outcome *head = made->head;
  if (head->fate == FATE_ENDED) return head->status != 0 || head->signal != 0;
  return head->fate == FATE_NEVER || head->fate == FATE_TIMEOUT;
}

static int fail_for_now(furrow_task *task, const outcome *head) {
  if (head->signal != 0) return furrow_fail(task, "killed by signal %d", head->signal);
  return furrow_fail(task, "exit status %d", head->status);
}

/* With its output, if there is any. A failure is the library's to try again, on another rank where there is one; the last one is an
 * outcome. */
static int run_and_tell(slot *of, furrow_task *task, const job *what, answer *made) {
  if (!capture_open(&of->output, task, what->sequence, made->tag)) {
    made->head->start = seconds_since_1970();
    made->head->fate = FATE_NEVER;
    made->head->status = STATUS_NO_OUTPUT;
    made->why = made->reason;
    snprintf(made->reason, sizeof made->reason, "its output can't be kept: %s", strerror(errno));
  } else {
    run(of, task, what, made);
  }
  bool again = has_failed(made) && task->attempt + 1 < of->of->wanted->tries;
  /* One that the farm has stopped will be run again: nobody wants its output, and gigabytes of it would hold up the end. */
  const capture *output = made->head->fate == FATE_STOPPED ? NULL : &of->output;
  int failed = made->lost ? 1 : again ? fail_for_now(task, made->head) : answer_write(made, task, output);
  capture_close(&of->output);
  return failed;
}

int run_job(furrow_task *task, const void *item, size_t size) {
  slot *of = task->local;
  farm *whole = of->of;
  const job *what = item;
  if (size < offsetof(job, texts) || !fill(of, what, size)) return furrow_fail(task, "no memory for the command");
  outcome head = {.sequence = what->sequence,
                  .rank = task->rank,
                  .slot = of->number,
                  .attempts = task->attempt + 1,
                  .count = what->count,
                  .set = (uint32_t)(size - offsetof(job, texts))};
  answer made = {.head = &head, .host = of->host, .command = of->command.text, .tag = of->tag, .set = what->texts};
  if (!whole->wanted->dry_run && stop_asked() == STOP_NOT) return run_and_tell(of, task, what, &made);
  head.fate = whole->wanted->dry_run ? FATE_SHOWN : FATE_STOPPED;
  head.start = seconds_since_1970();
  return answer_write(&made, task, NULL);
}
