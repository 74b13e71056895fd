/* What the records of a journal make of its operations: what is finished, from which nodes, and who may go on. */
#include <stdlib.h>

#include "furrow/rng.h"
#include "shim/test.h"
#include "unit/journal_bytes.h"

static const furrow__journal_key MAP = {
    .kind = FURROW__JOURNAL_MAP, .number = 2, .count = 1000, .item_size = 8, .result_size = 8, .seed = 5, .series = 2};
static const furrow__journal_key REDUCTION = {
    .kind = FURROW__JOURNAL_MAP_REDUCE, .number = 2, .count = 1000, .item_size = 4, .result_size = 8, .leaf = 10};

static void read_journal(journal_bytes *journal, furrow__journal_index *index) {
  furrow__journal_reading reading = furrow__journal_read(journal_bytes_source(journal->bytes, journal->size), index);
  EXPECT_EQ((int)reading.state, FURROW__READ_WHOLE);
  journal_bytes_free(journal);
}

/* ---- maps ---- */

TEST(journal_judge, joins_results_that_overlap_or_touch) {
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &MAP);
  const uint64_t parts[][2] = {{500, 10}, {0, 5}, {5, 5}, {505, 20}, {100, 1}, {100, 1}, {101, 2}, {990, 10}, {501, 1}};
  for (int i = 0; i < 9; i++) journal_bytes_results(&journal, &MAP, parts[i][0], parts[i][1]);
  furrow__journal_index index;
  read_journal(&journal, &index);
  furrow__span *spans;
  uint64_t count;
  ASSERT_TRUE(furrow__journal_finished_of(furrow__journal_find(&index, 2), &spans, &count));
  const furrow__span wanted[] = {{0, 10}, {100, 103}, {500, 525}, {990, 1000}};
  ASSERT_EQ(count, 4u);
  EXPECT_BYTES_EQ(spans, wanted, sizeof wanted);
  free(spans);
  furrow__journal_index_clear(&index);
}

/* Against one byte a task. */
TEST(journal_judge, joins_any_spans) {
  enum { TASKS = 60 };
  furrow_rng rng = furrow_rng_make(3, 0, 0);
  for (int round = 0; round < 3000 && !test_failed(); round++) {
    furrow__span spans[12];
    bool has[TASKS + 1] = {false};
    uint64_t count = furrow_rng_below(&rng, 13), marked = 0, covered = 0;
    for (uint64_t i = 0; i < count; i++) {
      spans[i].begin = furrow_rng_below(&rng, TASKS);
      spans[i].end = spans[i].begin + 1 + furrow_rng_below(&rng, TASKS - spans[i].begin);
      for (uint64_t task = spans[i].begin; task < spans[i].end; task++) has[task] = true;
    }
    for (int task = 0; task < TASKS; task++) marked += has[task];
    uint64_t left = furrow__spans_join(spans, count);
    for (uint64_t i = 0; i < left; i++) {
      covered += spans[i].end - spans[i].begin;
      ASSERT_TRUE(has[spans[i].begin] && has[spans[i].end - 1] && !has[spans[i].end]);
      if (i > 0) ASSERT_GT(spans[i].begin, spans[i - 1].end);
    }
    ASSERT_EQ(covered, marked);
  }
}

/* ---- reductions ---- */

TEST(journal_judge, knows_the_leaves_of_nodes) {
  furrow__span span = {9, 9};
  EXPECT_TRUE(furrow__journal_node_span(5, 4, 0, &span) && span.begin == 4 && span.end == 5);
  EXPECT_TRUE(furrow__journal_node_span(5, 1, 2, &span) && span.begin == 4 && span.end == 5);
  EXPECT_TRUE(furrow__journal_node_span(5, 0, 3, &span) && span.begin == 0 && span.end == 5);
  EXPECT_TRUE(furrow__journal_node_span(5, 0, 64, &span) && span.begin == 0 && span.end == 5);
  EXPECT_TRUE(furrow__journal_node_span(UINT64_MAX, 1, 63, &span) && span.begin == UINT64_C(1) << 63);
  EXPECT_EQ(span.end, UINT64_MAX);
  EXPECT_TRUE(furrow__journal_node_span(UINT64_MAX, 0, 64, &span) && span.end == UINT64_MAX);
  EXPECT_FALSE(furrow__journal_node_span(UINT64_MAX, 1, 64, &span));
  EXPECT_FALSE(furrow__journal_node_span(5, 2, 2, &span));
  EXPECT_FALSE(furrow__journal_node_span(5, 5, 0, &span));
  EXPECT_FALSE(furrow__journal_node_span(0, 0, 0, &span));
  EXPECT_FALSE(furrow__journal_node_span(5, 0, 65, &span));
}

TEST(journal_judge, counts_leaves_and_their_tasks) {
  furrow__journal_key key = REDUCTION;
  key.count = 95;
  EXPECT_EQ(furrow__journal_leaves(&key), 10u);
  furrow__span tasks = furrow__journal_tasks(&key, (furrow__span){2, 10});
  EXPECT_EQ(tasks.begin, 20u);
  EXPECT_EQ(tasks.end, 95u);
  key.count = UINT64_MAX;
  key.leaf = UINT64_MAX - 1;
  EXPECT_EQ(furrow__journal_leaves(&key), 2u);
  EXPECT_EQ(furrow__journal_tasks(&key, (furrow__span){0, 2}).end, UINT64_MAX);
  EXPECT_EQ(furrow__journal_leaves(&MAP), 0u);
}

