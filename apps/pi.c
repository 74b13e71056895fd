/* The third program: a map and a reduction. Points fall on a square, and the share that falls into the quarter circle
 * is pi / 4. Each task throws a block of points, by random numbers of its own, so the answer has the same digits on
 * any number of ranks.
 *
 *   mpirun build/bin/pi --samples 1e9 */
#include <furrow.h>
#include <math.h>

#include "common/faults.h"
#include "common/json.h"

enum { BLOCK = 1 << 16 }; /* points a task: a third of a millisecond */

typedef struct settings {
  uint64_t samples, seed;
  furrow_schedule schedule;
  app_faults faults;
  bool json;
  uint64_t hits; /* the answer, on rank 0 */
} settings;

static int throw_points(furrow_task *task, const void *item, void *accumulator) {
  (void)item;
  const settings *wanted = task->user;
  uint64_t left = wanted->samples - task->index * BLOCK, points = left < BLOCK ? left : BLOCK, hits = 0;
  furrow_rng rng = *furrow_task_rng(task); /* a copy of our own stays in registers */
  for (uint64_t i = 0; i < points; i++) {
    double x = furrow_rng_uniform(&rng), y = furrow_rng_uniform(&rng);
    hits += x * x + y * y < 1.0;
  }
  *(uint64_t *)accumulator += hits;
  return 0;
}

static void add_hits(void *accumulator, const void *later, void *user) {
  (void)user;
  *(uint64_t *)accumulator += *(const uint64_t *)later;
}

static furrow_status count_hits(furrow_pool *pool, void *user, uint64_t tasks, const furrow_progress *progress) {
  settings *wanted = user;
  app_label label = app_label_of(&wanted->faults, "pi", "samples %s", app_whole(wanted->samples).text);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = wanted->schedule;
  options.seed = wanted->seed;
  options.label = label.text;
  options.progress = progress;
  app_faults_apply(&wanted->faults, &options);
  furrow_reducer reducer = {.accumulator_size = sizeof(uint64_t), .fold = throw_points, .merge = add_hits};
  return furrow_map_reduce(pool, &reducer, wanted, NULL, 0, tasks, &wanted->hits, &options);
}

/* A hit counts 4, a miss 0: the mean of many is pi. */
static app_estimate estimate(const settings *wanted) {
  double n = (double)wanted->samples, share = (double)wanted->hits / n;
  return (app_estimate){.value = 4 * share, .standard_error = 4 * sqrt(share * (1 - share) / n), .exact = acos(-1)};
}

static void print_report(const settings *wanted, const app_timing *timing) {
  app_estimate pi = estimate(wanted);
  printf("pi from %s points\n\n", app_whole(wanted->samples).text);
  printf("  estimate          %.12f\n", pi.value);
  printf("  standard error    %.12f\n", pi.standard_error);
  printf("  95 %% confidence   %s\n", app_range(pi.value, app_estimate_margin(&pi), 12).text);
  printf("  true error       %+.12f", pi.value - pi.exact);
  if (pi.standard_error > 0) printf(" (%+.2f standard errors)", app_estimate_deviation(&pi));
  printf("\n\n");
  app_print_timing(timing, "points");
}

static furrow_status print_json(furrow_pool *pool, const settings *wanted, const app_timing *timing) {
  json_t *report = NULL;
  if (furrow_is_root(pool)) {
    app_estimate pi = estimate(wanted);
    report =
        json_pack("{s:I, s:I, s:I, s:o, s:o}", "samples", (json_int_t)wanted->samples, "seed", (json_int_t)wanted->seed,
                  "hits", (json_int_t)wanted->hits, "pi", app_json_estimate(&pi), "timing", app_json_timing(timing));
  }
  return app_print_json(pool, report);
}

static furrow_status estimate_pi(furrow_pool *pool, settings *wanted) {
  app_timing timing;
  uint64_t tasks = (wanted->samples + BLOCK - 1) / BLOCK;
  furrow_status status =
      app_run_timed(pool, count_hits, wanted, tasks, (double)wanted->samples, &wanted->faults, &timing);
  if (status != FURROW_OK) return status;
  if (wanted->json) return print_json(pool, wanted, &timing);
  if (furrow_is_root(pool)) print_report(wanted, &timing);
  return FURROW_OK;
}

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, settings *wanted) {
  const app_option options[] = {
      {.name = "samples", .count = &wanted->samples, .least = 1, .most = 1e15, .help = "points to throw"},
      APP_SEED(&wanted->seed),
      APP_SCHEDULE(&wanted->schedule),
      APP_FAULTS(&wanted->faults),
      {.name = "json", .flag = &wanted->json, .help = "print the report as JSON"},
      {.name = NULL},
  };
  const app_program program = {"pi", "Estimate pi by throwing points at a square, on all ranks.", options};
  return app_parse(pool, &program, argc, argv);
}

int main(int argc, char **argv) {
  settings wanted = {.samples = 1000000000};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted);
  app_stop_listen(&wanted.faults);
  if (status == FURROW_OK && verdict == APP_RUN) status = estimate_pi(pool, &wanted);
  return app_finish(&pool, verdict, status);
}
