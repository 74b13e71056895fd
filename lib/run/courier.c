/* A step reads the letters that have come, lets each side act, and looks whether the other nodes still live. Letters of an
   operation that has not begun here wait: its sender was faster. All of a courier is under its lock; a step never waits
   for anything but that. What it shares with the workers is on the board, where every word has its own rules. */
#include "run/courier.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/await.h"
#include "run/courier_inside.h"
#include "run/meet.h"
#include "run/stream.h"

enum {
  SPIN = 20000,           /* nanoseconds after an event without a nap */
  FIRST_NAP = 20000,      /* doubled each time, up to */
  LONG_NAP = 1000000,     /* while it is recent, and */
  QUIET = 100000000,      /* after so long */
  LONGEST_NAP = 10000000, /* up to this */
  SMALL_PART = 64,        /* of an operation's time so far: a delay that does not matter */
  BEATS = 4,              /* in a timeout */
};

/* ---- for the two sides ---- */

void courier_check(furrow__courier *courier, furrow_status status) {
  if (courier->status == FURROW_OK) courier->status = status;
}

void courier_stir(furrow__courier *courier) {
  courier->stirred = furrow__now();
  courier->nap = FIRST_NAP;
}

void courier_tell(furrow__courier *courier, int to, furrow__letter letter, const void *data, furrow__receipt *receipt) {
  letter.operation = courier->operation;
  courier->told[to] = furrow__now();
  courier_check(courier, furrow__mail_send(courier->mail, to, &letter, data, receipt));
  courier_stir(courier);
}

void courier_tell_registered(furrow__courier *courier, int to, furrow__letter letter, furrow__receipt *receipt) {
  letter.operation = courier->operation;
  courier->told[to] = furrow__now();
  courier_check(courier, furrow__mail_send_registered(courier->mail, to, &letter, receipt));
  courier_stir(courier);
}

void courier_finish(furrow__courier *courier) {
  courier->active = false;
  furrow__gate_set(&courier->ended, courier->operation);
}

/* ---- life and death of nodes ---- */

/* Who is talked to: rank 0 with all, the others with rank 0. */
static int peers_end(const furrow__courier *courier) {
  return courier->root ? courier->nodes : 1;
}

static int first_peer(const furrow__courier *courier) {
  return courier->root ? 1 : 0;
}

/* The reason stands before the word that others look at; from then on callers return, and take their arrays with them. */
static void give_up(furrow__courier *courier, const char *why) {
  furrow__board *board = courier->board;
  if (atomic_load(board->broken)) return;
  furrow__text_copy(board->why, FURROW__WHY_SIZE, why);
  furrow__mail_give_up(courier->mail);
  atomic_store(board->broken, true);
  if (courier->active) furrow__stop_work(courier->record);
  if (courier->active) furrow__gate_bump(&courier->record->news);
  courier->active = false;
}

/* As far as that still works: who is not told waits for silence, or where there are no threads for ever. */
static void tell_abort(furrow__courier *courier, int node) {
  for (int i = first_peer(courier); i < peers_end(courier); i++)
    courier_tell(courier, i, (furrow__letter){.kind = ABORT, .words = {(uint64_t)node}}, NULL, NULL);
}

static void lose(furrow__courier *courier, int node, double seconds) {
  char why[FURROW__WHY_SIZE];
  const char *host = courier->root ? courier->hosts[node] : "";
  snprintf(why, sizeof why, "node %d%s%s%s has been silent for %.1f s", node, *host ? " (" : "", host, *host ? ")" : "",
           seconds);
  tell_abort(courier, node); /* also that one, which may only have slept */
  give_up(courier, why);
}

/* Only where threads see to it that every living node speaks up. If this process itself has not run for long (it was
   stopped, or the machine slept), it can't blame the others. */
