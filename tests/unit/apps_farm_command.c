/* The farm's commands: started, watched, killed, their output kept; and the guard, when their rank is killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "furrow/farm/capture.h"
#include "furrow/farm/start.h"
#include "furrow/farm/watch.h"
#include "shim/test.h"

enum { TEXT_SIZE = 4096 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap(double seconds) {
  struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

/* ---- a command ------------------------------------------------------------------------------------------------------ */

typedef struct scene {
  int null;
  capture output;
  bool without_handle; /* as on a kernel that has no pidfd */
  double limit;
  const char *directory;
  char out[TEXT_SIZE], err[TEXT_SIZE];
} scene;

static void open_scene(scene *s) {
  *s = (scene){.null = open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_TRUE(capture_make(&s->output, OUTPUT_GROUP));
}

static void close_scene(scene *s) {
  capture_free(&s->output);
  close(s->null);
}

static void read_output(scene *s, int which, char text[TEXT_SIZE]) {
  uint64_t size = capture_size(&s->output, which);
  if (size >= TEXT_SIZE) size = TEXT_SIZE - 1;
  ssize_t had = pread(s->output.ours[which], text, (size_t)size, 0);
  text[had > 0 ? had : 0] = '\0';
}

static pid_t start_shell(char *text, const start_with *with) {
  char shell[] = "/bin/sh", dash_c[] = "-c";
  return start_program((char *[]){shell, dash_c, text, NULL}, with);
}

static ending run(scene *s, const char *text) {
  ending end = {.fate = FATE_NEVER};
  char *copy = strdup(text);
  EXPECT_TRUE(copy && capture_open(&s->output, NULL, 1, NULL));
  start_with with = {environ, s->directory, s->null, s->output.given[0], s->output.given[1]};
  pid_t process = start_shell(copy, &with);
  capture_begun(&s->output);
  if (process > 0) {
    watch how = {.process = process,
                 .handle = s->without_handle ? -1 : watch_handle(process),
                 .output = &s->output,
                 .limit = s->limit};
    end = watch_command(&how);
    if (how.handle >= 0) close(how.handle);
    read_output(s, CAPTURE_OUT, s->out);
    read_output(s, CAPTURE_ERR, s->err);
  }
  capture_close(&s->output);
  free(copy);
  return end;
}

TEST(apps_farm_command, output_status_and_signal) {
  scene s;
  open_scene(&s);
  for (int i = 0; i < 2; i++) {
    s.without_handle = i == 1;
    ending end = run(&s, "echo one; echo two >&2; exit 3");
    EXPECT_EQ(end.fate, FATE_ENDED);
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(end.signal, 0);
    EXPECT_EQ_STR(s.out, "one\n");
    EXPECT_EQ_STR(s.err, "two\n");
    end = run(&s, "kill -SEGV $$");
    EXPECT_EQ(end.status, 0);
    EXPECT_EQ(end.signal, SIGSEGV);
    EXPECT_EQ_STR(s.out, "");
  }
  close_scene(&s);
}

TEST(apps_farm_command, it_leads_a_group_and_inherits_nothing) {
  scene s;
  char text[256];
  open_scene(&s);
  int inherited = dup(s.null); /* not close-on-exec */
  snprintf(text, sizeof text,
           "read pid name state parent group rest </proc/$$/stat; [ -e /proc/$$/fd/%d ]; "
           "echo $? $((pid == group)) $(readlink /proc/$$/fd/0)",
           inherited);
  run(&s, text);
  EXPECT_EQ_STR(s.out, "1 1 /dev/null\n");
  close(inherited);
  close_scene(&s);
}

TEST(apps_farm_command, signals_are_as_at_a_login) {
  scene s;
  open_scene(&s);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
  run(&s, "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -c 10-");
  signal(SIGPIPE, pipe_before);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  char *line = strtok(s.out, "\n");
  for (int i = 0; i < 2; i++, line = strtok(NULL, "\n")) {
    ASSERT_TRUE(line != NULL);
    EXPECT_EQ(strtoull(line, NULL, 16), 0);
  }
  close_scene(&s);
}

TEST(apps_farm_command, what_cannot_start_says_why) {
  char why[START_WHY_SIZE];
  char none[] = "/no/such/program", folder[] = "/tmp";
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  start_with with = {environ, NULL, null, null, null};
  EXPECT_EQ(start_program((char *[]){none, NULL}, &with), 0);
  EXPECT_EQ(start_refusal(errno, &with, why), 127);
  EXPECT_CONTAINS(why, "No such file");
  EXPECT_EQ(start_program((char *[]){folder, NULL}, &with), 0);
  EXPECT_EQ(start_refusal(errno, &with, why), 126);
  char *huge = malloc(1 << 20);
  memset(huge, 'x', (1 << 20) - 1);
  huge[(1 << 20) - 1] = '\0';
  EXPECT_EQ(start_shell(huge, &with), 0);
  EXPECT_EQ(start_refusal(errno, &with, why), 126);
  EXPECT_CONTAINS(why, "Argument list too long");
  free(huge);
  with.directory = "/no/such/folder";
  char true_program[] = "true";
  EXPECT_EQ(start_program((char *[]){true_program, NULL}, &with), 0);
  EXPECT_EQ(start_refusal(errno, &with, why), 126);
  EXPECT_CONTAINS(why, "/no/such/folder");
  close(null);
}

/* ---- its end -------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_command, a_limit_ends_it) {
  scene s;
  open_scene(&s);
  s.limit = 0.2;
  for (int i = 0; i < 2; i++) {
    s.without_handle = i == 1;
    double begun = now();
    ending end = run(&s, "exec sleep 30");
    EXPECT_EQ(end.fate, FATE_TIMEOUT);
    EXPECT_EQ(end.signal, SIGTERM);
    EXPECT_GE(now() - begun, 0.2);
    EXPECT_LT(now() - begun, 10);
  }
  close_scene(&s);
}

TEST(apps_farm_command, a_killed_one_may_tidy_up) {
  scene s;
  open_scene(&s);
  s.limit = 0.2;
  ending end = run(&s, "trap 'echo tidy; exit 4' TERM; while :; do sleep 0.01; done");
  EXPECT_EQ(end.fate, FATE_TIMEOUT);
  EXPECT_EQ(end.status, 4);
  EXPECT_EQ_STR(s.out, "tidy\n");
  close_scene(&s);
}

static bool is_gone(pid_t process) {
  for (int i = 0; i < 2000; i++) { /* whoever reaps orphans here may take a while */
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "re");
    if (!file) return true;
    bool dead = fgets(text, sizeof text, file) && strstr(text, ") Z") != NULL;
    fclose(file);
    if (dead) return true;
    nap(0.005);
  }
  return false;
}

