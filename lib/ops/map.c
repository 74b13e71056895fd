/* furrow_map, furrow_map_reduce and furrow_reduce: arguments checked, then one way for all. */
#include <inttypes.h>
#include <string.h>

#include "furrow/reduce.h"
#include "ops/step.h"
#include "run/operate.h"

static bool overlap(const char *a, size_t a_size, const char *b, size_t b_size) {
  return a_size && b_size && (uintptr_t)a < (uintptr_t)b + b_size && (uintptr_t)b < (uintptr_t)a + a_size;
}

/* No array is larger; with room to round a size up. */
static const size_t MOST_BYTES = PTRDIFF_MAX - 4096;

/* What can be wrong with the arrays. Only rank 0's count, but sizes matter everywhere. */
static void check_arrays(furrow_pool *pool, const furrow__work *work, furrow__call *call) {
  const char *op = furrow__op_name(work->op);
  uint64_t results = furrow__is_reduction(work) ? 1 : work->count;
  if (work->item_size && work->count > MOST_BYTES / work->item_size)
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: %" PRIu64 " items of %zu bytes exceed the address space", op,
                      work->count, work->item_size);
  if (work->result_size && results > MOST_BYTES / work->result_size)
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: %" PRIu64 " results of %zu bytes exceed the address space", op,
                      results, work->result_size);
  if (pool->comm.rank != 0 || call->status != FURROW_OK) return;
  if (work->options.user_size && !work->user)
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: user is NULL, but options.user_size is %zu", op,
                      work->options.user_size);
  size_t item_bytes = work->count * work->item_size, result_bytes = results * work->result_size;
  if (!work->items && item_bytes)
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: items is NULL, but item_size is %zu", op, work->item_size);
  if (!work->results && result_bytes)
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: %s is NULL", op,
                      furrow__is_reduction(work) ? "result" : "results");
  if (work->items && work->results && overlap(work->items, item_bytes, work->results, result_bytes))
    furrow__call_fail(pool, call, FURROW_E_ARG, "%s: items and results overlap", op);
}

static furrow_status lead_others(furrow_pool *pool, const furrow__work *work, furrow__call *call) {
  const furrow_reducer *reducer = &work->reducer;
  furrow__step step = {.op = work->op, .user = work->user, .options = &work->options};
  memcpy(step.numbers, call->numbers, sizeof step.numbers);
  if (work->op == FURROW__OP_MAP) {
    step.functions[0] = (furrow__function)work->map;
  } else if (work->op == FURROW__OP_REDUCE) {
    step.functions[0] = (furrow__function)reducer->merge;
  } else {
    step.functions[0] = (furrow__function)reducer->init;
    step.functions[1] = (furrow__function)reducer->fold;
    step.functions[2] = (furrow__function)reducer->merge;
  }
  return furrow__step_lead(pool, call, &step);
}

static furrow_status check_and_run(furrow_pool *pool, furrow__work *work, furrow__call *call,
                                   const furrow_options *options) {
  furrow_error error;
  if (furrow__options_check(options, &work->options, furrow__op_name(work->op), &error, furrow__here(pool)) !=
      FURROW_OK)
    furrow__call_fail(pool, call, error.status, "%s", error.message);
  check_arrays(pool, work, call);
  call->numbers[0] = work->count;
  call->numbers[1] = work->item_size;
  call->numbers[2] = work->result_size;
  furrow_status status = pool->lead ? lead_others(pool, work, call) : FURROW_OK;
  return status == FURROW_OK ? furrow__operate(pool, work, call) : status;
}

furrow_status furrow_map(furrow_pool *pool, furrow_map_fn *fn, void *user, const void *items, size_t item_size,
                         uint64_t count, void *results, size_t result_size, const furrow_options *options) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_MAP);
  if (begun != FURROW_OK) return begun;
  furrow__work work = {.op = FURROW__OP_MAP,
                       .map = fn,
                       .user = user,
                       .items = items,
                       .item_size = item_size,
                       .count = count,
                       .results = results,
                       .result_size = result_size};
  if (!fn) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map: fn is NULL");
  return check_and_run(pool, &work, &call, options);
}

/* The accumulator's size is 0 where there is no reducer: then it does not matter that it differs. */
furrow_status furrow_map_reduce(furrow_pool *pool, const furrow_reducer *reducer, void *user, const void *items,
                                size_t item_size, uint64_t count, void *result, const furrow_options *options) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_MAP_REDUCE);
  if (begun != FURROW_OK) return begun;
  furrow__work work = {.op = FURROW__OP_MAP_REDUCE,
                       .user = user,
                       .items = items,
                       .item_size = item_size,
                       .count = count,
                       .results = result};
  if (!reducer) {
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map_reduce: reducer is NULL");
  } else if (reducer->size != 0 && reducer->size != sizeof *reducer) {
    furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map_reduce: reducer.size is %zu; it must be 0 or %zu",
                      reducer->size, sizeof *reducer);
  } else {
    work.reducer = *reducer;
    work.result_size = reducer->accumulator_size;
    if (!reducer->fold) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map_reduce: reducer.fold is NULL");
    if (!reducer->merge) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map_reduce: reducer.merge is NULL");
    if (reducer->accumulator_size == 0)
      furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_map_reduce: reducer.accumulator_size is 0");
  }
  return check_and_run(pool, &work, &call, options);
}

furrow_status furrow_reduce(furrow_pool *pool, void (*merge)(void *accumulator, const void *later, void *user),
                            void *user, const void *items, size_t item_size, uint64_t count, void *result,
                            const furrow_options *options) {
  furrow__call call;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_REDUCE);
  if (begun != FURROW_OK) return begun;
  furrow__work work = {.op = FURROW__OP_REDUCE,
                       .reducer = {.accumulator_size = item_size, .merge = merge},
                       .user = user,
                       .items = items,
                       .item_size = item_size,
                       .count = count,
                       .results = result,
                       .result_size = item_size};
  if (!merge) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_reduce: merge is NULL");
  if (item_size == 0) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_reduce: item_size is 0");
  return check_and_run(pool, &work, &call, options);
}
