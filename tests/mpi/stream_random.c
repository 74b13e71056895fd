/* Streams whose options are drawn at random: whatever they are, each item comes once, in order if that is asked, with the right
 * bytes, and all ranks return the same. STREAM_ROUNDS in the environment asks for more of them, STREAM_SEED for others; a
 * round that fails tells its seed. */
#include <inttypes.h>
#include <signal.h>

#include "mpi/common/streams.h"

enum { ROUNDS = 12, FIRST_SEED = 1, LATER = 4, MOST_BYTES = 24 << 20, LITTLE = 5 << 19, LARGE_RESULT = 5 << 20 };

/* What a round draws, the same on every rank. */
typedef struct trial {
  uint64_t seed;
  flow f;
  furrow_options options;
  bool says_later, kills;
  uint64_t naps; /* one in so many tasks sleeps longer; 0: none */
  double nap;
  uint64_t sends;     /* one in so many tasks sends parts; 0: none */
  size_t parts, step; /* their bytes, and how many at a time */
  double wait;        /* the source says now and then when to ask it again; 0: never */
  bool waited;        /* it has just done so */
  bool tells, asks;   /* source and sink tell a word; tasks ask for it, and whether anybody waits */
  uint64_t word;
  struct seen *seen; /* rank 0: of each item's parts */
} trial;

/* Parts of an item that have come. */
typedef struct seen {
  uint32_t attempt;
  size_t bytes;
} seen;

/* What stands at the beginning of a part; 0, 1, … follow. */
typedef struct heading {
  uint64_t index, attempt, offset, size;
} heading;

static uint64_t draw(furrow_rng *rng, uint64_t below) {
  return furrow_rng_below(rng, below);
}

#define ONE_OF(rng, list) ((list)[draw(rng, sizeof(list) / sizeof *(list))])

static sizes draw_sizes(furrow_rng *rng) {
  static const size_t most[] = {0, 8, 8, 100, 1000, 70000, 300000, 3000000};
  return (sizes){ONE_OF(rng, most), draw(rng, 2) == 0};
}

/* Bytes of all items, or results, if all were as large as they may be, or by and large. */
static size_t bytes_of(sizes s) {
  return s.mixed ? s.most / 30 + 1000 : s.most;
}

static void draw_failures(furrow_rng *rng, trial *r) {
  r->options.retries = (uint32_t)draw(rng, 3);
  r->options.retry_delay = draw(rng, 2) ? 0 : 0.001;
  r->options.on_error = draw(rng, 3) ? FURROW_ON_ERROR_CONTINUE : FURROW_ON_ERROR_FAIL_FAST;
  if (draw(rng, 2)) return;
  r->f.which = (failing){draw(rng, 50), 1 + draw(rng, 40), 1 + draw(rng, 60)};
  r->f.until = (uint32_t)draw(rng, 2) ? r->options.retries : UINT32_MAX;
  r->kills = r->options.isolate == FURROW_ISOLATE_ON && draw(rng, 2);
}

static void draw_end(furrow_rng *rng, trial *r) {
  switch (draw(rng, 8)) {
    case 0:
      r->f.end_after = 1 + draw(rng, r->f.count + 1);
      break;
    case 1:
      r->f.give_fails = draw(rng, r->f.count + 1);
      break;
    case 2:
      r->f.take_fails = draw(rng, r->f.count + 1);
      break;
    default:
      break;
  }
}

static void draw_naps(furrow_rng *rng, trial *r) {
  if (draw(rng, 6) == 0) r->f.give_nap = 1e-4;
  if (draw(rng, 6) == 0) r->f.take_nap = 1e-4;
  if (draw(rng, 6) == 0) r->f.task_nap = 1e-4;
  if (draw(rng, 3)) return;
  r->naps = 30 + draw(rng, 200);
  r->nap = 1e-3 * (double)draw(rng, 60);
}

static trial *trial_of(void *f) {
  return (trial *)(void *)((char *)f - offsetof(trial, f));
}

static bool sends(const trial *r, uint64_t i) {
  return r->sends && i % r->sends == 0;
}

