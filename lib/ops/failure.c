/* What the last operation's failed tasks were. */
#include "furrow/failure.h"

#include "run/ledger.h"

uint64_t furrow_pool_failure_count(const furrow_pool *pool) {
  return pool ? furrow__ledger_failure_count(pool->ledger) : 0;
}

const furrow_failure *furrow_pool_failure(const furrow_pool *pool, uint64_t i) {
  return pool ? furrow__ledger_failure(pool->ledger, i) : NULL;
}

const char *furrow_failure_name(furrow_failure_kind kind) {
  switch (kind) {
    case FURROW_FAILURE_RETURNED:
      return "returned";
    case FURROW_FAILURE_SIGNAL:
      return "signal";
    case FURROW_FAILURE_EXIT:
      return "exit";
    case FURROW_FAILURE_TIMEOUT:
      return "timeout";
    case FURROW_FAILURE_MEMORY:
      return "memory";
  }
  return "unknown";
}
