/* Parts: a task tells how far it is, before it has ended. One item at a time, so that the output is always the same. */
#include <furrow.h>
#include <stdlib.h>

static int counts[] = {2, 1};

static furrow_stream_answer next_count(furrow_stream_state *state, const void **item, size_t *size) {
  if (state->index == 2) return FURROW_STREAM_END;
  *item = &counts[state->index];
  *size = sizeof *counts;
  return FURROW_STREAM_NEXT;
}

static int count_down(furrow_task *task, const void *item, size_t size) {
  (void)size;
  for (int left = *(const int *)item; left > 0; left--)
    if (furrow_task_send(task, &left, sizeof left) != 0) return 1;
  return furrow_task_write(task, "done", 4);
}

static furrow_stream_answer print_part(furrow_stream_state *state, const void *bytes, size_t size) {
  if (state->part)
    printf("item %d: %d more\n", (int)state->index, *(const int *)bytes);
  else
    printf("item %d: %.*s\n", (int)state->index, (int)size, (const char *)bytes);
  return FURROW_STREAM_NEXT;
}

int main(int argc, char **argv) {
  furrow_pool *pool = NULL;
  furrow_options options = FURROW_OPTIONS_INIT;
  options.window = 1;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  if (status == FURROW_OK) status = furrow_stream(pool, count_down, NULL, next_count, print_part, NULL, &options);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Output:
 * item 0: 2 more
 * item 0: 1 more
 * item 0: done
 * item 1: 1 more
 * item 1: done
 */
