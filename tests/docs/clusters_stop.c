/* Steps that can be stopped by SIGUSR1 and resumed: clusters_stop [STATE-FILE] ends with status 75 if it was. */
#include <furrow.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 8, CELLS = 10, INTERRUPTED = 75 };

typedef struct state {
  int step;
  double cells[CELLS];
} state;

static int relax(furrow_task *task, const void *item, void *result) {
  const unsigned *microseconds = task->user;
  usleep(*microseconds);
  *(double *)result = *(const double *)item / 2 + 1;
  return 0;
}

/* On rank 0. Under another name first: whatever happens, one of the two is whole. */
static furrow_status save(const char *path, const state *now) {
  char other[4096];
  int length = snprintf(other, sizeof other, "%s.new", path);
  FILE *file = length < (int)sizeof other ? fopen(other, "w") : NULL;
  bool good = file && fwrite(now, sizeof *now, 1, file) == 1;
  good = file && fclose(file) == 0 && good;
  return good && rename(other, path) == 0 ? FURROW_OK : FURROW_E_IO;
}

/* No file yet: the first step. */
static void load(const char *path, state *now) {
  FILE *file = fopen(path, "r");
  state found;
  if (file && fread(&found, sizeof found, 1, file) == 1) *now = found;
  if (file) fclose(file);
}

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number) {
  (void)number;
  stop_asked = 1;
}

/* Every rank gets the signal, each at its own time: rank 0's word counts, so that all leave after the same step. */
static furrow_status run_steps(furrow_pool *pool, state *now, unsigned microseconds, int *stop) {
  furrow_status status = furrow_bcast(pool, now, sizeof *now);
  while (status == FURROW_OK && now->step < STEPS && !*stop) {
    double next[CELLS];
    status = FURROW_MAP(pool, relax, &microseconds, now->cells, CELLS, next, NULL);
    if (status == FURROW_OK && furrow_is_root(pool)) memcpy(now->cells, next, sizeof next);
    now->step++;
    *stop = stop_asked;
    if (status == FURROW_OK) status = furrow_bcast(pool, stop, sizeof *stop);
  }
  return status;
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : NULL;
  unsigned microseconds = path ? 1000000 : 0; /* a step of a second, to try it out */
  state now = {0};
  int stop = 0;
  signal(SIGUSR1, ask_to_stop); /* before MPI starts: the signal may come at any time */
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  bool root = furrow_is_root(pool);
  if (root && path) load(path, &now);
  if (status == FURROW_OK) status = run_steps(pool, &now, microseconds, &stop);
  if (status == FURROW_OK) status = furrow_agree(pool, root && path ? save(path, &now) : FURROW_OK, "saving the state");
  if (status != FURROW_OK && root) furrow_error_print(stderr, furrow_pool_error(pool));
  if (status == FURROW_OK && root) printf("%s after step %d: %g\n", stop ? "stopped" : "done", now.step, now.cells[0]);
  furrow_finalize(&pool);
  return status != FURROW_OK ? EXIT_FAILURE : now.step < STEPS ? INTERRUPTED : EXIT_SUCCESS;
}
/* Output:
done after step 8: 1.99219
*/
