/* The child's side of node/child.h: what it makes of itself after the fork, and what it notes when it ends.
   Knows the one process it is in. Does not know what it computes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>

#include "node/child.h"

enum {
  HANDLER_STACK = 64 << 10, /* the largest known signal frame takes 11 KiB */
  FRAME_SLACK = 4096,       /* below the stack pointer: pushes and red zones */
  SLACK = 256 << 10,        /* malloc asks for 132 KiB at a time */
  OOM_SCORE = 500,          /* the kernel should rather kill a child than a rank */
};

/* Who this process is. A signal handler is told nothing but its signal, so this can't be passed on to it. Only a child
   ever writes it, once, before it has handlers; in the parent it stays empty. */
static struct {
  furrow__child_note *note;
  uintptr_t stack;       /* an address at the start of its stack */
  uint64_t limit, slack; /* of VmData; limit 0: none */
} self;

/* ---- memory ------------------------------------------------------------------------------------------------------- */

/* VmData, in bytes: private writable memory without the stack, which is what RLIMIT_DATA counts. (The field "data" of
   /proc/self/statm has the stack in it.) Safe in a signal handler. */
static bool data_size(uint64_t *size) {
  char text[4096];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t length = read(file, text, sizeof text - 1);
  int error = errno;
  close(file);
  errno = error;
  if (length < 0) return false;
  text[length] = '\0';
  errno = ENODATA;
  const char *at = strstr(text, "\nVmData:");
  if (!at) return false;
  uint64_t kilobytes = 0;
  for (at += strlen("\nVmData:"); *at == ' ' || *at == '\t'; at++) {
  }
  for (; *at >= '0' && *at <= '9'; at++) kilobytes = kilobytes * 10 + (uint64_t)(*at - '0');
  *size = kilobytes * 1024;
  return true;
}

static int limit_memory(size_t most) {
  struct rlimit limit;
  uint64_t now;
  if (!data_size(&now) || getrlimit(RLIMIT_DATA, &limit) != 0) return errno;
  if (most >= limit.rlim_cur || now >= limit.rlim_cur - most) return 0; /* a limit of the program's is lower, or none */
  limit.rlim_cur = now + most;
  if (setrlimit(RLIMIT_DATA, &limit) != 0) return errno;
  self.limit = now + most;
  self.slack = most / 16 < SLACK ? most / 16 : SLACK;
  return 0;
}

/* Whether memory was refused before the end. errno says so in most cases: malloc has set it, and neither the access
   through NULL that follows, nor C++'s way from bad_alloc to abort(), nor printing a message changes it (see
   prepare_streams). A task that has called more since then may still be known by the limit being reached. */
static bool refused(int error) {
  uint64_t now;
  return self.limit != 0 && (error == ENOMEM || (data_size(&now) && now + self.slack >= self.limit));
}

/* ---- ends --------------------------------------------------------------------------------------------------------- */

/* A process that the task has forked has our handlers, but is not the child. */
static bool is_child(void) {
  return atomic_load(&self.note->pid) == getpid();
}

/* Where the stack pointer stood; 0 where we don't know how to ask. */
static uintptr_t stack_pointer(const void *context) {
  const ucontext_t *machine = context;
#if defined(__x86_64__)
  return (uintptr_t)machine->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)machine->uc_mcontext.sp;
#else
  (void)machine;
  return 0;
#endif
}

/* The stack is in use from the stack pointer up to where it began, so a fault in there means that it could not grow.
   Only for the child's first thread: the others have no other stack to run the handler on, and just die. */
static bool is_overflow(int signal, const siginfo_t *info, const void *context) {
  uintptr_t top = stack_pointer(context), at = (uintptr_t)info->si_addr;
  return (signal == SIGSEGV || signal == SIGBUS) && info->si_code > 0 && gettid() == getpid() && top != 0 &&
         at >= top - FRAME_SLACK && at < self.stack;
}

