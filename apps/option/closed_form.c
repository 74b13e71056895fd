/* Prices that are known exactly. Both rest on one formula, because a geometric average of lognormal prices is
 * lognormal itself. */
#include "closed_form.h"

#include <math.h>

static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}

double discount(const market *m) {
  return exp(-m->rate * m->maturity);
}

/* The expectation of max(X - strike, 0), where log X is normal with this mean and variance. */
static double expected_excess(double mean, double variance, double strike) {
  double expectation = exp(mean + variance / 2), deviation = sqrt(variance);
  if (deviation <= 0) return fmax(expectation - strike, 0);
  double d = (mean - log(strike)) / deviation;
  return expectation * normal_cdf(d + deviation) - strike * normal_cdf(d);
}

/* The mean of log S at time `t`. */
static double log_mean(const market *m, double t) {
  return log(m->spot) + (m->rate - m->volatility * m->volatility / 2) * t;
}

double black_scholes_call(const market *m) {
  double variance = m->volatility * m->volatility * m->maturity;
  return discount(m) * expected_excess(log_mean(m, m->maturity), variance, m->strike);
}

double black_scholes_put(const market *m) { /* put-call parity */
  return black_scholes_call(m) - m->spot + m->strike * discount(m);
}

/* The log of the average is the average of the logs of n assets at times T/k, 2T/k, …, T. The mean over these times is
 * T (k+1) / 2k. Their covariances are min(s, t), of which the sum over all pairs is T (k+1)(2k+1) / 6; the mean
 * correlation of two assets is (1 + (n-1) rho) / n. */
double geometric_asian_call(const market *m) {
  double n = (double)m->assets, k = (double)m->fixings;
  double mean_time = m->maturity * (k + 1) / (2 * k);
  double mean_covariance = m->maturity * (k + 1) * (2 * k + 1) / (6 * k * k);
  double mean_correlation = fmax((1 + (n - 1) * m->correlation) / n, 0);
  double variance = m->volatility * m->volatility * mean_covariance * mean_correlation;
  return discount(m) * expected_excess(log_mean(m, mean_time), variance, m->strike);
}
