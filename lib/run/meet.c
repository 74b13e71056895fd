/* Two barriers an operation. Start: each rank fills its seat, then adds itself to `arrived`; the last one judges all
   seats and opens the gate. Its fetch_add is acquire and release, so it sees every seat; the others see its verdict
   through the gate. End: the same with `left`. The last one sets its counter back before it opens the gate, when nobody
   else can be between the two. Cost: an atomic addition a rank, and one wake-up for those who had fallen asleep. */
#include "run/meet.h"

enum { FIRST_NAP = 1000000, LONGEST_NAP = 100000000 }; /* nanoseconds */

furrow_status furrow__call_begin(furrow_pool *pool, furrow__call *call, furrow__op op) {
  *call = (furrow__call){.op = op};
  if (pool->broken != FURROW_OK) return pool->broken;
  furrow__error_clear(&pool->error);
  if (!atomic_load(&pool->busy)) return FURROW_OK;
  return furrow__error_set(&pool->error, FURROW_E_ARG, furrow__here(pool), FURROW_NO_TASK,
                           "%s: called while this rank is inside an operation of the same pool", furrow__op_name(op));
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

/* Wait until the gate shows this operation's number. A rank that is still to come may be in an MPI call of the user's that
   needs this rank's progress, so look after MPI at slowly growing intervals, ten times a second in the end. False: communication broke somewhere, and not everyone will come. */
static bool pass(furrow_pool *pool, furrow__gate *gate) {
  uint32_t number = (uint32_t)pool->meetings, word;
  uint64_t nap = FIRST_NAP;
  while ((word = furrow__gate_read(gate)) != number) {
    if (furrow__gate_wait(gate, word, nap, &pool->patience) != word) continue;
    if (atomic_load(pool->board.broken)) return false;
    furrow__comm_poke(&pool->comm);
    nap = nap + nap / 16 < LONGEST_NAP ? nap + nap / 16 : LONGEST_NAP;
  }
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

furrow_status furrow__leave(furrow_pool *pool) {
  furrow__record *record = furrow__record_of(pool);
  if (is_last(pool, &record->left))
    furrow__gate_set(&record->end, (uint32_t)pool->meetings);
  else if (!pass(pool, &record->end))
    return furrow__pool_break(pool, "an operation");
  uint32_t failer = atomic_load_explicit(&record->failer, memory_order_acquire);
  furrow__error_clear(&pool->error);
  if (failer) pool->error = seats_of(pool)[failer - 1].error;
  return pool->error.status;
}