static void watch_peers(furrow__courier *courier) {
  uint64_t now = furrow__now();
  if (courier->timeout == 0 || furrow__courier_is_ours(courier->pool)) return;
  uint64_t absent = now - courier->stepped;
  for (int i = first_peer(courier); i < peers_end(courier); i++) {
    if (courier->parted[i]) continue;
    if (absent > courier->timeout / BEATS) courier->heard[i] = now;
    if (now - courier->told[i] > courier->timeout / BEATS)
      courier_tell(courier, i, (furrow__letter){.kind = BEAT}, NULL, NULL);
    if (now > courier->heard[i] && now - courier->heard[i] > courier->timeout) {
      lose(courier, i, furrow__seconds(now - courier->heard[i]));
      return;
    }
  }
}

/* ---- letters ---- */

static bool read_common(furrow__courier *courier, int from, const furrow__letter *letter) {
  char why[FURROW__WHY_SIZE];
  switch (letter->kind) {
    case BEAT:
      return true;
    case PART:
      return courier->parted[from] = true;
    case ABORT:
      snprintf(why, sizeof why, "node %d is lost or gave up, says node %d", (int)letter->words[0], from);
      if (courier->root) tell_abort(courier, (int)letter->words[0]);
      give_up(courier, why);
      return true;
    default:
      return false;
  }
}

static bool next_letter(furrow__courier *courier) {
  if (courier->has_letter) return true;
  courier->has_letter = furrow__mail_next(courier->mail, &courier->letter_from, &courier->letter, &courier->status);
  if (courier->has_letter) courier->heard[courier->letter_from] = furrow__now();
  return courier->has_letter;
}

static void read_letters(furrow__courier *courier) {
  while (courier->status == FURROW_OK && (!courier->root || root_can_read(courier)) && next_letter(courier)) {
    furrow__letter letter = courier->letter;
    int from = courier->letter_from;
    bool common = letter.kind >= BEAT, ours = courier->active && letter.operation == courier->operation;
    if (!common && !ours && (int32_t)(letter.operation - courier->operation) > 0) return; /* it begins here soon */
    courier->has_letter = false;
    if (!common && !ours) continue; /* it was late; it carries nothing, since a node's last letter of all is BYE */
    courier_stir(courier);
    if (common && read_common(courier, from, &letter)) continue;
    if (courier->root)
      root_read(courier, from, &letter);
    else
      far_read(courier, &letter);
  }
}

/* A poll takes some 20 µs of a core that could compute. While data flow, MPI moves them only inside its calls; who waits for
   an answer polls often. Else a delay of a part of the time that the operation has lasted so far does no harm: nodes ask
   before they run dry, and workers ring. */
static uint64_t longest_nap(const furrow__courier *courier, uint64_t now) {
  uint64_t part = (now - courier->began) / SMALL_PART;
  if (!courier->active || now - courier->stirred > QUIET) return LONGEST_NAP;
  if (courier->urgency == FLOWS) return FIRST_NAP;
  if (courier->urgency == WAITS || part < LONG_NAP) return LONG_NAP;
  uint64_t most = part < LONGEST_NAP ? part : LONGEST_NAP;
  return most < courier->dry_in / 4 ? most : courier->dry_in / 4;
}

static uint64_t nap(furrow__courier *courier, uint64_t now) {
  uint64_t next = courier->nap, most = longest_nap(courier, now);
  if (courier->active && now - courier->stirred < SPIN) return FURROW__NO_NAP;
  if (next > most) next = most;
  courier->nap = 2 * next < most ? 2 * next : most;
  return next;
}

void courier_expect(furrow__courier *courier, courier_urgency urgency, uint64_t dry_in) {
  if (urgency > courier->urgency) courier->nap = FIRST_NAP;
  courier->urgency = urgency;
  courier->dry_in = dry_in > LONG_NAP ? dry_in : LONG_NAP;
}

