/* furrow_stream: arguments checked, then the way of all operations. */
#include "furrow/stream.h"

#include "ops/step.h"
#include "run/operate.h"

furrow_status furrow_stream(furrow_pool *pool, furrow_stream_fn *fn, void *user, furrow_source *source,
                            furrow_sink *sink, void *data, const furrow_options *options) {
  furrow__call call;
  furrow_error error;
  if (!pool) return FURROW_E_ARG;
  furrow_status begun = furrow__call_begin(pool, &call, FURROW__OP_STREAM);
  if (begun != FURROW_OK) return begun;
  furrow__work work = {.op = FURROW__OP_STREAM, .stream = fn, .user = user};
  if (pool->comm.rank == 0) work.ends = (furrow__ends){source, sink, data};
  if (!fn) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_stream: fn is NULL");
  if (!source && pool->comm.rank == 0) furrow__call_fail(pool, &call, FURROW_E_ARG, "furrow_stream: source is NULL");
  if (furrow__options_check(options, &work.options, "furrow_stream", &error, furrow__here(pool)) != FURROW_OK)
    furrow__call_fail(pool, &call, error.status, "%s", error.message);
  furrow__step step = {.op = work.op, .functions = {(furrow__function)fn}, .user = user, .options = &work.options};
  furrow_status status = furrow__step_lead(pool, &call, &step);
  return status == FURROW_OK ? furrow__operate(pool, &work, &call) : status;
}
