/* What came of a command, written as the task's result. */
#ifndef FARM_ANSWER_H
#define FARM_ANSWER_H

#include "capture.h"
#include "start.h"

typedef struct answer {
  outcome *head;                          /* all but the lengths of what is below, which are set */
  const char *host, *command, *why, *tag; /* NULL: none */
  const char *set;                        /* the arguments, each with its NUL: head.set bytes */
  char reason[START_WHY_SIZE];            /* room for why */
  bool lost;                              /* the task has failed already */
} answer;

/* `output`: NULL if there is none. Returns what the task returns. */
int answer_write(answer *of, furrow_task *task, const capture *output);

#endif
