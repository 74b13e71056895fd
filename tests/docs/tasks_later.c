/* "Later": what to try next depends on the results so far. The minimum of x^x, by a grid that gets narrower. */
#include <furrow.h>
#include <math.h>
#include <stdlib.h>

enum { POINTS = 64 };

typedef struct search {
  double low, high;      /* the minimum is between them */
  double x, best, least; /* x of the next item; the best of this grid, and its value */
  int given, taken;      /* of this grid */
} search;

static void narrow(search *s) {
  double step = (s->high - s->low) / (POINTS - 1);
  *s = (search){.low = s->best - step, .high = s->best + step, .least = INFINITY};
}

static furrow_stream_answer next_point(furrow_stream_state *state, const void **item, size_t *size) {
  search *s = state->data;
  if (s->given == POINTS) {
    if (s->taken < POINTS) return FURROW_STREAM_LATER; /* ask again when another result is in */
    if (s->high - s->low < 1e-6) return FURROW_STREAM_END;
    narrow(s);
  }
  s->x = s->low + (s->high - s->low) * s->given++ / (POINTS - 1);
  *item = &s->x;
  *size = sizeof s->x;
  return FURROW_STREAM_NEXT;
}

static int value_at(furrow_task *task, const void *item, size_t size) {
  double point[2] = {*(const double *)item};
  if (size != sizeof(double)) return furrow_fail(task, "an item of %d bytes", (int)size);
  point[1] = pow(point[0], point[0]);
  return furrow_task_write(task, point, sizeof point);
}

static furrow_stream_answer compare(furrow_stream_state *state, const void *result, size_t size) {
  search *s = state->data;
  const double *point = result;
  (void)size;
  s->taken++;
  if (point[1] < s->least) {
    s->best = point[0];
    s->least = point[1];
  }
  return FURROW_STREAM_NEXT;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  search s = {.low = 0, .high = 2, .least = INFINITY};
  if (status == FURROW_OK) status = furrow_stream(pool, value_at, NULL, next_point, compare, &s, NULL);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  if (status == FURROW_OK && furrow_is_root(pool)) printf("x^x is least at %.5f: %.10f\n", s.best, s.least);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Output:
 * x^x is least at 0.36788: 0.6922006276
 */
