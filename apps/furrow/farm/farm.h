/* furrow farm: what its files tell each other. Every rank reads the same command line into the same settings; rank 0 makes jobs of
 * the input (feed.c), workers of all ranks run them (job.c), and rank 0 prints, logs and counts what came of them (report.c). */
#ifndef FARM_FARM_H
#define FARM_FARM_H

#include <furrow.h>
#include <stdatomic.h>
#include <string.h>

#include "inputs.h"
#include "template.h"

typedef enum output_mode {
  OUTPUT_GROUP,       /* of each command as a whole, when it has ended */
  OUTPUT_LINE_BUFFER, /* whole lines as they come */
  OUTPUT_UNGROUP      /* straight to where the rank's own goes */
} output_mode;

/* When to stop early, as in GNU parallel: when so many, or such a part, of the commands have failed, succeeded or are done. */
typedef struct halt {
  enum { HALT_NEVER, HALT_SOON, HALT_NOW } when;
  enum { HALT_FAIL, HALT_SUCCESS, HALT_DONE } what;
  double value;
  bool percent;
} halt;

typedef struct settings {
  /* What to run. */
  input_options input;
  source *sources;         /* what is in it */
  bool skip_blank;         /* sets of blank arguments only are none */
  template *command, *tag; /* tag NULL: none */
  bool tagged;
  const char *directory; /* --wd; NULL: where the rank is */
  int nice;
  bool dry_run;
  /* Where and how many at a time. */
  double jobs; /* slots of a node: a number, or a percentage of its cores; 0: as many as there can be */
  bool jobs_percent;
  bool jobs_beyond;     /* so many more than its cores, or less than them */
  uint64_t cores, gpus; /* of each command; 0: not set */
  double delay;
  /* How long, how often. */
  uint64_t tries; /* at least 1 */
  double timeout; /* seconds, or a percentage of the median; 0: any */
  bool timeout_percent;
  halt halt;
  double stop_grace; /* seconds that commands have after SIGUSR1 */
  /* What is told. */
  output_mode output;
  bool quiet; /* what is in files of --results is not printed */
  bool keep_order;
  const char *results, *joblog; /* NULL: none */
  bool resume, resume_failed;
  bool bar, eta, progress;
} settings;

/* ---- a stream's item: a job --------------------------------------------------------------------------------------- */

typedef struct job {
  uint64_t sequence; /* from 1 on: {#}, and the joblog's first column */
  uint32_t count;    /* arguments */
  char texts[];      /* each with its NUL */
} job;

/* With --timeout P% how long commands may take changes while they run. So rank 0 tells the tasks (furrow_stream_tell), those too
 * that no job comes to any more: the bits of a number of seconds. No bits are 0 seconds: any. */
static inline uint64_t word_of_limit(double seconds) {
  uint64_t word;
  memcpy(&word, &seconds, sizeof word);
  return word;
}

static inline double limit_of_word(uint64_t word) {
  double seconds;
  memcpy(&seconds, &word, sizeof seconds);
  return seconds;
}

/* ---- its result: what came of it ---------------------------------------------------------------------------------- */

typedef enum fate {
  FATE_ENDED,   /* it has run: see status and signal */
  FATE_NEVER,   /* it could not be started, or its output not be kept: `why` */
  FATE_TIMEOUT, /* it took too long, and was killed */
  FATE_STOPPED, /* it was killed, or never begun, because the farm stops: not finished, and to be run by --resume */
  FATE_SHOWN,   /* --dry-run */
} fate;

