/* A stream: lines of any length come in, what a task makes of each goes out, in their order. */
#include <furrow.h>
#include <stdlib.h>
#include <string.h>

typedef struct files {
  FILE *in, *out;
  char *line;
  size_t room;
} files;

/* One line more, or the end. */
static furrow_stream_answer next_line(furrow_stream_state *state, const void **item, size_t *size) {
  files *f = state->data;
  ssize_t length = getline(&f->line, &f->room, f->in);
  if (length < 0) return ferror(f->in) ? furrow_stream_fail(state, "can't read the lines") : FURROW_STREAM_END;
  *item = f->line;
  *size = (size_t)length - (f->line[length - 1] == '\n');
  return FURROW_STREAM_NEXT;
}

static int turn_around(furrow_task *task, const void *item, size_t size) {
  for (size_t i = size; i > 0; i--)
    if (furrow_task_write(task, (const char *)item + i - 1, 1) != 0) return 1;
  return furrow_task_write(task, "\n", 1);
}

static furrow_stream_answer print_line(furrow_stream_state *state, const void *result, size_t size) {
  const files *f = state->data;
  bool good = fwrite(result, 1, size, f->out) == size;
  return good ? FURROW_STREAM_NEXT : furrow_stream_fail(state, "can't write line %d", (int)state->index);
}

int main(int argc, char **argv) {
  static char text[] = "The answer is\nin\n\nthe order of the questions\n";
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  files f = {.in = fmemopen(text, strlen(text), "r"), .out = stdout};
  if (status == FURROW_OK) status = furrow_stream(pool, turn_around, NULL, next_line, print_line, &f, NULL);
  if (status != FURROW_OK && furrow_is_root(pool)) furrow_error_print(stderr, furrow_pool_error(pool));
  free(f.line);
  if (f.in) fclose(f.in);
  furrow_finalize(&pool);
  return status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Output:
 * si rewsna ehT
 * ni
 *
 * snoitseuq eht fo redro eht
 */
