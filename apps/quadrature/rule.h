/* The rule of Gauss and Kronrod on one interval: 15 points, 7 of which are a rule of their own; the difference of the
 * two tells the error. Knows neither furrow nor what is done with the intervals. */
#ifndef QUADRATURE_RULE_H
#define QUADRATURE_RULE_H

#include <stdbool.h>

enum { RULE_POINTS = 15 };

/* An interval and what is known of it. */
typedef struct piece {
  double lower, upper;
  double value; /* of the integral over it */
  double error; /* its estimate, never below what rounding may do */
  double final; /* 1: halving it would not help, since it is as exact, or as narrow, as numbers allow; else 0 */
} piece;

typedef double rule_function(double x, const void *user);

/* Fill value, error and final of a piece. False if the function is not finite somewhere: *x says where. */
bool rule_apply(piece *p, rule_function *f, const void *user, double *x);

/* Where a piece is halved. */
double piece_middle(const piece *p);

#endif
