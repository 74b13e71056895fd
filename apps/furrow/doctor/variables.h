/* The FURROW_ variables of the environment: which there are, and which are none but nearly one. */
#ifndef FURROW_DOCTOR_VARIABLES_H
#define FURROW_DOCTOR_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the library, or one of the scripts that come with it, reads a variable of this name. */
bool variable_known(const char *name);

/* The known variable that is meant by an unknown one, or NULL if none is near. */
const char *variable_meant(const char *name);

/* Collect those that begin with FURROW_ from `environment` (environ), as lines NAME=value. Long values are
 * cut, what is no printable ASCII becomes '?', and lines for which there is no room are left out. */
void variables_collect(char *const *environment, char *lines, size_t room);

/* Cut the next line NAME=value off `*lines`: its name into `name`, its value's address and length. False at the end. */
bool variables_next(const char **lines, char *name, size_t room, const char **value, size_t *length);

#endif
