/* What becomes of the other ranks when a program that leads them calls exit(). */
#ifndef FURROW_OPS_LEAD_EXIT_H
#define FURROW_OPS_LEAD_EXIT_H

#include "ops/step.h"

/* From now on calls of exit() are heard. False: no memory for that. */
bool furrow__lead_hear_exit(void);

/* A program begins, and ends; in the thread that runs it, the inner one first. */
void furrow__lead_enter(furrow__lead *lead);
void furrow__lead_leave(furrow__lead *lead);

#endif