uint64_t furrow__courier_step(furrow_pool *pool) {
  furrow__courier *courier = pool->courier;
  if (atomic_load(courier->board->broken)) return LONGEST_NAP;
  pthread_mutex_lock(&courier->lock);
  uint64_t now = furrow__now();
  courier_check(courier, furrow__mail_progress(courier->mail));
  read_letters(courier);
  if (courier->active && courier->status == FURROW_OK && courier->root) root_act(courier);
  if (courier->active && courier->status == FURROW_OK && courier->far) far_act(courier);
  if (courier->status == FURROW_OK) watch_peers(courier);
  if (courier->status == FURROW_E_NOMEM) tell_abort(courier, courier->node);
  if (courier->status != FURROW_OK)
    give_up(courier, courier->status == FURROW_E_NOMEM ? "no memory for messages between nodes" : "an MPI call failed");
  courier->stepped = now;
  uint64_t next = nap(courier, now);
  pthread_mutex_unlock(&courier->lock);
  return next;
}

/* ---- from outside ---- */

bool furrow__courier_is_ours(const furrow_pool *pool) {
  return pool->courier && !pool->comm.threads;
}

furrow_status furrow__courier_create(furrow_pool *pool) {
  furrow__comm *comm = &pool->comm;
  furrow__courier *courier = calloc(1, sizeof *courier);
  if (!courier) return FURROW_E_NOMEM;
  size_t n = (size_t)comm->nodes;
  *courier = (furrow__courier){.pool = pool,
                               .board = &pool->board,
                               .nodes = comm->nodes,
                               .node = comm->node_index,
                               .timeout = pool->node_timeout,
                               .heard = calloc(n, sizeof *courier->heard),
                               .told = calloc(n, sizeof *courier->told),
                               .parted = calloc(n, sizeof *courier->parted),
                               .hosts = calloc(n, sizeof *courier->hosts),
                               .stepped = furrow__now(),
                               .nap = FIRST_NAP};
  pthread_mutex_init(&courier->lock, NULL);
  pool->courier = courier;
  bool good = courier->heard && courier->told && courier->parted && courier->hosts &&
              (courier->node == 0 ? root_create(courier) : far_create(courier));
  if (!good) return FURROW_E_NOMEM;
  for (size_t i = 0; i < n; i++) courier->heard[i] = courier->told[i] = courier->stepped;
  courier->mail = furrow__mail_create(comm->mail, comm->nodes);
  return courier->mail ? FURROW_OK : FURROW_E_NOMEM;
}

furrow_status furrow__courier_introduce(furrow_pool *pool) {
  return furrow__comm_gather_records(&pool->comm, pool->comm.leaders, pool->host, pool->courier->hosts,
                                     sizeof pool->host);
}

void furrow__courier_begin(furrow_pool *pool, const furrow__work *work, const furrow__layout *layout) {
  furrow__courier *courier = pool->courier;
  bool reduction = furrow__is_reduction(work);
  pthread_mutex_lock(&courier->lock);
  courier->operation = (uint32_t)pool->meetings;
  courier->record = furrow__record_of(pool);
  bool guarded = work->settings.guarded != 0;
  courier->work = (carried){.tasks = furrow__todo_tasks(&work->todo, &work->units),
                            .units = work->units,
                            .todo = work->todo,
                            .guarded = guarded,
                            .stream = furrow__is_stream(work),
                            .ledger = guarded ? pool->ledger : NULL,
                            .item_size = work->item_size,
                            .result_size = reduction ? 0 : work->result_size,
                            .reduction = reduction,
                            .items = work->items,
                            .results = work->results};
  furrow__store_disown(&courier->store); /* the last stream's, on other nodes than rank 0's */
  if (courier->work.stream) furrow__stream_find_store(&courier->store, &pool->board, layout);
  courier->active = true;
  courier->began = furrow__now();
  courier_stir(courier);
  if (courier->root)
    root_begin(courier);
  else
    far_begin(courier, layout);
  pthread_mutex_unlock(&courier->lock);
  furrow__gate_bump(pool->board.bell);
}