TEST(journal_judge, an_ancestor_supersedes_its_descendants) {
  journal_bytes journal = journal_bytes_make();
  journal_bytes_begin(&journal, &REDUCTION);
  const uint64_t nodes[][2] = {{3, 0}, {1, 1}, {9, 0}, {0, 1}, {0, 2}, {0, 1}, {99, 0}, {49, 1}, {12, 3}, {9, 0}};
  for (int i = 0; i < 10; i++) journal_bytes_node(&journal, &REDUCTION, nodes[i][0], nodes[i][1]);
  furrow__journal_index index;
  read_journal(&journal, &index);
  furrow__journal_entry *kept;
  uint64_t count;
  ASSERT_TRUE(furrow__journal_largest_nodes(furrow__journal_find(&index, 2), &kept, &count));
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(kept[0].first, 0u);
  EXPECT_EQ(kept[0].count, 2u); /* leaves 0 to 3 */
  EXPECT_EQ(kept[1].first, 9u);
  EXPECT_EQ(kept[1].count, 0u);
  EXPECT_EQ(kept[2].first, 12u);
  EXPECT_EQ(kept[2].count, 3u); /* leaves 96 to 99, which are the last */
  free(kept);
  furrow__journal_index_clear(&index);
}

/* Whatever nodes there are: those that are kept have each finished leaf once. */
TEST(journal_judge, keeps_each_leaf_once) {
  furrow_rng rng = furrow_rng_make(4, 0, 0);
  for (int round = 0; round < 2000 && !test_failed(); round++) {
    furrow__journal_key key = REDUCTION;
    key.count = 1 + furrow_rng_below(&rng, 700);
    uint64_t leaves = furrow__journal_leaves(&key), finished = 0, covered = 0, count, spans_left;
    journal_bytes journal = journal_bytes_make();
    journal_bytes_begin(&journal, &key);
    for (uint64_t i = furrow_rng_below(&rng, 30); i > 0; i--) {
      uint64_t level = furrow_rng_below(&rng, 8);
      journal_bytes_node(&journal, &key, furrow_rng_below(&rng, ((leaves - 1) >> level) + 1), level);
    }
    furrow__journal_index index;
    read_journal(&journal, &index);
    furrow__span *spans, span = {0, 0};
    furrow__journal_entry *kept;
    ASSERT_TRUE(furrow__journal_finished_of(furrow__journal_find(&index, 2), &spans, &spans_left));
    ASSERT_TRUE(furrow__journal_largest_nodes(furrow__journal_find(&index, 2), &kept, &count));
    for (uint64_t i = 0; i < spans_left; i++) finished += spans[i].end - spans[i].begin;
    for (uint64_t i = 0; i < count; i++) {
      uint64_t before = span.end;
      ASSERT_TRUE(furrow__journal_node_span(leaves, kept[i].first, kept[i].count, &span));
      ASSERT_GE(span.begin, before);
      covered += span.end - span.begin;
    }
    ASSERT_EQ(covered, finished);
    free(spans);
    free(kept);
    furrow__journal_index_clear(&index);
  }
}

/* ---- who may go on ---- */

/* What differs when `field` of the second key is another; "" if nothing does. */
static const char *difference(const furrow__journal_key *there, const furrow__journal_key *here) {
  static char text[200];
  text[0] = '\0';
  return furrow__journal_key_differs(there, here, text, sizeof text) ? text : "";
}

TEST(journal_judge, names_what_differs) {
  furrow__journal_key there = MAP, here = MAP;
  EXPECT_EQ_STR(difference(&there, &here), "");
  here.program.high = 1;
  EXPECT_EQ_STR(difference(&there, &here),
                "operation 2: the program or its arguments differ; a label in the options would allow it");
  here.user.high = 1;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2: what its user points to differs");
  here.user_size = 3;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had user_size 0 there, this one has 3");
  here.items.low = 1;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2: its items differ");
  here.series = 4;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had series 2 there, this one has 4");
  here.seed = UINT64_MAX;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had seed 5 there, this one has 18446744073709551615");
  here.result_size = 16;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had results of 8 bytes there, this one has 16");
  here.item_size = 0;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had items of 8 bytes there, this one has 0");
  here.count = 2000;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 was a furrow_map of 1000 tasks there, this one is of 2000");
  EXPECT_EQ_STR(difference(&there, &REDUCTION), "operation 2 was a furrow_map there, this one is a furrow_map_reduce");
  here = REDUCTION;
  here.leaf = 20;
  EXPECT_EQ_STR(difference(&REDUCTION, &here), "operation 2 had leaves of 10 tasks there, this one has 20");
  here.result_size = 9;
  EXPECT_EQ_STR(difference(&REDUCTION, &here), "operation 2 had accumulators of 8 bytes there, this one has 9");
}

TEST(journal_judge, a_label_stands_for_the_program) {
  furrow__journal_key there = MAP, here = MAP;
  there.label = here.label = "fit";
  there.label_length = here.label_length = 3;
  here.program.low = 7;
  EXPECT_EQ_STR(difference(&there, &here), "");
  here.items.high = 7;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2: its items differ");
  here.label = "fat";
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had the label 'fit' there, this one has the label 'fat'");
  here.label_length = 0;
  EXPECT_EQ_STR(difference(&there, &here), "operation 2 had the label 'fit' there, this one has no label");
  there.label = "the heat in a rod of length 1 whose ends are cold, alpha 0.1";
  there.label_length = 60;
  here.label = "the heat in a rod of length 1 whose ends are cold, alpha 0.2, and the rest is as it was before";
  here.label_length = 94;
  /* what they have in common is cut, so that the difference is seen */
  EXPECT_EQ_STR(difference(&there, &here),
                "operation 2 had the label '...alpha 0.1' there, this one has the label "
                "'...alpha 0.2, and the rest is as it was...'");
  char text[20]; /* cut, whatever the room */
  EXPECT_TRUE(furrow__journal_key_differs(&there, &here, text, sizeof text));
  EXPECT_EQ_STR(text, "operation 2 had the");
}
