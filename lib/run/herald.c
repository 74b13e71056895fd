/* What rank 0 tells the tasks of a stream goes from its board to those of the other nodes. Knows the word and who has had which;
   not what it means. The newest counts, so what has been told meanwhile is never sent; and a node that does not look, for
   lack of a thread, has one letter waiting, not one for each change. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/courier_inside.h"

/* Nanoseconds between two letters to a node, and for each node: they take about 1 % of rank 0, however often the word changes. */
enum { PAUSE = 10000000, PAUSE_EACH = 300000 };

/* Of one node. */
typedef struct errand {
  uint64_t word;           /* the last one sent */
  uint64_t at;             /* when */
  furrow__receipt receipt; /* of that; it may outlast the operation by a moment */
} errand;

struct herald {
  int nodes;
  errand *errands;
};

herald *herald_create(int nodes) {
  herald *words = calloc(1, sizeof *words);
  if (!words) return NULL;
  *words = (herald){nodes, calloc((size_t)nodes, sizeof *words->errands)};
  if (words->errands) return words;
  free(words);
  return NULL;
}

void herald_free(herald *words) {
  if (words) free(words->errands);
  free(words);
}

/* Every board begins with 0. */
void herald_begin(herald *words) {
  for (int i = 0; i < words->nodes; i++) words->errands[i].word = words->errands[i].at = 0;
}

static uint64_t pause_between(const herald *words) {
  uint64_t all = (uint64_t)PAUSE_EACH * (uint64_t)words->nodes;
  return all > PAUSE ? all : PAUSE;
}

void herald_act(herald *words, furrow__courier *courier) {
  uint64_t word = atomic_load_explicit(&courier->record->word, memory_order_relaxed);
  for (int i = 1; i < words->nodes; i++) {
    errand *one = &words->errands[i];
    if (one->word == word || !furrow__receipt_is_done(&one->receipt)) continue;
    uint64_t now = furrow__now();
    if (now - one->at < pause_between(words)) continue;
    one->word = word;
    one->at = now;
    courier_tell_registered(courier, i, (furrow__letter){.kind = WORD, .words = {word}}, &one->receipt);
  }
}
