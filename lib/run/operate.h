/* One map or reduction from the meeting to the end, on whichever path. */
#ifndef FURROW_RUN_OPERATE_H
#define FURROW_RUN_OPERATE_H

#include "run/meet.h"
#include "run/work.h"

/* Run `work`, whose `settings` and `units` are filled in here. `call` carries what this rank found wrong with its
   arguments. Collective; returns the same on every rank. */
furrow_status furrow__operate(furrow_pool *pool, furrow__work *work, furrow__call *call);

#endif
