/* The guard: a process that outlives its rank by a moment, to kill the commands of a rank that was killed itself. Knows process
 * groups and a pipe; does not know MPI, commands or signals.
 *
 * It is forked before MPI begins, while the process is small and has one thread. It has a session of its own, so that no launcher's
 * signal to the rank's group reaches it, and no descriptor but the end of a pipe, so that no launcher waits for its output to end. The
 * rank holds the other end, in no child of its own: when the rank is gone, by whatever means, the guard reads the pipe's end.
 *
 * The table of groups is memory that both share. A place is written by one thread of the rank, and read by the guard when there is no
 * rank any more: nothing happens at the same time. A command that has begun, but is not yet in the table, would be missed: that is
 * the time between the kernel's making it and posix_spawn()'s return, some ten microseconds in a command's life, in which the kill
 * would have to fall. A group is taken out of the table before its number is given back (or, where it was killed, within
 * microseconds after), so another group of the same number is never met. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "farm.h"

typedef atomic_int group_number;

static struct {
  group_number *groups; /* FURROW_THREADS_MOST; NULL: there is no guard */
  int pipe;             /* the rank's end */
  pid_t process;
} guard;

static void close_all_but(int kept) {
  if (kept > 0) close_range(0, (unsigned)kept - 1, 0);
  if (close_range((unsigned)kept + 1, ~0U, 0) == 0) return;
  long most = sysconf(_SC_OPEN_MAX); /* an old kernel */
  for (int i = 0; i < most; i++)
    if (i != kept) close(i);
}

/* The guard's whole life. */
static _Noreturn void watch_rank(int end, const group_number *groups) {
  setsid();
  static const int IGNORED[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};
  for (size_t i = 0; i < sizeof IGNORED / sizeof *IGNORED; i++) signal(IGNORED[i], SIG_IGN);
  prctl(PR_SET_NAME, "furrow-guard");
  close_all_but(end);
  if (chdir("/") != 0) _exit(1); /* keeps no file system busy */
  char none;
  while (read(end, &none, 1) < 0 && errno == EINTR) continue;
  for (int i = 0; i < FURROW_THREADS_MOST; i++) {
    int group = atomic_load(&groups[i]);
    if (group > 1) kill(-group, SIGKILL);
  }
  _exit(0);
}

void guard_begin(void) {
  int ends[2];
  size_t size = FURROW_THREADS_MOST * sizeof(group_number);
  void *table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) return;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    munmap(table, size);
    return;
  }
  pid_t process = fork();
  if (process == 0) {
    close(ends[1]);
    watch_rank(ends[0], table);
  }
  close(ends[0]);
  if (process < 0) {
    close(ends[1]);
    munmap(table, size);
    return;
  }
  guard.groups = table;
  guard.pipe = ends[1];
  guard.process = process;
}

void guard_set(int place, int group) {
  if (guard.groups) atomic_store(&guard.groups[place], group);
}

/* All commands have ended: an empty table, and the guard just goes. */
void guard_end(void) {
  if (!guard.groups) return;
  close(guard.pipe);
  while (waitpid(guard.process, NULL, 0) < 0 && errno == EINTR) continue;
  munmap(guard.groups, FURROW_THREADS_MOST * sizeof(group_number));
  guard.groups = NULL;
}
