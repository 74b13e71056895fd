/* Where a command's output goes. */
#ifndef FARM_CAPTURE_H
#define FARM_CAPTURE_H

#include "farm.h"

enum { CAPTURE_OUT, CAPTURE_ERR, CAPTURE_BOTH };

typedef struct pieces pieces;

typedef struct capture {
  output_mode mode;
  int ours[CAPTURE_BOTH];  /* files that we read in the end, or ends of pipes that we read from; -1: none */
  int given[CAPTURE_BOTH]; /* for the command */
  pieces *lines[CAPTURE_BOTH];
  furrow_task *task; /* that sends them */
  uint64_t sent;     /* bytes of both in all, where they are lines: as GNU parallel counts them */
} capture;

/* Once a slot. False: no memory. */
bool capture_make(capture *made, output_mode mode);
void capture_free(capture *of);

/* Once a command. False: errno. `tag`: NULL for none. */
bool capture_open(capture *of, furrow_task *task, uint64_t sequence, const char *tag);

/* The command has its ends, or never will have. */
void capture_begun(capture *of);

/* OUTPUT_LINE_BUFFER: take what is there of one output, and send whole lines. Does not wait for output if there was some. False: the task
 * has failed. */
bool capture_take(capture *of, int which);

/* The command has ended: take what stands in the pipes now, however many processes still hold them. */
bool capture_drain(capture *of);

/* OUTPUT_GROUP: bytes in the file by now. */
uint64_t capture_size(const capture *of, int which);

/* Append so many of them to the task's result. Non-zero: the task has failed. */
int capture_write(const capture *of, furrow_task *task, int which, uint64_t size);

void capture_close(capture *of);

#endif