/* From one byte to the other of all that this task sends. */
static void send_parts(furrow_task *task, const trial *r, size_t from, size_t to) {
  unsigned char bytes[65536];
  for (size_t more; from < to; from += more) {
    more = r->step < to - from ? r->step : to - from;
    heading head = {task->index, task->attempt, from, more};
    memcpy(bytes, &head, sizeof head);
    for (size_t k = 0; k < more; k++) bytes[sizeof head + k] = (unsigned char)(from + k);
    furrow_task_send(task, bytes, sizeof head + more);
  }
}

static void before_task(furrow_task *task, const flow *f) {
  const trial *r = trial_of(task->user);
  if (sends(r, task->index)) send_parts(task, r, 0, r->parts / 2);
  if (r->naps && task->index % r->naps == 0) nap(r->nap);
  if (r->kills && fails(f->which, task->index) && task->attempt < f->until && task->index % 2) raise(SIGKILL);
}

/* Half of its parts go before the result is written, half behind it. */
static int run_task(furrow_task *task, const void *item, size_t size) {
  const trial *r = trial_of(task->user);
  if (r->asks && furrow_task_told(task) > 2 * r->f.count + 2) return furrow_fail(task, "nobody has told that");
  int code = flow_task(task, item, size);
  if (code == 0 && sends(r, task->index)) send_parts(task, r, r->parts / 2, r->parts);
  return r->asks && furrow_task_is_cancelled(task) ? 1 : code;
}

/* Any rank may have fewer threads, or none, but not all of them. */
static void draw_threads(furrow_rng *rng, trial *r) {
  int ranks = test_size(), left = 0;
  if (draw(rng, 3)) return;
  for (int i = 0; i < ranks; i++) {
    int own = (int)draw(rng, (uint64_t)r->options.threads + 2) - 1;
    if (i == ranks - 1 && left == 0 && own == 0) own = r->options.threads;
    left += own < 0 ? r->options.threads : own;
    if (i == test_rank()) r->options.own_threads = own;
  }
}

/* From numbers of their own, so that a seed means what it has always meant for the rest. */
static void draw_more(trial *r) {
  static const size_t parts[] = {1, 100, 100, 5000, 70000, 300000}, steps[] = {1, 10, 1000, 20000, 65000};
  furrow_rng rng = furrow_rng_make(r->seed, 1, 0);
  draw_threads(&rng, r);
  if (draw(&rng, 3) == 0) r->sends = 1 + draw(&rng, 40);
  r->parts = ONE_OF(&rng, parts);
  r->step = ONE_OF(&rng, steps);
  if (r->parts / r->step > 1000) r->step = 1000;
  if (draw(&rng, 4) == 0) r->wait = 1e-5 * (double)(1 + draw(&rng, 300));
  r->tells = draw(&rng, 3) == 0;
  r->asks = draw(&rng, 2);
  if (draw(&rng, 6)) return;
  r->f.results = (sizes){LARGE_RESULT, draw(&rng, 2)};
  if (r->f.count > 12) r->f.count = 12;
}

static trial draw_round(uint64_t seed) {
  static const uint64_t windows[] = {0, 0, 1, 2, 7, 40, 300, 5000}, chunks[] = {0, 0, 0, 1, 3, 20};
  static const size_t bytes[] = {0, 0, 1, 5000, 200000, 2000000};
  furrow_rng rng = furrow_rng_make(seed, 0, 0);
  trial r = {.seed = seed, .f = flow_of(0, draw_sizes(&rng), draw_sizes(&rng)), .options = FURROW_OPTIONS_INIT};
  size_t each = bytes_of(r.f.items) + bytes_of(r.f.results) + 1;
  r.f.count = draw(&rng, 1 + (MOST_BYTES / each < 4000 ? MOST_BYTES / each : 4000));
  r.options.unordered = draw(&rng, 2);
  r.options.window = ONE_OF(&rng, windows);
  r.options.window_bytes = ONE_OF(&rng, bytes);
  r.options.chunk = ONE_OF(&rng, chunks);
  r.options.threads = draw(&rng, 3) ? 1 : 1 + (int)draw(&rng, 3);
  if (draw(&rng, 4) == 0) r.options.isolate = FURROW_ISOLATE_ON;
  if (r.options.isolate == FURROW_ISOLATE_ON && draw(&rng, 3) == 0) r.options.tasks_per_child = 1 + draw(&rng, 40);
  draw_failures(&rng, &r);
  draw_end(&rng, &r);
  draw_naps(&rng, &r);
  r.says_later = draw(&rng, 4) == 0;
  r.f.no_sink = draw(&rng, 16) == 0;
  r.f.before = before_task;
  draw_more(&r);
  return r;
}

