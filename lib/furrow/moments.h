/* Count, mean, variance, least and greatest of numbers, in one pass. Plain memory, no pool; needs sqrt() of libm. */
#ifndef FURROW_MOMENTS_H
#define FURROW_MOMENTS_H

#include <math.h>

#include "base.h"

FURROW_BEGIN_DECLS

/** What is known of `n` numbers. All bytes zero means none, so it can be a reducer's accumulator without an init.
 *
 *  A NaN among the numbers is counted and makes mean, m2, min and max NaN for good. An infinity leaves n, min and max
 *  right, and neither mean nor m2 finite; so do numbers that lie more than DBL_MAX apart. */
typedef struct furrow_moments {
  uint64_t n;
  double mean; /**< 0 if n is 0 */
  double m2;   /**< sum of the squared distances from the mean */
  double min;  /**< 0 if n is 0 */
  double max;  /**< 0 if n is 0 */
} furrow_moments;

/** Add one number. Local. Stable however far the numbers lie from 0 (Welford). Cost: one division. */
static inline void furrow_moments_add(furrow_moments *m, double x) {
  double distance = x - m->mean;
  m->n++;
  m->mean += distance / (double)m->n;
  m->m2 += distance * (x - m->mean);
  if (m->n == 1 || x < m->min || x != x) m->min = x;
  if (m->n == 1 || x > m->max || x != x) m->max = x;
}

/** Add all numbers of `later`, as if by furrow_moments_add() but for rounding. Local.
 *
 *  @param later  not changed; may be `m` itself. If one of the two is empty, the result is the other, bit for bit.
 *  Cost: one division (Chan, Golub and LeVeque). */
static inline void furrow_moments_merge(furrow_moments *m, const furrow_moments *later) {
  if (later->n == 0) return;
  if (m->n == 0) {
    *m = *later;
    return;
  }
  double mine = (double)m->n, weight = (double)later->n / (double)(m->n + later->n);
  double distance = later->mean - m->mean;
  m->mean += distance * weight;
  m->m2 += later->m2 + distance * distance * (mine * weight);
  if (later->min < m->min || later->min != later->min) m->min = later->min;
  if (later->max > m->max || later->max != later->max) m->max = later->max;
  m->n += later->n;
}

/** The unbiased variance, m2 / (n - 1); 0 if n < 2. Local. */
static inline double furrow_moments_variance(const furrow_moments *m) {
  return m->n < 2 ? 0.0 : m->m2 / (double)(m->n - 1);
}

/** The standard deviation, the square root of the variance; 0 if n < 2. Local. */
static inline double furrow_moments_stddev(const furrow_moments *m) {
  return sqrt(furrow_moments_variance(m));
}

/** The standard error of the mean, sqrt(variance / n); 0 if n < 2, where it is not known. Local. */
static inline double furrow_moments_standard_error(const furrow_moments *m) {
  return m->n < 2 ? 0.0 : sqrt(furrow_moments_variance(m) / (double)m->n);
}

FURROW_END_DECLS

#endif
