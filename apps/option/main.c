/* The fourth program: option prices by Monte Carlo, each with its error and beside what is known exactly. The files in
 * reading order: this one, european.c, asian.c; closed_form.c and pairs.c are the mathematics, report.c prints.
 *
 *   mpirun build/bin/option --samples 1e7 */
#include "option.h"

app_label run_label(const settings *wanted, const char *name) {
  const market *m = &wanted->market;
  return app_label_of(&wanted->faults, name,
                      "spot %s, strike %s, rate %s, volatility %s, maturity %s, correlation %s, assets %d, fixings %d, "
                      "samples %s",
                      app_exact(m->spot).text, app_exact(m->strike).text, app_exact(m->rate).text,
                      app_exact(m->volatility).text, app_exact(m->maturity).text, app_exact(m->correlation).text,
                      (int)m->assets, (int)m->fixings, app_whole(wanted->samples).text);
}

furrow_options run_options(const settings *wanted, const char *label, const furrow_progress *progress) {
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = wanted->schedule;
  options.seed = wanted->seed;
  options.label = label;
  options.progress = progress;
  app_faults_apply(&wanted->faults, &options);
  return options;
}

static furrow_status price_options(furrow_pool *pool, const settings *wanted) {
  european single;
  asian basket;
  furrow_status status = price_european(pool, wanted, &single);
  if (status == FURROW_OK) status = price_asian(pool, wanted, &basket);
  if (status != FURROW_OK) return status;
  if (wanted->json) return print_json(pool, wanted, &single, &basket);
  if (furrow_is_root(pool)) print_text(wanted, &single, &basket);
  return FURROW_OK;
}

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, settings *wanted) {
  market *m = &wanted->market;
  const app_option options[] = {
      {.name = "samples",
       .count = &wanted->samples,
       .least = 2,
       .most = 1e15,
       .help = "paths to simulate for each option"},
      {.name = "spot", .real = &m->spot, .least = 1e-6, .most = 1e9, .help = "what an asset costs today"},
      {.name = "strike", .real = &m->strike, .least = 1e-6, .most = 1e9, .help = "what it may be bought or sold for"},
      {.name = "rate", .real = &m->rate, .least = -1, .most = 1, .help = "interest a year, continuously compounded"},
      {.name = "volatility", .real = &m->volatility, .least = 1e-6, .most = 10, .help = "of a log price over a year"},
      {.name = "maturity", .real = &m->maturity, .least = 1e-6, .most = 100, .help = "in years"},
      {.name = "assets", .count = &m->assets, .least = 1, .most = MOST_ASSETS, .help = "in the basket"},
      {.name = "correlation",
       .real = &m->correlation,
       .least = -1,
       .most = 1,
       .help = "between two assets of the basket"},
      {.name = "fixings", .count = &m->fixings, .least = 1, .most = 1e6, .help = "at which the basket is averaged"},
      APP_SEED(&wanted->seed),
      APP_SCHEDULE(&wanted->schedule),
      APP_FAULTS(&wanted->faults),
      {.name = "json", .flag = &wanted->json, .help = "print the report as JSON"},
      {.name = NULL},
  };
  const app_program program = {"option",
                               "Price options by Monte Carlo, on all ranks: a European call and put beside their\n"
                               "closed form, and an Asian call on a basket with a control variate.",
                               options};
  app_verdict verdict = app_parse(pool, &program, argc, argv);
  if (verdict == APP_RUN && 1 + (double)(m->assets - 1) * m->correlation < 0)
    return app_refuse(pool, &program, "--correlation: %d assets can't all have %g; allowed is at least %g",
                      (int)m->assets, m->correlation, -1 / (double)(m->assets - 1));
  return verdict;
}

int main(int argc, char **argv) {
  settings wanted = {.samples = 20000000,
                     .market = {.spot = 100,
                                .strike = 100,
                                .rate = 0.05,
                                .volatility = 0.2,
                                .maturity = 1,
                                .assets = 4,
                                .correlation = 0.5,
                                .fixings = 12}};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted);
  app_stop_listen(&wanted.faults);
  if (status == FURROW_OK && verdict == APP_RUN) status = price_options(pool, &wanted);
  return app_finish(&pool, verdict, status);
}