static furrow_stream_answer give(furrow_stream_state *state, const void **item, size_t *size) {
  flow *f = state->data;
  trial *r = trial_of(f);
  bool later = r->says_later && state->under_way > 0 && (state->index + state->under_way) % LATER == 0;
  if (r->tells) furrow_stream_tell(state, ++r->word);
  r->waited = r->wait > 0 && !r->waited && state->index % LATER == 1;
  if (r->waited) state->wait = r->wait;
  return later || r->waited ? FURROW_STREAM_LATER : flow_give(state, item, size);
}

static void complain(trial *r, const char *what, uint64_t i) {
  if (r->f.wrong++ < 3) TEST_FAIL("%s, at item %" PRIu64, what, i);
}

/* A later attempt begins again. */
static void take_part(trial *r, uint64_t i, const unsigned char *bytes, size_t size) {
  heading head;
  memcpy(&head, bytes, sizeof head);
  seen *s = &r->seen[i];
  bool again = head.attempt > s->attempt;
  if (head.index != i || head.size != size - sizeof head) complain(r, "a part of another task", i);
  if (head.offset != (again ? 0 : s->bytes) || head.attempt < s->attempt) complain(r, "a part in a wrong place", i);
  for (size_t k = 0; k < head.size && r->f.wrong == 0; k++)
    if (bytes[sizeof head + k] != (unsigned char)(head.offset + k)) complain(r, "a wrong byte in a part", i);
  *s = (seen){(uint32_t)head.attempt, head.offset + head.size};
}

static furrow_stream_answer take(furrow_stream_state *state, const void *result, size_t size) {
  flow *f = state->data;
  trial *r = trial_of(f);
  uint64_t i = state->index;
  if (f->took_last) complain(r, "the sink is asked after its end", i);
  if (r->tells) furrow_stream_tell(state, r->word);
  if (state->part) {
    if (f->had[i]) complain(r, "a part behind its result", i);
    take_part(r, i, result, size);
    return FURROW_STREAM_NEXT;
  }
  if (!state->failure && sends(r, i) && r->seen[i].bytes != r->parts) complain(r, "a result before its parts", i);
  return flow_take(state, result, size);
}

static furrow_status run(furrow_pool *pool, trial *r) {
  flow *f = &r->f;
  bool root = is_root();
  f->had = calloc(f->count + 1, 1);
  f->buffer = malloc(f->items.most + 1);
  f->unordered = r->options.unordered;
  f->window = r->options.window;
  f->attempt = r->options.retries;
  r->seen = calloc(f->count + 1, sizeof *r->seen);
  return furrow_stream(pool, run_task, f, root ? give : NULL, root && !f->no_sink ? take : NULL, f, &r->options);
}

/* What must have come of it, by what the source and the sink saw. */
static furrow_status expected(const trial *r, bool *any) {
  const flow *f = &r->f;
  uint64_t bad = f->until > r->options.retries ? failing_count(f->which, f->count) : 0;
  bool fast = r->options.on_error == FURROW_ON_ERROR_FAIL_FAST && bad > 0;
  *any = fast && (f->took_last || f->give_fails < f->count); /* whatever is first */
  if (f->took_last && (!f->end_after || f->taken < f->end_after)) return FURROW_E_IO;
  if (f->gave_last && f->given == f->give_fails) return FURROW_E_IO;
  if (fast) return FURROW_E_TASK;
  if (f->no_sink) return bad ? FURROW_E_TASK : FURROW_OK;
  return f->failed ? FURROW_E_TASK : FURROW_OK;
}

