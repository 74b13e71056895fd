/* Two barriers an operation. Start: each rank fills its seat, then adds itself to `arrived`; the last one judges all seats
   and opens the gate. Its fetch_add is acquire and release, so it sees every seat; the others see its verdict through
   the gate. The last one sets the counter back before it opens the gate, when nobody else can be between the two.
   End: ranks that find nothing to do rest; when all rest the work is done, and for a map that is the end. A reduction then
   collects, and meets once more in `left`.
   Cost: an atomic addition a rank and barrier, and one wake-up for those who had fallen asleep.

   Over several nodes: once all of a node have come, its first rank compares the calls with the other nodes' in one
   allreduce, and opens the gate. Whoever finds nothing to do rests until the courier says that the work is over. */
#include "run/meet.h"

#include "run/await.h"

furrow_status furrow__call_begin(furrow_pool *pool, furrow__call *call, furrow__op op) {
  *call = (furrow__call){.op = op};
  if (pool->broken != FURROW_OK) return pool->broken;
  bool busy = atomic_load(&pool->busy);
  if (busy && atomic_exchange(&pool->told, true))
    return FURROW_E_ARG; /* tasks of several threads: one writes the error */
  furrow__error_clear(&pool->error);
  const char *wrong = !furrow__mpi_is_up() ? "MPI has been finalized"
                      : busy               ? "called while this rank is inside an operation of the same pool"
                                           : NULL;
  if (!wrong && pool->hindrance) furrow__call_fail(pool, call, pool->hindrance->status, "%s", pool->hindrance->message);
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
  const char *why = "";
  if (furrow__has_board(pool) && atomic_load(pool->board.broken)) why = pool->board.why;
  if (furrow__has_board(pool)) atomic_store(pool->board.broken, true);
  return pool->broken = furrow__error_set(&pool->error, FURROW_E_MPI, furrow__here(pool), FURROW_NO_TASK,
                                          "%s: communication between the ranks broke%s%s", what, *why ? ": " : "", why);
}

furrow__meeting *furrow__record_of(const furrow_pool *pool) {
  return &pool->board.records[pool->meetings & 1];
}

static furrow__seat *seats_of(const furrow_pool *pool) {
  return &pool->board.seats[(pool->meetings & 1) * (uint64_t)pool->board.ranks];
}

const furrow__call *furrow__call_of(const furrow_pool *pool, int node_rank) {
  return &seats_of(pool)[node_rank].call;
}

static void judge(furrow_pool *pool, furrow__meeting *record) {
  bool own = false;
  const furrow__seat *seats = seats_of(pool);
  furrow_error *verdict = &record->verdict;
  furrow__error_clear(verdict);
  furrow__meet_judge(&seats->call, sizeof *seats, pool->comm.size, verdict, &own);
  for (int i = 0; i < pool->comm.size; i++) record->settings.uneven |= seats[i].call.own != 0;
  if (own) *verdict = seats[verdict->rank].error;
  if (!own && verdict->rank >= 0)
    furrow__text_copy(verdict->host, sizeof verdict->host, pool->board.hosts[verdict->rank]);
}

/* Wait until the gate shows this operation's number. */
static bool pass(furrow_pool *pool, furrow__gate *gate) {
  uint32_t number = (uint32_t)pool->meetings, word;
  while ((word = furrow__gate_read(gate)) != number)
    if (!furrow__await(pool, gate, word)) return false;
  return true;
}

/* True for the last of the node's ranks to come. */
static bool is_last(const furrow_pool *pool, _Atomic uint64_t *count) {
  uint64_t before = atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
  if (before + 1 < (uint64_t)pool->board.ranks) return false;
  atomic_store_explicit(count, 0, memory_order_relaxed);
  return true;
}

