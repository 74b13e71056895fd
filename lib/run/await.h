/* How a rank waits for a word on its node's board: asleep, but not deaf. */
#ifndef FURROW_RUN_AWAIT_H
#define FURROW_RUN_AWAIT_H

#include "run/pool.h"

/* Wait until the gate's word is no longer `old`. False: communication broke somewhere, and it never will be. */
bool furrow__await(furrow_pool *pool, furrow__gate *gate, uint32_t old);

#endif
