/* What a source and a sink may answer: later, the end, a failure. Whatever it is, every rank returns the same, and
 * the pool works on. */
#include "mpi/common/streams.h"

static const sizes WORD = {8, false};

static furrow_options ordered_or_not(bool unordered) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.unordered = unordered;
  return options;
}

/* ---- later ---- */

/* Each item is the result before it: 0, 1, 2, … */
typedef struct chain {
  uint64_t length, given, taken, last, laters, taken_at_later;
  bool said_later, asked_too_soon;
} chain;

static void watch_later(bool *said, uint64_t *taken_then, uint64_t taken, bool *too_soon) {
  if (*said && *taken_then == taken) *too_soon = true; /* the sink has had nothing since then */
  *said = false;
}

static furrow_stream_answer give_link(furrow_stream_state *state, const void **item, size_t *size) {
  chain *c = state->data;
  watch_later(&c->said_later, &c->taken_at_later, c->taken, &c->asked_too_soon);
  if (c->given == c->length) return FURROW_STREAM_END;
  if (c->taken < c->given) {
    c->laters++;
    c->said_later = true;
    c->taken_at_later = c->taken;
    return FURROW_STREAM_LATER;
  }
  EXPECT_EQ(state->under_way, 0);
  c->given++;
  *item = &c->last;
  *size = sizeof c->last;
  return FURROW_STREAM_NEXT;
}

static int add_one(furrow_task *task, const void *item, size_t size) {
  uint64_t number = *(const uint64_t *)item;
  if (size != 8 || number != task->index) return furrow_fail(task, "a wrong item");
  number++;
  return furrow_task_write(task, &number, sizeof number);
}

static furrow_stream_answer take_link(furrow_stream_state *state, const void *result, size_t size) {
  chain *c = state->data;
  EXPECT_EQ(size, 8);
  c->last = *(const uint64_t *)result;
  EXPECT_EQ(c->last, ++c->taken);
  return FURROW_STREAM_NEXT;
}

TEST(stream_answers, later_makes_a_chain) {
  for (int unordered = 0; unordered < 2; unordered++)
    for (uint64_t window = 0; window < 2; window++) {
      chain c = {.length = 1000};
      furrow_options options = ordered_or_not(unordered);
      options.window = window;
      EXPECT_OK(furrow_stream(test_pool(), add_one, NULL, give_link, take_link, &c, &options));
      if (!is_root()) continue;
      EXPECT_EQ(c.taken, 1000);
      EXPECT_EQ(c.last, 1000);
      EXPECT_FALSE(c.asked_too_soon);
    }
}

/* ---- a search: solutions of the problem of N queens, a subtree each task ---- */

enum { QUEENS = 8, SOLUTIONS = 92, MOST_NODES = 4096 };

typedef struct node { /* of the tree: queens in the first rows, by column */
  int rows, columns[QUEENS];
} node;

typedef struct search {
  node waiting[MOST_NODES];
  uint64_t first, last, taken, solutions, nodes, taken_at_later;
  bool said_later, asked_too_soon;
} search;

static bool may_stand(const node *n, int column) {
  for (int row = 0; row < n->rows; row++) {
    int distance = column - n->columns[row];
    if (distance == 0 || distance == n->rows - row || distance == row - n->rows) return false;
  }
  return true;
}

static int expand(furrow_task *task, const void *item, size_t size) {
  node n = *(const node *)item;
  if (size != sizeof n) return furrow_fail(task, "a wrong item");
  for (int column = 0; column < QUEENS; column++) {
    node child = n;
    if (!may_stand(&n, column)) continue;
    child.columns[child.rows++] = column;
    if (furrow_task_write(task, &child, sizeof child) != 0) return 1;
  }
  return 0;
}

static furrow_stream_answer give_node(furrow_stream_state *state, const void **item, size_t *size) {
  search *s = state->data;
  watch_later(&s->said_later, &s->taken_at_later, s->taken, &s->asked_too_soon);
  if (s->first == s->last) {
    s->said_later = state->under_way > 0;
    s->taken_at_later = s->taken;
    return state->under_way > 0 ? FURROW_STREAM_LATER : FURROW_STREAM_END;
  }
  *item = &s->waiting[s->first++];
  *size = sizeof(node);
  return FURROW_STREAM_NEXT;
}