/* Before this rank arrives; what stands in the record is its first rank's. */
static void take_seat(furrow_pool *pool, const furrow__call *call, const furrow__settings *settings,
                      const furrow__layout *layout) {
  furrow__meeting *record = furrow__record_of(pool);
  furrow__seat *seat = &seats_of(pool)[pool->comm.node_rank];
  seat->call = *call;
  atomic_store_explicit(&seat->said, 0, memory_order_relaxed);
  if (call->status != FURROW_OK) seat->error = pool->error;
  if (!furrow__is_first(pool)) return;
  atomic_store_explicit(&record->failer, 0, memory_order_relaxed);
  atomic_store_explicit(&record->resting, 0, memory_order_relaxed);
  atomic_store_explicit(&record->over, 0, memory_order_relaxed);
  atomic_store_explicit(&record->eager, 0, memory_order_relaxed);
  atomic_store_explicit(&record->word, 0, memory_order_relaxed);
  atomic_store_explicit(&record->left, 0, memory_order_relaxed);
  record->differ = false;
  record->settings = settings ? *settings : (furrow__settings){0};
  record->layout = layout ? *layout : (furrow__layout){0};
}

/* The first rank of each node, when its node is complete. */
static bool compare_nodes(furrow_pool *pool) {
  furrow__meeting *record = furrow__record_of(pool);
  bool same = false;
  if (!pass(pool, &record->here)) return false;
  furrow_status status = furrow__comm_compare(&pool->comm, pool->comm.leaders, &seats_of(pool)->call,
                                              sizeof(furrow__seat), pool->board.ranks, &record->settings, &same);
  if (status != FURROW_OK) return false;
  furrow__error_clear(&record->verdict);
  record->differ = !same;
  furrow__gate_set(&record->start, (uint32_t)pool->meetings);
  return true;
}

/* True: the gate is open. */
static bool arrive(furrow_pool *pool) {
  furrow__meeting *record = furrow__record_of(pool);
  bool last = is_last(pool, &record->arrived), spans = furrow__spans_nodes(pool);
  if (last && !spans) judge(pool, record);
  if (last) furrow__gate_set(spans ? &record->here : &record->start, (uint32_t)pool->meetings);
  if (spans && furrow__is_first(pool)) return compare_nodes(pool);
  return pass(pool, &record->start);
}

static furrow_status meet_on_board(furrow_pool *pool, const furrow__call *call, furrow__settings *settings,
                                   furrow__layout *layout) {
  furrow__meeting *record = furrow__record_of(pool);
  furrow__op op = (furrow__op)call->op;
  take_seat(pool, call, settings, layout);
  if (!arrive(pool)) return furrow__pool_break(pool, furrow__op_name(op));
  if (record->verdict.status != FURROW_OK) pool->error = record->verdict;
  if (record->differ && furrow__comm_find_culprit(&pool->comm, call, pool->host, &pool->error) != FURROW_OK)
    return furrow__pool_break(pool, furrow__op_name(op));
  if (settings) *settings = record->settings;
  if (layout) *layout = record->layout;
  return record->differ ? pool->error.status : record->verdict.status;
}

static furrow_status meet_by_messages(furrow_pool *pool, const furrow__call *call, furrow__settings *settings) {
  furrow__comm *comm = &pool->comm;
  furrow__settings unused = {0};
  bool same = false;
  furrow_status status =
      furrow__comm_compare(comm, comm->all, call, sizeof *call, 1, settings ? settings : &unused, &same);
  if (status == FURROW_OK && !same) status = furrow__comm_find_culprit(comm, call, pool->host, &pool->error);
  if (status != FURROW_OK) return furrow__pool_break(pool, furrow__op_name((furrow__op)call->op));
  return pool->error.status;
}

furrow_status furrow__meet(furrow_pool *pool, furrow__call *call, furrow__settings *settings, furrow__layout *layout) {
  pool->meetings++;
  if (furrow__has_board(pool)) return meet_on_board(pool, call, settings, layout);
  return meet_by_messages(pool, call, settings);
}

