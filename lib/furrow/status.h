/* What a call returns, and who, where and why when it failed. */
#ifndef FURROW_STATUS_H
#define FURROW_STATUS_H

#include <stdio.h>

#include "base.h"

FURROW_BEGIN_DECLS

/** Every status with its text, from best to worst: furrow_agree() returns the last of those it is given. */
#define FURROW_STATUS_LIST(X)                        \
  X(OK, "success")                                   \
  X(E_ARG, "invalid argument")                       \
  X(E_NOMEM, "out of memory")                        \
  X(E_IO, "an input or output call failed")          \
  X(E_INTERRUPTED, "stopped before its end")         \
  X(E_TASK, "one or more tasks failed")              \
  X(E_MISMATCH, "ranks called different operations") \
  X(E_MPI, "an MPI call failed")

typedef enum furrow_status {
#define FURROW_STATUS_ENUM(name, text) FURROW_##name,
  FURROW_STATUS_LIST(FURROW_STATUS_ENUM)
#undef FURROW_STATUS_ENUM
} furrow_status;

enum { FURROW_HOST_SIZE = 64, FURROW_MESSAGE_SIZE = 384 };

/** `task` of an error that no task caused. */
#define FURROW_NO_TASK UINT64_MAX

/** Why a call failed. The same on every rank, but for FURROW_E_MPI. */
typedef struct furrow_error {
  furrow_status status;
  int rank;                          /**< where it arose: a rank of the pool, or -1 if no single one */
  uint64_t task;                     /**< the task that failed, or FURROW_NO_TASK */
  char host[FURROW_HOST_SIZE];       /**< that rank's host */
  char message[FURROW_MESSAGE_SIZE]; /**< the cause, without rank, host and task; cut at its end if too long */
} furrow_error;

/** The text of a status, such as "invalid argument". Local; never NULL, for any value. */
FURROW_API const char *furrow_strerror(furrow_status status);

/** Print one line such as `furrow: task 812 failed on rank 3 (node07): matrix is singular`. Local.
 *
 *  @param error  from furrow_pool_error(); NULL prints nothing. */
FURROW_API void furrow_error_print(FILE *stream, const furrow_error *error);

FURROW_END_DECLS

#endif
