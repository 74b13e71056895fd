/* Watch a command until it has ended, or end it: when it takes too long, when the farm stops, when nobody waits for it any more. Knows
 * processes, signals and time; does not know how a command was started or what is made of its end.
 *
 * The thread sleeps in poll() on the process, the wish to stop and, line by line, on the pipes. A short command costs one wake-up;
 * only one that takes longer than a tick is looked at between, because furrow_task_is_cancelled() wakes nobody.
 *
 * Whose number is it? The process is a child that nobody else waits for, so its number, and that of its group, are its own until
 * it is reaped. When it was killed, it is reaped before the rest of its group has ended; the group's number stays taken as long as one
 * member lives, and is looked at every few milliseconds: in that time the kernel, which gives out numbers in a circle, does not come
 * round to it again. */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two looks: at a command that runs; at one while the farm stops; at what is left of a killed group. */
#define TICK          0.1
#define TICK_STOPPING 0.05
#define TICK_REST     0.005

/* Without a pidfd: naps that grow. */
#define NAP_FIRST 0.0005
#define NAP_MOST  0.02

/* Milliseconds within which a signal that went to all reaches us, too. */
enum { STOP_IS_HEARD = 100 };

typedef struct vigil {
  const watch *of;
  double begun, now;
  double nap;
  double told;  /* when SIGTERM was sent; 0: not */
  bool killed;  /* SIGKILL was sent */
  bool ended;   /* the process has, and is reaped */
  bool looking; /* whether it has ended is not told by poll() */
  ending result;
} vigil;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int watch_handle(pid_t process) {
  return pidfd_open(process, 0); /* close-on-exec always */
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static void tell_group(const vigil *v, int signal_number) {
  kill(-v->of->process, signal_number);
}

static void end_politely(vigil *v, fate why) {
  v->result.fate = why;
  v->told = v->now;
  tell_group(v, SIGTERM);
  tell_group(v, SIGCONT); /* a stopped one can't hear */
}

static void end_at_once(vigil *v) {
  v->killed = true;
  tell_group(v, SIGKILL);
}

static double limit_of(const watch *of) {
  return of->limit_is_told ? limit_of_word(furrow_task_told(of->task)) : of->limit;
}

static bool is_over(const vigil *v) {
  double limit = limit_of(v->of);
  return limit > 0 && v->now - v->begun >= limit;
}

static bool must_stop(const vigil *v) {
  stop_wish wish = stop_asked();
  if (wish >= STOP_NOW) return true;
  if (wish == STOP_SOON && stop_since() >= v->of->stop_grace) return true;
  return v->of->task && furrow_task_is_cancelled(v->of->task);
}

static void judge(vigil *v) {
  if (v->told == 0) {
    if (v->result.lost || must_stop(v))
      end_politely(v, FATE_STOPPED);
    else if (is_over(v))
      end_politely(v, FATE_TIMEOUT);
  }
  if (v->told != 0 && !v->killed && (stop_asked() == STOP_KILL || v->now - v->told >= WATCH_MERCY)) end_at_once(v);
}

/* Before it is reaped: from then on its number may be another's. */
static void leave_guard(const vigil *v) {
  if (v->told == 0) guard_set(v->of->place, 0);
}

static void note_end(vigil *v, const siginfo_t *info) {
  v->ended = true;
  v->result.seconds = v->now - v->begun;
  if (info->si_code == CLD_EXITED)
    v->result.status = info->si_status;
  else
    v->result.signal = info->si_status;
}

/* Somebody else has reaped it, or SIGCHLD was ignored: how it ended nobody knows. */
static void note_loss(vigil *v) {
  v->ended = true;
  v->result.seconds = v->now - v->begun;
  if (v->told == 0) v->result.fate = FATE_NEVER;
}

static void look(vigil *v) {
  siginfo_t info = {.si_pid = 0};
  int answer = waitid(P_PID, (id_t)v->of->process, &info, WEXITED | WNOHANG | WNOWAIT);
  if (answer == 0 && info.si_pid == 0) return;
  leave_guard(v);
  if (answer == 0) answer = waitid(P_PID, (id_t)v->of->process, &info, WEXITED);
  if (answer == 0)
    note_end(v, &info);
  else if (errno == ECHILD)
    note_loss(v);
}

static bool is_done(const vigil *v) {
  if (!v->ended) return false;
  return v->told == 0 || v->killed || (kill(-v->of->process, 0) != 0 && errno == ESRCH);
}

/* ---- sleep ------------------------------------------------------------------------------------------------------------ */

static double least(double a, double b) {
  return a < b ? a : b;
}

/* How long there is nothing to do but wait for what poll() tells. */
static double time_to_sleep(vigil *v) {
  if (v->ended) return TICK_REST;
  double sleep = stop_asked() == STOP_NOT ? TICK : TICK_STOPPING;
  double limit = limit_of(v->of);
  if (v->told != 0 && !v->killed)
    sleep = least(sleep, v->told + WATCH_MERCY - v->now);
  else if (v->told == 0 && limit > 0)
    sleep = least(sleep, v->begun + limit - v->now);
  if (v->of->handle < 0) {
    sleep = least(sleep, v->nap);
    v->nap = least(2 * v->nap, NAP_MOST);
  }
  return sleep > 0 ? sleep : 0;
}

static struct timespec timespec_of(double sleep) {
  time_t whole = (time_t)sleep;
  return (struct timespec){.tv_sec = whole, .tv_nsec = (long)((sleep - (double)whole) * 1e9)};
}

/* Once there is a wish its descriptor is readable for ever. */
static void sleep_on(vigil *v) {
  enum { PROCESS, STOP, OUTPUT, COUNT = OUTPUT + CAPTURE_BOTH };
  capture *output = v->of->output;
  bool lines = output && output->mode == OUTPUT_LINE_BUFFER;
  struct pollfd on[COUNT] = {{.fd = v->ended ? -1 : v->of->handle, .events = POLLIN},
                             {.fd = stop_asked() == STOP_NOT ? stop_descriptor() : -1, .events = POLLIN}};
  for (int i = 0; i < CAPTURE_BOTH; i++)
    on[OUTPUT + i] = (struct pollfd){.fd = lines && !v->result.lost ? output->ours[i] : -1, .events = POLLIN};
  struct timespec sleep = timespec_of(time_to_sleep(v));
  bool told = ppoll(on, COUNT, &sleep, NULL) > 0;
  for (int i = 0; told && i < CAPTURE_BOTH; i++)
    if (on[OUTPUT + i].revents != 0 && !capture_take(output, i)) v->result.lost = true;
  v->looking = v->of->handle < 0 || (told && on[PROCESS].revents != 0);
}

/* What stops the farm may have met the command itself: a launcher tells a rank's whole group, to which a command belongs until it has one
 * of its own, some instructions after its birth; and where a job ends Slurm tells all of its processes. Who hears it first is chance. A
 * command that has died of it has not finished: it will be run again. */
static bool has_died_of_a_stop(const ending *how) {
  int number = how->signal ? how->signal : how->status - 128;
  if (number != SIGTERM && number != SIGINT && number != SIGUSR1) return false;
  struct pollfd stop = {.fd = stop_descriptor(), .events = POLLIN};
  if (stop_asked() == STOP_NOT && (how->signal || getenv("SLURM_JOB_ID"))) poll(&stop, 1, STOP_IS_HEARD);
  return stop_asked() >= (number == SIGUSR1 ? STOP_SOON : STOP_NOW);
}

ending watch_command(const watch *of) {
  vigil v = {.of = of, .begun = seconds(), .nap = NAP_FIRST, .result = {.fate = FATE_ENDED}};
  do {
    sleep_on(&v);
    v.now = seconds();
    if (v.looking && !v.ended) look(&v);
    if (!v.ended || v.told != 0) judge(&v);
  } while (!is_done(&v));
  guard_set(of->place, 0);
  if (v.result.fate == FATE_ENDED && has_died_of_a_stop(&v.result)) v.result.fate = FATE_STOPPED;
  if (!v.result.lost && of->output && !capture_drain(of->output)) v.result.lost = true;
  return v.result;
}