/* The thread that is first writes the error, and only then rests; so when all rest, it stands. */
void furrow__record_fail(furrow_pool *pool, const furrow_error *error) {
  uint32_t nobody = 0;
  furrow__seat *seat = &seats_of(pool)[pool->comm.node_rank];
  if (atomic_exchange_explicit(&seat->said, 1, memory_order_relaxed)) return;
  seat->error = *error;
  atomic_compare_exchange_strong_explicit(&furrow__record_of(pool)->failer, &nobody, (uint32_t)pool->comm.node_rank + 1,
                                          memory_order_acq_rel, memory_order_relaxed);
}

const furrow_error *furrow__failer_error(const furrow_pool *pool, uint32_t failer) {
  return &seats_of(pool)[failer - 1].error;
}

void furrow__stop_work(furrow__meeting *record) {
  uint32_t nobody = 0;
  atomic_compare_exchange_strong(&record->failer, &nobody, FURROW__ANOTHER_NODE);
  atomic_fetch_or_explicit(&record->resting, FURROW__STOPPED, memory_order_relaxed); /* who is at work may look there */
}

void furrow__interrupted(const furrow_pool *pool, furrow_error *error) {
  furrow__error_set(error, FURROW_E_INTERRUPTED, furrow__here(pool), FURROW_NO_TASK,
                    "SIGUSR1 came; the journal has what was finished");
}

void furrow__stop_here(furrow_pool *pool) {
  furrow_error error;
  pool->stoppable = false; /* said once */
  furrow__interrupted(pool, &error);
  furrow__record_fail(pool, &error);
  furrow__gate_bump(pool->board.bell);
}

void furrow__close_work(furrow__meeting *record, const furrow_error *outcome, bool complete) {
  record->outcome = *outcome;
  record->complete = complete;
  if (!complete) furrow__stop_work(record);
  atomic_store_explicit(&record->over, 1, memory_order_release);
  furrow__gate_bump(&record->news);
  furrow__gate_bump(&record->turn);
}

void furrow__tell_news(furrow_pool *pool) {
  furrow__gate_bump(&furrow__record_of(pool)->news);
  if (furrow__spans_nodes(pool)) furrow__gate_bump(pool->board.bell); /* other nodes may be hungry, too */
}

/* Stop resting, unless all do. */
static bool get_up(const furrow_pool *pool, furrow__meeting *record) {
  uint32_t resting = atomic_load_explicit(&record->resting, memory_order_acquire);
  while (resting < (uint32_t)pool->board.present)
    if (atomic_compare_exchange_weak_explicit(&record->resting, &resting, resting - 1, memory_order_acq_rel,
                                              memory_order_acquire))
      return true;
  return false;
}

/* A worker's own thread leaves it to the one that called to say so. */
static bool give_up(furrow_pool *pool, const furrow__waiter *waiter) {
  if (!waiter->aside) furrow__pool_break(pool, "an operation");
  return false;
}

/* Work comes back only from a worker that does not rest, so once all rest none ever will; and get_up() refuses from then on.
   After a failure nobody gets up: every worker comes to rest, soon. */
static bool rest_in_node(furrow_pool *pool, furrow__waiter *waiter, uint32_t news) {
  furrow__meeting *record = furrow__record_of(pool);
  uint32_t all = (uint32_t)pool->board.present;
  if (atomic_fetch_add_explicit(&record->resting, 1, memory_order_acq_rel) + 1 == all) {
    furrow__tell_news(pool);
    return false;
  }
  for (;;) {
    if (!furrow__await_as(waiter, pool, &record->news, news)) return give_up(pool, waiter);
    news = furrow__news(record); /* before looking: the last to rest counts itself, then changes the news */
    if (atomic_load_explicit(&record->resting, memory_order_acquire) == all) return false;
    if (!furrow__record_failed(record)) return get_up(pool, record);
  }
}

/* The courier, or the ledger, decides when it is over; it hears the bell, and sees who rests. It writes `over` before it
   changes the news. */
