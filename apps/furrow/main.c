/* The program `furrow`: finds the command that is asked for and hands over to it. MPI is the commands' affair. */
#include <errno.h>
#include <fcntl.h>
#include <furrow.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "common/launch.h"

typedef struct command {
  const char *name, *help;
  int (*run)(int argc, char **argv);
} command;

static const command COMMANDS[] = {
    {"doctor", "examine how this run was started, and say what to do better", doctor},
    {"farm", "run commands over all ranks, as GNU parallel does on one machine", farm_command},
    {"journal", "show what a journal has of a run, and check it", journal},
};
enum { COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static void print_help(FILE *stream) {
  fprintf(stream, "usage: furrow COMMAND [OPTION]...\n\nTools for running C functions and commands on many ranks.\n\n");
  for (int i = 0; i < COMMAND_COUNT; i++) fprintf(stream, "  %-12s%s\n", COMMANDS[i].name, COMMANDS[i].help);
  fprintf(stream, "\n  --help      show this and stop\n  --version   show the version and stop\n\n");
  fprintf(stream, "furrow COMMAND --help tells what a command takes. Put mpirun or srun before furrow doctor.\n");
}

/* Neither needs MPI. One rank speaks. */
static int answer(const char *word, bool speaks) {
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
    if (speaks) print_help(stdout);
    return EXIT_SUCCESS;
  }
  if (strcmp(word, "--version") == 0) {
    if (speaks) printf("furrow %s\n", furrow_version());
    return EXIT_SUCCESS;
  }
  if (speaks) fprintf(stderr, "furrow: '%s': no such command\nfurrow --help lists the commands.\n", word);
  return 2;
}

/* A full disk shows itself only now. */
static int flush_output(int status) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  fprintf(stderr, "furrow: standard output: %s\n", errno != 0 ? strerror(errno) : "write error");
  return EXIT_FAILURE;
}

/* Who starts us may have closed one of the three: MPI's next socket would be taken for it, be read for arguments and be printed to. What
 * is there instead refuses as a closed one does. */
static void fill_standard_files(void) {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
    if (fcntl(file, F_GETFD) < 0 && open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
}

int main(int argc, char **argv) {
  fill_standard_files();
  bool speaks = launch_here().rank == 0;
  if (argc < 2) {
    if (speaks) print_help(stderr);
    return 2;
  }
  for (int i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(argv[1], COMMANDS[i].name) == 0) return flush_output(COMMANDS[i].run(argc - 1, argv + 1));
  return flush_output(answer(argv[1], speaks));
}
