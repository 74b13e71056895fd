/* The sixth program: a stream whose items depend on earlier results. An integral is refined where its error is, until
 * it is known well enough. The files in reading order: this one, refine.c (the stream); heap.c, rule.c and
 * integrands.c know no furrow, report.c prints.
 *
 *   mpirun build/bin/quadrature --integrand comb --tolerance 1e-12 */
#include <stdio.h>
#include <string.h>

#include "common/options.h"
#include "quadrature.h"

static furrow_status run(furrow_pool *pool, const settings *wanted) {
  answer a = {.value = 0};
  furrow_status status = integrate(pool, wanted, &a);
  if (status != FURROW_OK) return status;
  if (wanted->json) return print_json(pool, wanted, &a);
  if (furrow_is_root(pool)) print_text(wanted, &a);
  return FURROW_OK;
}

/* "a, b and c" */
static void list_names(char *text, size_t size) {
  size_t length = 0;
  for (int i = 0; integrand_at(i) && length < size; i++) {
    const char *between = i == 0 ? "" : integrand_at(i + 1) ? ", " : " and ";
    length += (size_t)snprintf(text + length, size - length, "%s%s", between, integrand_at(i)->name);
  }
}

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, settings *wanted) {
  char names[128] = "", summary[256];
  list_names(names, sizeof names);
  snprintf(summary, sizeof summary,
           "Integrate a function of one variable on all ranks, refining where the error is.\n"
           "Integrands: %s.",
           names);
  const app_option options[] = {
      {.name = "integrand", .value = "NAME", .text = &wanted->name, .help = "the function to integrate"},
      {.name = "lower", .real = &wanted->lower, .least = -1e6, .most = 1e6, .help = "where to begin"},
      {.name = "upper", .real = &wanted->upper, .least = -1e6, .most = 1e6, .help = "where to end"},
      {.name = "tolerance", .real = &wanted->tolerance, .most = 1, .help = "error wanted, as a part of the integral"},
      {.name = "absolute", .real = &wanted->absolute, .most = 1e300, .help = "error wanted, if that is larger"},
      {.name = "limit", .count = &wanted->limit, .least = 1000, .most = 1e11, .help = "evaluations at most, about"},
      {.name = "work", .count = &wanted->work, .most = 1e9, .help = "more work at each evaluation, some 1 ns each"},
      {.name = "json", .flag = &wanted->json, .help = "print the report as JSON"},
      {.name = NULL},
  };
  const app_program program = {"quadrature", summary, options};
  app_verdict verdict = app_parse(pool, &program, argc, argv);
  if (verdict != APP_RUN) return verdict;
  wanted->integrand = integrand_find(wanted->name);
  if (!wanted->integrand)
    return app_refuse(pool, &program, "--integrand: '%s' is no integrand; allowed are %s", wanted->name, names);
  if (!(wanted->lower < wanted->upper))
    return app_refuse(pool, &program, "--lower: %g is not below --upper, %g", wanted->lower, wanted->upper);
  if (wanted->lower < wanted->integrand->least)
    return app_refuse(pool, &program, "--lower: %s begins at %g", wanted->integrand->formula, wanted->integrand->least);
  return APP_RUN;
}

int main(int argc, char **argv) {
  settings wanted = {.name = "peak", .upper = 1, .tolerance = 1e-10, .limit = 100000000};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted);
  if (status == FURROW_OK && verdict == APP_RUN) status = run(pool, &wanted);
  return app_finish(&pool, verdict, status);
}