/* A child that does not hear SIGTERM, of a leader that ends by it at once; one of a leader that is stopped. */
TEST(apps_farm_command, a_killed_one_takes_its_group_along) {
  static const char *const TEXTS[] = {
      "(trap '' TERM; while :; do sleep 0.01; done) & echo $!; wait",
      "trap '' TERM; sleep 60 & echo $!; kill -STOP $$; while :; do sleep 0.01; done",
  };
  scene s;
  open_scene(&s);
  s.limit = 0.2;
  for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
    EXPECT_EQ(run(&s, TEXTS[i]).fate, FATE_TIMEOUT);
    pid_t child = (pid_t)strtol(s.out, NULL, 10);
    ASSERT_GT(child, 1);
    EXPECT_TRUE(is_gone(child));
  }
  close_scene(&s);
}

TEST(apps_farm_command, what_it_leaves_behind_lives_on_and_is_not_waited_for) {
  scene s;
  open_scene(&s);
  double begun = now();
  ending end = run(&s, "sleep 60 & echo $!");
  EXPECT_LT(now() - begun, 30);
  EXPECT_EQ(end.fate, FATE_ENDED);
  pid_t child = (pid_t)strtol(s.out, NULL, 10);
  ASSERT_GT(child, 1);
  EXPECT_EQ(kill(child, SIGKILL), 0);
  close_scene(&s);
}

/* ---- many ----------------------------------------------------------------------------------------------------------- */

static int count_open(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = 0;
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

TEST(apps_farm_command, nothing_leaks) {
  static const char *const TEXTS[] = {"exit 1", "kill -9 $$", "(sleep 0.2 &) ; exit 0", "exec >&- 2>&-",
                                      "printf '\\000\\377'"};
  scene s;
  open_scene(&s);
  int before = count_open();
  for (int i = 0; i < 200; i++) {
    s.without_handle = i % 7 == 0;
    EXPECT_EQ(run(&s, TEXTS[i % 5]).fate, FATE_ENDED);
  }
  EXPECT_EQ(count_open(), before);
  siginfo_t info;
  EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1); /* no child at all */
  close_scene(&s);
}

