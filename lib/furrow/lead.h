/* Programs that read like sequential ones: rank 0 runs them, the other ranks serve their operations. */
#ifndef FURROW_LEAD_H
#define FURROW_LEAD_H

#include "pool.h"

FURROW_BEGIN_DECLS

/** A program for rank 0. What it returns, every rank's furrow_lead() returns. */
typedef furrow_status furrow_program(furrow_pool *pool, void *argument);

/** Run a program on rank 0 alone: like Python's `if __name__ == "__main__"`, its loops, input and output happen once,
 *  and whatever it does with the pool is done by all ranks.
 *
 *  Collective on the pool. The other ranks sleep in here, take part in every operation that the program calls on the
 *  pool, and return when it does. Inside the program every operation works as always, and gives the same bits, with
 *  these differences:
 *  - Functions (of tasks, of reducers, worker_begin and worker_end) must stand in the program or in a library that all
 *    ranks have loaded, since they travel as module and offset. Others are FURROW_E_ARG, and so is a module of which a
 *    rank has another build, or none; the error names function, module, rank and host.
 *  - `user` travels by value: options->user_size bytes of it are copied to every rank, for the operation. So it must
 *    hold no pointers. Without user_size it must be NULL, or a furrow_share of the pool, or point into one; else
 *    FURROW_E_ARG. Shares are the way for what is large: made once, and nothing of them is copied again.
 *  - options->own_threads is rank 0's own, as ever; the other ranks have all of options->threads.
 *  - A share that the program makes is rank 0's alone to destroy, which destroys it everywhere; what it leaves is
 *    destroyed on the other ranks when it ends.
 *  - furrow_bcast() and furrow_agree() have nobody to talk to, and return what rank 0 brings. So
 *    `return furrow_agree(pool, FURROW_E_IO, "no input file");` ends a program with a reason that every rank gets.
 *  - furrow_finalize() and furrow_pool_destroy() do nothing in it (FURROW_E_ARG), and neither does another
 *    furrow_lead() on the same pool. Other pools may be made and led, but not of ranks that are in here: these would
 *    not come.
 *  - Where an argument is wrong, only rank 0 may know: the others go on sleeping.
 *
 *  If the program calls exit(), whatever its status, the other ranks return FURROW_E_ARG, and the process ends
 *  together with them if furrow_init() initialised MPI and they call furrow_finalize() within five seconds. Otherwise,
 *  and where a task, or anything else that an operation calls, calls exit(), the job ends as MPI has it when a rank is
 *  lost.
 *
 *  @param program   on rank 0; ignored elsewhere.
 *  @param argument  for the program; may be NULL.
 *  @return what the program returned, on every rank; or FURROW_E_ARG, also if that is no status, FURROW_E_NOMEM,
 *          FURROW_E_MISMATCH or FURROW_E_MPI. furrow_pool_error() is that of the program's last operation if that
 *          failed with the status that the program returned, else it has just the status.
 *  Cost: for each operation a meeting and a broadcast of some 2 KiB more; one broadcast more if user_size is above
 *  1024. */
FURROW_API FURROW_MUST_USE furrow_status furrow_lead(furrow_pool *pool, furrow_program *program, void *argument);

FURROW_END_DECLS

#endif
