/* Whether rank 0 serves others while it computes: its first task takes a third of a second, and the tasks of all others
 * together not quite as long for each of them. Whoever runs out of tasks meanwhile waits for rank 0. */
#include <stdlib.h>
#include <string.h>

#include "common/timing.h"
#include "measure.h"

static const double LONG_TASK = 0.3, SHORT_TASK = 1e-3, LOAD = 0.8; /* seconds, seconds, and of a rank's time */
static const size_t TRAFFIC = (size_t)4 << 20;                      /* bytes in all: more than fits beside the queue */
enum { LARGEST_ITEM = 8192, SMALLEST_ITEM = 16 };

/* Of one rank, which runs one task at a time. */
typedef struct day {
  size_t item;
  double last;  /* when it last had something to do */
  double stall; /* the longest time without */
  bool rested;  /* rank 0: whether its long task is over */
} day;

static void compute(double seconds) {
  for (double start = app_seconds(); app_seconds() - start < seconds;) continue;
}

static int work(furrow_task *task, const void *item, void *result) {
  day *mine = task->user;
  double waited = app_seconds() - mine->last;
  if (waited > mine->stall) mine->stall = waited;
  bool longer = task->rank == 0 && !mine->rested;
  compute(longer ? LONG_TASK : SHORT_TASK);
  mine->rested = true;
  memcpy(result, item, mine->item);
  mine->last = app_seconds();
  return 0;
}

static furrow_status run_day(furrow_pool *pool, uint64_t count, day *mine) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = FURROW_SCHEDULE_DYNAMIC;
  char *items = NULL, *results = NULL;
  furrow_status status = FURROW_OK;
  if (furrow_is_root(pool)) {
    items = calloc(count, mine->item);
    results = malloc(count * mine->item);
    if (!items || !results) status = FURROW_E_NOMEM;
  }
  status = furrow_agree(pool, status, "items for a measurement");
  mine->last = app_seconds();
  if (status == FURROW_OK)
    status = furrow_map(pool, work, mine, items, mine->item, count, results, mine->item, &options);
  free(items);
  free(results);
  return status;
}

/* The longest stall of the ranks other than 0, and whose. */
static void find_longest(furrow_pool *pool, const day *mine, service_facts *service) {
  struct {
    double stall;
    int rank;
  } own = {furrow_is_root(pool) ? 0 : mine->stall, furrow_pool_rank(pool)}, longest = own;
  MPI_Reduce(&own, &longest, 1, MPI_DOUBLE_INT, MPI_MAXLOC, 0, MPI_COMM_WORLD);
  service->stall = longest.stall;
  service->rank = longest.rank;
}

void measure_service(furrow_pool *pool, facts *known, watch *w) {
  int others = furrow_pool_size(pool) - 1;
  uint64_t count = 2 + (uint64_t)(others * LOAD * LONG_TASK / SHORT_TASK);
  size_t item = TRAFFIC / count;
  day mine = {.item = item > LARGEST_ITEM ? LARGEST_ITEM : item < SMALLEST_ITEM ? SMALLEST_ITEM : item};
  watch_phase(w, "rank %d ran tasks while rank 0 was in a long one", furrow_pool_rank(pool));
  furrow_metrics metrics = {.operations = 0};
  furrow_status status = known->quick || others == 0 ? FURROW_OK : run_day(pool, count, &mine);
  known->service.measured = status == FURROW_OK && !known->quick && others > 0;
  if (known->service.measured) find_longest(pool, &mine, &known->service);
  if (status == FURROW_OK) status = furrow_metrics_get(pool, &metrics, NULL);
  known->service.dynamic = metrics.dynamic > 0;
  known->service.threads = metrics.progress_threads;
  known->service.task = LONG_TASK;
  known->shared_memory = metrics.shared_memory;
  snprintf(known->shared_note, sizeof known->shared_note, "%s", metrics.note);
  if (status != FURROW_OK) facts_fail(known, status, "a map", furrow_pool_error(pool)->message);
}