static furrow_stream_answer take_children(furrow_stream_state *state, const void *result, size_t size) {
  search *s = state->data;
  const node *children = result;
  s->taken++;
  for (size_t i = 0; i < size / sizeof *children; i++) {
    s->nodes++;
    if (children[i].rows == QUEENS)
      s->solutions++;
    else if (s->last < MOST_NODES)
      s->waiting[s->last++] = children[i];
    else
      return furrow_stream_fail(state, "too many nodes");
  }
  return FURROW_STREAM_NEXT;
}

TEST(stream_answers, later_makes_a_tree_search) {
  static search s;
  uint64_t nodes = 0;
  for (int unordered = 0; unordered < 2; unordered++)
    for (uint64_t window = 0; window < 9; window += 4) {
      furrow_options options = ordered_or_not(unordered);
      options.window = window;
      memset(&s, 0, sizeof s);
      s.last = 1; /* the root: no queen */
      EXPECT_OK(furrow_stream(test_pool(), expand, NULL, give_node, take_children, &s, &options));
      if (!is_root()) continue;
      EXPECT_EQ(s.solutions, SOLUTIONS);
      EXPECT_FALSE(s.asked_too_soon);
      if (nodes > 0) EXPECT_EQ(s.nodes, nodes);
      nodes = s.nodes;
    }
}

static furrow_stream_answer always_later(furrow_stream_state *state, const void **item, size_t *size) {
  chain *c = state->data;
  static const uint64_t number;
  *item = &number;
  *size = sizeof number;
  c->laters++;
  return c->given++ < c->length ? FURROW_STREAM_NEXT : FURROW_STREAM_LATER;
}

static furrow_stream_answer count_result(furrow_stream_state *state, const void *result, size_t size) {
  chain *c = state->data;
  (void)result;
  (void)size;
  c->taken++;
  return FURROW_STREAM_NEXT;
}

TEST(stream_answers, later_with_nothing_under_way_is_an_error) {
  static const uint64_t lengths[] = {0, 1, 5, 100};
  for (int i = 0; i < 8; i++) {
    chain c = {.length = lengths[i / 2]};
    furrow_options options = ordered_or_not(i % 2);
    EXPECT_STATUS(FURROW_E_ARG, furrow_stream(test_pool(), do_nothing, NULL, always_later, count_result, &c, &options));
    EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
    EXPECT_NE(furrow_pool_error(test_pool())->message[0], '\0');
    expect_same_error(test_pool());
    if (is_root()) EXPECT_EQ(c.taken, c.length); /* what was under way came before */
    if (is_root()) EXPECT_LE(c.laters, 2 * c.length + 2);
    expect_works(test_pool());
  }
}

/* ---- the end ---- */

TEST(stream_answers, sink_ends_at_any_result) {
  static const uint64_t ends[] = {1, 2, 50, 99, 100};
  for (int unordered = 0; unordered < 2; unordered++)
    for (int e = 0; e < 5; e++) {
      flow f = flow_of(100, WORD, (sizes){500, true});
      f.end_after = ends[e];
      f.task_nap = 0.0005;
      TEST_PHASE("the sink ends after %d", (int)ends[e]);
      EXPECT_OK(flow_run(test_pool(), &f, ordered_or_not(unordered)));
      if (is_root()) EXPECT_EQ(f.taken, ends[e]);
      flow_free(&f);
      expect_works(test_pool());
    }
}

TEST(stream_answers, sink_ends_an_endless_source) {
  for (int unordered = 0; unordered < 2; unordered++) {
    flow f = flow_of(UINT64_MAX, WORD, WORD);
    f.end_after = 5000;
    EXPECT_OK(flow_run(test_pool(), &f, ordered_or_not(unordered)));
    if (is_root()) EXPECT_EQ(f.taken, 5000);
    flow_free(&f);
  }
}

static void be_long_later(furrow_task *task, const flow *f) {
  (void)f;
  if (task->index > 0) nap(0.1);
}

/* Not everything that the window holds is run to its end. */
TEST(stream_answers, end_of_the_sink_drops_what_is_under_way) {
  flow f = flow_of(UINT64_MAX, WORD, WORD);
  f.end_after = 1;
  f.before = be_long_later;
  double start = now();
  EXPECT_OK(flow_run(test_pool(), &f, ordered_or_not(false)));
  EXPECT_LT(now() - start, soon()); /* of 16384 tasks, 1600 s on a rank */
  flow_free(&f);
}