static void judge(const furrow_pool *pool, const trial *r, furrow_status status) {
  const flow *f = &r->f;
  bool any = false;
  furrow_status want = expected(r, &any);
  if (status != want && !any)
    TEST_FAIL("seed %" PRIu64 ": status %d instead of %d: %s", r->seed, (int)status, (int)want,
              furrow_pool_error(pool)->message);
  bool whole = (status == FURROW_OK || (status == FURROW_E_TASK && r->options.on_error == FURROW_ON_ERROR_CONTINUE));
  if (whole && !f->took_last && !f->no_sink) expect_had_all(f, f->count);
  if (f->wrong) TEST_FAIL("seed %" PRIu64 ": see above", r->seed);
}

static void run_round(furrow_pool *pool, uint64_t seed) {
  trial r = draw_round(seed);
  TEST_PHASE("seed %" PRIu64, seed);
  furrow_status status = run(pool, &r), roots = status;
  PMPI_Bcast(&roots, sizeof roots, MPI_BYTE, 0, test_comm());
  if (status != roots) TEST_FAIL("seed %" PRIu64 ": status %d, but rank 0's is %d", seed, (int)status, (int)roots);
  if (is_root()) judge(pool, &r, status);
  free(r.seen);
  flow_free(&r.f);
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  uint64_t number = text ? strtoull(text, NULL, 10) : otherwise;
  PMPI_Bcast(&number, 1, MPI_UINT64_T, 0, test_comm()); /* other hosts have another environment */
  return number;
}

static void run_rounds(furrow_pool *pool) {
  uint64_t rounds = number_from("STREAM_ROUNDS", ROUNDS), seed = number_from("STREAM_SEED", FIRST_SEED);
  for (uint64_t i = 0; i < rounds; i++) {
    run_round(pool, seed + i);
    if (sum_over_ranks(test_failed())) return;
  }
}

TEST_TIMEOUT(stream_random, options_whatever_they_are, 7200) {
  run_rounds(test_pool());
}

/* Large items do not fit into the store, and go alone; others find it full. */
TEST_TIMEOUT(stream_random, options_with_little_shared_memory, 7200) {
  furrow_pool_options options = FURROW_POOL_OPTIONS_INIT;
  options.shared_memory = LITTLE;
  furrow_pool *pool = make_pool(&options);
  run_rounds(pool);
  furrow_pool_destroy(&pool);
}

/* ---- numbers come back ---- */

enum { STRAGGLERS = 3, PASSING = 150000 }; /* numbers are fewer than 2^15 */

static counter *had_so_far;
static uint64_t left_behind; /* items that more have passed than are ever under way */

static bool is_straggler(uint64_t i) {
  return i % 7 == 0 && i < UINT64_C(7) * STRAGGLERS;
}

/* These wait until so many others have passed; or some seconds, so that a failure is no hang. */
static void straggle(furrow_task *task, const flow *f) {
  double start = now();
  (void)f;
  if (!is_straggler(task->index)) {
    while (now() - start < 5e-6) continue; /* so that there are always items that wait */
    return;
  }
  while (atomic_load(had_so_far) < PASSING && now() - start < 30) nap(0.001);
}

static furrow_stream_answer take_counted(furrow_stream_state *state, const void *result, size_t size) {
  const flow *f = state->data;
  uint64_t age = is_straggler(state->index) ? 0 : f->given - state->index;
  left_behind += age > 16384;
  atomic_fetch_add(had_so_far, 1);
  return flow_take(state, result, size);
}

/* Items are kept under numbers that are used again and again, while some stay under theirs. */
TEST(stream_random, items_that_stay_are_passed_by_many_others) {
  had_so_far = counters_make(1);
  flow f = flow_of(PASSING + 1000, (sizes){100, true}, (sizes){40, true});
  f.had = calloc(f.count + 1, 1);
  f.buffer = malloc(f.items.most + 1);
  f.unordered = true;
  f.before = straggle;
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = true;
  options.threads = STRAGGLERS + 1;
  options.chunk = 1;
  EXPECT_OK(furrow_stream(test_pool(), flow_task, &f, is_root() ? flow_give : NULL, is_root() ? take_counted : NULL, &f,
                          &options));
  expect_had_all(&f, f.count);
  bool near = furrow_pool_nodes(test_pool()) == 1; /* a lot of a slow node is passed by what others run meanwhile */
  if (near) EXPECT_LT(left_behind, 200);           /* but for what a thread has in hand while it has no core */
  flow_free(&f);
  counters_free(had_so_far, 1);
}
