/* Gauss-Kronrod (7, 15), with the error estimate of QUADPACK (Piessens and others, 1983). */
#include "rule.h"

#include <float.h>
#include <math.h>

enum { HALF = RULE_POINTS / 2 };

/* Points to one side of the middle, from the outside in; the odd ones are Gauss's as well. */
static const double POINT[HALF] = {0.99145537112081264, 0.94910791234275852, 0.86486442335976907, 0.74153118559939444,
                                   0.58608723546769113, 0.40584515137739717, 0.20778495500789847};
static const double KRONROD[HALF + 1] = {0.022935322010529225, 0.063092092629978553, 0.10479001032225018,
                                         0.14065325971552592,  0.16900472663926790,  0.19035057806478541,
                                         0.20443294007529889,  0.20948214108472783};
static const double GAUSS[HALF / 2 + 1] = {0.12948496616886969, 0.27970539148927667, 0.38183005050511894,
                                           0.41795918367346939};

static const double ROUNDING = 50 * DBL_EPSILON; /* of the integral of |f|: what adding up may cost */

double piece_middle(const piece *p) {
  return p->lower / 2 + p->upper / 2;
}

/* The difference of the rules says how wrong the poorer one is. What is left of it for the better one depends on how
 * much f varies: `variation` is the integral of |f - mean|. */
static double estimate(double difference, double variation) {
  if (variation == 0 || difference == 0) return difference;
  double ratio = pow(200 * difference / variation, 1.5);
  return variation * (ratio < 1 ? ratio : 1);
}

bool rule_apply(piece *p, rule_function *f, const void *user, double *x) {
  double middle = piece_middle(p), half = p->upper / 2 - p->lower / 2;
  double low[HALF], high[HALF];
  for (int i = 0; i < HALF; i++) {
    if (!isfinite(low[i] = f(*x = middle - half * POINT[i], user))) return false;
    if (!isfinite(high[i] = f(*x = middle + half * POINT[i], user))) return false;
  }
  double center = f(*x = middle, user);
  if (!isfinite(center)) return false;

  double kronrod = KRONROD[HALF] * center, gauss = GAUSS[HALF / 2] * center, size = KRONROD[HALF] * fabs(center);
  for (int i = 0; i < HALF; i++) {
    kronrod += KRONROD[i] * (low[i] + high[i]);
    size += KRONROD[i] * (fabs(low[i]) + fabs(high[i]));
    if (i % 2 == 1) gauss += GAUSS[i / 2] * (low[i] + high[i]);
  }
  double mean = kronrod / 2, variation = KRONROD[HALF] * fabs(center - mean);
  for (int i = 0; i < HALF; i++) variation += KRONROD[i] * (fabs(low[i] - mean) + fabs(high[i] - mean));

  double error = estimate(half * fabs(kronrod - gauss), half * variation), least = ROUNDING * half * size;
  p->value = half * kronrod;
  p->error = error > least ? error : least;
  p->final = error <= least || !(p->lower < middle - half * POINT[0] && middle + half * POINT[0] < p->upper);
  return true;
}
