/* Two barriers an operation. Start: each rank fills its seat, then adds itself to `arrived`; the last one judges all seats
   and opens the gate. Its fetch_add is acquire and release, so it sees every seat; the others see its verdict through
   the gate. The last one sets the counter back before it opens the gate, when nobody else can be between the two.
   End: ranks that find nothing to do rest; when all rest the work is done, and for a map that is the end. A reduction then
   collects, and meets once more in `left`.
   Cost: an atomic addition a rank and barrier, and one wake-up for those who had fallen asleep. */
#include "run/meet.h"

enum { FIRST_NAP = 1000000, LONGEST_NAP = 100000000 }; /* nanoseconds */

furrow_status furrow__call_begin(furrow_pool *pool, furrow__call *call, furrow__op op) {
  *call = (furrow__call){.op = op};
  if (pool->broken != FURROW_OK) return pool->broken;
  furrow__error_clear(&pool->error);
  const char *wrong = !furrow__mpi_is_up()       ? "MPI has been finalized"
                      : atomic_load(&pool->busy) ? "called while this rank is inside an operation of the same pool"
                                                 : NULL;
  if (!wrong) return FURROW_OK;
  return furrow__error_set(&pool->error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK, "%s: %s",
                           furrow__op_name(op), wrong);
}

void furrow__call_fail(furrow_pool *pool, furrow__call *call, furrow_status status, const char *format, ...) {
  if (call->status != FURROW_OK) return;
  char message[FURROW_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  call->status = furrow__error_set(&pool->error, status, furrow__here(pool), FURROW_NO_TASK, "%s", message);
}

furrow_status furrow__pool_break(furrow_pool *pool, const char *what) {
  if (furrow__has_board(pool)) atomic_store(pool->board.broken, true);
  return pool->broken = furrow__error_set(&pool->error, FURROW_E_MPI, furrow__here(pool), FURROW_NO_TASK,
                                          "%s: communication between the ranks broke", what);
}

furrow__record *furrow__record_of(const furrow_pool *pool) {
  return &pool->board.records[pool->meetings & 1];
}

static furrow__seat *seats_of(const furrow_pool *pool) {
  return &pool->board.seats[(pool->meetings & 1) * (uint64_t)pool->board.ranks];
}

static void judge(furrow_pool *pool, furrow__record *record) {
  bool own = false;
  const furrow__seat *seats = seats_of(pool);
  furrow_error *verdict = &record->verdict;
  furrow__error_clear(verdict);
  furrow__meet_judge(&seats->call, sizeof *seats, pool->comm.size, verdict, &own);
  if (own) *verdict = seats[verdict->rank].error;
  if (!own && verdict->rank >= 0)
    furrow__text_copy(verdict->host, sizeof verdict->host, pool->board.hosts[verdict->rank]);
}

/* Wait until the gate's word is no longer `old`. The rank waited for may be in an MPI call of the user's that needs this
   rank's progress, so look after MPI at slowly growing intervals, ten times a second in the end. False: communication broke
   somewhere, and not everyone will come. */
static bool wait_for_change(furrow_pool *pool, furrow__gate *gate, uint32_t old) {
  uint64_t nap = FIRST_NAP;
  while (furrow__gate_wait(gate, old, nap, &pool->patience) == old) {
    if (atomic_load(pool->board.broken)) return false;
    furrow__comm_poke(&pool->comm);
    nap = nap + nap / 8 < LONGEST_NAP ? nap + nap / 8 : LONGEST_NAP;
  }
  return true;
}

/* Wait until the gate shows this operation's number. */
static bool pass(furrow_pool *pool, furrow__gate *gate) {
  uint32_t number = (uint32_t)pool->meetings, word;
  while ((word = furrow__gate_read(gate)) != number)
    if (!wait_for_change(pool, gate, word)) return false;
  return true;
}

/* True for the last of all ranks to come. */
static bool is_last(const furrow_pool *pool, _Atomic uint64_t *count) {
  uint64_t before = atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
  if (before + 1 < (uint64_t)pool->comm.size) return false;
  atomic_store_explicit(count, 0, memory_order_relaxed);
  return true;
}

static furrow_status meet_on_board(furrow_pool *pool, const furrow__call *call, furrow__settings *settings,
                                   furrow__layout *layout) {
  furrow__record *record = furrow__record_of(pool);
  furrow__seat *seat = &seats_of(pool)[pool->comm.rank];
  seat->call = *call;
  if (call->status != FURROW_OK) seat->error = pool->error;
  if (pool->comm.rank == 0) {
    atomic_store_explicit(&record->failer, 0, memory_order_relaxed);
    atomic_store_explicit(&record->resting, 0, memory_order_relaxed);
    record->settings = settings ? *settings : (furrow__settings){0};
    record->layout = layout ? *layout : (furrow__layout){0};
  }
  if (is_last(pool, &record->arrived)) {
    judge(pool, record);
    furrow__gate_set(&record->start, (uint32_t)pool->meetings);
  } else if (!pass(pool, &record->start)) {
    return furrow__pool_break(pool, furrow__op_name((furrow__op)call->op));
  }
  if (record->verdict.status != FURROW_OK) pool->error = record->verdict;
  if (settings) *settings = record->settings;
  if (layout) *layout = record->layout;
  return record->verdict.status;
}

furrow_status furrow__meet(furrow_pool *pool, furrow__call *call, furrow__settings *settings, furrow__layout *layout) {
  pool->meetings++;
  if (furrow__has_board(pool)) return meet_on_board(pool, call, settings, layout);
  furrow__settings unused = {0};
  furrow__comm *comm = &pool->comm;
  if (furrow__comm_meet(comm, call, settings ? settings : &unused, pool->host, &pool->error) != FURROW_OK)
    return furrow__pool_break(pool, furrow__op_name((furrow__op)call->op));
  return pool->error.status;
}

void furrow__record_fail(furrow_pool *pool, const furrow_error *error) {
  uint32_t nobody = 0;
  seats_of(pool)[pool->comm.rank].error = *error;
  atomic_compare_exchange_strong_explicit(&furrow__record_of(pool)->failer, &nobody, (uint32_t)pool->comm.rank + 1,
                                          memory_order_acq_rel, memory_order_relaxed);
}

void furrow__tell_news(furrow_pool *pool) {
  furrow__gate_bump(&furrow__record_of(pool)->news);
}

/* Stop resting, unless all do. */
static bool get_up(const furrow_pool *pool, furrow__record *record) {
  uint32_t resting = atomic_load_explicit(&record->resting, memory_order_acquire);
  while (resting < (uint32_t)pool->comm.size)
    if (atomic_compare_exchange_weak_explicit(&record->resting, &resting, resting - 1, memory_order_acq_rel,
                                              memory_order_acquire))
      return true;
  return false;
}

/* Work comes back only from a rank that does not rest, so once all rest none ever will; and get_up() refuses from then on.
   After a failure nobody gets up: every rank comes to rest, soon. */
bool furrow__rest(furrow_pool *pool, uint32_t news) {
  furrow__record *record = furrow__record_of(pool);
  uint32_t all = (uint32_t)pool->comm.size;
  if (atomic_fetch_add_explicit(&record->resting, 1, memory_order_acq_rel) + 1 == all) {
    furrow__tell_news(pool);
    return false;
  }
  for (;;) {
    if (!wait_for_change(pool, &record->news, news)) {
      furrow__pool_break(pool, "an operation");
      return false;
    }
    news = furrow__news(record); /* before looking: the last to rest counts itself, then changes the news */
    if (atomic_load_explicit(&record->resting, memory_order_acquire) == all) return false;
    if (!furrow__record_failed(record)) return get_up(pool, record);
  }
}

void furrow__leave(furrow_pool *pool) {
  furrow__record *record = furrow__record_of(pool);
  if (is_last(pool, &record->left))
    furrow__gate_set(&record->end, (uint32_t)pool->meetings);
  else if (!pass(pool, &record->end))
    furrow__pool_break(pool, "an operation");
}

furrow_status furrow__outcome(furrow_pool *pool) {
  if (pool->broken != FURROW_OK) return pool->broken;
  uint32_t failer = atomic_load_explicit(&furrow__record_of(pool)->failer, memory_order_acquire);
  furrow__error_clear(&pool->error);
  if (failer) pool->error = seats_of(pool)[failer - 1].error;
  return pool->error.status;
}