/* ---- failures ---- */

static void expect_io_error(flow f, const char *words) {
  for (int unordered = 0; unordered < 2; unordered++) {
    flow mine = f;
    EXPECT_STATUS(FURROW_E_IO, flow_run(test_pool(), &mine, ordered_or_not(unordered)));
    EXPECT_EQ(furrow_pool_error(test_pool())->rank, 0);
    EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, words);
    expect_same_error(test_pool());
    flow_free(&mine);
    expect_works(test_pool());
  }
}

TEST(stream_answers, source_fails_with_a_reason) {
  static const uint64_t at[] = {0, 1, 77, 5000};
  for (int i = 0; i < 4; i++) {
    flow f = flow_of(UINT64_MAX, WORD, WORD);
    f.give_fails = at[i];
    f.reason = "urls.txt: it is a directory, 100% sure";
    TEST_PHASE("the source fails at %d", (int)at[i]);
    expect_io_error(f, "urls.txt: it is a directory, 100% sure");
    f.reason = NULL;
    expect_io_error(f, "");
  }
}

TEST(stream_answers, sink_fails_with_a_reason) {
  static const uint64_t at[] = {0, 1, 77, 5000};
  for (int i = 0; i < 4; i++) {
    flow f = flow_of(UINT64_MAX, WORD, WORD);
    f.take_fails = at[i];
    f.reason = "sums.txt: no space left on device";
    TEST_PHASE("the sink fails at %d", (int)at[i]);
    expect_io_error(f, "sums.txt: no space left on device");
    f.reason = NULL;
    expect_io_error(f, "");
  }
}

static furrow_stream_answer fail_at_length(furrow_stream_state *state, const void **item, size_t *size) {
  (void)item;
  (void)size;
  return furrow_stream_fail(state, "it began so: %0*d", 3 * FURROW_MESSAGE_SIZE, 1);
}

TEST(stream_answers, reasons_that_are_too_long_are_cut) {
  EXPECT_STATUS(FURROW_E_IO, furrow_stream(test_pool(), do_nothing, NULL, fail_at_length, NULL, NULL, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "it began so: 000");
  EXPECT_LT(strlen(furrow_pool_error(test_pool())->message), FURROW_MESSAGE_SIZE);
  expect_same_error(test_pool());
}

/* The reason of a stream is not that of the next. */
static furrow_stream_answer fail_silently(furrow_stream_state *state, const void **item, size_t *size) {
  (void)state;
  (void)item;
  (void)size;
  return FURROW_STREAM_FAILED;
}

TEST(stream_answers, reasons_are_forgotten) {
  EXPECT_STATUS(FURROW_E_IO, furrow_stream(test_pool(), do_nothing, NULL, fail_at_length, NULL, NULL, NULL));
  EXPECT_STATUS(FURROW_E_IO, furrow_stream(test_pool(), do_nothing, NULL, fail_silently, NULL, NULL, NULL));
  EXPECT_TRUE(strstr(furrow_pool_error(test_pool())->message, "it began so") == NULL);
}

/* ---- no answer ---- */

static furrow_stream_answer answer_99(furrow_stream_state *state, const void **item, size_t *size) {
  (void)state;
  (void)item;
  (void)size;
  return (furrow_stream_answer)99;
}

static furrow_stream_answer give_five(furrow_stream_state *state, const void **item, size_t *size) {
  *item = NULL;
  *size = 0;
  return state->index < 5 ? FURROW_STREAM_NEXT : FURROW_STREAM_END;
}

static furrow_stream_answer take_later(furrow_stream_state *state, const void *result, size_t size) {
  (void)state;
  (void)result;
  (void)size;
  return FURROW_STREAM_LATER;
}

TEST(stream_answers, that_are_none_are_refused) {
  EXPECT_STATUS(FURROW_E_ARG, furrow_stream(test_pool(), do_nothing, NULL, answer_99, NULL, NULL, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message,
                  "source, item 0: it answers 99, which is no answer of a source");
  expect_same_error(test_pool());
  EXPECT_STATUS(FURROW_E_ARG, furrow_stream(test_pool(), do_nothing, NULL, give_five, take_later, NULL, NULL));
  EXPECT_CONTAINS(furrow_pool_error(test_pool())->message, "sink, item 0: it answers 1, which is no answer of a sink");
  expect_same_error(test_pool());
}
