/* --results: the output of each command in files of its own, where GNU parallel puts them. */
#ifndef FARM_RESULTS_H
#define FARM_RESULTS_H

#include "outcome.h"

enum { RESULTS_MESSAGE_SIZE = 512 };

/* Of a set of arguments: DIR/1/FIRST/2/SECOND, with no slash of an argument in it. NULL: no memory; else the caller frees it. */
char *results_path(const char *folder, const char *set, uint32_t count);

/* Writes stdout, stderr and seq into it. False, with a message. */
bool results_write(const char *folder, const outcome_view *of, char message[RESULTS_MESSAGE_SIZE]);

#endif