/* Calls only what is safe in a signal handler. SA_RESETHAND has put the default action back, and the signal is blocked
   until we return: raised now, it then kills the process where it was, so that status and core are the true ones. */
static void on_crash(int signal, siginfo_t *info, void *context) {
  int error = errno, none = 0;
  if (is_child() && atomic_compare_exchange_strong(&self.note->signal, &none, signal)) {
    atomic_store(&self.note->overflow, is_overflow(signal, info, context));
    atomic_store(&self.note->refused, refused(error));
  }
  raise(signal);
}

/* Registered last, so it comes before what the parent has registered with atexit(), which never runs in a child. */
static void on_end(int code, void *unused) {
  int error = errno;
  (void)unused;
  if (is_child()) {
    atomic_store(&self.note->code, code & 0xff);
    atomic_store(&self.note->refused, refused(error));
    atomic_store(&self.note->exited, 1);
  }
  fflush(NULL);
  _exit(code);
}

/* ---- beginning ---------------------------------------------------------------------------------------------------- */

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, NULL);
}

/* mpirun signals whole process groups. SIGUSR1 and 2 are requests to ranks; SIGTERM and SIGINT end a child as well. */
static void take_signals(void) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  handle(SIGTERM, SIG_DFL);
  handle(SIGINT, SIG_DFL);
  handle(SIGCHLD, SIG_DFL);
  handle(SIGUSR1, SIG_IGN);
  handle(SIGUSR2, SIG_IGN);
  void *memory = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = memory, .ss_size = HANDLER_STACK};
  if (memory != MAP_FAILED) sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigaction(crashes[i], &action, NULL);
}

/* As much as is allowed; never less than it was. */
static void volunteer_for_oom(void) {
  char text[16] = "";
  int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  if (read(file, text, sizeof text - 1) > 0 && strtol(text, NULL, 10) < OOM_SCORE) {
    int length = snprintf(text, sizeof text, "%d", OOM_SCORE);
    if (pwrite(file, text, (size_t)length, 0) != length) text[0] = '\0'; /* then not */
  }
  close(file);
}

/* Another thread may have printed between flush and fork: those bytes are the parent's. And lines are written as they
   are printed: so those of several children are not torn, and those of a task that crashes or is killed are not lost. A
   stream that the program has made unbuffered stays so. The buffer is a new one, since with the old one glibc goes on to
   keep lines that puts() and putchar() end.

   Under a limit stderr gets the orientation that any message gives it: before that, perror() writes through a duplicate,
   whose closing sets errno, and "perror(…), exit(1)" is the usual end of a task without memory. */
static void prepare_streams(bool limited) {
  __fpurge(stdout);
  char *buffer = __fbufsize(stdout) == 1 ? NULL : malloc(BUFSIZ); /* for as long as the process runs */
  if (buffer) setvbuf(stdout, buffer, _IOLBF, BUFSIZ);
  if (limited) fwide(stderr, -1);
}

/* All streams, since a program may have its own; 20 ns each. Flushing in the handler of a crash instead is not safe:
   another thread may hold the stream, and the heap may be what is broken. */
void furrow__child_task_end(void) {
  fflush(NULL);
}

void furrow__child_become(furrow__child_note *note, const furrow__child_rules *rules, pid_t parent,
                          const sigset_t *mask, void (*body)(void *argument), void *argument) {
  char here;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE); /* the parent was gone before */
  self.note = note;
  self.stack = (uintptr_t)&here;
  atomic_store(&note->pid, getpid());
  take_signals();
  volunteer_for_oom();
  prepare_streams(rules->memory_limit != 0);
  int error = rules->memory_limit ? limit_memory(rules->memory_limit) : 0;
  if (error != 0) {
    atomic_store(&note->unlimited, error);
    _exit(EXIT_FAILURE);
  }
  on_exit(on_end, NULL);
  pthread_sigmask(SIG_SETMASK, mask, NULL);
  furrow__child_task_begin();
  body(argument);
  fflush(NULL);
  atomic_store(&note->finished, 1);
  _exit(EXIT_SUCCESS);
}
