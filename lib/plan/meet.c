#include "plan/meet.h"

#include <inttypes.h>

static const struct {
  const char *name;
  const char *numbers[FURROW__CALL_NUMBERS];
} OPS[] = {
#define ROW(name, text, ...) {text, {__VA_ARGS__}},
    FURROW__OP_LIST(ROW)
#undef ROW
};

const char *furrow__op_name(furrow__op op) {
  return (size_t)op < sizeof OPS / sizeof *OPS ? OPS[op].name : "an unknown operation";
}

typedef struct call_list {
  const char *base;
  size_t stride;
  int n;
} call_list;

static const furrow__call *at(call_list calls, int rank) {
  return (const furrow__call *)(const void *)(calls.base + (size_t)rank * calls.stride);
}

static furrow__where nowhere(int rank) {
  return (furrow__where){rank, NULL};
}

static int first_of_other_op(call_list calls) {
  for (int i = 1; i < calls.n; i++)
    if (at(calls, i)->op != at(calls, 0)->op) return i;
  return -1;
}

static int worst_failure(call_list calls) {
  int worst = -1;
  for (int i = 0; i < calls.n; i++)
    if (at(calls, i)->status > (worst < 0 ? FURROW_OK : at(calls, worst)->status)) worst = i;
  return worst;
}

static furrow_status compare_numbers(call_list calls, furrow_error *error) {
  const furrow__call *root = at(calls, 0);
  for (int i = 1; i < calls.n; i++)
    for (int k = 0; k < FURROW__CALL_NUMBERS; k++) {
      uint64_t here = at(calls, i)->numbers[k], there = root->numbers[k];
      if (here == there) continue;
      return furrow__error_set(error, FURROW_E_ARG, nowhere(i), FURROW_NO_TASK,
                               "%s: %s is %" PRIu64 " here and %" PRIu64 " on rank 0", OPS[root->op].name,
                               OPS[root->op].numbers[k], here, there);
    }
  return FURROW_OK;
}

furrow_status furrow__meet_judge(const furrow__call *first, size_t stride, int n, furrow_error *error, bool *own) {
  call_list calls = {(const char *)first, stride, n};
  *own = false;
  int other = first_of_other_op(calls);
  if (other >= 0)
    return furrow__error_set(error, FURROW_E_MISMATCH, nowhere(other), FURROW_NO_TASK,
                             "it called %s while rank 0 called %s", furrow__op_name((furrow__op)at(calls, other)->op),
                             furrow__op_name((furrow__op)first->op));
  int failed = worst_failure(calls);
  if (failed >= 0) {
    *own = true;
    error->rank = failed;
    return error->status = (furrow_status)at(calls, failed)->status;
  }
  return compare_numbers(calls, error);
}
