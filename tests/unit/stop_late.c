/* A stop signal that comes when its operation is over: other processes have had theirs before. Each case in a process of its
   own, since what is expected is remembered. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/stop.h"
#include "shim/test.h"

static volatile sig_atomic_t heard;

static void hear(int signal) {
  (void)signal;
  heard++;
}

static void be_stopped(void) {
  furrow__stop_watch watch;
  furrow__stop_begin(&watch, -1);
  furrow__stop_expect_more();
  furrow__stop_end(&watch);
}

static int status_of(void (*handler)(int), bool stopped) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGUSR1, handler);
    if (stopped) be_stopped();
    raise(SIGUSR1);
    _exit(heard ? 3 : 0);
  }
  waitpid(pid, &status, 0);
  return status;
}

TEST(stop_late, does_not_end_the_program) {
  EXPECT_TRUE(WIFSIGNALED(status_of(SIG_DFL, false)));
  EXPECT_EQ(status_of(SIG_DFL, true), 0);
  EXPECT_EQ(status_of(SIG_IGN, true), 0);
}

TEST(stop_late, reaches_the_programs_own_handler) {
  int status = status_of(hear, true);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

TEST(stop_late, stops_another_operation_all_the_same) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    furrow__stop_watch watch;
    signal(SIGUSR1, SIG_DFL);
    be_stopped();
    furrow__stop_begin(&watch, -1);
    raise(SIGUSR1);
    _exit(furrow__stop_asked(&watch) ? 0 : 1);
  }
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}
