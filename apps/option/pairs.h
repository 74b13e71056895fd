/* Means, variances and covariance of pairs of numbers, in one pass and mergeable: what a control variate needs. */
#ifndef OPTION_PAIRS_H
#define OPTION_PAIRS_H

#include <stdint.h>

/* All bytes zero: no pairs yet. */
typedef struct pairs {
  uint64_t n;
  double mean_x, mean_y;
  double xx, xy, yy; /* sums of the products of distances from the means */
} pairs;

void pairs_add(pairs *p, double x, double y);
void pairs_merge(pairs *p, const pairs *later);

#endif
