#include "node/child.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- start -------------------------------------------------------------------------------------------------------- */

/* What stands in a buffer at the fork would be written by both. A thread of the program that waits for input has stdin
   locked and would hold up fflush(NULL), which locks every stream; then only stdout is flushed, which is what can be. */
static void flush(void) {
  if (ftrylockfile(stdin) == 0) {
    fflush(NULL);
    funlockfile(stdin);
  } else {
    fflush(stdout);
  }
}

static void note_clear(furrow__child_note *note) {
  atomic_store(&note->pid, 0);
  atomic_store(&note->signal, 0);
  atomic_store(&note->overflow, 0);
  atomic_store(&note->refused, 0);
  atomic_store(&note->exited, 0);
  atomic_store(&note->code, 0);
  atomic_store(&note->unlimited, 0);
  atomic_store(&note->finished, 0);
}

bool furrow__child_start(furrow__child *child, furrow__child_note *note, furrow__child_rules rules,
                         void (*body)(void *argument), void *argument) {
  note_clear(note);
  flush();
  pid_t self = getpid();
  /* All signals are blocked until the child has its own handlers: the parent's must not run in it. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) furrow__child_become(note, &rules, self, &before, body, argument);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) {
    errno = error;
    return false;
  }
  *child = (furrow__child){.pid = pid, .state = FURROW__CHILD_RUNNING, .rules = rules, .note = note};
  return true;
}

/* ---- look, kill --------------------------------------------------------------------------------------------------- */

/* Only this process is ever waited for: others are the program's. ECHILD means that it has ended and was reaped by
   somebody else, the program's own handler of SIGCHLD or the kernel because SIGCHLD is ignored; then the note has to do.
   Another child of this process can have got the same pid only if it was reaped so, and 2^15 or more forks have followed
   since the last look. */
static void reap(furrow__child *child, int options) {
  int status = 0;
  pid_t pid;
  do pid = waitpid(child->pid, &status, options);
  while (pid < 0 && errno == EINTR);
  if (pid == 0) return;
  child->known = pid > 0;
  child->status = status;
  child->state = atomic_load(&child->note->finished) ? FURROW__CHILD_FINISHED : FURROW__CHILD_DIED;
}

furrow__child_state furrow__child_look(furrow__child *child) {
  if (child->state == FURROW__CHILD_RUNNING) reap(child, WNOHANG);
  return child->state;
}

/* Waiting has no deadline on purpose. SIGKILL can't be refused, but a process in uninterruptible sleep (a read from a
   server that does not answer) ends only when that call does, and until then the kernel may still write into the memory
   that it shares with its parent. So it is not gone, and what it held can't be given to another. */
bool furrow__child_kill(furrow__child *child) {
  if (furrow__child_look(child) != FURROW__CHILD_RUNNING) return false;
  /* It ran a moment ago, and is a zombie at worst: its pid is its own until it is reaped, which we do. Only a SIGCHLD
     handler in another thread could reap it in between, and even then the pid would have to be in use again. */
  kill(child->pid, SIGKILL);
  while (child->state == FURROW__CHILD_RUNNING) reap(child, 0);
  return true;
}

/* ---- death -------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void fill(furrow__death *death, furrow_failure_kind kind, int code,
                                                       const char *format, ...) {
  death->kind = kind;
  death->code = code;
  va_list values;
  va_start(values, format);
  vsnprintf(death->message, sizeof death->message, format, values);
  va_end(values);
}

/* Limits are told in the unit that they were probably given in. */
static void after_refusal(const furrow__child *child, char *text, size_t size) {
  size_t limit = child->rules.memory_limit;
  if (limit % ((size_t)1 << 20) == 0)
    snprintf(text, size, " after memory beyond its limit of %zu MiB was refused", limit >> 20);
  else
    snprintf(text, size, " after memory beyond its limit of %zu bytes was refused", limit);
}

void furrow__child_death(const furrow__child *child, furrow__death *death) {
  const furrow__child_note *note = child->note;
  int error = atomic_load(&note->unlimited);
  bool refused = atomic_load(&note->refused) != 0;
  int signal = child->known ? (WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0) : atomic_load(&note->signal);
  bool exited = child->known ? signal == 0 : signal == 0 && atomic_load(&note->exited);
  int code = child->known && exited ? WEXITSTATUS(child->status) : atomic_load(&note->code);

  char after[96] = "";
  if (refused) after_refusal(child, after, sizeof after);
  if (error != 0)
    fill(death, FURROW_FAILURE_EXIT, code, "could not limit its memory: %s", strerror(error));
  else if (signal == SIGKILL)
    fill(death, FURROW_FAILURE_SIGNAL, signal, "killed by signal %d (%s): by hand, or for lack of memory", signal,
         strsignal(signal));
  else if (signal != 0)
    fill(death, refused ? FURROW_FAILURE_MEMORY : FURROW_FAILURE_SIGNAL, signal, "killed by signal %d (%s)%s%s", signal,
         strsignal(signal), atomic_load(&note->overflow) ? ": stack overflow" : "", after);
  else if (exited)
    fill(death, refused ? FURROW_FAILURE_MEMORY : FURROW_FAILURE_EXIT, code, "ended the process with exit status %d%s",
         code, after);
  else
    fill(death, FURROW_FAILURE_SIGNAL, 0, "ended; its status was taken by the program's own handling of SIGCHLD");
}