bool furrow__courier_wants_items(const furrow_pool *pool) {
  return pool->courier && atomic_load_explicit(&pool->courier->is_asked, memory_order_relaxed);
}

void furrow__courier_set_items(furrow_pool *pool, const char *items) {
  if (!pool->courier) return;
  pthread_mutex_lock(&pool->courier->lock);
  pool->courier->work.items = items;
  pthread_mutex_unlock(&pool->courier->lock);
}

bool furrow__courier_sends_items(furrow_pool *pool) {
  if (!pool->courier) return false;
  pthread_mutex_lock(&pool->courier->lock);
  bool sends = root_is_sending(pool->courier);
  pthread_mutex_unlock(&pool->courier->lock);
  return sends;
}

void furrow__courier_end(furrow_pool *pool) {
  furrow__courier *courier = pool->courier;
  uint32_t number = (uint32_t)pool->meetings, word;
  furrow__gate_bump(pool->board.bell);
  while ((word = furrow__gate_read(&courier->ended)) != number)
    if (!furrow__await(pool, &courier->ended, word)) break;
  if (word == number) return;
  pthread_mutex_lock(&courier->lock); /* whoever found out: the caller's arrays go now */
  courier->active = false;
  furrow__mail_give_up(courier->mail);
  pthread_mutex_unlock(&courier->lock);
}

void furrow__courier_before_fork(furrow_pool *pool) {
  if (pool->courier) pthread_mutex_lock(&pool->courier->lock);
}

void furrow__courier_after_fork(furrow_pool *pool) {
  if (pool->courier) pthread_mutex_unlock(&pool->courier->lock);
}

furrow__courier_counts furrow__courier_counted(furrow_pool *pool) {
  furrow__courier_counts counts = {0, 0, 0};
  furrow__courier *courier = pool->courier;
  if (!courier) return counts;
  pthread_mutex_lock(&courier->lock);
  if (courier->root) counts = root_counted(courier);
  counts.messages = furrow__mail_messages(courier->mail);
  pthread_mutex_unlock(&courier->lock);
  return counts;
}

/* Until then a letter of the other side may be on its way, to a communicator that would be gone. */
static bool take_leave(furrow__courier *courier) {
  uint64_t start = furrow__now();
  for (int i = first_peer(courier); i < peers_end(courier); i++)
    courier_tell(courier, i, (furrow__letter){.kind = PART}, NULL, NULL);
  bool waits = true;
  while (waits && courier->status == FURROW_OK && !atomic_load(courier->board->broken)) {
    courier_check(courier, furrow__mail_progress(courier->mail));
    read_letters(courier);
    waits = !furrow__mail_is_sent(courier->mail);
    for (int i = first_peer(courier); i < peers_end(courier); i++) waits = waits || !courier->parted[i];
    uint64_t now = furrow__now(), most = courier->timeout ? courier->timeout : UINT64_MAX;
    if (waits && now - start > most) return false;
    if (waits) furrow__nap(nap(courier, now));
  }
  return !waits && courier->status == FURROW_OK;
}

void furrow__courier_free(furrow_pool *pool) {
  furrow__courier *courier = pool->courier;
  if (!courier) return;
  bool talks = courier->mail && pool->broken == FURROW_OK;
  if (talks && (atomic_load(courier->board->broken) || !take_leave(courier))) furrow__pool_break(pool, "parting");
  if (pool->broken == FURROW_E_MPI) { /* MPI may still write to any of it */
    pool->courier = NULL;
    return;
  }
  furrow__mail_free(courier->mail);
  if (courier->root) root_free(courier);
  if (courier->far) far_free(courier);
  pthread_mutex_destroy(&courier->lock);
  free(courier->heard);
  free(courier->told);
  free(courier->parted);
  free(courier->hosts);
  free(courier);
  pool->courier = NULL;
}
