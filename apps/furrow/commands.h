/* The commands of the program `furrow`: each is the main() of a program of its own, and gets its own name as argv[0]. */
#ifndef FURROW_COMMANDS_H
#define FURROW_COMMANDS_H

/* What is wrong with the way this program was started. */
int doctor(int argc, char **argv);

/* What is in a journal, and whether it is whole. */
int journal(int argc, char **argv);

/* Runs commands over all ranks. */
int farm_command(int argc, char **argv);

#endif
