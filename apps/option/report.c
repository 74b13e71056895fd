/* The two reports: a table for people, JSON for programs. */
#include <math.h>
#include <stdio.h>

#include "common/json.h"
#include "option.h"

static void print_heading(void) {
  printf("  %-22s %12s %12s   %-26s %12s %11s\n", "", "price", "std. error", "95 % confidence", "closed form",
         "deviation");
}

static void print_price(const char *name, const app_estimate *price) {
  printf("  %-22s %12.6f %12.6f   %-*s", name, price->value, price->standard_error, isfinite(price->exact) ? 26 : 0,
         app_range(price->value, app_estimate_margin(price), 6).text);
  double deviation = app_estimate_deviation(price);
  if (isfinite(price->exact)) printf(" %12.6f", price->exact);
  if (isfinite(deviation)) printf(" %+8.2f SE", deviation);
  putchar('\n');
}

void print_text(const settings *wanted, const european *single, const asian *basket) {
  const market *m = &wanted->market;
  printf("Options: spot %g, strike %g, rate %g, volatility %g, maturity %g; %s paths each\n\n", m->spot, m->strike,
         m->rate, m->volatility, m->maturity, app_whole(wanted->samples).text);

  printf("European, on one asset\n\n");
  print_heading();
  print_price("call", &single->call);
  print_price("put", &single->put);
  putchar('\n');
  app_print_timing(&single->timing, "paths");

  printf("\nAsian, on the average of a basket: assets %d, correlation %g, fixings %d\n\n", (int)m->assets,
         m->correlation, (int)m->fixings);
  print_heading();
  print_price("call, plain", &basket->plain);
  print_price("call, with control", &basket->controlled);
  print_price("control: geometric", &basket->geometric);
  if (isfinite(basket->variance_reduction))
    printf("\n  variance          %.0f times smaller with the control variate", basket->variance_reduction);
  putchar('\n');
  app_print_timing(&basket->timing, "paths");
}

static json_t *market_json(const market *m) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "spot", m->spot, "strike", m->strike, "rate", m->rate,
                   "volatility", m->volatility, "maturity", m->maturity, "correlation", m->correlation, "assets",
                   (json_int_t)m->assets, "fixings", (json_int_t)m->fixings);
}

static json_t *european_json(const european *e) {
  return json_pack("{s:o, s:o, s:o}", "call", app_json_estimate(&e->call), "put", app_json_estimate(&e->put), "timing",
                   app_json_timing(&e->timing));
}

static json_t *asian_json(const asian *a) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "plain", app_json_estimate(&a->plain), "controlled",
                   app_json_estimate(&a->controlled), "geometric", app_json_estimate(&a->geometric),
                   "variance_reduction",
                   isfinite(a->variance_reduction) ? json_real(a->variance_reduction) : json_null(), "timing",
                   app_json_timing(&a->timing));
}

furrow_status print_json(furrow_pool *pool, const settings *wanted, const european *single, const asian *basket) {
  json_t *report = NULL;
  if (furrow_is_root(pool))
    report = json_pack("{s:I, s:I, s:o, s:o, s:o}", "samples", (json_int_t)wanted->samples, "seed",
                       (json_int_t)wanted->seed, "market", market_json(&wanted->market), "european",
                       european_json(single), "asian", asian_json(basket));
  return app_print_json(pool, report);
}
