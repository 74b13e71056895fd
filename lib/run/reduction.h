/* The accumulators of one rank: those in use, those free, and the merges that the tree asks for. Knows the user's init
   and merge; does not know leaves' tasks, nor how accumulators travel. */
#ifndef FURROW_RUN_REDUCTION_H
#define FURROW_RUN_REDUCTION_H

#include "plan/tree.h"
#include "run/work.h"

typedef struct furrow__reduction {
  const furrow__work *work;
  furrow__forest forest;
  furrow__forest late; /* nodes that the journal must not get: tasks failed in them. Merged in the end */
  char **slots;        /* `slot_count` accumulators, those from `used` on are free */
  uint32_t *ids;       /* a permutation of slot numbers: the first `used` are in use */
  uint8_t *fresh;      /* of each slot: 1 where its node holds leaves that the journal has not got yet */
  uint32_t slot_count, used;
} furrow__reduction;

furrow__reduction furrow__reduction_start(const furrow__work *work);
void furrow__reduction_free(furrow__reduction *reduction);

/* A slot for an accumulator, whose bytes are unspecified. False: no memory. */
bool furrow__reduction_take(furrow__reduction *reduction, uint32_t *slot);

/* The bytes of a slot. */
static inline char *furrow__reduction_at(const furrow__reduction *reduction, uint32_t slot) {
  return reduction->slots[slot];
}

/* Take back a slot that holds nothing. */
void furrow__reduction_give_back(furrow__reduction *reduction, uint32_t slot);

/* Forget all nodes; their accumulators are free. */
void furrow__reduction_clear(furrow__reduction *reduction);

/* Make an accumulator neutral. */
void furrow__reduction_init(const furrow__work *work, void *accumulator);

/* Add a finished node, which owns its slot, and merge what can be merged. What was fresh in it or its sibling stays so. */
void furrow__reduction_add(furrow__reduction *reduction, furrow__node node);

/* The same to the late ones; and bring those to the others. */
void furrow__reduction_add_late(furrow__reduction *reduction, furrow__node node);
void furrow__reduction_join(furrow__reduction *reduction);

/* Take over all nodes of another reduction of the same work, in which nobody works any more; the late ones too. False: no
   memory. */
bool furrow__reduction_adopt(furrow__reduction *reduction, furrow__reduction *other);

#endif