/* ---- the guard ------------------------------------------------------------------------------------------------------ */

/* A rank with a command, of which it tells by a pipe, until it ends as `how` says. */
static _Noreturn void live_as_a_rank(int tell, bool clean) {
  guard_begin();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  start_with with = {environ, NULL, null, null, null};
  char text[] = "trap '' TERM; sleep 60 & while :; do sleep 0.01; done";
  pid_t process = start_shell(text, &with);
  guard_set(7, process);
  if (clean) {
    guard_set(7, 0);
    guard_end();
  }
  if (write(tell, &process, sizeof process) != sizeof process) _exit(1);
  for (;;) {
    if (clean) _exit(0);
    pause();
  }
}

static pid_t begin_rank(bool clean, pid_t *rank) {
  int ends[2];
  pid_t process = 0;
  if (pipe(ends) != 0) return 0;
  *rank = fork();
  if (*rank == 0) live_as_a_rank(ends[1], clean);
  close(ends[1]);
  if (read(ends[0], &process, sizeof process) != sizeof process) process = 0;
  close(ends[0]);
  return process;
}

TEST(apps_farm_command, the_guard_kills_the_groups_of_a_killed_rank) {
  pid_t rank = 0, process = begin_rank(false, &rank);
  ASSERT_GT(process, 1);
  EXPECT_EQ(kill(-process, 0), 0);
  kill(rank, SIGKILL);
  waitpid(rank, NULL, 0);
  EXPECT_TRUE(is_gone(process));
}

TEST(apps_farm_command, the_guard_leaves_alone_what_it_is_not_told_of) {
  pid_t rank = 0, process = begin_rank(true, &rank);
  ASSERT_GT(process, 1);
  waitpid(rank, NULL, 0);
  nap(0.1);
  EXPECT_EQ(kill(-process, SIGKILL), 0);
}

/* ---- signals that stop ---------------------------------------------------------------------------------------------- */

enum { STOPS_WELL, STOPS_LATE, STOPS_WRONG };

/* In a process of its own: a wish is never taken back. */
static int stop_by(const int *signals, double between, const char *text, double grace) {
  pid_t tester = fork();
  if (tester == 0) {
    scene s;
    open_scene(&s);
    stop_listen();
    stop_listen();
    char *copy = strdup(text);
    if (!copy || !capture_open(&s.output, NULL, 1, NULL)) _exit(STOPS_WRONG);
    start_with with = {environ, NULL, s.null, s.output.given[0], s.output.given[1]};
    watch how = {.process = start_shell(copy, &with), .output = &s.output, .stop_grace = grace};
    how.handle = watch_handle(how.process);
    nap(0.2);
    pid_t sender = fork();
    if (sender == 0) {
      for (; *signals; signals++, nap(between)) kill(getppid(), *signals);
      _exit(0);
    }
    double begun = now();
    ending end = watch_command(&how);
    waitpid(sender, NULL, 0);
    _exit(end.fate != FATE_STOPPED ? STOPS_WRONG : now() - begun > 20 ? STOPS_LATE : STOPS_WELL);
  }
  int status = -1;
  waitpid(tester, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char DEAF[] = "trap '' TERM INT; while :; do sleep 0.01; done";

TEST(apps_farm_command, a_signal_stops_it) {
  EXPECT_EQ(stop_by((int[]){SIGTERM, 0}, 0, "exec sleep 60", 1000), STOPS_WELL);
  EXPECT_EQ(stop_by((int[]){SIGINT, 0}, 0, DEAF, 1000), STOPS_WELL);
  EXPECT_EQ(stop_by((int[]){SIGINT, SIGINT, 0}, 0.3, DEAF, 1000), STOPS_WELL);
  EXPECT_EQ(stop_by((int[]){SIGUSR1, 0}, 0, DEAF, 0.3), STOPS_WELL);
  EXPECT_EQ(stop_by((int[]){SIGUSR1, SIGTERM, 0}, 0.1, DEAF, 1000), STOPS_WELL);
}

TEST(apps_farm_command, within_the_grace_it_may_end) {
  EXPECT_EQ(stop_by((int[]){SIGUSR1, 0}, 0, "sleep 0.5; exit 0", 1000), STOPS_WRONG); /* that is, not stopped */
}