typedef struct outcome {
  uint64_t sequence;
  uint64_t out, err; /* bytes of its standard output and error that follow; OUTPUT_GROUP only */
  uint64_t
      sent; /* what the joblog calls received: bytes of its standard output; of both with OUTPUT_LINE_BUFFER; 0 with OUTPUT_UNGROUP */
  double start;   /* seconds since 1970 */
  double seconds; /* that it ran */
  int32_t fate;
  int32_t status; /* of its exit */
  int32_t signal; /* that has killed it, or 0 */
  int32_t rank, slot;
  uint32_t attempts;
  uint32_t host, command, why, tag; /* lengths of the texts that follow, each with its NUL */
  uint32_t count, set;              /* arguments, and bytes of them, each with its NUL */
  char texts[];                     /* host, command, why, tag, arguments, then out and err bytes */
} outcome;

/* A part (see furrow_task_send()) of a command's output, with OUTPUT_LINE_BUFFER: whole lines, but perhaps for the last. */
typedef struct outcome_part {
  uint64_t sequence;
  uint32_t error; /* 1: of its standard error */
  uint32_t tag;   /* bytes of the tag that follows, with its NUL; then the lines */
  char texts[];
} outcome_part;

/* ---- the parts ---------------------------------------------------------------------------------------------------- */

/* arguments.c: the command line. On VERDICT_REFUSED rank 0 has said why. What it points to lives as long as argv, or is freed. */
typedef enum verdict { VERDICT_RUN, VERDICT_HELPED, VERDICT_REFUSED } verdict;
verdict read_settings(bool speaks, int argc, char **argv, settings *wanted);
void free_settings(settings *wanted);

/* slots.c: how many slots this rank has, which of its node's they are, and what belongs to each. `first` is the number of its first one, from 1. */
typedef struct slots {
  int count, first;
  int cores;  /* of the node */
  int wished; /* slots of the node that the settings ask for: ranks have fewer where they may not open enough files */
} slots;
slots find_slots(const settings *wanted, int node_rank, int node_size);

/* job.c: the task, its worker's beginning and end; `user` is a farm. */
typedef struct farm {
  const settings *wanted;
  slots mine;
  atomic_int begun; /* slots that have begun; 0 at first */
} farm;
int run_job(furrow_task *task, const void *item, size_t size);
int begin_slot(void *user, int worker, void **local);
void end_slot(void *user, int worker, void *local);

/* guard.c: a process that outlives this one by a moment, to kill the commands of a rank that was killed itself. Begin it before MPI.
 * Commands are told to it by the number of their process group; 0 again when they are gone. `place` is 0 … FURROW_THREADS_MOST - 1. */
void guard_begin(void);
void guard_set(int place, int group);
void guard_end(void);

/* stop.c: what SIGINT, SIGTERM and SIGUSR1 ask for, on any rank. */
typedef enum stop_wish {
  STOP_NOT,
  STOP_SOON, /* SIGUSR1: nothing new; what runs may end within the grace */
  STOP_NOW,  /* SIGTERM, SIGINT: nothing new, and what runs is killed, politely at first */
  STOP_KILL, /* a second SIGINT or SIGTERM */
} stop_wish;
void stop_listen(void); /* before MPI begins, and again when it has: it may have put its own handlers in place */
stop_wish stop_asked(void);
double stop_since(void);   /* seconds since it was asked first */
int stop_descriptor(void); /* readable once there is a wish */

/* The stream's data, on rank 0: batch.c (its beginning and end), feed.c (the source), report.c (the sink). */
typedef struct batch batch;
batch *batch_open(const settings *wanted, int all_slots, int nodes); /* NULL: it has said why */
uint64_t batch_window(const batch *all);                             /* what the stream shall have as its window */
furrow_stream_answer feed_job(furrow_stream_state *state, const void **item, size_t *size);
furrow_stream_answer report_outcome(furrow_stream_state *state, const void *result, size_t size);

/* Ends the output, and frees. `why`: what the stream's status says; `heard`: the worst wish of all ranks. The exit status: 0; 1 to
 * 100: so many commands have failed, 101: more; 255: something else has; 75: stopped by SIGUSR1; else as --halt says. */
int batch_close(batch *all, furrow_status status, const furrow_error *why, stop_wish heard);

#endif