static bool rest_led(furrow_pool *pool, furrow__waiter *waiter, uint32_t news) {
  furrow__meeting *record = furrow__record_of(pool);
  atomic_fetch_add_explicit(&record->resting, 1, memory_order_acq_rel);
  furrow__gate_bump(pool->board.bell);
  furrow__gate_bump(&record->turn);
  while (atomic_load_explicit(&record->over, memory_order_acquire) == 0) {
    if (!furrow__await_as(waiter, pool, &record->news, news)) return give_up(pool, waiter);
    news = furrow__news(record);
    if (furrow__record_failed(record) || atomic_load_explicit(&record->over, memory_order_acquire)) continue;
    atomic_fetch_sub_explicit(&record->resting, 1, memory_order_acq_rel);
    return true;
  }
  return false;
}

bool furrow__rest(furrow_pool *pool, furrow__waiter *waiter, uint32_t news) {
  return furrow__is_led(pool) ? rest_led(pool, waiter, news) : rest_in_node(pool, waiter, news);
}

/* It is no worker, so it is not counted among those that rest; what tells these that all is over tells it. */
void furrow__stand_by(furrow_pool *pool) {
  furrow__meeting *record = furrow__record_of(pool);
  bool led = furrow__is_led(pool), over = false;
  while (!over) {
    uint32_t news = furrow__news(record);
    over = led ? atomic_load_explicit(&record->over, memory_order_acquire) != 0
               : furrow__resting(record) == (uint32_t)pool->board.present;
    if (over || furrow__await(pool, &record->news, news)) continue;
    furrow__pool_break(pool, "an operation");
    return;
  }
}

void furrow__rest_absent(furrow_pool *pool, uint32_t workers) {
  atomic_fetch_add_explicit(&furrow__record_of(pool)->resting, workers, memory_order_acq_rel);
  furrow__tell_news(pool); /* they may be the last */
  if (furrow__is_led(pool)) furrow__gate_bump(pool->board.bell);
}

/* Rank 0 keeps the ledger until all others have told it what they had to tell. */
static void leave_ledger(furrow_pool *pool) {
  furrow__meeting *record = furrow__record_of(pool);
  if (is_last(pool, &record->through))
    furrow__gate_set(&record->all_through, (uint32_t)pool->meetings);
  else if (pool->comm.rank == 0 && !pass(pool, &record->all_through))
    furrow__pool_break(pool, "an operation");
}

void furrow__leave_work(furrow_pool *pool) {
  furrow__meeting *record = furrow__record_of(pool);
  if (!furrow__spans_nodes(pool)) {
    leave_ledger(pool);
    return;
  }
  uint64_t before = atomic_fetch_add_explicit(&record->left, 1, memory_order_acq_rel);
  if (before + 1 == (uint64_t)pool->board.ranks) furrow__gate_bump(pool->board.bell);
}

void furrow__open_end(furrow_pool *pool) {
  furrow__gate_set(&furrow__record_of(pool)->end, (uint32_t)pool->meetings);
}

void furrow__await_end(furrow_pool *pool) {
  if (!pass(pool, &furrow__record_of(pool)->end)) furrow__pool_break(pool, "an operation");
}

void furrow__leave(furrow_pool *pool) {
  if (is_last(pool, &furrow__record_of(pool)->left))
    furrow__open_end(pool);
  else
    furrow__await_end(pool);
}

furrow_status furrow__outcome(furrow_pool *pool) {
  if (pool->broken != FURROW_OK) return pool->broken;
  furrow__meeting *record = furrow__record_of(pool);
  uint32_t failer = atomic_load_explicit(&record->failer, memory_order_acquire);
  furrow__error_clear(&pool->error);
  bool late = failer && record->complete && !furrow__spans_nodes(pool); /* bringing accumulators together failed */
  if (furrow__is_led(pool) && !late)
    pool->error = record->outcome;
  else if (failer)
    pool->error = *furrow__failer_error(pool, failer);
  return pool->error.status;
}
